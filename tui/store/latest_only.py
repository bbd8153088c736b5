"""Reads that stop as soon as a newer one starts."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

R = TypeVar("R")

_STEPS = 20_000
"""Number of steps of SQLite's virtual machine between two checks for a newer read."""


class LatestOnlyReader:
    """A connection that reads in a thread of its own. A new read interrupts the one before.

    The first read opens the connection.
    """

    def __init__(self, name: str, open_connection: Callable[[], sqlite3.Connection]) -> None:
        self._open = open_connection
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, name)
        self._latest = 0
        """The number of the newest read."""
        self._running = 0

    async def run(
        self, work: Callable[[sqlite3.Connection], R], *, seconds: float | None = None
    ) -> R | None:
        """Return what `work` returns; None if a newer read has started.

        After `seconds`, SQLite interrupts the statements of `work`. They raise
        `sqlite3.OperationalError`, which `work` may catch. Raises `sqlite3.Error`.
        """
        self._latest += 1
        number = self._latest
        self._interrupt()
        loop = asyncio.get_running_loop()
        timer = None if seconds is None else loop.call_later(seconds, self._time_out, number)
        try:
            result = await loop.run_in_executor(self._thread, self._work, work, number)
        except sqlite3.OperationalError:
            if number != self._latest:
                return None
            raise
        except asyncio.CancelledError:
            # No caller waits for the result any more.
            if number == self._latest:
                self._latest += 1
                self._interrupt()
            raise
        finally:
            if timer is not None:
                timer.cancel()
        return result if number == self._latest else None

    def close(self) -> None:
        """Interrupt the running read and close the connection. Blocks."""
        self._latest += 1
        self._interrupt()
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()

    def _work(self, work: Callable[[sqlite3.Connection], R], number: int) -> R | None:
        if number != self._latest:
            return None
        if self._connection is None:
            self._connection = self._open()
        # `interrupt` has no effect between two statements, so the handler checks as well.
        self._connection.set_progress_handler(lambda: number != self._latest, _STEPS)
        self._running = number
        try:
            return work(self._connection)
        finally:
            self._running = 0

    def _time_out(self, number: int) -> None:
        if self._running == number:
            self._interrupt()

    def _interrupt(self) -> None:
        if self._connection is not None:
            self._connection.interrupt()
