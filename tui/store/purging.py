"""Purges deleted text from every file, in short steps, so that other writes can run between.

Deleting a row is not enough. A full-text index keeps its words until its segments are
merged, the write-ahead log keeps the old pages, and backups keep everything. A row that is
being purged is marked first with `deleted_ms` 0: it cannot be restored any more, and later
writes for it are dropped. It gets its `purged_ms` when no file has its words any more.
"""

from __future__ import annotations

import asyncio
import functools
import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tui.domain.clock import Clock
from tui.store import backup, removal, repair
from tui.store.blobs import Blobs
from tui.store.connection import HistoryError
from tui.store.threads import Threads, reads, writes

if TYPE_CHECKING:
    from sqlite_utils import Database

PAGES = 50
"""Pages of an index that one step merges. A step takes at most 80 ms, measured."""

_INDEXES = ("blocks_fts", "pairs_fts")


class Purging:
    """Purges what was deleted in one history. Every method raises `HistoryError`."""

    def __init__(self, threads: Threads, clock: Clock) -> None:
        self.threads = threads
        self._clock = clock
        self._blobs = Blobs(threads, clock)
        self._in_no_copy: set[str] = set()
        """Ids of purged rows that none of the present backups contains."""

    @reads
    def deleted(
        self, connection: sqlite3.Connection, *, before_ms: int | None = None
    ) -> dict[str, int]:
        """Return the conversations and messages that are deleted and not purged yet.

        Each id has the time of its deletion in milliseconds; 0 if its purge has begun.
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
        """Purge what was deleted; return whether the purge is complete.

        Removes the words from the tables, the indexes, the free pages, the log, the backups,
        the damaged files that were set aside, and the files `along`. The costs stay in the
        request log. The purge stays incomplete while another program reads or works on the
        backups. The next call continues an incomplete or interrupted purge.
        """
        if self.threads.is_read_only or not ids:
            return True
        for row_id in ids:
            while await self._remove_some(row_id):
                pass
        await self._blobs.remove_unused()
        # Some rows may have been restored meanwhile.
        deleted_ms = await self.deleted()
        removed = [row_id for row_id in ids if deleted_ms.get(row_id) == 0]
        return not removed or await self._remove_traces(removed, along)

    async def _remove_traces(self, ids: Sequence[str], along: Sequence[Path]) -> bool:
        """Remove words outside the tables: in the indexes, the backups and the log."""
        for index in _INDEXES:
            merged = await self._merge(index, -PAGES)
            while merged:
                merged = await self._merge(index, PAGES)
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
        return merge(db.conn, index, pages)

    def _remove_copies(self, along: Sequence[Path]) -> None:
        """Remove the files that may contain the words.

        Raises `TimeoutError` if another program works on the backups.
        """
        path = self.threads.path
        failed = backup.remove(along)
        try:
            with backup.locked(path):
                failed += backup.remove([*repair.set_aside(path), *repair.leftovers(path)])
            failed += backup.remake(path, self._today)
        except TimeoutError:
            raise
        except OSError as error:
            raise HistoryError(
                f"Deleted text may still be in {error.filename or path.parent}:"
                f" {error.strerror}."
                " Fix the problem, or remove the file."
            ) from error
        if failed:
            others = f" and {len(failed) - 1} more files" if len(failed) > 1 else ""
            them = "them" if len(failed) > 1 else "it"
            raise HistoryError(
                f"Deleted text may still be in {failed[0]}{others}, which cannot be removed."
                f" Remove {them} by hand."
            )

    async def _empty_log(self) -> bool:
        """Move the write-ahead log into the file, truncate it, and return whether it worked."""
        loop = asyncio.get_running_loop()
        work = functools.partial(self._checkpoint, self.threads.writer)
        return await asyncio.shield(loop.run_in_executor(self.threads.writer_thread, work))

    def _checkpoint(self, writer: Callable[[], Database]) -> bool:
        sql = "PRAGMA wal_checkpoint(TRUNCATE)"
        with self.threads.translated("written", "Purging._empty_log"):
            (is_busy, _, _) = writer().conn.execute(sql).fetchone()
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
        """Make today's backup if there is none yet, in another thread."""
        if not self.threads.is_read_only:
            await asyncio.to_thread(backup.make_daily, self.threads.path, self._today)

    @property
    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.wall_ms() / 1000).astimezone().date()


def merge(connection: sqlite3.Connection, index: str, pages: int) -> bool:
    """Merge some of an index's segments; return False if there was nothing left to merge.

    `pages` is negative in the first call, which starts a merge of the entire index.
    """
    before = connection.total_changes
    connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('merge', ?)", [pages])
    # https://sqlite.org/fts5.html#the_merge_command: fewer than two changes mean none.
    return connection.total_changes - before >= 2
