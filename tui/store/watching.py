"""Whether the file that was opened is still the history at its path.

While the program runs somebody may move the file away, put a backup in its place, or copy
one over it. SQLite notices none of it: it would go on writing into a file that nobody
finds again, or its log over the one that was just restored.

What is compared is the file itself and, in its header, how often SQLite has emptied the
log into it: https://sqlite.org/fileformat.html#file_change_counter. A file that was copied
there is behind, or does not go with the log.
"""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tui import schema

Fate = Literal["gone", "replaced", "overwritten"]

_HEADER = 100
_FRAME = 24
"""How many bytes stand before each page of the log."""


@dataclass(frozen=True, slots=True)
class Log:
    """What the log says of the file that it belongs to."""

    first: int
    """The counter in the file's first page, where the log has it first."""
    last: int


def log_of(path: Path) -> Log | None:
    """Return what the log beside a history says; None where it says nothing of its file."""
    counters = []
    try:
        with _log_path(path).open("rb", buffering=0) as file:
            head = file.read(32)
            size = int.from_bytes(head[8:12])
            while len(frame := file.read(_FRAME + _HEADER)) == _FRAME + _HEADER:
                # Behind what is new lies what is left of the log before.
                if frame[8:16] != head[16:24] or size < 512:
                    break
                # A page that a power cut kept from the disk is none.
                if int.from_bytes(frame[:4]) == 1 and _is_marked(frame[_FRAME:]):
                    counters.append(_counter(frame[_FRAME:]))
                file.seek(size - _HEADER, os.SEEK_CUR)
    except OSError:
        return None
    return Log(counters[0], max(counters)) if counters else None


def belongs(header: bytes, log: Log | None) -> bool:
    """Tell whether a file can be what a log was written for."""
    return log is None or log.first - 1 <= _counter(header) <= log.last


def stray_log(path: Path) -> Path | None:
    """Give a log that belongs to another file than the history beside it another name.

    Returns that name; None if there is no such log. SQLite would write it over a backup
    that was put in the place of a history whose program was killed, or throw it away.
    Raises `OSError`.
    """
    log = _log_path(path)
    if not log.exists() or not log.stat().st_size:
        return None
    if path.exists() and path.stat().st_size and belongs(header_of(path), log_of(path)):
        return None
    return _set_aside(path)


def detach(path: Path, fate: Fate) -> None:
    """Keep the log of a file that is another by now from being written over that one.

    What is in it is kept under another name. Raises `OSError`.
    """
    if fate == "replaced":
        # Who has it open goes on reading it under its new name.
        _set_aside(path)
    elif fate == "overwritten":
        # It is open still, and the last to close it would write it into the file.
        shutil.copyfile(_log_path(path), _aside(path))
        os.truncate(_log_path(path), 0)
        _log_path(path).unlink()
        path.with_name(f"{path.name}-shm").unlink(missing_ok=True)


def _set_aside(path: Path) -> Path:
    target = _aside(path)
    _log_path(path).rename(target)
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return target


def _aside(path: Path) -> Path:
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return path.with_name(f"{path.name}.replaced-{moment}-wal")


def _log_path(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def header_of(path: Path) -> bytes:
    """Return the first bytes of a history. Raises `OSError`."""
    descriptor = _borrow(path)
    try:
        return _read(descriptor)
    finally:
        _give_back(descriptor)


class Watch:
    """The file that was opened, until `close`. To be used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = _borrow(path)
        self._opened = os.fstat(self._descriptor)
        self._log_node = _node_of(_log_path(path))
        self._header = _read(self._descriptor)
        self._seen = _written(self._opened)
        self._fate: Fate | None = None

    def look(self) -> Fate | None:
        """Return what has become of the file; None if it is where and what it was.

        One that was moved away may come back. Where it cannot be looked at, nothing has
        become of it.
        """
        if self._fate == "overwritten":
            return self._fate
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._fate = "gone"
        except OSError:
            pass
        else:
            self._fate = self._compared(found)
        return self._fate

    def close(self) -> None:
        """Let go of the file; after every connection to it is closed."""
        _give_back(self._descriptor)

    def has_own_log(self) -> bool:
        """Tell whether the log that is there is the one of the file that was opened."""
        node = _node_of(_log_path(self._path))
        return node is not None and node == self._log_node

    def _compared(self, found: os.stat_result) -> Fate | None:
        if not os.path.samestat(found, self._opened):
            return "replaced"
        self._log_node = _node_of(_log_path(self._path))
        if _written(found) == self._seen:
            return None
        header, log = self._consistent()
        if not self._is_ours(header, log):
            return "overwritten"
        self._header, self._seen = header, _written(found)
        return None

    def _is_ours(self, header: bytes, log: Log | None) -> bool:
        before, now = _counter(self._header), _counter(header)
        if not _is_marked(header) or now < before or not belongs(header, log):
            return False
        # The log was not emptied since it was begun, so nothing of ours wrote the header.
        is_untouched = log is not None and now == log.first - 1 == before
        return not is_untouched or header == self._header

    def _consistent(self) -> tuple[bytes, Log | None]:
        """Return the header and what the log says, of one moment."""
        header = _read(self._descriptor)
        while True:
            log = log_of(self._path)
            before, header = header, _read(self._descriptor)
            if before == header:
                return header, log


def _is_marked(header: bytes) -> bool:
    is_database = header.startswith(b"SQLite format 3\0")
    return is_database and header[68:72] == schema.APPLICATION_ID.to_bytes(4)


def _counter(header: bytes) -> int:
    return int.from_bytes(header[24:28])


def _written(found: os.stat_result) -> tuple[int, int]:
    return found.st_mtime_ns, found.st_size


def _node_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


# Closing any descriptor of a file drops all the locks that SQLite has on it in this process:
# https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
# So there is one for all, and it is closed with the last user.
_borrowed: dict[int, tuple[os.stat_result, int]] = {}
_lock = threading.Lock()


def _borrow(path: Path) -> int:
    with _lock:
        found = path.stat()
        for descriptor, (known, users) in _borrowed.items():
            if os.path.samestat(found, known):
                _borrowed[descriptor] = known, users + 1
                return descriptor
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        _borrowed[descriptor] = os.fstat(descriptor), 1
        return descriptor


def _read(descriptor: int) -> bytes:
    with _lock:
        os.lseek(descriptor, 0, os.SEEK_SET)
        return os.read(descriptor, _HEADER)


def _give_back(descriptor: int) -> None:
    with _lock:
        known, users = _borrowed[descriptor]
        if users > 1:
            _borrowed[descriptor] = known, users - 1
        else:
            del _borrowed[descriptor]
            os.close(descriptor)
