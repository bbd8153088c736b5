"""Locks on files: they keep programs apart, and fall with the program that holds them.

Where the file system knows no locks, and on Windows, everything goes on without them.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tui.store.owner import fcntl

PAUSE = 0.02
"""Seconds between two looks whether a lock is free."""


@contextmanager
def exclusive(lock: Path, *, wait: float) -> Generator[None]:
    """Hold a lock file, made if it is missing, for the length of the block. Blocks.

    Raises `TimeoutError` if another holds it for `wait` seconds, and `OSError` where it
    cannot be made. The file stays: one that is removed is no longer everybody's.
    """
    descriptor = _open(lock)
    try:
        until = time.monotonic() + wait
        while not _takes(descriptor, is_shared=False):
            if time.monotonic() >= until:
                raise TimeoutError(
                    errno.ETIMEDOUT, "another window is working on its backups", str(lock)
                )
            time.sleep(PAUSE)
        yield
    finally:
        os.close(descriptor)


class SharedLock:
    """A lock that several programs hold at once, so that others see that somebody does."""

    def __init__(self, lock: Path) -> None:
        self._lock = lock
        self._descriptor: int | None = None

    def take(self) -> None:
        """Hold it. Raises `OSError` where the file cannot be made."""
        if self._descriptor is None:
            self._descriptor = _open(self._lock)
            # Somebody may be looking whether it is held, for as long as that takes.
            while not _takes(self._descriptor, is_shared=True):
                time.sleep(PAUSE)

    def release(self) -> None:
        """Let go of it, if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def is_free(self) -> bool:
        """Tell whether nobody holds it. Where there are no locks, nobody does."""
        if self._descriptor is not None:
            return False
        if not self._lock.exists():
            return True
        try:
            descriptor = _open(self._lock)
        except OSError:
            return False
        try:
            return _takes(descriptor, is_shared=False)
        finally:
            os.close(descriptor)


def _open(lock: Path) -> int:
    lock.parent.mkdir(mode=0o700, exist_ok=True)
    return os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)


def _takes(descriptor: int, *, is_shared: bool) -> bool:
    """Take a lock if nobody else holds it; True also where there are no locks."""
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
