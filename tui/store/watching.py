"""Checks whether the file at the path is still the history that was opened.

While the program runs, a user may move the file away, replace it by a backup, or copy a
backup over it. SQLite does not notice: it would write into a file that nobody finds again,
or write its log over the restored file.

The check compares the inode and the file change counter of the header:
https://sqlite.org/fileformat.html#file_change_counter. The counter of a copied file is too
low, or does not match the log.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tui.store import schema

Fate = Literal["gone", "replaced", "overwritten"]

_HEADER = 100
_FRAME = 24
"""The size of the header before each page of the log, in bytes."""
_HALF_WRITTEN = 0.1
"""The longest time that another program may take to write one page of the log, in seconds."""
_TRIES = 5
"""How often the file and its log are read again if they change meanwhile."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a log says about the file that it belongs to."""

    first: int
    """The change counter in the log's first copy of page 1."""
    last: int
    """The highest change counter in the log."""


def log_of(path: Path) -> Log | None:
    """Return what the log of a history says; None if it has no copy of page 1."""
    counters: list[int] = []
    open_counters: list[int] = []
    try:
        with _log_path(path).open("rb", buffering=0) as file:
            head = file.read(32)
            size = int.from_bytes(head[8:12])
            while len(frame := file.read(_FRAME + _HEADER)) == _FRAME + _HEADER:
                # Another salt: from here on, the frames belong to an earlier log.
                if frame[8:16] != head[16:24] or size < 512:
                    break
                # A power cut may have lost the page, so check its mark.
                if int.from_bytes(frame[:4]) == 1 and _is_marked(frame[_FRAME:]):
                    open_counters.append(_counter(frame[_FRAME:]))
                if any(frame[4:8]):
                    # A commit. Frames without one may be half written.
                    counters += open_counters
                    open_counters.clear()
                file.seek(size - _HEADER, os.SEEK_CUR)
    except OSError:
        return None
    return Log(counters[0], max(counters)) if counters else None


def belongs(header: bytes, log: Log | None) -> bool:
    """Return whether a log can belong to a file with this header."""
    return log is None or log.first - 1 <= _counter(header) <= log.last


def stray_log(path: Path) -> Path | None:
    """Rename a log that belongs to another file than the history; return its new path.

    Returns None if there is no such log. It exists if a user replaces a history by a
    backup after its program was killed. SQLite would write the log over the backup, or
    delete it. Raises `OSError`.
    """
    log = _log_path(path)
    if not log.exists() or not log.stat().st_size:
        return None
    if path.exists() and path.stat().st_size and belongs(header_of(path), log_of(path)):
        return None
    return _set_aside(path)


def detach(path: Path, fate: Fate) -> None:
    """Keep the log of the old file from being written into the file that replaced it.

    Saves the log under another name. Raises `OSError`.
    """
    if fate == "replaced":
        # Open connections can still read it under its new name.
        _set_aside(path)
    elif fate == "overwritten":
        # It is still open. The last connection to close would write it into the file.
        shutil.copyfile(_log_path(path), _replaced_log_path(path))
        os.truncate(_log_path(path), 0)
        _log_path(path).unlink()
        path.with_name(f"{path.name}-shm").unlink(missing_ok=True)


def _set_aside(path: Path) -> Path:
    target = _replaced_log_path(path)
    _log_path(path).rename(target)
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return target


def _replaced_log_path(path: Path) -> Path:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return path.with_name(f"{path.name}.replaced-{now}-wal")


def _log_path(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def header_of(path: Path) -> bytes:
    """Return the first 100 bytes of a history. Raises `OSError`."""
    descriptor = _borrow(path)
    try:
        return _read(descriptor)
    finally:
        _give_back(descriptor)


class FileWatch:
    """Watches the file that was opened, until `close`. One thread at a time may use it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = _borrow(path)
        self._opened = os.fstat(self._descriptor)
        self._log_inode = _inode_of(_log_path(path))
        self._header = _read(self._descriptor)
        self._seen = _time_and_size(self._opened)
        self._fate: Fate | None = None

    def check(self) -> Fate | None:
        """Return what has happened to the file; None if it is still the one that was opened.

        A file that was moved away may come back. If the file cannot be checked, returns
        the last answer.
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
        """Close the file. Every connection to it must be closed before."""
        _give_back(self._descriptor)

    def has_own_log(self) -> bool:
        """Return whether the log at the path belongs to the file that was opened."""
        inode = _inode_of(_log_path(self._path))
        return inode is not None and inode == self._log_inode

    def _compared(self, found: os.stat_result) -> Fate | None:
        if not os.path.samestat(found, self._opened):
            return "replaced"
        self._log_inode = _inode_of(_log_path(self._path))
        if _time_and_size(found) == self._seen:
            return None
        read_before = None
        while (read := self._consistent()) is not None:
            if self._is_ours(*read):
                self._header, self._seen = read[0], _time_and_size(found)
                return None
            if read == read_before:
                return "overwritten"
            # Another program may be writing a page: SQLite writes the frame's header first.
            read_before = read
            time.sleep(_HALF_WRITTEN)
        return None

    def _is_ours(self, header: bytes, log: Log | None) -> bool:
        before, now = _counter(self._header), _counter(header)
        if not _is_marked(header) or now < before or not belongs(header, log):
            return False
        # No checkpoint has run since this log began. So if the header has changed, no
        # program of ours has written it.
        is_untouched = log is not None and now == log.first - 1 == before
        return not is_untouched or header == self._header

    def _consistent(self) -> tuple[bytes, Log | None] | None:
        """Return the header and the log's counters as they are at one moment.

        Returns None if other programs change them faster than they can be read. A log that
        is restarted during the read would mix the frames of two logs.
        """
        for _ in range(_TRIES):
            before = _read(self._descriptor), _log_header(self._path)
            log = log_of(self._path)
            if before == (_read(self._descriptor), _log_header(self._path)):
                return before[0], log
        return None


def _log_header(path: Path) -> bytes:
    """Return the header of a log. It changes each time that SQLite restarts the log."""
    try:
        with _log_path(path).open("rb", buffering=0) as file:
            return file.read(32)
    except OSError:
        return b""


def _is_marked(header: bytes) -> bool:
    is_database = header.startswith(b"SQLite format 3\0")
    return is_database and header[68:72] == schema.APPLICATION_ID.to_bytes(4)


def _counter(header: bytes) -> int:
    return int.from_bytes(header[24:28])


def _time_and_size(found: os.stat_result) -> tuple[int, int]:
    return found.st_mtime_ns, found.st_size


def _inode_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


# Closing any descriptor of a file drops all locks that SQLite has on it in this process:
# https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
# So all users of a file share one descriptor. The last user closes it.
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
