"""Writing a reply to disk while it arrives."""

from __future__ import annotations

import asyncio
import logging

from tui.conversation import ReplyEvent
from tui.draft import Draft
from tui.journal import entry
from tui.store import HistoryError, Store

_log = logging.getLogger(__name__)

JOURNAL_EVERY = 0.2
"""How long after it was shown an event is written to disk, in seconds."""

TROUBLE_EVERY = 3.0
"""The same while it cannot be written, because the disk is full."""


class JournalWriter:
    """Writes a reply to disk while it arrives, soon after it was shown."""

    def __init__(self, store: Store, draft: Draft) -> None:
        self._store = store
        self._draft = draft
        self._events: list[ReplyEvent] = []
        self._written = 0
        self._writing: asyncio.Task[None] | None = None

    def note(self, event: ReplyEvent) -> None:
        """Write an event, with those that come soon after it."""
        self._events.append(event)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())

    def start_over(self) -> None:
        """Forget an attempt that brought nothing to read."""
        self.close()
        self._events.clear()

    def close(self) -> None:
        """Write nothing more: the reply itself is written now."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    async def _write(self) -> None:
        wait = JOURNAL_EVERY
        # In real time, whatever clock the reply is told: the disk is real.
        while self._events:
            await asyncio.sleep(wait)
            written = len(self._events)
            try:
                await self._store.keep_arrived(
                    self._draft.id, self._written, entry(self._events[:written])
                )
            except HistoryError as error:
                self._draft.trouble, wait = str(error), TROUBLE_EVERY
            except Exception:  # noqa: BLE001 - whatever it was, the reply goes on
                # The reply goes on, and is kept whole at its end.
                _log.exception("what has arrived could not be written")
                del self._events[:written]
            else:
                del self._events[:written]
                self._written += 1
                self._draft.trouble, wait = "", JOURNAL_EVERY
        self._writing = None
