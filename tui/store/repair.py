"""Repairs a damaged history: sets it aside and builds a new one from what can be read.

The new history starts as the newest good backup. Then it gets every row that can still be
read from the damaged file.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tui.domain.conversation import title_of
from tui.domain.normalise import normalise
from tui.store import backup, removal

SIDE_FILES = ("-wal", "-shm")

# In this order, each row comes after the rows that it refers to.
_TABLES = (
    "conversations",
    "system_prompts",
    "messages",
    "blobs",
    "blocks",
    "requests",
    "streams",
    "journal",
    "recordings",
    "model_lists",
    "tags",
    "drafts",
    "draft_blobs",
    "places",
)
_UPDATED = ("conversations", "messages", "requests")
"""Tables whose rows in the damaged file are newer than those of the backup."""

_ROWS = 512
"""How many rows are read at once, unless one of them is damaged."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Repair:
    """The result of a repair."""

    set_aside: Path
    backup: Path | None
    messages: int
    """How many messages the new history has."""

    @property
    def notice(self) -> str:
        """The message for the user."""
        if self.backup is not None:
            made = datetime.fromtimestamp(self.backup.stat().st_mtime).astimezone()
            source = f"the backup of {made:%Y-%m-%d %H:%M} and the rows that could be read"
        else:
            source = "the rows that could be read"
        return (
            f"The history was damaged. It was rebuilt from {source}: {self.messages} messages."
            f" The damaged file is {self.set_aside.name}; the next deletion removes it."
        )


def repair(path: Path, build: Callable[[Path], None]) -> Repair:
    """Set a damaged history aside and put a rebuilt one in its place. Blocks.

    `build` creates a history at a path, or migrates an older one. Raises `OSError` or
    `sqlite3.Error`, and leaves the damaged file in its place in that case. If it is
    interrupted at any moment, the next call continues it.
    """
    with backup.locked(path):
        ready, source = _ready(path), None
        if not is_half_done(path):
            backup.remove(leftovers(path))
            try:
                source = _rebuild(path, build)
                _sync(_fresh(path))
            except BaseException:
                # The files take space, often on a disk that is full.
                backup.remove(leftovers(path))
                raise
            _fresh(path).rename(ready)
        with closing(sqlite3.connect(ready, isolation_level=None)) as new:
            (messages,) = new.execute("SELECT count(*) FROM messages").fetchone()
            new.execute("PRAGMA journal_mode = delete")
        set_aside = _set_aside(path)
        ready.replace(path)
    return Repair(set_aside, source, messages)


def is_half_done(path: Path) -> bool:
    """Return whether a repair stopped before its last step, which replaces the history.

    False if a user has put another file in the place of the history since.
    """
    return _ready(path).exists() and any(
        path.exists() and path.samefile(copy) for copy in set_aside(path)
    )


def set_aside(path: Path) -> list[Path]:
    """Return the damaged files that were set aside, with their logs."""
    pattern = rf"{re.escape(path.name)}\.damaged-\d{{8}}T\d{{6}}Z(-\d+)?(-wal)?"
    return sorted(each for each in path.parent.iterdir() if re.fullmatch(pattern, each.name))


def leftovers(path: Path) -> list[Path]:
    """Return the temporary files of a repair. If none is running, a dead program left them."""
    temporary = (_fresh(path), _ready(path), _old(path))
    known = {each.name + side for each in temporary for side in ("", "-journal", *SIDE_FILES)}
    found = [each for each in path.parent.iterdir() if each.name in known]
    # Earlier versions used temporary folders.
    for folder in path.parent.glob(".salvage-*"):
        if folder.is_dir():
            found += [each for each in folder.iterdir() if _is_of(path, each)]
    return found


def _is_of(path: Path, copy: Path) -> bool:
    return copy.name in {path.name + side for side in ("", "-journal", *SIDE_FILES)}


def _fresh(path: Path) -> Path:
    """Return the path of the new history while it is being built."""
    return path.with_name(f".{path.name}.new")


def _ready(path: Path) -> Path:
    """Return the path of the new history when it is complete."""
    return path.with_name(f".{path.name}.ready")


def _old(path: Path) -> Path:
    """Return the path of the copy from which the damaged history is read."""
    return path.with_name(f".{path.name}.old")


def _rebuild(path: Path, build: Callable[[Path], None]) -> Path | None:
    """Build a history from the newest good backup and the readable rows; return the backup."""
    fresh = _fresh(path)
    _create_private(fresh)
    source = _copied_backup(path, fresh)
    build(fresh)
    with closing(sqlite3.connect(fresh, isolation_level=None)) as new:
        new.execute("PRAGMA secure_delete = on")
        _salvage(path, new)
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return source


def _copied_backup(path: Path, fresh: Path) -> Path | None:
    for copy in backup.newest_first(path):
        try:
            if backup.is_good(copy):
                shutil.copyfile(copy, fresh)
                return copy
        except (PermissionError, FileNotFoundError):
            # Try an older one.
            _log.exception("a backup could not be read")
            os.truncate(fresh, 0)
    return None


