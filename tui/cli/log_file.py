"""The log file, to which several programs write at once.

The rotating file of `logging` is for one program: two would move each other's file away.
Here the program that finds the file full moves it, under a lock. The others notice that
before they write the next record.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

from tui.store.file_lock import exclusive

LARGEST = 1_000_000
"""A log of this many bytes is moved aside, and a new one begins."""

OLDER = 2
"""How many old logs are kept."""

_WAIT = 2.0
"""Seconds to wait for another program that is moving the log."""


class LogFile(logging.FileHandler):
    """Appends to a file, which is moved aside when it is full."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", delay=True)
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record to the present log file."""
        with suppress(OSError):
            if self._is_full():
                self._move_aside()
            if not self._is_there():
                self._let_go()
        super().emit(record)

    def _is_full(self) -> bool:
        return self._path.exists() and self._path.stat().st_size >= LARGEST

    def _is_there(self) -> bool:
        """Tell whether the open file, if there is one, is still at its path."""
        if self.stream is None:
            return True
        try:
            return os.path.samestat(os.fstat(self.stream.fileno()), self._path.stat())
        except FileNotFoundError:
            return False

    def _move_aside(self) -> None:
        with exclusive(self._path.with_name(f"{self._path.name}.lock"), wait=_WAIT):
            # Another program may have moved it meanwhile.
            if not self._is_full():
                return
            # Some systems cannot move an open file.
            self._let_go()
            for number in range(OLDER, 0, -1):
                newer = self._older(number - 1) if number > 1 else self._path
                if newer.exists():
                    newer.replace(self._older(number))

    def _older(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _let_go(self) -> None:
        """Close the file; the next record opens the file that is at the path then."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None
