"""The database's shape, as the list of steps that built it.

A released step is never edited: a change of shape is a new step. `user_version`
is the number of steps a file has had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.folding import folded
from tui.pairs import spaced
from tui.schema.statements import M001, M002, M003, STATES

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

APPLICATION_ID = 0x53434854
"""Marks a file as ours, in its header: the letters SCHT."""

VERSION = 4


def migrations() -> Migrations:
    """Return the steps, oldest first."""
    # sqlite_utils takes 0.2 s to import, as long as the first screen; only an old
    # or empty file needs it so early.
    from sqlite_utils import Migrations

    steps = Migrations("streamchat")
    steps(name="m001_history")(_m001_history)
    steps(name="m002_recordings")(_m002_recordings)
    steps(name="m003_branches")(_m003_branches)
    steps(name="m004_states")(_m004_states)
    return steps


def _m001_history(db: Database) -> None:
    """Conversations, their messages as trees, the ledger, and what finds them."""
    for statement in M001.split("\n\n"):
        db.execute(statement)


def _m002_recordings(db: Database) -> None:
    """Keep what came over the wire for each request; find what is to be purged."""
    for statement in M002.split("\n\n"):
        db.execute(statement)
    # The first step's pairs left out the words between the runs.
    found = db.execute("SELECT n, text FROM blocks WHERE pairs IS NOT NULL").fetchall()
    for n, text in found:
        db.execute("UPDATE blocks SET pairs = ? WHERE n = ?", [spaced(text), n])


def _m003_branches(db: Database) -> None:
    """Delete single messages, fork, continue; tags, drafts, and where a reader was."""
    for statement in M003.split("\n\n"):
        db.execute(statement)
    for conversation_id, title in db.execute("SELECT id, title FROM conversations").fetchall():
        db.execute(
            "UPDATE conversations SET folded_title = ? WHERE id = ?",
            [folded(title), conversation_id],
        )


def _m004_states(db: Database) -> None:
    """Let a reply end as `context_full` and as `tool_use`."""
    # Or renaming looks through what others have added to the file, and stumbles over
    # their views while a table is away; and it renames in our foreign keys.
    db.execute("PRAGMA legacy_alter_table = on")
    for table in ("messages", "requests"):
        _change_check(db, table, STATES, f"{STATES}, 'context_full', 'tool_use'")
    db.execute("PRAGMA legacy_alter_table = off")


def _change_check(db: Database, table: str, old: str, new: str) -> None:
    """Make a table anew with another CHECK. The rest of it, and its rows, stay.

    That is the only way SQLite has, but for writing to its own tables, which a build
    with defensive mode refuses, such as Apple's.
    """
    if db.execute("PRAGMA foreign_keys").fetchone()[0]:
        # Dropping the table would delete the rows of all that refer to it.
        raise RuntimeError("a table is made anew without foreign keys only")
    (made,) = db.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", [table]
    ).fetchone()
    others = db.execute(
        "SELECT sql FROM sqlite_master"
        " WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql IS NOT NULL",
        [table],
    ).fetchall()
    _, name, columns = made.partition(table)
    db.execute(f"CREATE TABLE {name}_new{columns.replace(old, new)}")
    db.execute(f"INSERT INTO {table}_new SELECT * FROM {table}")
    db.execute(f"DROP TABLE {table}")
    db.execute(f"ALTER TABLE {table}_new RENAME TO {table}")
    for (statement,) in others:
        db.execute(statement)