def _create_private(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _set_aside(path: Path) -> Path:
    """Give a damaged file a second name, and move its log to that name; return the name.

    The file keeps its old name until the new history replaces it. Otherwise a program that
    starts in between would find no history and create an empty one.
    """
    found = [each for each in set_aside(path) if path.exists() and path.samefile(each)]
    target = found[0] if found else _free_name(path)
    if not found:
        try:
            target.hardlink_to(path)
        except OSError:
            # The file system has no hard links.
            _create_private(target)
            shutil.copyfile(path, target)
    wal, shm = (path.with_name(path.name + side) for side in SIDE_FILES)
    if wal.exists() and wal.stat().st_size:
        wal.rename(target.with_name(f"{target.name}-wal"))
    for side in (wal, shm):
        side.unlink(missing_ok=True)
    return target


def _free_name(path: Path) -> Path:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    target, number = path.with_name(f"{path.name}.damaged-{now}"), 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.damaged-{now}-{number}")
    return target


def _salvage(damaged: Path, new: sqlite3.Connection) -> None:
    """Copy every row that can still be read."""
    # Read from a copy: SQLite writes to a file that it opens, and the damaged file must
    # stay unchanged.
    copy = _old(damaged)
    try:
        for side in ("", "-wal"):
            part = damaged.with_name(damaged.name + side)
            if part.exists():
                _create_private(copy.with_name(copy.name + side))
                shutil.copyfile(part, copy.with_name(copy.name + side))
        with closing(sqlite3.connect(copy, isolation_level=None)) as old:
            new.execute("BEGIN IMMEDIATE")
            # `_fix_references` handles broken references at the end.
            new.execute("PRAGMA defer_foreign_keys = on")
            for table in _TABLES:
                _copy_rows(old, new, table)
            _fix_references(new)
            new.execute("COMMIT")
    finally:
        _remove(copy)


def _remove(path: Path) -> None:
    for side in ("", *SIDE_FILES):
        path.with_name(path.name + side).unlink(missing_ok=True)


def _copy_rows(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> None:
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
                # Another row may have its number. Without one, it gets the next free number.
                numberless = [None if at == number else value for at, value in enumerate(row)]
                with suppress(sqlite3.DatabaseError):
                    new.execute(sql, numberless)
        except sqlite3.DatabaseError:
            # The damaged row can be read, but has values that the table refuses.
            continue


def _readable(old: sqlite3.Connection, table: str, names: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a table that can be read; skip those that cannot."""
    try:
        (last,) = old.execute(f"SELECT max(rowid) FROM {table}").fetchone()
    except sqlite3.DatabaseError:
        # The table has no rowid. It is small, so read it up to the first error.
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


def _fix_references(new: sqlite3.Connection) -> None:
    """Add a conversation for messages that lost theirs; delete rows that belong to nothing."""
    new.execute(
        "INSERT INTO conversations (id, title, model, created_ms, updated_ms)"
        " SELECT conversation_id, 'Recovered', coalesce(max(model), ''), min(created_ms),"
        " max(created_ms) FROM messages"
        " WHERE conversation_id NOT IN (SELECT id FROM conversations) GROUP BY conversation_id"
    )
    for conversation_id, words in new.execute(
        "SELECT c.id, (SELECT b.text FROM messages AS m JOIN blocks AS b ON b.message_id = m.id"
        " WHERE m.conversation_id = c.id AND m.role = 'user' AND m.deleted_ms IS NULL"
        " ORDER BY m.n LIMIT 1) FROM conversations AS c WHERE c.title = 'Recovered'"
    ).fetchall():
        title = title_of(words or "") or "Recovered"
        new.execute(
            "UPDATE conversations SET title = ?, folded_title = ? WHERE id = ?",
            [title, normalise(title), conversation_id],
        )
    for table in ("blocks", "streams", "journal", "recordings"):
        new.execute(f"DELETE FROM {table} WHERE message_id NOT IN (SELECT id FROM messages)")
    removal.delete_unused_system_prompts(new)
    while removal.remove_some_blobs(new):
        pass
    new.execute("DELETE FROM tags WHERE conversation_id NOT IN (SELECT id FROM conversations)")
    new.execute(
        "UPDATE conversations SET tip_id = (SELECT id FROM messages"
        " WHERE conversation_id = conversations.id ORDER BY n DESC LIMIT 1)"
        " WHERE tip_id IS NULL OR tip_id NOT IN (SELECT id FROM messages)"
    )


def mark_for_check(path: Path) -> None:
    """Tell the next start to check the history, because a running program found damage."""
    with suppress(OSError):
        _marker(path).parent.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(_marker(path), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def is_marked(path: Path) -> bool:
    """Return whether an earlier program found damage."""
    # In a folder that cannot be read, no program of ours has left a mark.
    with suppress(OSError):
        return _marker(path).exists()
    return False


def unmark(path: Path) -> None:
    """Remove the mark, because the history was checked."""
    _marker(path).unlink(missing_ok=True)


def _marker(path: Path) -> Path:
    return path.parent / "run" / f"{path.name}.check"
