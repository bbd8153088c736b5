"""A reply that another program receives, shown here while it grows.

That program writes what arrives into the journal a few times a second, in case it dies.
This module reads the same entries and replays them into a `StreamingReply`.
"""

from __future__ import annotations

import logging

from tui.domain.conversation import Message
from tui.domain.journal import BadJournal, replay
from tui.domain.reply import StreamingReply
from tui.store import Store

_log = logging.getLogger(__name__)


class FollowedReply:
    """A running reply of another program, as far as it is on disk."""

    def __init__(self, store: Store, message: Message) -> None:
        self._store = store
        self._model = message.model or ""
        self._first = self._last = -1
        """The numbers of the first and of the last journal entry that were read."""
        self.taken = 0
        """How many entries have been read so far."""
        self.reply = StreamingReply(
            id=message.id,
            conversation_id=message.conversation_id,
            model=self._model,
            parent_id=message.parent_id,
            started_ms=message.created_ms,
            content_at=store.clock.monotonic(),
            effort=message.effort,
        )

    async def catch_up(self) -> bool:
        """Read what has arrived since; return whether the reply is still running.

        If it is not, it has ended or its program has died. Raises `HistoryError`.
        """
        arrived = await self._store.claims.arrived(
            self.reply.id, first=self._first, after=self._last
        )
        if arrived is None:
            return False
        if arrived.first != self._first and self._first >= 0:
            self.reply.start_over(self._model)
        self._first = arrived.first
        for number, entry in arrived.entries:
            self._last = number
            self.taken += 1
            try:
                replay(self.reply, entry)
            except BadJournal as error:
                _log.warning("entry %s of the journal of %s: %s", number, self.reply.id, error)
        if arrived.entries:
            self.reply.content_at = self._store.clock.monotonic()
        return True
