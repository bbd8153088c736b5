"""A damaged history: set aside as it is, and made anew of what can still be read.

The newest good backup first, then every row that the damaged file still gives out.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tui.store import backup

SIDE_FILES = ("-wal", "-shm")

# In this order each row finds what it belongs to.
_TABLES = (
    "conversations",
    "messages",
    "blocks",
    "requests",
    "streams",
    "journal",
    "recordings",
    "model_lists",
    "tags",
    "drafts",
    "places",
)
_UPDATED = ("conversations", "messages", "requests")
"""Tables of which the damaged file knows better than an older backup."""

_ROWS = 512
"""How many rows are read at once, where none of them is damaged."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done about a damaged history."""

    set_aside: Path
    backup: Path | None
    messages: int
    """How many messages the new history has."""

    @property
    def notice(self) -> str:
        """What the reader is told."""
        if self.backup is not None:
            made = datetime.fromtimestamp(self.backup.stat().st_mtime).astimezone()
            source = f"the backup of {made:%Y-%m-%d %H:%M} and what could still be read"
        else:
            source = "what could still be read"
        return (
            f"The history was damaged. It was made anew of {source}: {self.messages} messages."
            f" The damaged file is {self.set_aside.name}."
        )


def repair(path: Path, build: Callable[[Path], None]) -> Repair:
    """Set a damaged history aside and put what can be saved in its place. Blocks.

    `build` makes a history at a path, or brings an older one to today's shape. Raises
    `OSError` or `sqlite3.Error`; the damaged file is in its old place then.
    """
    fresh = path.with_name(f".{path.name}.new")
    _remove(fresh)
    source = next((copy for copy in backup.newest_first(path) if backup.is_good(copy)), None)
    if source is not None:
        shutil.copyfile(source, fresh)
    build(fresh)
    with closing(sqlite3.connect(fresh, isolation_level=None)) as new:
        _salvage(path, new)
        (messages,) = new.execute("SELECT count(*) FROM messages").fetchone()
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    fresh.chmod(0o600)
    set_aside = _set_aside(path)
    fresh.rename(path)
    _remove(fresh)
    return Repair(set_aside, source, messages)


def _set_aside(path: Path) -> Path:
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    target, number = path.with_name(f"{path.name}.damaged-{moment}"), 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.damaged-{moment}-{number}")
    path.rename(target)
    log, memory = (path.with_name(path.name + side) for side in SIDE_FILES)
    if log.exists() and log.stat().st_size:
        log.rename(target.with_name(f"{target.name}-wal"))
    for side in (log, memory):
        side.unlink(missing_ok=True)
    return target


def _remove(path: Path) -> None:
    for side in ("", *SIDE_FILES):
        path.with_name(path.name + side).unlink(missing_ok=True)


def _salvage(damaged: Path, new: sqlite3.Connection) -> None:
    """Take over every row that can still be read."""
    with TemporaryDirectory(dir=damaged.parent, prefix=".salvage-") as folder:
        # SQLite writes to what it opens, and the damaged file is to stay as it is.
        copy = Path(folder) / damaged.name
        for side in ("", "-wal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(
                    damaged.with_name(damaged.name + side), copy.with_name(copy.name + side)
                )
        with closing(sqlite3.connect(copy, isolation_level=None)) as old:
            new.execute("BEGIN IMMEDIATE")
            # What belongs to nothing is found at the end.
            new.execute("PRAGMA defer_foreign_keys = on")
            for table in _TABLES:
                _take_over(old, new, table)
            _tidy(new)
            new.execute("COMMIT")


