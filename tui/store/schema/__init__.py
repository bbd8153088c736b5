"""The database schema, as a list of migrations.

A released migration is never edited: each change of the schema is a new one.
`user_version` is the number of migrations that a file has had.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tui.domain.cjk import bigrams
from tui.domain.normalise import normalise
from tui.store.schema.m007 import M007
from tui.store.schema.m008 import M008
from tui.store.schema.m009 import M009
from tui.store.schema.statements import M001, M002, M003, M005, M006, STATES

if TYPE_CHECKING:
    from sqlite_utils import Database

APPLICATION_ID = 0x53434854
"""Marks a file as ours in its header: the letters SCHT."""

VERSION = 9

Migration = Callable[[sqlite3.Connection], None]

_SET = "streamchat"
"""The name of our set of migrations. A file may also have sets of other programs."""

_MIGRATIONS_TABLE = """\
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
)

CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name")"""
"""The table in which sqlite_utils records the migrations that a file has had."""


def apply(connection: sqlite3.Connection) -> None:
    """Apply the migrations that a file has not had, in the open transaction."""
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
        _create(connection)
        return
    # The import takes 0.2 s, as long as drawing the first screen.
    from sqlite_utils import Database, Migrations

    migrations = Migrations(_SET)
    for name, migration in _MIGRATIONS.items():
        migrations(name=name)(_on_database(migration))
    migrations.apply(Database(connection, execute_plugins=False, recursive_triggers=False))


def _on_database(migration: Migration) -> Callable[[Database], None]:
    def apply_to(db: Database) -> None:
        migration(db.conn)

    return apply_to


def _create(connection: sqlite3.Connection) -> None:
    """Apply every migration to an empty file, and record them as sqlite_utils does."""
    for statement in _MIGRATIONS_TABLE.split("\n\n"):
        connection.execute(statement)
    for name, migration in _MIGRATIONS.items():
        migration(connection)
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, ?)",
            [_SET, name, str(datetime.now(UTC))],
        )


def _m001_history(connection: sqlite3.Connection) -> None:
    """Add conversations, their messages as trees, the request log, and the search indexes."""
    for statement in M001.split("\n\n"):
        connection.execute(statement)


def _m002_recordings(connection: sqlite3.Connection) -> None:
    """Add the recordings of requests, and the indexes that a purge needs."""
    for statement in M002.split("\n\n"):
        connection.execute(statement)
    # The bigrams of the first migration left out the words between the runs of CJK text.
    found = connection.execute("SELECT n, text FROM blocks WHERE pairs IS NOT NULL").fetchall()
    for n, text in found:
        connection.execute("UPDATE blocks SET pairs = ? WHERE n = ?", [bigrams(text), n])


def _m003_branches(connection: sqlite3.Connection) -> None:
    """Add deleted messages, forks, continuations, tags, drafts and scroll anchors."""
    for statement in M003.split("\n\n"):
        connection.execute(statement)
    for conversation_id, title in connection.execute(
        "SELECT id, title FROM conversations"
    ).fetchall():
        connection.execute(
            "UPDATE conversations SET folded_title = ? WHERE id = ?",
            [normalise(title), conversation_id],
        )


def _m004_states(connection: sqlite3.Connection) -> None:
    """Allow the end reasons `context_full` and `tool_use`."""
    # Without this, a rename checks the views that other programs added to the file, and
    # fails because a table is missing for a moment. It also changes our foreign keys.
    connection.execute("PRAGMA legacy_alter_table = on")
    for table in ("messages", "requests"):
        _change_check(connection, table, STATES, f"{STATES}, 'context_full', 'tool_use'")
    connection.execute("PRAGMA legacy_alter_table = off")


def _m005_no_substrings(connection: sqlite3.Connection) -> None:
    """Drop the index of parts of words, which some files have."""
    for event in ("insert", "delete", "update"):
        connection.execute(f"DROP TRIGGER IF EXISTS inside_fts_{event}")
    try:
        connection.execute("DROP TABLE IF EXISTS inside_fts")
    except sqlite3.DatabaseError:
        # FTS5 opens an index to drop it, which fails if the index is damaged. It works
        # after the index's data is deleted. That is only the second attempt, because an
        # SQLite build with defensive mode forbids it.
        for statement in M005.split("\n\n"):
            connection.execute(statement)
    connection.execute("DROP TABLE IF EXISTS inside_built")


def _m006_apart(connection: sqlite3.Connection) -> None:
    """Separate texts in the view `transcript`; index words with accents without them."""
    for statement in M006.split("\n\n"):
        connection.execute(statement)
    last = 0
    # In batches: all texts of a long history would take too much memory.
    while found := connection.execute(
        "SELECT n, text, pairs FROM blocks WHERE n > ? AND text IS NOT NULL"
        " ORDER BY n LIMIT 1000",
        [last],
    ).fetchall():
        last = found[-1][0]
        changed = [(new, n) for n, text, old in found if (new := bigrams(text)) != old]
        connection.executemany("UPDATE blocks SET pairs = ? WHERE n = ?", changed)


def _m007_parameters(connection: sqlite3.Connection) -> None:
    """Keep how Claude is asked in each conversation, and how it was for each reply."""
    for statement in M007.split("\n\n"):
        connection.execute(statement)


def _m008_prices(connection: sqlite3.Connection) -> None:
    """Add the price of each request. The program adds those of older requests later."""
    for statement in M008.split("\n\n"):
        connection.execute(statement)


def _m009_attachments(connection: sqlite3.Connection) -> None:
    """Add the bytes of attachments, and which blocks and drafts refer to them."""
    for statement in M009.split("\n\n"):
        connection.execute(statement)


def _change_check(connection: sqlite3.Connection, table: str, old: str, new: str) -> None:
    """Replace a table by a copy that has another CHECK.

    SQLite has no other way, except writing to `sqlite_master`. A build with defensive
    mode, such as Apple's, refuses that.
    """
    if connection.execute("PRAGMA foreign_keys").fetchone()[0]:
        # Dropping the table would delete the rows that refer to it.
        raise RuntimeError("foreign keys must be off while a table is replaced")
    (statement,) = connection.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", [table]
    ).fetchone()
    others = connection.execute(
        "SELECT sql FROM sqlite_master"
        " WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql IS NOT NULL",
        [table],
    ).fetchall()
    _, name, columns = statement.partition(table)
    connection.execute(f"CREATE TABLE {name}_new{columns.replace(old, new)}")
    connection.execute(f"INSERT INTO {table}_new SELECT * FROM {table}")
    connection.execute(f"DROP TABLE {table}")
    connection.execute(f"ALTER TABLE {table}_new RENAME TO {table}")
    for (statement,) in others:
        connection.execute(statement)


_MIGRATIONS: dict[str, Migration] = {
    "m001_history": _m001_history,
    "m002_recordings": _m002_recordings,
    "m003_branches": _m003_branches,
    "m004_states": _m004_states,
    "m005_no_substrings": _m005_no_substrings,
    "m006_apart": _m006_apart,
    "m007_parameters": _m007_parameters,
    "m008_prices": _m008_prices,
    "m009_attachments": _m009_attachments,
}
