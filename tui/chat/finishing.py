"""Saving a reply that has ended, however it ended.

A reply ends in a named state, with the text that has arrived, and so does its row in the
history. If a fault of this program prevents saving it as it is, only its text is saved.
A full disk is no such fault; then the save is tried again.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from tui.chat.journal_writer import JournalWriter
from tui.chat.request_log import RequestLog, failed_state
from tui.domain.conversation import Block, Message, State
from tui.domain.failure import Failure, ReplyFailed
from tui.domain.reply import StreamingReply, ended_state
from tui.domain.request import Request
from tui.domain.usage import Timing, Usage
from tui.store import HistoryError, Store
from tui.store.foreign import NOT_OURS
from tui.text.sanitise import fix_surrogates

FAULT = Failure(
    "An error in this program ended the reply. The log has the details.", type="internal"
)
"""The failure of a reply that ended because of a fault of this program."""

_log = logging.getLogger(__name__)


class SaveFailed(HistoryError):
    """A reply that has ended could not be saved. The save can be tried again."""

    def __init__(self, why: str, again: Callable[[], Awaitable[None]]) -> None:
        super().__init__(why)
        self.again = again
        """Tries to save it again. Raises `HistoryError`."""


@dataclass(slots=True)
class UnfinishedReply:
    """A reply that has not ended, with its request log and its journal."""

    message: Message
    """The message as it began; after the end, as it was saved."""
    request_log: RequestLog
    journal: JournalWriter
    is_begun: bool = False
    """Whether it has its row in the history."""


@asynccontextmanager
async def saved_however_it_ends(unfinished: UnfinishedReply) -> AsyncGenerator[None]:
    """Save the reply that the block receives, however the block ends.

    The message's `state` tells how it ended, and its `failure` why. A `ReplyFailed` only
    sets these and is not raised again. A cancellation saves what has arrived in the state
    `reply.stops_as`, and is raised again. Every other exception is raised again too; after
    a fault of this program the state is "failed". Raises `SaveFailed` if the reply could
    not be saved.
    """
    # Both stay None if the reply is complete, or was stopped on this side.
    state: State | None = None
    failure: Failure | None = None
    try:
        yield
    except ReplyFailed as error:
        state, failure = failed_state(error), error.failure
    except HistoryError as error:
        state, failure = "failed", Failure(str(error), type="history")
        raise
    except OSError:
        # The output is closed, which is not a failure of the reply.
        raise
    except Exception:
        state, failure = "failed", FAULT
        raise
    finally:
        await _save_end(unfinished, state, failure)


async def _save_end(
    unfinished: UnfinishedReply, state: State | None, failure: Failure | None
) -> None:
    """Save the end of a reply. `state` is None if it is complete or was stopped."""
    request_log = unfinished.request_log
    reply = request_log.reply
    unfinished.journal.close()
    reply.retry = None
    if reply.finished is not None:
        state, failure = ended_state(reply.finished), None
    state = state or reply.stops_as
    unfinished.message = reply.ended = ended(unfinished.message, request_log, state, failure)
    # A reply that the history refused has no row to finish. One that was cancelled
    # while its row was being written does have it.
    reply.is_refused = not unfinished.is_begun and state == "failed"
    if reply.is_refused:
        await _release(request_log.store, unfinished.message)
    else:
        unfinished.message = reply.ended = await save_reply(unfinished.message, request_log)


async def _release(store: Store, refused: Message) -> None:
    """Release the claim on a question without a reply, so that others can ask there."""
    # If this cannot be written either, the end of the program releases it.
    if refused.parent_id is not None:
        with suppress(HistoryError):
            await store.claims.release(refused.parent_id)


def ended(
    message: Message, request_log: RequestLog, state: State, failure: Failure | None
) -> Message:
    """Return the message that a reply has become, and close its row in the request log."""
    reply = request_log.reply
    try:
        return replace(
            message,
            blocks=reply.blocks,
            state=state,
            finished_ms=request_log.clock.now_ms(),
            model=reply.model,
            stop_reason=reply.stop_reason,
            stop_details=reply.stop_details,
            failure=failure,
            figures=request_log.close(state, failure),
            effort=reply.effort,
        )
    except Exception:  # noqa: BLE001 - whatever it was, the reply is saved
        _log.exception("a reply could not be brought to its end as it is")
        return replace(message, blocks=_words(reply), state="failed", failure=FAULT)


async def save_reply(message: Message, request_log: RequestLog) -> Message:
    """Save a reply that has ended; return it as it was saved. Raises `SaveFailed`."""
    store, request, recording = request_log.store, request_log.request, request_log.recorded
    if request.state == "streaming":
        # Its row could not be closed either.
        request = _bare_request(request)

    async def save() -> None:
        nonlocal message
        try:
            await store.finish_reply(message, request, recording)
        except Exception as error:
            if isinstance(error, HistoryError) and not isinstance(error.__cause__, NOT_OURS):
                raise
            _log.exception("a reply could not be written as it is")
            message = _bare(message, request_log.reply)
            await store.finish_reply(message, _bare_request(request), None)

    try:
        await save()
    except HistoryError as error:
        raise SaveFailed(str(error), save) from error
    return message


def _bare(message: Message, reply: StreamingReply) -> Message:
    return replace(
        message,
        blocks=_words(reply),
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


def _words(reply: StreamingReply) -> tuple[Block, ...]:
    """Return the text that has arrived, as one block that must not be sent again."""
    text = fix_surrogates(reply.words("text"))
    if not text.strip():
        return ()
    return (Block({"type": "text", "text": text}, is_sendable=False),)
