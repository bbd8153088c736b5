"""Prepares a history file: checks whose it is, how old it is, and how it can be used.

This module never overwrites a file that is not an older history of ours.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from tui.store import backup, repair, schema, watching
from tui.store import connection as opening
from tui.store.connection import Access, HistoryError
from tui.store.errors import explain_opening, name_of
from tui.store.filesystem import MOUNTS, reason, shared_kind, unwritable
from tui.store.foreign import limited
from tui.store.integrity import INDEXES, repair_if_damaged
from tui.store.migration import migrate, use_log, version_of


def prepare(path: Path, *, mounts: Path = MOUNTS) -> Access:
    """Make sure that `path` is a history with the current schema; return how to use it.

    Creates a missing file, migrates an older one, and rebuilds a damaged one from its
    backup and its own rows. Raises `HistoryError` for a file that cannot or must not be
    used, and does not change it.
    """
    try:
        if not path.parent.is_dir():
            raise HistoryError(f"The folder {path.parent} does not exist.")
        if path.is_dir():
            raise HistoryError(f"{path} is a folder, not a history file.")
        if path.exists() and not path.is_file():
            # Opening a pipe would block for ever.
            raise HistoryError(f"{path} is not a file. Choose another with --db.")
        return _prepared(path, mounts)
    except sqlite3.Error as error:
        raise HistoryError(explain_opening(path, error)) from error
    except OSError as error:
        why = reason(path.parent, error)
        raise HistoryError(f"{path} cannot be opened: {why}.") from error


def _prepared(path: Path, mounts: Path) -> Access:
    stray = _stray_log(path)
    try:
        _create_private(path)
    except OSError as error:
        if not path.exists():
            raise
        return _read_only(path, f"it cannot be written: {reason(path.parent, error)}")
    repaired = repair_if_damaged(path)
    with closing(opening.connect(path)) as connection:
        try:
            version = version_of(connection, path)
        except sqlite3.OperationalError as error:
            if name_of(error).startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                # SQLite cannot create its log next to the file.
                return _read_only(
                    path, f"its folder or the file is read-only. {unwritable(path)}"
                )
            raise
        if version > schema.VERSION:
            why = (
                f"it was written by a newer streamchat-tui (history version {version};"
                f" this one knows {schema.VERSION})"
            )
            return _read_only(path, why)
        if not (os.access(path, os.W_OK) and _is_writable(connection)):
            return _read_only(path, f"its folder or the file is read-only. {unwritable(path)}")
        _make_private(path)
        _bring_up_to_date(path, connection, version)
        kind = shared_kind(path.parent, mounts)
        use_log(connection, is_shared=kind is not None)
    notices = [stray, repaired]
    if kind is not None:
        notices.append(f"The history is on a network file system ({kind}).")
        notices.append("Use it from one machine at a time.")
    return Access(" ".join(notice for notice in notices if notice))


def _stray_log(path: Path) -> str:
    """Move away a log that belongs to another file; return a notice about it."""
    try:
        log = watching.stray_log(path)
    except OSError:
        # If the log cannot be read, opening the history fails and reports it.
        return ""
    if log is None:
        return ""
    return (
        "Another file has replaced the history."
        f" The log of the old file was moved to {log.name}."
    )


def _bring_up_to_date(path: Path, connection: sqlite3.Connection, version: int) -> None:
    if repair.is_marked(path):
        # The file itself is intact. No check covers its indexes, so rebuild them.
        _rebuild_indexes(connection)
        repair.unmark(path)
    if version < schema.VERSION:
        if version:
            backup.make(path, backup.before_version(path, schema.VERSION))
        migrate(connection)


def _rebuild_indexes(connection: sqlite3.Connection) -> None:
    with opening.transaction(connection):
        for index in INDEXES:
            connection.execute(f"INSERT INTO {index} ({index}) VALUES ('rebuild')")


def _read_only(path: Path, why: str) -> Access:
    """Return how to read a history that cannot be written; raise if it cannot be read."""
    base_uri = path.absolute().as_uri()
    has_log = path.with_name(f"{path.name}-wal").exists()
    # SQLite sees the content of a log only if it can use its side files. Without a log it
    # does not need them, so the file can be opened as immutable.
    uris = [f"{base_uri}?mode=ro", *([] if has_log else [f"{base_uri}?immutable=1"])]
    for uri in uris:
        try:
            with closing(sqlite3.connect(uri, uri=True)) as connection, limited(connection):
                version_of(connection, path)
                connection.execute("SELECT count(*) FROM messages").fetchone()
        except sqlite3.OperationalError:
            continue
        return Access(f"The history is read-only: {why.rstrip('.')}.", uri)
    raise HistoryError(f"{path} cannot be used: {why.rstrip('.')}.")


def _is_writable(connection: sqlite3.Connection) -> bool:
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        return name_of(error).startswith("SQLITE_BUSY")
    finally:
        connection.execute(f"PRAGMA busy_timeout = {round(opening.BUSY_TIMEOUT * 1000)}")
    return True


def _create_private(path: Path) -> None:
    """Create the file readable only for its owner; SQLite's side files inherit the mode."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _make_private(path: Path) -> None:
    """Remove other users' permissions from a history."""
    if path.stat().st_mode & 0o077:
        # The file of another user, or a file system without modes, stays as it is.
        with contextlib.suppress(PermissionError):
            path.chmod(0o600)
