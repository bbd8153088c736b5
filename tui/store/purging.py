"""Removing words for good, in steps that are short enough to be let in between others.

Deleting a row is not enough: the index keeps its words until its segments are merged,
the write-ahead log keeps the pages as they were, and copies keep it all. What is being
removed is marked first, with `deleted_ms` 0: it cannot be brought back any more, and what
comes late for it is not written. It has its `purged_ms` when no file holds its words.
"""

from __future__ import annotations

import asyncio
import functools
import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tui.clock import Clock
from tui.store import backup, damage, removal, substrings
from tui.store.connection import HistoryError
from tui.store.substrings import Substrings
from tui.store.threads import Threads, reads, writes

if TYPE_CHECKING:
    from sqlite_utils import Database

PAGES = 50
"""How many pages of an index are merged in a step: 80 ms at worst, measured."""

_INDEXES = ("blocks_fts", "pairs_fts", substrings.INDEX)


class Purging:
    """What was deleted in one history, and its end. Raises `HistoryError` throughout."""

    def __init__(self, threads: Threads, clock: Clock, substrings: Substrings) -> None:
        self.threads = threads
        self._clock = clock
        self._substrings = substrings
        self._in_no_copy: set[str] = set()
        """What was removed before the copies were made that there are now."""

    @reads
    def deleted(
        self, connection: sqlite3.Connection, *, before_ms: int | None = None
    ) -> dict[str, int]:
        """Return the conversations and messages that were deleted and are not purged.

        Each with when it was, as the wall clock said; 0 if it is being removed.
        """
        return {
            row_id: deleted_ms
            for table in ("conversations", "messages")
            for row_id, deleted_ms in connection.execute(
                f"SELECT id, deleted_ms FROM {table} WHERE deleted_ms IS NOT NULL"
                " AND purged_ms IS NULL AND deleted_ms <= coalesce(?, deleted_ms)",
                [before_ms],
            )
        }

    async def purge(self, ids: Collection[str], *, along: Sequence[Path] = ()) -> bool:
        """Remove what was deleted for good; tell whether all of it is done.

        The words are gone then: from the tables, the indexes, the free pages, the log, the
        backups, the damaged files that were set aside, and the files `along`. What was
        spent on them stays in the ledger. While another program reads, or works on the
        backups, it is not done; broken off, it is taken up again by the next call.
        """
        if self.threads.is_read_only or not ids:
            return True
        for row_id in ids:
            while await self._remove_some(row_id):
                pass
        # Without what was brought back meanwhile.
        marked = await self.deleted()
        removed = [row_id for row_id in ids if marked.get(row_id) == 0]
        return not removed or await self._remove_traces(removed, along)

    async def _remove_traces(self, ids: Sequence[str], along: Sequence[Path]) -> bool:
        """Remove what is left of words that are gone from the tables."""
        for index in _INDEXES:
            merged = await self._merge(index, -PAGES)
            while merged:
                merged = await self._merge(index, PAGES)
        await self._substrings.finish_removing()
        try:
            if not self._in_no_copy.issuperset(ids):
                await asyncio.to_thread(self._remove_copies, along)
                self._in_no_copy.update(ids)
        except TimeoutError:
            return False
        finally:
            is_log_empty = await self._empty_log()
        if is_log_empty:
            await self._set_purged(ids)
        return is_log_empty

    @writes
    def _remove_some(self, db: Database, row_id: str) -> bool:
        return removal.remove_some(db.conn, row_id)

    @writes
    def _merge(self, db: Database, index: str, pages: int) -> bool:
        # The optional one may be gone at any time.
        is_there = index != substrings.INDEX or substrings.is_there(db.conn)
        return is_there and merge(db.conn, index, pages)

    def _remove_copies(self, along: Sequence[Path]) -> None:
        """Remove the files that may hold the words.

        Raises `TimeoutError` if another program is at them.
        """
        path = self.threads.path
        failed = backup.remove(along)
        try:
            with backup.locked(path):
                failed += backup.remove([*damage.set_aside(path), *damage.leftovers(path)])
            failed += backup.remake(path, self._today)
        except TimeoutError:
            raise
        except OSError as error:
            raise HistoryError(
                f"Deleted words may still be in {error.filename or path.parent}:"
                f" {error.strerror}."
                " Fix that, or remove it."
            ) from error
        if failed:
            others = f" and {len(failed) - 1} more files" if len(failed) > 1 else ""
            them = "them" if len(failed) > 1 else "it"
            raise HistoryError(
                f"Deleted words may still be in {failed[0]}{others}, which cannot be removed."
                f" Remove {them} by hand."
            )

    async def _empty_log(self) -> bool:
        """Move what is in the write-ahead log into the file, and cut the log."""
        loop = asyncio.get_running_loop()
        work = functools.partial(self._with_empty_log, self.threads.writer)
        return await asyncio.shield(loop.run_in_executor(self.threads.writer_thread, work))

    def _with_empty_log(self, writer: Callable[[], Database]) -> bool:
        sql = "PRAGMA wal_checkpoint(TRUNCATE)"
        try:
            (is_busy, _, _) = writer().conn.execute(sql).fetchone()
        except sqlite3.Error as error:
            raise self.threads.failed("written", error) from error
        return not is_busy

    @writes
    def _set_purged(self, db: Database, ids: Sequence[str]) -> None:
        for table in ("conversations", "messages"):
            for row_id in ids:
                db.execute(
                    f"UPDATE {table} SET purged_ms = ? WHERE id = ? AND deleted_ms = 0",
                    [self._clock.now_ms(), row_id],
                )

    async def back_up(self) -> None:
        """Make today's backup if there is none yet; in a thread of its own."""
        if not self.threads.is_read_only:
            await asyncio.to_thread(backup.make_daily, self.threads.path, self._today)

    @property
    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.wall_ms() / 1000).astimezone().date()


def merge(connection: sqlite3.Connection, index: str, pages: int) -> bool:
    """Merge some of an index's segments; False when there was nothing left to merge.

    The first time `pages` is negative, which makes everything that is in the index
    part of the merge.
    """
    before = connection.total_changes
    connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('merge', ?)", [pages])
    # https://sqlite.org/fts5.html#the_merge_command: less than two changes mean none.
    return connection.total_changes - before >= 2