def _take_over(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> None:
    columns = [row[1] for row in new.execute(f"PRAGMA table_info({table})")]
    try:
        known = {row[1] for row in old.execute(f"PRAGMA table_info({table})")}
    except sqlite3.DatabaseError:
        known = set()
    shared = [name for name in columns if name in known]
    if not shared:
        return
    names, marks = ", ".join(shared), ", ".join("?" * len(shared))
    conflict = "ON CONFLICT DO NOTHING"
    if table in _UPDATED:
        updates = ", ".join(
            f"{name} = excluded.{name}" for name in shared if name not in ("id", "n")
        )
        conflict = f"ON CONFLICT (id) DO UPDATE SET {updates}"
    sql = f"INSERT INTO {table} ({names}) VALUES ({marks}) {conflict}"
    number = shared.index("n") if "n" in shared else None
    for row in _readable(old, table, names):
        try:
            new.execute(sql, row)
        except sqlite3.IntegrityError:
            if number is not None:
                # Its number may be another row's by now; without one it gets the next.
                numberless = [None if at == number else value for at, value in enumerate(row)]
                with suppress(sqlite3.DatabaseError):
                    new.execute(sql, numberless)
        except sqlite3.DatabaseError:
            # Damaged in a way that can be read, but does not fit.
            continue


def _readable(old: sqlite3.Connection, table: str, names: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a table that can be read, going around those that cannot."""
    try:
        (last,) = old.execute(f"SELECT max(rowid) FROM {table}").fetchone()
    except sqlite3.DatabaseError:
        # No rowid: the table is small, and is read as far as it goes.
        with suppress(sqlite3.DatabaseError):
            yield from old.execute(f"SELECT {names} FROM {table}")
        return
    left = [(first, first + _ROWS) for first in range(1, (last or 0) + 1, _ROWS)][::-1]
    sql = f"SELECT {names} FROM {table} WHERE rowid >= ? AND rowid < ?"
    while left:
        first, after = left.pop()
        try:
            yield from old.execute(sql, [first, after]).fetchall()
        except sqlite3.DatabaseError:
            middle = (first + after) // 2
            if middle > first:
                left += [(middle, after), (first, middle)]


def _tidy(new: sqlite3.Connection) -> None:
    """Give a home to messages whose conversation is lost; drop what has none."""
    new.execute(
        "INSERT INTO conversations (id, title, model, created_ms, updated_ms)"
        " SELECT conversation_id, 'Recovered', coalesce(max(model), ''), min(created_ms),"
        " max(created_ms) FROM messages"
        " WHERE conversation_id NOT IN (SELECT id FROM conversations) GROUP BY conversation_id"
    )
    new.execute(
        "UPDATE conversations SET title = coalesce((SELECT substr(b.text, 1, 80)"
        " FROM messages AS m JOIN blocks AS b ON b.message_id = m.id"
        " WHERE m.conversation_id = conversations.id AND m.role = 'user'"
        " ORDER BY m.n LIMIT 1), title) WHERE title = 'Recovered'"
    )
    for table in ("blocks", "streams", "journal", "recordings"):
        new.execute(f"DELETE FROM {table} WHERE message_id NOT IN (SELECT id FROM messages)")
    new.execute("DELETE FROM tags WHERE conversation_id NOT IN (SELECT id FROM conversations)")
    new.execute(
        "UPDATE conversations SET tip_id = (SELECT id FROM messages"
        " WHERE conversation_id = conversations.id ORDER BY n DESC LIMIT 1)"
        " WHERE tip_id IS NULL OR tip_id NOT IN (SELECT id FROM messages)"
    )


def mark_for_check(path: Path) -> None:
    """Leave word that a running program met damage, for the next start."""
    with suppress(OSError):
        _marker(path).parent.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(_marker(path), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def is_marked(path: Path) -> bool:
    """Tell whether a program that ran before met damage."""
    # Where one may not look, as in a folder that is root's now, nothing was left by us.
    with suppress(OSError):
        return _marker(path).exists()
    return False


def unmark(path: Path) -> None:
    """Forget it: the history was checked."""
    _marker(path).unlink(missing_ok=True)


def _marker(path: Path) -> Path:
    return path.parent / "run" / f"{path.name}.check"
