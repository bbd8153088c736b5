"""Saving a reply that has ended, whatever happened to it.

A reply ends in a named state with the text that came, and so does its row in the
history: what cannot be saved as it is, because of a fault of this program's own, is
saved as its words alone. A full disk is no such fault; it is tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tui.conversation import Block, Failure, Message, Request, State, Timing, Usage
from tui.draft import Draft
from tui.ledger import Ledger
from tui.sanitise import whole
from tui.store import HistoryError, Store
from tui.store.foreign import NOT_OURS

FAULT = Failure(
    "An error in this program ended the reply. The log has the details.", type="internal"
)
"""Why a reply failed that nobody and nothing outside has ended."""

_log = logging.getLogger(__name__)


class NotKept(HistoryError):
    """A reply has ended and could not be written. It can be tried again."""

    def __init__(self, why: str, again: Callable[[], Awaitable[None]]) -> None:
        super().__init__(why)
        self.again = again
        """Tries again to write it. Raises `HistoryError`."""


def ended(message: Message, ledger: Ledger, state: State, failure: Failure | None) -> Message:
    """Return the message that a reply has become; closes its row in the ledger."""
    draft = ledger.draft
    try:
        return replace(
            message,
            blocks=draft.blocks,
            state=state,
            finished_ms=ledger.clock.now_ms(),
            model=draft.model,
            stop_reason=draft.stop_reason,
            stop_details=draft.stop_details,
            failure=failure,
            figures=ledger.close(state, failure),
        )
    except Exception:  # noqa: BLE001 - whatever it was, the reply is saved
        _log.exception("a reply could not be brought to its end as it is")
        return replace(message, blocks=_words(draft), state="failed", failure=FAULT)


async def save_reply(store: Store, message: Message, ledger: Ledger) -> Message:
    """Write a reply that has ended; return it as it was written. Raises `NotKept`."""
    request, recording = ledger.request, ledger.recorded
    if request.state == "streaming":
        # It could not be closed either.
        request = _bare_request(request)

    async def save() -> None:
        nonlocal message
        try:
            await store.finish_reply(message, request, recording)
        except Exception as error:
            if isinstance(error, HistoryError) and not isinstance(error.__cause__, NOT_OURS):
                raise
            _log.exception("a reply could not be written as it is")
            message = _bare(message, ledger.draft)
            await store.finish_reply(message, _bare_request(request), None)

    try:
        await save()
    except HistoryError as error:
        raise NotKept(str(error), save) from error
    return message


def _bare(message: Message, draft: Draft) -> Message:
    return replace(
        message,
        blocks=_words(draft),
        state="failed",
        finished_ms=None,
        model=None,
        stop_reason=None,
        stop_details=None,
        failure=FAULT,
        figures=None,
    )


def _bare_request(request: Request) -> Request:
    return replace(
        request,
        state="failed",
        model=None,
        api_message_id=None,
        request_id=None,
        stop_reason=None,
        usage=Usage(),
        timing=Timing(),
        failure=FAULT,
    )


def _words(draft: Draft) -> tuple[Block, ...]:
    """Return the words that have arrived, as one block that is only to be read."""
    text = whole(draft.words("text"))
    if not text.strip():
        return ()
    return (Block({"type": "text", "text": text}, is_sendable=False),)
