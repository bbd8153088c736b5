"""The connections to a history file: their PRAGMAs and their transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tui.store.foreign import text_of

if TYPE_CHECKING:
    from sqlite_utils import Database

BUSY_TIMEOUT = 5.0
"""Seconds that a statement waits for another process's write."""

WRITER_PRAGMAS = (
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
    """The history could not be opened, read or written. Its text is one line for the user."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a prepared history can be used."""

    notice: str = ""
    """What the user must know about the history; usually empty."""
    read_only_uri: str | None = None
    """The URI to read from if the history cannot be written."""


def open_writer(path: Path) -> Database:
    """Open the connection that writes. A process has one, on a thread of its own."""
    from sqlite_utils import Database  # 0.2 s, after the first screen: see `schema`

    connection = connect(path)
    # This is slower than SQLite's own decoding, but the writer reads little.
    connection.text_factory = text_of
    for pragma in WRITER_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return Database(connection, execute_plugins=False, recursive_triggers=False)


def open_reader(path: Path, access: Access) -> sqlite3.Connection:
    """Open a connection that can only read."""
    if access.read_only_uri is None:
        connection = connect(path)
    else:
        connection = sqlite3.connect(
            access.read_only_uri, uri=True, isolation_level=None, check_same_thread=False
        )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA query_only = on")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Commit all of the block's writes, or none of them if it raises.

    The transaction is IMMEDIATE. One that reads first and writes later would fail at
    once, without waiting, if another process wrote in between.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # On a full disk, SQLite has already rolled back.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Generator[None]:
    """Make all of the block's queries see the history as it is at one moment."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        # SQLite ends the transaction itself after some errors.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection with the settings that all of ours have. Raises `sqlite3.Error`."""
    # One thread at a time uses a connection, but another one closes it.
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    # Rebuilding an index frees pages. They would keep words that are deleted later.
    connection.execute("PRAGMA secure_delete = on")
    return connection
