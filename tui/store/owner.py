"""Who is writing a reply: a lock that the kernel drops however its holder dies.

A reply that is marked as streaming belongs to a dead program exactly when there is no
such lock, or it can be taken. Where that cannot be found out, it is alive.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import ModuleType

from tui.clock import is_id
from tui.store.filesystem import complaint

try:
    import fcntl as _fcntl
except ImportError:  # Windows: nobody can be proved dead there
    fcntl: ModuleType | None = None
else:
    fcntl = _fcntl


class LockFailed(Exception):
    """The lock folder cannot be used. One line for the reader."""


class Owner:
    """This program's lock, held until `release`. Raises `LockFailed`."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.id = identity
        self._folder = folder
        self._path = folder / f"{identity}.lock"
        self._descriptor = self._lock()

    def renew(self) -> None:
        """Take the lock again if others cannot find it: somebody has cleared its folder."""
        if not self._is_there():
            descriptor = self._lock()
            os.close(self._descriptor)
            self._descriptor = descriptor

    def release(self) -> None:
        """Let go of the lock."""
        # One that stays is taken for what it is: nobody holds it.
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._descriptor)

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def _lock(self) -> int:
        # Locked before it has its name, so nobody can find it unlocked.
        unnamed = self._folder / f".{self.id}"
        try:
            make_folder(self._folder)
            descriptor = os.open(unnamed, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LockFailed(complaint(self._folder, error)) from error
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unnamed.rename(self._path)
        except OSError as error:
            os.close(descriptor)
            raise LockFailed(complaint(self._folder, error)) from error
        return descriptor


def make_folder(folder: Path) -> None:
    """Make the lock folder if there is none. Raises `OSError`."""
    folder.mkdir(mode=0o700, exist_ok=True)


def is_alive(folder: Path, identity: str) -> bool:
    """Tell whether the program that holds the lock `identity` still runs, even suspended.

    The lock file of a dead one is removed. A name that no program of ours has belongs to
    none, whatever it would lead to as a path.
    """
    if not is_id(identity):
        return False
    path = folder / f"{identity}.lock"
    if is_held(path):
        return True
    with contextlib.suppress(OSError):
        path.unlink()
    return False


def is_held(lock: Path) -> bool:
    """Tell whether a program holds a lock file, and leave the file as it is.

    One that cannot be looked at is held: too few descriptors or a folder of another
    user's are no proof that somebody died.
    """
    if fcntl is None:
        return True
    try:
        # For reading: to look needs no more, and a pipe would let nobody wait.
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        # Shared, so that two who look do not take each other for the holder.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
