"""Backups of a history, made while it is in use, in the folder `backups/` next to it.

A copy gets its final name only when it is complete and checked. Only one program at a time
makes or removes copies of a history. So an unfinished copy belongs to a dead program, and
a copy that was begun before a purge never gets its name after it.
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

from tui.store import file_lock, schema

KEPT = 3
"""How many daily copies are kept."""

PATIENCE = 5.0
"""Seconds to wait for another program that works on the copies."""

# Matched against the full name: `notes` must not touch the copies of `notes-work`.
_NAME = r"-(\d{4}-\d\d-\d\d|before-v\d+)"
_UNFINISHED = rf"{_NAME}\.\d+(-journal|-wal|-shm)?"

_log = logging.getLogger(__name__)


def folder_of(path: Path) -> Path:
    """Return the folder with the copies of a history."""
    return path.parent / "backups"


def newest_first(path: Path) -> list[Path]:
    """Return the copies of a history: daily ones and those made before a migration."""
    return sorted(_found(path, re.escape(path.name) + _NAME), key=_made_ns, reverse=True)


def unfinished(path: Path) -> list[Path]:
    """Return the unfinished copies of a history."""
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
        # Another program has removed it meanwhile.
        return 0


def daily(path: Path, day: date) -> Path:
    """Return the path of a day's copy."""
    return folder_of(path) / f"{path.name}-{day.isoformat()}"


def before_version(path: Path, version: int) -> Path:
    """Return the path of the copy that is made before a migration to `version`."""
    return folder_of(path) / f"{path.name}-before-v{version}"


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Keep other programs from making, using or removing copies of a history. Blocks.

    Raises `TimeoutError` if another program takes too long, or another `OSError`.
    """
    lock = path.parent / "run" / f"{path.name}.copies"
    with file_lock.exclusive(lock, wait=PATIENCE):
        yield


def make(path: Path, copy: Path) -> None:
    """Copy a history; replace an older copy of that name. Blocks.

    Raises `sqlite3.Error` or `OSError`, and leaves no unfinished copy in that case.
    """
    with locked(path):
        remove(unfinished(path))
        with _temporary_copy(path, copy) as temporary:
            temporary.replace(copy)


def copy_open(connection: sqlite3.Connection, copy: Path) -> None:
    """Copy the history that a connection has open, even if its file was removed. Blocks.

    Raises `sqlite3.Error` or `OSError`, and leaves no unfinished copy in that case.
    """
    with _temporary_copy_of(connection, copy) as temporary:
        temporary.replace(copy)


@contextmanager
def _temporary_copy(path: Path, copy: Path) -> Generator[Path]:
    """Yield a checked copy under a temporary name; remove it after the block."""
    copy.parent.mkdir(mode=0o700, exist_ok=True)
    with (
        closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as connection,
        _temporary_copy_of(connection, copy) as temporary,
    ):
        yield temporary


@contextmanager
def _temporary_copy_of(connection: sqlite3.Connection, copy: Path) -> Generator[Path]:
    temporary = copy.with_name(f".{copy.name}.{os.getpid()}")
    try:
        # Readable only for its owner. VACUUM INTO accepts a file that exists and is empty.
        os.close(os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_CLOEXEC, 0o600))
        connection.execute("VACUUM INTO ?", [str(temporary)])
        if not is_good(temporary):
            raise sqlite3.DatabaseError("the copy is damaged")
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def make_daily(path: Path, day: date) -> None:
    """Make a day's copy if it is missing, and remove the oldest ones. Blocks.

    Logs an error instead of raising it, because the history itself is not affected.
    """
    copy = daily(path, day)
    try:
        if copy.is_file() and not unfinished(path):
            return
        with locked(path):
            remove(unfinished(path))
            if copy.is_file():
                return
            with _temporary_copy(path, copy) as temporary:
                temporary.replace(copy)
            days = [each for each in newest_first(path) if "-before-v" not in each.name]
            remove(days[KEPT:])
    except (sqlite3.Error, OSError):
        _log.exception("no backup was made")


def remake(path: Path, day: date) -> list[Path]:
    """Replace all copies by a new one, because they may contain what was deleted. Blocks.

    Returns the copies that could not be removed. Raises `OSError` if another program works
    on the copies.
    """
    with locked(path):
        failed = remove(unfinished(path))
        copy = daily(path, day)
        try:
            with _temporary_copy(path, copy) as temporary:
                # Not earlier: until there is a new copy, the old ones are the backup.
                failed += remove(newest_first(path))
                temporary.replace(copy)
        except (sqlite3.Error, OSError):
            _log.exception("no backup was made")
            failed += remove(newest_first(path))
        return list(dict.fromkeys(failed))


def remove(files: Iterable[Path]) -> list[Path]:
    """Remove files; return those that could not be removed, and log why."""
    failed = []
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError:
            _log.exception("a file could not be removed")
            failed.append(file)
    return failed


def is_good(copy: Path) -> bool:
    """Return whether a copy is an intact history that this version can read."""
    with contextlib.suppress(sqlite3.Error), closing(_read_only(copy)) as connection:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        is_ours = application_id == schema.APPLICATION_ID and version <= schema.VERSION
        return bool(is_ours and answer == "ok")
    return False


def _read_only(path: Path) -> sqlite3.Connection:
    # A copy is one file without a log.
    return sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)
