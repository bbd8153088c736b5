"""Recordings: the bytes that the newest requests received, to investigate a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.store.threads import Threads, writes

if TYPE_CHECKING:
    from sqlite_utils import Database


class Recordings:
    """The recordings of one history."""

    def __init__(self, threads: Threads) -> None:
        self.threads = threads

    async def trim(self, most_bytes: int) -> None:
        """Delete the oldest recordings until the rest takes at most `most_bytes`."""
        if not self.threads.is_read_only:
            await self._trim(most_bytes)

    @writes
    def _trim(self, db: Database, most_bytes: int) -> None:
        db.execute(
            "DELETE FROM recordings WHERE request_id IN (SELECT request_id FROM ("
            " SELECT request_id, sum(size) OVER (ORDER BY started_ms DESC, request_id DESC)"
            " AS so_far FROM recordings) WHERE so_far > ?)",
            [most_bytes],
        )
