"""A lock that shows that a program is alive: the kernel drops it however the program dies.

The writer of a streaming reply is dead exactly if its lock file is missing or can be
locked. If neither can be found out, it counts as alive.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import ModuleType

from tui.domain.clock import is_id
from tui.store.filesystem import complaint

try:
    import fcntl as _fcntl
except ImportError:  # Windows: no program can be proved dead there
    fcntl: ModuleType | None = None
else:
    fcntl = _fcntl

CAN_TELL = fcntl is not None
"""Whether this system can prove that a program is dead."""


class LockFailed(Exception):
    """The lock folder cannot be used. Its text is one line for the user."""


class ProcessLock:
    """This program's lock, held until `release`. Its constructor raises `LockFailed`."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.id = identity
        self._folder = folder
        self._path = folder / f"{identity}.lock"
        self._descriptor = self._lock()

    def renew(self) -> None:
        """Take the lock again if its file was removed, as when somebody clears the folder."""
        if not self._is_there():
            descriptor = self._lock()
            os.close(self._descriptor)
            self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock and remove its file."""
        # A file that stays does no harm: others see that no program holds it.
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
        # Lock the file before it gets its name: nobody may find it unlocked.
        temporary = self._folder / f".{self.id}"
        try:
            make_folder(self._folder)
            descriptor = os.open(temporary, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LockFailed(complaint(self._folder, error)) from error
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            temporary.rename(self._path)
        except OSError as error:
            os.close(descriptor)
            raise LockFailed(complaint(self._folder, error)) from error
        return descriptor


def make_folder(folder: Path) -> None:
    """Create the lock folder if it does not exist. Raises `OSError`."""
    folder.mkdir(mode=0o700, exist_ok=True)


def is_alive(folder: Path, identity: str) -> bool:
    """Return whether the program with the lock `identity` runs; a suspended one counts.

    Removes the lock file of a dead program. Returns False for a text that is not one of
    our ids, because as a path it could lead anywhere.
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
    """Return whether a program holds a lock file. Does not change the file.

    True if the file cannot be opened: having no free descriptor, or a folder of another
    user, does not prove that a program died.
    """
    if fcntl is None:
        return True
    try:
        # Reading is enough to test a lock. NONBLOCK, so that a pipe does not block.
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        # Shared, so that two programs that test it do not see each other as the holder.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
