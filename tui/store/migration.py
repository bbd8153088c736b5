"""Finds out how old a history is, and migrates it to the current schema."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tui.store import connection as opening
from tui.store import schema
from tui.store.connection import HistoryError
from tui.store.errors import name_of


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """Return the schema version of a file. Raises `HistoryError` if it is not ours."""
    # In one transaction: otherwise a history that is just being created may look foreign.
    connection.execute("BEGIN")
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    connection.execute("COMMIT")
    if application_id != schema.APPLICATION_ID and (application_id or tables):
        raise HistoryError(f"{path} is a database of another program; it was not changed.")
    return int(version)


def migrate(connection: sqlite3.Connection) -> None:
    """Migrate a history to the current schema, unless another process has done it."""
    # A migration may replace a table. The PRAGMA has no effect inside a transaction.
    connection.execute("PRAGMA foreign_keys = off")
    with opening.transaction(connection):
        # Another process may have migrated it while this one waited for the lock.
        if connection.execute("PRAGMA user_version").fetchone()[0] < schema.VERSION:
            schema.apply(connection)
            connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {schema.VERSION}")


def build(path: Path) -> None:
    """Create a history at `path`, or migrate an older one to the current schema."""
    with closing(opening.connect(path)) as connection:
        if connection.execute("PRAGMA user_version").fetchone()[0] < schema.VERSION:
            migrate(connection)


def use_log(connection: sqlite3.Connection, *, is_shared: bool) -> None:
    """Switch the file to a write-ahead log, or to a rollback journal if machines share it.

    Retries while other programs hold locks, because SQLite does not always wait here.
    """
    wanted = "delete" if is_shared else "wal"
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode == wanted:
        return
    deadline = time.monotonic() + opening.BUSY_TIMEOUT
    while True:
        try:
            connection.execute(f"PRAGMA journal_mode = {wanted}")
        except sqlite3.OperationalError as error:
            if name_of(error) != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
