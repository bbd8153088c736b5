"""Showing what other programs write into the same history."""

from __future__ import annotations

import asyncio

from tui.chat import changes
from tui.chat.following import follow
from tui.chat.session import Session


class OtherWindows:
    """Checks the history at each poll, and publishes what is new through the session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._polling = asyncio.Lock()
        self._is_stale = False
        """Whether another program has written something that is not shown yet."""
        self._was_waiting = False
        """Whether the open conversation's queue is sent by itself, as last published."""

    async def poll(self) -> None:
        """Show what another program has written. Raises `HistoryError`.

        If that fails, or must wait until a reply has ended, the next poll tries again. Only
        one poll runs at a time: a call during another poll returns at once.
        """
        if self._polling.locked():
            return
        async with self._polling:
            if not self._session.is_restored:
                await self._session.restore_last()
            is_changed = await self._session.store.is_changed_elsewhere()
            is_behind = self._session.current.is_behind
            self._is_stale = is_changed or is_behind or self._is_stale
            if self._is_stale:
                await self._session.retitle(self._session.open_id)
            self._is_stale = not await self._follow()

    async def _follow(self) -> bool:
        """Show the open conversation as it is now; return False if that must wait."""
        session, open_id = self._session, self._session.open_id
        seen = await follow(session.current, is_changed=self._is_stale)
        if open_id != session.open_id:
            return True
        if seen == "gone":
            await session.open(session.unsaved_id)
            if not session.undo_stack.holds(open_id):
                line = "This conversation was deleted in another window."
                session.publish(changes.Notice(line))
        elif seen == "changed":
            session.mark_read()
            session.publish(changes.PathChanged(open_id, is_kept_in_place=True))
        elif seen == "grown":
            session.publish(changes.ReplyGrew(open_id))
        # Whether the queue is sent by itself can change without any other change here.
        is_waiting = session.scheduler.will_send_queue(open_id)
        if seen != "same" or is_waiting != self._was_waiting:
            self._was_waiting = is_waiting
            session.publish(changes.QueueChanged(open_id))
        return seen != "later" or not self._is_stale
