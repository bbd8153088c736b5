"""What was deleted last, for as long as it can be brought back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tui.store import HistoryError, Store

UNDO_SECONDS = 10.0
"""How long what was deleted can be brought back."""


@dataclass(frozen=True, slots=True)
class Conversations:
    """Conversations that were deleted together."""

    ids: tuple[str, ...]
    deleted_at: float
    """Monotonic seconds: the wall clock may be set back, or ahead, at any time."""


@dataclass(frozen=True, slots=True)
class OneMessage:
    """A message that was deleted, and the line that was read then."""

    conversation_id: str
    id: str
    tip_id: str | None
    deleted_at: float
    """Monotonic seconds."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The message."""
        return (self.id,)


Deleted = Conversations | OneMessage


class Trash:
    """What was deleted a moment ago, each time by itself."""

    def __init__(self, store: Store, *, along: Callable[[], Sequence[Path]] = tuple) -> None:
        self._store = store
        self._along = along
        """Tells which files may hold words of what is deleted, and are removed with it."""
        self._deleted: list[Deleted] = []
        """The last at the end."""
        self._seen: dict[tuple[str, int], float] = {}
        """When what is deleted was first found so, in monotonic seconds."""
        self._emptying = asyncio.Lock()
        self._locking = asyncio.Lock()

    async def put(self, *conversation_ids: str) -> None:
        """Delete conversations. Raises `HistoryError`."""
        now = self._store.clock.monotonic()
        await self._put(Conversations(conversation_ids, now))

    async def put_message(
        self, conversation_id: str, message_id: str, tip_id: str | None
    ) -> None:
        """Delete a message; `tip_id` is read again when it is brought back.

        Raises `HistoryError`.
        """
        now = self._store.clock.monotonic()
        await self._put(OneMessage(conversation_id, message_id, tip_id, now))

    async def _put(self, deleted: Deleted) -> None:
        # Both before it is deleted, or another program that starts just then takes it for
        # what nobody can bring back.
        self._deleted.append(deleted)
        # Without the lock it is deleted all the same, but may be purged early.
        with suppress(OSError):
            async with self._locking:
                await asyncio.to_thread(self._store.undo_lock.take)
        try:
            if isinstance(deleted, OneMessage):
                await self._store.branches.delete(deleted.id)
            else:
                await self._store.delete(deleted.ids)
        except HistoryError:
            with suppress(ValueError):
                self._deleted.remove(deleted)
            raise

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

    async def empty(self) -> bool:
        """Remove for good what cannot be brought back any more; tell whether nothing is left.

        What earlier starts left too, at once if no program can bring anything back, and else
        when it was found deleted for as long as that takes. Raises `HistoryError`.
        """
        async with self._emptying:
            since = self._store.clock.monotonic() - UNDO_SECONDS
            gone = [each for each in self._deleted if each.deleted_at <= since]
            # Before it begins: what is half removed cannot be brought back.
            self._deleted = [each for each in self._deleted if each.deleted_at > since]
            ids = {row_id for each in gone for row_id in each.ids}
            found = await self._store.purging.deleted()
            # Asked after it was looked what is deleted: whoever deletes takes the lock first.
            if await self._is_nobodys():
                purged = list(found)
            else:
                ids |= self._long_deleted(found, since)
                purged = [row_id for row_id in found if row_id in ids]
            is_done = await self._store.purging.purge(purged, along=self._along())
            return is_done and len(purged) == len(found)

    def _long_deleted(self, found: Mapping[str, int], since: float) -> set[str]:
        """Return what nobody can bring back any more, as it was seen deleted long before."""
        now = self._store.clock.monotonic()
        self._seen = {each: self._seen.get(each, now) for each in found.items()}
        own = {row_id for each in self._deleted for row_id in each.ids}
        return {row_id for (row_id, _), at in self._seen.items() if at <= since} - own

    async def _is_nobodys(self) -> bool:
        """Tell whether no program can bring back what is deleted."""
        async with self._locking:
            if not self._deleted:
                self._store.undo_lock.release()
            return await asyncio.to_thread(self._store.undo_lock.is_free)
