"""What was deleted last, for as long as it can be brought back."""

from __future__ import annotations

from tui.store import Store

UNDO_SECONDS = 10.0
"""How long what was deleted can be brought back."""


class Trash:
    """The conversations deleted a moment ago, those deleted together kept together."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._deleted: list[tuple[str, ...]] = []
        """The last at the end."""

    async def put(self, *conversation_ids: str) -> None:
        """Delete conversations. Raises `HistoryError`."""
        await self._store.delete(conversation_ids)
        self._deleted.append(conversation_ids)

    async def take_back(self) -> tuple[str, ...]:
        """Bring back what was deleted last, and return which; nothing: none.

        Raises `HistoryError`.
        """
        if not self._deleted:
            return ()
        await self._store.restore(self._deleted[-1])
        return self._deleted.pop()

    async def empty(self) -> int:
        """Remove for good what cannot be brought back any more; return how many.

        What an earlier start left behind too. Raises `HistoryError`.
        """
        now_ms = self._store.clock.now_ms()
        purged = await self._store.purge(before_ms=now_ms - round(UNDO_SECONDS * 1000))
        self._deleted = [ids for ids in self._deleted if ids[0] not in purged]
        return len(purged)
