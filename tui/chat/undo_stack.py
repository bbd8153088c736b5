"""The recent deletions, as long as they can be undone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tui.store import HistoryError, Store

UNDO_SECONDS = 30.0
"""Seconds during which a deletion can be undone."""


@dataclass(frozen=True, slots=True)
class Conversations:
    """Conversations that were deleted together."""

    ids: tuple[str, ...]
    deleted_at: float
    """In monotonic seconds: somebody may set the wall clock at any time."""


@dataclass(frozen=True, slots=True)
class OneMessage:
    """A message that was deleted, and the tip of the open path at that time."""

    conversation_id: str
    id: str
    tip_id: str | None
    deleted_at: float
    """In monotonic seconds."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The id of the message, as a tuple."""
        return (self.id,)


Deleted = Conversations | OneMessage


class UndoStack:
    """The recent deletions of this program, which can be undone one by one."""

    def __init__(self, store: Store, *, along: Callable[[], Sequence[Path]] = tuple) -> None:
        self._store = store
        self._along = along
        """Returns files that may hold deleted text, which are removed with it."""
        self._deleted: list[Deleted] = []
        """The deletions, the last one at the end."""
        self._seen: dict[tuple[str, int], float] = {}
        """When each deleted row was first found deleted, in monotonic seconds."""
        self._emptying = asyncio.Lock()
        self._locking = asyncio.Lock()

    async def put(self, *conversation_ids: str) -> None:
        """Delete conversations. Raises `HistoryError`."""
        now = self._store.clock.monotonic()
        await self._put(Conversations(conversation_ids, now))

    async def put_message(
        self, conversation_id: str, message_id: str, tip_id: str | None
    ) -> None:
        """Delete a message; `tip_id` becomes the tip again if the deletion is undone.

        Raises `HistoryError`.
        """
        now = self._store.clock.monotonic()
        await self._put(OneMessage(conversation_id, message_id, tip_id, now))

    async def _put(self, deleted: Deleted) -> None:
        # Both before the deletion: else another program that starts just then would believe
        # that nobody can undo it.
        self._deleted.append(deleted)
        # Without the lock it is deleted all the same, but may be purged early.
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

    @property
    def can_undo(self) -> bool:
        """Whether there is a deletion to undo."""
        return bool(self._deleted)

    def holds(self, row_id: str) -> bool:
        """Tell whether a conversation or message is among these deletions."""
        return any(row_id in deleted.ids for deleted in self._deleted)

    async def take_back(self) -> Deleted | None:
        """Undo the last deletion and return it; None if there is none.

        Raises `HistoryError`.
        """
        if not self._deleted:
            return None
        # Removed first: two calls may overlap, and more may be deleted meanwhile.
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
        """Purge what cannot be restored any more; return whether nothing is left to purge.

        That includes what earlier runs left. It is purged at once if no program can undo
        anything, else when it has been seen deleted for `UNDO_SECONDS`. Raises `HistoryError`.
        """
        async with self._emptying:
            since = self._store.clock.monotonic() - UNDO_SECONDS
            gone = [each for each in self._deleted if each.deleted_at <= since]
            # Before the purge: a row that is half removed cannot be restored.
            self._deleted = [each for each in self._deleted if each.deleted_at > since]
            ids = {row_id for each in gone for row_id in each.ids}
            found = await self._store.purging.deleted()
            # After reading what is deleted: a program takes the lock before it deletes.
            if await self._nobody_can_undo():
                purged = list(found)
            else:
                ids |= self._long_deleted(found, since)
                purged = [row_id for row_id in found if row_id in ids]
            is_done = await self._store.purging.purge(purged, along=self._along())
            return is_done and len(purged) == len(found)

    def _long_deleted(self, found: Mapping[str, int], since: float) -> set[str]:
        """Return the rows that nobody can restore, because they were seen deleted long ago."""
        now = self._store.clock.monotonic()
        self._seen = {each: self._seen.get(each, now) for each in found.items()}
        own = {row_id for each in self._deleted for row_id in each.ids}
        return {row_id for (row_id, _), at in self._seen.items() if at <= since} - own

    async def _nobody_can_undo(self) -> bool:
        """Tell whether no program can undo a deletion."""
        async with self._locking:
            if not self._deleted:
                self._store.undo_lock.release()
            return await asyncio.to_thread(self._store.undo_lock.is_free)
