"""Opening a history file: whose it is, how old it is, and what SQLite is told.

Nothing here overwrites a file that is not an older history of ours.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tui import schema

if TYPE_CHECKING:
    from sqlite_utils import Database

BUSY_TIMEOUT = 5.0
"""How long a statement waits for another process's write, in seconds."""

_WRITER_PRAGMAS = (
    "foreign_keys = on",
    # A commit that was acknowledged survives a power cut; NORMAL loses some.
    "synchronous = full",
    "secure_delete = on",
    "cell_size_check = on",
    "journal_size_limit = 67108864",
    "temp_store = memory",
    # On macOS fsync alone does not reach the disk.
    "fullfsync = on",
    "checkpoint_fullfsync = on",
)


class HistoryError(Exception):
    """The history could not be opened, read or written. One line for the reader."""


def prepare(path: Path) -> None:
    """Make sure there is a history of today's shape at `path`.

    Makes the file if there is none, migrates an older one, and raises
    `HistoryError` for anything that cannot or must not be used.
    """
    if not path.parent.is_dir():
        raise HistoryError(f"The folder {path.parent} does not exist.")
    if path.is_dir():
        raise HistoryError(f"{path} is a folder, not a history file.")
    try:
        _create_private(path)
        with closing(_connect(path)) as connection:
            version = _version(connection, path)
            _make_private(path)
            if version < schema.VERSION:
                _migrate(connection)
    except sqlite3.DatabaseError as error:
        raise HistoryError(_explain(path, error)) from error
    except OSError as error:
        raise HistoryError(f"{path} cannot be opened: {error.strerror}.") from error


def open_writer(path: Path) -> Database:
    """Open the connection that writes. There is one in a process, on its own thread."""
    from sqlite_utils import Database  # 0.2 s, after the first screen: see `schema`

    connection = _connect(path)
    for pragma in _WRITER_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return Database(connection, execute_plugins=False, recursive_triggers=False)


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that can only read."""
    connection = _connect(path)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA query_only = on")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Do all of the block's writes or none of them.

    IMMEDIATE, because a transaction that reads first and writes later fails at
    once, whatever the time-out, when another process has written in between.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk has rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _connect(path: Path) -> sqlite3.Connection:
    # Each connection stays on one thread at a time, but is closed from another.
    return sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )


def _create_private(path: Path) -> None:
    """Create the file for its owner's eyes only; SQLite's side files inherit the mode."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _make_private(path: Path) -> None:
    """Close a history that is open to others; not a file of another program's."""
    if path.stat().st_mode & 0o077:
        # Somebody else's file, or a file system without modes: as it is, then.
        with contextlib.suppress(PermissionError):
            path.chmod(0o600)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return how many steps the file has had, or raise for one that is not ours."""
    # One transaction, or a history that another process is just making looks foreign.
    connection.execute("BEGIN")
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    connection.execute("COMMIT")
    if application_id != schema.APPLICATION_ID and (application_id or tables):
        raise HistoryError(f"{path} is a database of another program; it was left alone.")
    if version > schema.VERSION:
        raise HistoryError(
            f"{path} was written by a newer streamchat-tui (history version {version};"
            f" this one knows {schema.VERSION}). Upgrade to open it; it was left alone."
        )
    return int(version)


def _migrate(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database

    _use_wal(connection)
    with transaction(connection):
        # Another process may have been first.
        if connection.execute("PRAGMA user_version").fetchone()[0] < schema.VERSION:
            db = Database(connection, execute_plugins=False, recursive_triggers=False)
            schema.migrations().apply(db)
            connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {schema.VERSION}")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Give the file its write-ahead log, however many programs do so at once.

    For this SQLite does not always wait for the others' locks.
    """
    until = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _explain(path: Path, error: sqlite3.DatabaseError) -> str:
    match error.sqlite_errorname:
        case "SQLITE_NOTADB" | "SQLITE_CORRUPT":
            return f"{path} is not a database, or is damaged; it was left alone."
        case "SQLITE_CANTOPEN" | "SQLITE_READONLY" | "SQLITE_READONLY_DIRECTORY":
            return f"{path} cannot be written: its folder or the file is read-only."
        case "SQLITE_BUSY":
            return f"{path} is locked by another program."
        case "SQLITE_FULL":
            return f"{path} cannot be written: the disk is full."
        case _:
            return f"{path} cannot be opened: {error}."
