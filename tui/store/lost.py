"""Saves a history whose file was moved or replaced while it was open."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tui.domain.clock import Clock
from tui.store import backup
from tui.store.threads import Threads


class Lost:
    """Whether the file of one history is lost, and how to save its content."""

    def __init__(self, threads: Threads, clock: Clock) -> None:
        self.threads = threads
        self._clock = clock

    @property
    def why(self) -> str:
        """Why nothing can be saved any more, in one line; empty while saving works.

        Known since the last write or the last check for changes by other programs.
        """
        return self.threads.lost

    async def save(self) -> Path | None:
        """Write the open history into a new file if its own is gone; return the new path.

        Returns None if the file is still there, or was overwritten. Raises `HistoryError`.
        """
        if self.threads.fate not in ("gone", "replaced"):
            return None
        path = self.threads.path
        target = path.with_name(f"{path.name}.saved-{self._clock.now_ms()}")
        await self.threads.read(lambda connection: _copy_open(connection, target), "Lost.save")
        return target


def _copy_open(connection: sqlite3.Connection, target: Path) -> None:
    # VACUUM INTO does not work inside a transaction, nor with query_only.
    connection.execute("PRAGMA query_only = off")
    try:
        backup.copy_open(connection, target)
    finally:
        connection.execute("PRAGMA query_only = on")
