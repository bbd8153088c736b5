"""Decides when deleted text is removed for good."""

from __future__ import annotations

import asyncio

from tui.chat import changes
from tui.chat.changes import Change
from tui.chat.reply_scheduler import Run
from tui.chat.session import Session
from tui.chat.undo_stack import UNDO_SECONDS
from tui.store import HistoryError

AGAIN_AFTER = 30.0
"""Seconds until a purge that did not remove everything is tried again."""


class PurgeSchedule:
    """Purges when a deletion cannot be undone any more, and repeats until all is gone."""

    def __init__(self, session: Session, run: Run) -> None:
        self._session = session
        self._run = run
        self._timers: list[asyncio.TimerHandle] = []
        session.subscribe(self._on_change)

    def _on_change(self, change: Change) -> None:
        if isinstance(change, changes.Deleted):
            self._purge_in(UNDO_SECONDS + 0.5)

    def _purge_in(self, seconds: float) -> None:
        # Real time, whatever the program's clock says: it is the user's time to undo.
        loop = asyncio.get_running_loop()
        self._timers.append(
            loop.call_later(seconds, lambda: self._run(self._purge_or_tell(), "purge"))
        )

    async def purge(self) -> None:
        """Remove what cannot be restored any more, and schedule another purge for the rest.

        Raises `HistoryError`; the purge is tried again then.
        """
        is_done = False
        try:
            is_done = await self._session.undo_stack.empty()
        finally:
            if not is_done:
                # Another window is reading now, or may still undo a deletion.
                self._purge_in(AGAIN_AFTER)
        # The purge also removes a title that was made from a deleted question.
        await self._session.retitle(self._session.open_id)

    async def _purge_or_tell(self) -> None:
        try:
            await self.purge()
        except HistoryError as error:
            self._session.publish(changes.Notice(str(error), is_error=True))

    def close(self) -> None:
        """Cancel every scheduled purge."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
