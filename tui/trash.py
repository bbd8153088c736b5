"""What was deleted last, for as long as it can be brought back."""

from __future__ import annotations

from dataclasses import dataclass

from tui.store import HistoryError, Store

UNDO_SECONDS = 10.0
"""How long what was deleted can be brought back."""


@dataclass(frozen=True, slots=True)
class Conversations:
    """Conversations that were deleted together."""

    ids: tuple[str, ...]
    deleted_ms: int


@dataclass(frozen=True, slots=True)
class OneMessage:
    """A message that was deleted, and the line that was read then."""

    conversation_id: str
    id: str
    tip_id: str | None
    deleted_ms: int

    @property
    def ids(self) -> tuple[str, ...]:
        """The message."""
        return (self.id,)


Deleted = Conversations | OneMessage


class Trash:
    """What was deleted a moment ago, each time by itself."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._deleted: list[Deleted] = []
        """The last at the end."""

    async def put(self, *conversation_ids: str) -> None:
        """Delete conversations. Raises `HistoryError`."""
        now_ms = self._store.clock.now_ms()
        await self._store.delete(conversation_ids)
        self._deleted.append(Conversations(conversation_ids, now_ms))

    async def put_message(
        self, conversation_id: str, message_id: str, tip_id: str | None
    ) -> None:
        """Delete a message; `tip_id` is read again when it is brought back.

        Raises `HistoryError`.
        """
        now_ms = self._store.clock.now_ms()
        await self._store.branches.delete(message_id)
        self._deleted.append(OneMessage(conversation_id, message_id, tip_id, now_ms))

    async def take_back(self) -> Deleted | None:
        """Bring back what was deleted last, and return it; None if there is nothing.

        Raises `HistoryError`.
        """
        if not self._deleted:
            return None
        # Taken out first: it may be asked for twice at once, and more deleted meanwhile.
        last = self._deleted.pop()
        try:
            if isinstance(last, OneMessage):
                await self._store.branches.restore(last.id, last.tip_id)
            else:
                await self._store.restore(last.ids)
        except HistoryError:
            self._deleted.append(last)
            raise
        return last

    async def empty(self) -> int:
        """Remove for good what cannot be brought back any more; return how many.

        What an earlier start left behind too. Raises `HistoryError`.
        """
        before_ms = self._store.clock.now_ms() - round(UNDO_SECONDS * 1000)
        # Before it begins: what is half removed cannot be brought back.
        self._deleted = [each for each in self._deleted if each.deleted_ms > before_ms]
        return len(await self._store.purge(before_ms=before_ms))
