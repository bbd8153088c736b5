"""Inspects a history without changing it, for `streamchat-tui doctor`."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tui.store import backup, repair, schema
from tui.store.filesystem import shared_kind
from tui.store.foreign import limited
from tui.store.process_lock import is_held

KNOWN_VERSION = schema.VERSION
SQLITE_VERSION = sqlite3.sqlite_version
FOREIGN = "it is a database of another program"


@dataclass(frozen=True, slots=True)
class Inspection:
    """The state of a history file. What could not be found out is None."""

    path: Path
    exists: bool
    size: int = 0
    mode: int = 0
    folder_mode: int = 0
    problem: str = ""
    """Why the history cannot be read, or what an integrity check found."""
    version: int | None = None
    journal_mode: str | None = None
    conversations: int | None = None
    messages: int | None = None
    streaming: int | None = None
    newest_ms: int | None = None
    """When the newest message was created."""
    written_ms: int | None = None
    """The modification time of the file."""
    live: int = 0
    """How many programs hold a lock: each writes a reply, or has written one."""
    dead: int = 0
    """How many locks were left by programs that died."""
    newest_backup: Path | None = None
    set_aside: tuple[Path, ...] = ()
    """Damaged files that were set aside, with their logs."""
    shared_kind: str | None = None
    """The type of the network file system that the history is on."""

    @property
    def is_foreign(self) -> bool:
        """Whether the file is a database of another program."""
        return self.problem == FOREIGN


def inspect(path: Path) -> Inspection:
    """Inspect a history. Raises `OSError` if the file system refuses, and nothing else."""
    path = Path(os.path.realpath(path))
    if not path.is_file():
        problem = "it is not a file" if path.exists() else ""
        return Inspection(path, exists=path.exists(), problem=problem)
    status = path.stat()
    locks = list((path.parent / "run").glob("*.lock"))
    live = sum(is_held(lock) for lock in locks)
    backups = backup.newest_first(path)
    known = {
        "exists": True,
        "size": status.st_size,
        "mode": status.st_mode & 0o777,
        "folder_mode": path.parent.stat().st_mode & 0o1777,
        "written_ms": status.st_mtime_ns // 1_000_000,
        "live": live,
        "dead": len(locks) - live,
        "newest_backup": backups[0] if backups else None,
        "set_aside": tuple(repair.set_aside(path)),
        "shared_kind": shared_kind(path.parent),
    }
    try:
        read = _read(path)
    except sqlite3.Error as error:
        read = {"problem": str(error)}
    return Inspection(path, **(known | read))  # type: ignore[arg-type]


def _read(path: Path) -> dict[str, object]:
    if path.stat().st_size == 0:
        return {"version": 0}
    # A history without a log is opened as immutable, so that SQLite creates no files.
    has_log = path.with_name(f"{path.name}-wal").exists()
    uri = f"{path.absolute().as_uri()}?{'mode=ro' if has_log else 'immutable=1'}"
    with closing(sqlite3.connect(uri, uri=True, timeout=5)) as connection:

        def one(sql: str) -> object:
            return connection.execute(sql).fetchone()[0]

        if one("PRAGMA application_id") != schema.APPLICATION_ID:
            return {"problem": FOREIGN}
        found: dict[str, object] = {
            "version": one("PRAGMA user_version"),
            "journal_mode": _journal_mode(path),
        }
        answer = one("PRAGMA quick_check(1)")
        if answer != "ok":
            return found | {"problem": str(answer).splitlines()[0]}
        counts = {
            "conversations": "SELECT count(*) FROM conversations WHERE deleted_ms IS NULL",
            "messages": "SELECT count(*) FROM messages",
            "streaming": "SELECT count(*) FROM messages WHERE state = 'streaming'",
            "newest_ms": "SELECT max(created_ms) FROM messages",
        }
        try:
            with limited(connection):
                return found | {name: one(sql) for name, sql in counts.items()}
        except sqlite3.OperationalError:
            if int(str(found["version"])) <= schema.VERSION:
                raise
            # A newer version may use other names, which is not a problem.
            return found


def _journal_mode(path: Path) -> str:
    """Return the journal mode from the file's header.

    SQLite does not report it for an immutable file.
    """
    with path.open("rb") as file:
        return "wal" if file.read(20)[18:] == b"\x02\x02" else "delete"
