"""Copies of a history, made while it is in use, in `backups/` beside it.

A copy has its name only when it is whole and has been checked. One program at a time
makes copies of a history or removes them: so an unfinished one that is found is a dead
program's, and none that was begun before a purge gets its name after it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sqlite3
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

from tui import schema
from tui.store import file_lock

KEPT = 3
"""How many daily copies are kept."""

PATIENCE = 5.0
"""How long it is waited for another program that works on the copies, in seconds."""

# Whole, so that `notes` has nothing to do with what `notes-work` has in the same folder.
_NAME = r"-(\d{4}-\d\d-\d\d|before-v\d+)"
_UNFINISHED = rf"{_NAME}\.\d+(-journal|-wal|-shm)?"

_log = logging.getLogger(__name__)


def folder_of(path: Path) -> Path:
    """Return where the copies of a history are."""
    return path.parent / "backups"


def newest_first(path: Path) -> list[Path]:
    """Return the copies there are of a history, daily ones and those before a change."""
    return sorted(_found(path, re.escape(path.name) + _NAME), key=_made_ns, reverse=True)


def unfinished(path: Path) -> list[Path]:
    """Return the copies of a history that are being made, or never will be."""
    return _found(path, rf"\.{re.escape(path.name)}{_UNFINISHED}")


def _found(path: Path, pattern: str) -> list[Path]:
    try:
        inside = list(folder_of(path).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [each for each in inside if re.fullmatch(pattern, each.name) and each.is_file()]


def _made_ns(copy: Path) -> int:
    try:
        return copy.stat().st_mtime_ns
    except FileNotFoundError:
        # Another program has removed it since.
        return 0


def daily(path: Path, day: date) -> Path:
    """Return the name of a day's copy."""
    return folder_of(path) / f"{path.name}-{day.isoformat()}"


def before_version(path: Path, version: int) -> Path:
    """Return the name of the copy that is made before a history gets a new shape."""
    return folder_of(path) / f"{path.name}-before-v{version}"


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Let nobody else make, use or remove copies of a history meanwhile. Blocks.

    Raises `OSError`, as a `TimeoutError` if another program takes too long.
    """
    lock = path.parent / "run" / f"{path.name}.copies"
    with file_lock.exclusive(lock, wait=PATIENCE):
        yield


def make(path: Path, copy: Path) -> None:
    """Copy a history, in the place of an older copy of that name. Blocks.

    Raises `sqlite3.Error` or `OSError`, and leaves no half a copy then.
    """
    with locked(path):
        remove(unfinished(path))
        with _made(path, copy) as unnamed:
            unnamed.replace(copy)


def copy_open(connection: sqlite3.Connection, copy: Path) -> None:
    """Copy the history that a connection has open, wherever its file is by now. Blocks.

    Raises `sqlite3.Error` or `OSError`, and leaves no half a copy then.
    """
    with _copied(connection, copy) as unnamed:
        unnamed.replace(copy)


@contextmanager
def _made(path: Path, copy: Path) -> Generator[Path]:
    """Make a copy that is checked and has no name yet; it is gone after the block."""
    copy.parent.mkdir(mode=0o700, exist_ok=True)
    with (
        closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as connection,
        _copied(connection, copy) as unnamed,
    ):
        yield unnamed


@contextmanager
def _copied(connection: sqlite3.Connection, copy: Path) -> Generator[Path]:
    unnamed = copy.with_name(f".{copy.name}.{os.getpid()}")
    try:
        # For its owner's eyes only; SQLite fills a file that is empty.
        os.close(os.open(unnamed, os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_CLOEXEC, 0o600))
        connection.execute("VACUUM INTO ?", [str(unnamed)])
        if not is_good(unnamed):
            raise sqlite3.DatabaseError("the copy is damaged")
        yield unnamed
    finally:
        unnamed.unlink(missing_ok=True)


def make_daily(path: Path, day: date) -> None:
    """Make a day's copy if it is missing, and drop the oldest ones. Blocks.

    Whatever stands in the way is logged: the history itself is as it was.
    """
    copy = daily(path, day)
    try:
        if copy.is_file() and not unfinished(path):
            return
        with locked(path):
            remove(unfinished(path))
            if copy.is_file():
                return
            with _made(path, copy) as unnamed:
                unnamed.replace(copy)
            days = [kept for kept in newest_first(path) if "-before-v" not in kept.name]
            remove(days[KEPT:])
    except (sqlite3.Error, OSError):
        _log.exception("no backup was made")


def remake(path: Path, day: date) -> list[Path]:
    """Put a new copy in the place of all there are: what was deleted may stand in them.

    Returns those that could not be removed. Raises `OSError` if another program works on
    the copies. Blocks.
    """
    with locked(path):
        failed = remove(unfinished(path))
        copy = daily(path, day)
        try:
            with _made(path, copy) as unnamed:
                # Only now: until there is a new one, the old ones are the backup.
                failed += remove(newest_first(path))
                unnamed.replace(copy)
        except (sqlite3.Error, OSError):
            _log.exception("no backup was made")
            failed += remove(newest_first(path))
        return list(dict.fromkeys(failed))


def remove(files: Iterable[Path]) -> list[Path]:
    """Remove files; return those that are still there, and log why."""
    failed = []
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError:
            _log.exception("a file could not be removed")
            failed.append(file)
    return failed


def is_good(copy: Path) -> bool:
    """Tell whether a copy is a whole history that this version can read."""
    with contextlib.suppress(sqlite3.Error), closing(_read_only(copy)) as connection:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        is_ours = application_id == schema.APPLICATION_ID and version <= schema.VERSION
        return bool(is_ours and said == "ok")
    return False


def _read_only(path: Path) -> sqlite3.Connection:
    # A copy is one file, with no log beside it.
    return sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)
