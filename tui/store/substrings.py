"""An index of every three characters, for what stands inside words. It is optional.

It takes a third of what the texts take, and minutes for a long history. So it stands
outside the schema's steps: made in the background where it is wanted, the newest text
first, in steps that leave room for a running reply, and taken apart the same way where
it is not. How far it goes is in the file; a program that dies goes on there.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tui.store import connection as opening
from tui.store.threads import Threads, reads, writes

if TYPE_CHECKING:
    from sqlite_utils import Database

INDEX = "inside_fts"

LENGTH = 3
"""How many characters in a row the index knows. It finds nothing by fewer."""

MOST = 16
"""How many of them it is asked for at most: enough, the texts themselves decide."""

CHARACTERS = 40_000
"""About how many characters are indexed in a step: 20 ms."""

PAGES = 200
"""How many pages of the index are removed in a step."""

PAUSE = 0.02
"""Seconds between two steps."""

_BEING_REMOVED = -1
"""What stands for the first block that is indexed while the index is taken apart."""

_IS_TEXT = "type IN ('text', 'thinking') AND text IS NOT NULL"
_IS_INDEXED = (
    "{row}.type IN ('text', 'thinking') AND {row}.text IS NOT NULL"
    " AND {row}.n >= (SELECT below FROM inside_built)"
)
_NEW, _OLD = _IS_INDEXED.format(row="new"), _IS_INDEXED.format(row="old")
_MADE = f"""\
CREATE TABLE inside_built (below INTEGER NOT NULL) STRICT

INSERT INTO inside_built SELECT coalesce(max(n), 0) + 1 FROM blocks

CREATE VIRTUAL TABLE {INDEX} USING fts5 (
    text, content='searchable', content_rowid='n', tokenize='trigram', detail='none',
    columnsize=0
)

CREATE TRIGGER inside_fts_insert AFTER INSERT ON blocks WHEN {_NEW} BEGIN
    INSERT INTO {INDEX} (rowid, text) VALUES (new.n, new.text);
END

CREATE TRIGGER inside_fts_delete AFTER DELETE ON blocks WHEN {_OLD} BEGIN
    INSERT INTO {INDEX} ({INDEX}, rowid, text) VALUES ('delete', old.n, old.text);
END

CREATE TRIGGER inside_fts_update AFTER UPDATE OF text, type ON blocks BEGIN
    INSERT INTO {INDEX} ({INDEX}, rowid, text) SELECT 'delete', old.n, old.text WHERE {_OLD};
    INSERT INTO {INDEX} (rowid, text) SELECT new.n, new.text WHERE {_NEW};
END"""
_TRIGGERS = ("inside_fts_insert", "inside_fts_delete", "inside_fts_update")

# What FTS5 keeps of itself, as it is in an index with nothing in it: without them it
# cannot be opened, and what cannot be opened cannot be dropped.
_EMPTY = ((1, b""), (10, bytes(7)))


class Substrings:
    """The index of one history, if it has one. Raises `HistoryError` throughout."""

    def __init__(self, threads: Threads) -> None:
        self.threads = threads

    async def keep(self, *, is_wanted: bool) -> None:
        """Make the index whole, or take it apart, in as many short steps as it takes."""
        is_whole = await self.is_whole()
        if self.threads.is_read_only or is_whole is (True if is_wanted else None):
            return
        work = self._make_some if is_wanted else self._remove_some
        while await work():  # noqa: ASYNC110 - what is waited for is others' turn to write
            await asyncio.sleep(PAUSE)

    async def finish_removing(self) -> None:
        """Take the rest of the index apart, if that was begun: its words are gone then."""
        while await self._is_being_removed() and await self._remove_some():
            pass

    @reads
    def _is_being_removed(self, connection: sqlite3.Connection) -> bool:
        return _below(connection) == _BEING_REMOVED

    @reads
    def is_whole(self, connection: sqlite3.Connection) -> bool | None:
        """Tell whether everything is in the index; None: there is none."""
        below = _below(connection)
        return None if below is None else below == 0

    @writes
    def _make_some(self, db: Database) -> bool:
        return _make_some(db.conn)

    @writes
    def _remove_some(self, db: Database) -> bool:
        return _remove_some(db.conn)


def _make_some(connection: sqlite3.Connection) -> bool:
    """Index some more; False when there was nothing left."""
    below = _below(connection)
    if below is None:
        for statement in _MADE.split("\n\n"):
            connection.execute(statement)
        return True
    if below == _BEING_REMOVED:
        _remove_some(connection)
        return True
    first, size = 0, 0
    for n, length in connection.execute(
        f"SELECT n, length(text) FROM blocks WHERE n < ? AND {_IS_TEXT} ORDER BY n DESC",
        [below],
    ):
        first, size = n, size + length
        if size >= CHARACTERS:
            break
    connection.execute(
        f"INSERT INTO {INDEX} (rowid, text)"
        f" SELECT n, text FROM blocks WHERE n >= ? AND n < ? AND {_IS_TEXT}",
        [first, below],
    )
    is_more = size >= CHARACTERS
    connection.execute("UPDATE inside_built SET below = ?", [first if is_more else 0])
    return is_more


def _remove_some(connection: sqlite3.Connection) -> bool:
    """Remove some of the index; False when it is gone."""
    below = _below(connection)
    if below is None:
        return False
    if below != _BEING_REMOVED:
        _begin_removing(connection)
        return True
    removed = connection.execute(
        f"DELETE FROM {INDEX}_data WHERE id IN"
        f" (SELECT id FROM {INDEX}_data WHERE id > 10 LIMIT ?)",
        [PAGES],
    )
    if removed.rowcount == PAGES:
        return True
    connection.execute(f"DROP TABLE {INDEX}")
    connection.execute("DROP TABLE inside_built")
    return False


def _begin_removing(connection: sqlite3.Connection) -> None:
    """Let nothing go into the index any more, nor be asked of it."""
    for trigger in _TRIGGERS:
        connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    connection.execute("UPDATE inside_built SET below = ?", [_BEING_REMOVED])
    connection.executemany(f"REPLACE INTO {INDEX}_data (id, block) VALUES (?, ?)", _EMPTY)


def distrust(path: Path) -> None:
    """Have the index of a history made anew, after damage was met: it may be in there."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if _below(connection) is not None:
            with opening.transaction(connection):
                _begin_removing(connection)


def is_there(connection: sqlite3.Connection) -> bool:
    """Tell whether there is an index, whole or not."""
    return _below(connection) is not None


def asked(connection: sqlite3.Connection, parts: Sequence[str]) -> str:
    """Return what to ask the index for; it finds at least what has all of the parts.

    Empty where the index is not whole, or knows none of the parts. Not a pattern for
    LIKE: in one that is indexed, % and _ cannot be escaped.
    """
    if _below(connection) != 0:
        return ""
    known = dict.fromkeys(each for part in parts for each in _threes(part))
    quoted = (each.replace('"', '""') for each in islice(known, MOST))
    return " ".join(f'"{each}"' for each in quoted)


def _threes(part: str) -> Iterator[str]:
    """Yield every three characters of a part. FTS5 takes NUL for the end of a text."""
    for piece in part.split("\0"):
        yield from (piece[at : at + LENGTH] for at in range(len(piece) - LENGTH + 1))


def _below(connection: sqlite3.Connection) -> int | None:
    """Return the first block that is indexed; 0: all are; None: there is no index."""
    sql = "SELECT 1 FROM sqlite_master WHERE name = 'inside_built'"
    if connection.execute(sql).fetchone() is None:
        return None
    (below,) = connection.execute("SELECT below FROM inside_built").fetchone()
    return int(below)
