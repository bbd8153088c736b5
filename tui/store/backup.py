"""Copies of a history, made while it is in use, in `backups/` beside it.

A copy has its name only when it is whole and has been checked.
"""

from __future__ import annotations

import contextlib
import glob
import logging
import os
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

from tui import schema

KEPT = 3
"""How many daily copies are kept."""

_log = logging.getLogger(__name__)


def folder_of(path: Path) -> Path:
    """Return where the copies of a history are."""
    return path.parent / "backups"


def newest_first(path: Path) -> list[Path]:
    """Return the copies there are of a history, daily ones and those before a change."""
    found = folder_of(path).glob(f"{glob.escape(path.name)}-*")
    return sorted(found, key=lambda copy: copy.stat().st_mtime_ns, reverse=True)


def daily(path: Path, day: date) -> Path:
    """Return the name of a day's copy."""
    return folder_of(path) / f"{path.name}-{day.isoformat()}"


def before_version(path: Path, version: int) -> Path:
    """Return the name of the copy that is made before a history gets a new shape."""
    return folder_of(path) / f"{path.name}-before-v{version}"


def make(path: Path, copy: Path) -> None:
    """Copy a history, in the place of an older copy of that name. Blocks.

    Raises `sqlite3.Error` or `OSError`, and leaves no half a copy then.
    """
    copy.parent.mkdir(mode=0o700, exist_ok=True)
    unnamed = copy.with_name(f".{copy.name}.{os.getpid()}")
    try:
        # For its owner's eyes only; SQLite fills a file that is empty.
        os.close(os.open(unnamed, os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", [str(unnamed)])
        if not is_good(unnamed):
            raise sqlite3.DatabaseError("the copy is damaged")
        unnamed.replace(copy)
    finally:
        unnamed.unlink(missing_ok=True)


def make_daily(path: Path, day: date) -> None:
    """Make a day's copy if it is missing, and drop the oldest ones. Blocks.

    Whatever stands in the way is logged: the history itself is as it was.
    """
    copy = daily(path, day)
    if copy.exists():
        return
    try:
        make(path, copy)
    except (sqlite3.Error, OSError):
        _log.exception("no backup was made")
        return
    days = [kept for kept in newest_first(path) if "-before-v" not in kept.name]
    for old in days[KEPT:]:
        old.unlink(missing_ok=True)


def remake(path: Path, day: date) -> None:
    """Drop every copy and make a new one: what was deleted may stand in the old. Blocks."""
    for old in newest_first(path):
        old.unlink(missing_ok=True)
    make_daily(path, day)


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
