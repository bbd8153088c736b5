"""Who is writing a reply: a lock that the kernel drops however its holder dies.

A reply that is marked as streaming belongs to a dead program exactly when the
lock named beside it can be taken.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

try:
    import fcntl as _fcntl
except ImportError:  # Windows: nobody can be proved dead there
    fcntl: ModuleType | None = None
else:
    fcntl = _fcntl


class Owner:
    """This program's lock, held until `release`."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.id = identity
        self._path = folder / f"{identity}.lock"
        folder.mkdir(mode=0o700, exist_ok=True)
        # Locked before it has its name, so nobody can find it unlocked.
        unnamed = folder / f".{identity}"
        self._descriptor = os.open(unnamed, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        if fcntl is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(self._path)

    def release(self) -> None:
        """Let go of the lock."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def is_alive(folder: Path, identity: str) -> bool:
    """Tell whether the program that holds the lock `identity` still runs, even suspended.

    The lock file of a dead one is removed.
    """
    path = folder / f"{identity}.lock"
    if is_held(path):
        return True
    path.unlink(missing_ok=True)
    return False


def is_held(lock: Path) -> bool:
    """Tell whether a program holds a lock file, and leave the file as it is."""
    if fcntl is None:
        return True
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
