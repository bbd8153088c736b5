"""File locks between programs. A lock ends with the program that holds it.

On Windows, and on a file system without locks, the program works without them.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from tui.store.process_lock import fcntl

PAUSE = 0.02
"""Seconds between two attempts to take a lock."""


@contextmanager
def exclusive(lock: Path, *, wait: float) -> Generator[None]:
    """Hold an exclusive lock on a file during the block; create the file if needed. Blocks.

    Raises `TimeoutError` if another program holds it for `wait` seconds, and `OSError` if
    the file cannot be created. The file stays: if it were removed, two programs could
    lock two different files.
    """
    descriptor = _open(lock)
    try:
        until = time.monotonic() + wait
        while not _try_lock(descriptor, is_shared=False):
            if time.monotonic() >= until:
                raise TimeoutError(
                    errno.ETIMEDOUT, "another window is working on its backups", str(lock)
                )
            time.sleep(PAUSE)
        yield
    finally:
        os.close(descriptor)


class SharedLock:
    """A lock that several programs can hold at once. Others can see whether any does."""

    def __init__(self, lock: Path) -> None:
        self._lock = lock
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock. If the file cannot be created, do nothing."""
        if self._descriptor is None:
            with suppress(OSError):
                self._descriptor = _open(self._lock)
                # `is_free` of another program holds it exclusively for a moment.
                while not _try_lock(self._descriptor, is_shared=True):
                    time.sleep(PAUSE)

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def is_free(self) -> bool:
        """Return whether no program holds the lock; True where there are no locks.

        False if the file cannot be read, because a program may hold it.
        """
        if self._descriptor is not None:
            return False
        try:
            # This raises as well, for example in a folder without permission.
            if not self._lock.exists():
                return True
            descriptor = _open(self._lock)
            try:
                return _try_lock(descriptor, is_shared=False)
            finally:
                os.close(descriptor)
        except OSError:
            return False


def _open(lock: Path) -> int:
    lock.parent.mkdir(mode=0o700, exist_ok=True)
    return os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)


def _try_lock(descriptor: int, *, is_shared: bool) -> bool:
    """Take a lock if no other program holds it; True also where there are no locks."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
            raise
    return True
