"""Finds out whether a history is damaged, and lets one program repair it.

This module never overwrites a file that is not a history of ours.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from tui.store import backup, repair, schema
from tui.store import connection as opening
from tui.store.connection import HistoryError
from tui.store.errors import is_damage
from tui.store.filesystem import complaint
from tui.store.migration import build
from tui.store.process_lock import fcntl, make_folder

INDEXES = ("blocks_fts", "pairs_fts")
"""The full-text indexes. No other check covers them."""


def repair_if_damaged(path: Path) -> str:
    """Rebuild a damaged history; return a notice about it, or "" if it is not damaged.

    Raises `HistoryError` if the repair fails, or if another window uses the file.
    """
    if not _needs_repair(path):
        return ""
    with _repair_lock(path), _exclusive_access(path):
        if not _needs_repair(path):
            return "The history was damaged. Another window has just repaired it."
        try:
            done = repair.repair(path, build)
        except (OSError, sqlite3.Error) as error:
            raise HistoryError(
                f"{path} is damaged and could not be repaired: {_cause(error)}."
                " The file is unchanged. Fix the cause, then restart."
            ) from error
        repair.unmark(path)
    return done.notice


def _cause(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _needs_repair(path: Path) -> bool:
    return repair.is_half_done(path) or (_is_damaged(path) and _is_ours(path))


@contextmanager
def _exclusive_access(path: Path) -> Generator[None]:
    """Raise `HistoryError` if another program has the damaged file open."""
    if fcntl is None:
        yield
        return
    # This process has no connection to a file that SQLite cannot read. So closing this
    # descriptor cannot drop a lock of ours.
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        # The bytes that SQLite locks: https://sqlite.org/fileformat.html#the_lock_byte_page
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 512, 0x40000000)
        yield
    except BlockingIOError:
        raise HistoryError(
            f"{path} is damaged, and another window uses it. Close that window first."
        ) from None
    finally:
        os.close(descriptor)


def _is_damaged(path: Path) -> bool:
    if path.stat().st_size == 0:
        return bool(backup.newest_first(path))
    try:
        # Read-only: otherwise, closing would move a dead program's log into the file.
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(
            sqlite3.connect(uri, uri=True, timeout=opening.BUSY_TIMEOUT)
        ) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            tables = connection.execute(
                "SELECT name FROM sqlite_master"
                " WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'"
            ).fetchall()
            for (name,) in tables:
                connection.execute(f'SELECT * FROM "{name}" LIMIT 1').fetchone()
            if not repair.is_marked(path):
                return False
            for index in INDEXES:
                connection.execute(
                    f"SELECT count(*) FROM {index} WHERE {index} MATCH 'a'"
                ).fetchone()
            (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            return bool(answer != "ok")
    except sqlite3.DatabaseError as error:
        return is_damage(error)


def _is_ours(path: Path) -> bool:
    """Return whether an unreadable file was a history of this version or an older one.

    Its header says so. If the header is lost, the file is ours if it has backups. A text
    file is never ours: the user may have named it by mistake.
    """
    with path.open("rb") as file:
        header = file.read(100)
    if header.startswith(b"SQLite format 3\0"):
        is_marked = header[68:72] == schema.APPLICATION_ID.to_bytes(4)
        return is_marked and int.from_bytes(header[60:64]) <= schema.VERSION
    is_text = bool(header.strip(b"\0")) and all(9 <= byte < 127 for byte in header)
    return not is_text and bool(backup.newest_first(path))


@contextmanager
def _repair_lock(path: Path) -> Generator[None]:
    """Let only one program repair at a time."""
    folder = path.parent / "run"
    name = folder / f"{path.name}.repair"
    try:
        make_folder(folder)
        descriptor = os.open(name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HistoryError(f"{path} is damaged. {complaint(folder, error)}") from error
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
