"""A look at a history that changes nothing: for the doctor."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tui import schema
from tui.store import backup, damage
from tui.store.filesystem import shared_kind
from tui.store.foreign import limited
from tui.store.owner import is_held

KNOWN_VERSION = schema.VERSION
SQLITE_VERSION = sqlite3.sqlite_version
FOREIGN = "it is a database of another program"


@dataclass(frozen=True, slots=True)
class Examination:
    """What a history file looks like. What is not known is None."""

    path: Path
    exists: bool
    size: int = 0
    mode: int = 0
    folder_mode: int = 0
    problem: str = ""
    """Why it cannot be read, or what an integrity check found."""
    version: int | None = None
    journal_mode: str | None = None
    conversations: int | None = None
    messages: int | None = None
    streaming: int | None = None
    newest_ms: int | None = None
    """When the newest message was made."""
    written_ms: int | None = None
    """When the file was last written to, as the file system says."""
    live: int = 0
    """Programs that hold a lock: they write a reply, or have written one."""
    dead: int = 0
    """Locks that a program left which was killed."""
    newest_backup: Path | None = None
    set_aside: tuple[Path, ...] = ()
    """Damaged files that were set aside, with their logs."""
    shared_kind: str | None = None

    @property
    def is_foreign(self) -> bool:
        """Whether it is a database of another program."""
        return self.problem == FOREIGN


def examine(path: Path) -> Examination:
    """Look at a history. Raises `OSError` where there is no looking, and nothing else."""
    path = Path(os.path.realpath(path))
    if not path.is_file():
        problem = "it is not a file" if path.exists() else ""
        return Examination(path, exists=path.exists(), problem=problem)
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
        "set_aside": tuple(damage.set_aside(path)),
        "shared_kind": shared_kind(path.parent),
    }
    try:
        read = _read(path)
    except sqlite3.Error as error:
        read = {"problem": str(error)}
    return Examination(path, **(known | read))  # type: ignore[arg-type]


def _read(path: Path) -> dict[str, object]:
    if path.stat().st_size == 0:
        return {"version": 0}
    # Without a log nothing is written beside it.
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
        said = one("PRAGMA quick_check(1)")
        if said != "ok":
            return found | {"problem": str(said).splitlines()[0]}
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
            # A newer one may call things otherwise, and is none the worse for it.
            return found


def _journal_mode(path: Path) -> str:
    """Return what the file's header says: asked for an immutable file, SQLite does not."""
    with path.open("rb") as file:
        return "wal" if file.read(20)[18:] == b"\x02\x02" else "delete"
