"""A history whose file somebody took away while it was open."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tui.clock import Clock
from tui.store import backup
from tui.store.threads import Threads, reads


class Lost:
    """What has become of the file of one history."""

    def __init__(self, threads: Threads, clock: Clock) -> None:
        self.threads = threads
        self._clock = clock

    @property
    def why(self) -> str:
        """Why nothing can be saved any more, in one line; empty while it can.

        As it was when something was last written, or asked what others have changed.
        """
        return self.threads.lost

    async def save(self) -> Path | None:
        """Write the history that is open into a new file, if its own is gone; return that.

        None if it is not, or was written over. Raises `HistoryError`.
        """
        if self.threads.fate not in ("gone", "replaced"):
            return None
        path = self.threads.path
        target = path.with_name(f"{path.name}.saved-{self._clock.now_ms()}")
        await self._copy_to(target)
        return target

    @reads
    def _copy_to(self, connection: sqlite3.Connection, target: Path) -> None:
        connection.execute("PRAGMA query_only = off")
        try:
            backup.copy_open(connection, target)
        finally:
            connection.execute("PRAGMA query_only = on")
