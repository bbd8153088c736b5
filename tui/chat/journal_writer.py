"""Writing a reply's events to the journal while they arrive."""

from __future__ import annotations

import asyncio
import logging

from tui.domain.journal import entry
from tui.domain.reply import StreamingReply
from tui.domain.reply_events import ReplyEvent
from tui.store import HistoryError, Store

_log = logging.getLogger(__name__)

JOURNAL_EVERY = 0.2
"""Seconds from showing an event until it is written to disk."""

TROUBLE_EVERY = 3.0
"""The same while writing fails, for example on a full disk."""


class JournalWriter:
    """Writes a reply's events to disk, soon after they were shown."""

    def __init__(self, store: Store, reply: StreamingReply) -> None:
        self._store = store
        self._reply = reply
        self._events: list[ReplyEvent] = []
        self._written = 0
        self._writing: asyncio.Task[None] | None = None

    def note(self, event: ReplyEvent) -> None:
        """Write an event soon, together with those that follow it meanwhile."""
        self._events.append(event)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())

    def start_over(self) -> None:
        """Forget the events of a failed attempt, which brought no content."""
        self.close()
        self._events.clear()
        # Never reuse a number that may be on disk already: another program that follows
        # the reply may have read that entry.
        self._written += 1

    def close(self) -> None:
        """Stop writing: the reply itself is saved now."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    async def _write(self) -> None:
        wait = JOURNAL_EVERY
        # Real time, whatever the reply's clock says: the disk is real.
        while self._events:
            await asyncio.sleep(wait)
            written = len(self._events)
            try:
                await self._store.append_journal(
                    self._reply.id, self._written, entry(self._events[:written])
                )
            except HistoryError as error:
                self._reply.save_problem, wait = str(error), TROUBLE_EVERY
            except Exception:  # noqa: BLE001 - whatever it was, the reply continues
                # The reply continues, and is saved completely at its end.
                _log.exception("what has arrived could not be written")
                del self._events[:written]
            else:
                del self._events[:written]
                self._written += 1
                self._reply.save_problem, wait = "", JOURNAL_EVERY
        self._writing = None
