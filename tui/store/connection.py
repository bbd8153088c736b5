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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tui import schema
from tui.store import backup, damage, watching
from tui.store.errors import explain_opening, is_damage, name_of
from tui.store.filesystem import MOUNTS, complaint, reason, shared_kind, unwritable
from tui.store.foreign import limited, text_of
from tui.store.owner import fcntl, make_folder

if TYPE_CHECKING:
    from sqlite_utils import Database

BUSY_TIMEOUT = 5.0
"""How long a statement waits for another process's write, in seconds."""

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


_INDEXES = ("blocks_fts", "pairs_fts")


class HistoryError(Exception):
    """The history could not be opened, read or written. One line for the reader."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a history can be used, once it is prepared."""

    notice: str = ""
    """What the reader has to know of it; most often nothing."""
    read_only_uri: str | None = None
    """Where it is read from when nothing can be written to it."""


def prepare(path: Path, *, mounts: Path = MOUNTS) -> Access:
    """Make sure there is a history of today's shape at `path`, and tell how to use it.

    Makes the file if there is none, migrates an older one, makes a damaged one anew of
    its backup and its own rows. Raises `HistoryError` for what cannot or must not be
    used; no such file is changed.
    """
    try:
        if not path.parent.is_dir():
            raise HistoryError(f"The folder {path.parent} does not exist.")
        if path.is_dir():
            raise HistoryError(f"{path} is a folder, not a history file.")
        if path.exists() and not path.is_file():
            # Opening a pipe would wait for ever.
            raise HistoryError(f"{path} is not a file. Choose another with --db.")
        return _prepared(path, mounts)
    except sqlite3.DatabaseError as error:
        raise HistoryError(explain_opening(path, error)) from error
    except OSError as error:
        why = reason(path.parent, error)
        raise HistoryError(f"{path} cannot be opened: {why}.") from error


def _prepared(path: Path, mounts: Path) -> Access:
    stray = _stray_log(path)
    try:
        _create_private(path)
    except OSError as error:
        if not path.exists():
            raise
        return _read_only(path, f"it cannot be written: {reason(path.parent, error)}")
    repaired = _repaired(path)
    with closing(_connect(path)) as connection:
        try:
            version = _version(connection, path)
        except sqlite3.OperationalError as error:
            if name_of(error).startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                # Its log cannot be made beside it.
                return _read_only(
                    path, f"its folder or the file is read-only. {unwritable(path)}"
                )
            raise
        if version > schema.VERSION:
            why = (
                f"it was written by a newer streamchat-tui (history version {version};"
                f" this one knows {schema.VERSION})"
            )
            return _read_only(path, why)
        if not (os.access(path, os.W_OK) and _is_writable(connection)):
            return _read_only(path, f"its folder or the file is read-only. {unwritable(path)}")
        _make_private(path)
        _bring_up_to_date(path, connection, version)
        kind = shared_kind(path.parent, mounts)
        _use_log(connection, is_shared=kind is not None)
    notices = [stray, repaired]
    if kind is not None:
        notices.append(f"The history is on a file system that machines share ({kind}).")
        notices.append("Use it from one machine at a time.")
    return Access(" ".join(notice for notice in notices if notice))


def _stray_log(path: Path) -> str:
    """Set aside a log that another file left; return what the reader is told of it."""
    try:
        log = watching.stray_log(path)
    except OSError:
        # What keeps it from being looked at keeps it from being used.
        return ""
    if log is None:
        return ""
    return (
        "Another file has taken the place of the earlier history."
        f" The log of the earlier one was set aside as {log.name}."
    )


def _bring_up_to_date(path: Path, connection: sqlite3.Connection, version: int) -> None:
    if damage.is_marked(path):
        # The file is whole; its indexes are made anew, which nothing else checks.
        _rebuild(connection)
        damage.unmark(path)
    if version < schema.VERSION:
        if version:
            backup.make(path, backup.before_version(path, schema.VERSION))
        _migrate(connection)


def _read_only(path: Path, why: str) -> Access:
    """Return how to read a history that cannot be written; raise if it cannot be read."""
    name = path.absolute().as_uri()
    has_log = path.with_name(f"{path.name}-wal").exists()
    # What is in the log is seen only if SQLite may use its side files; without a log
    # it need not, and may then be told that nothing ever changes.
    uris = [f"{name}?mode=ro", *([] if has_log else [f"{name}?immutable=1"])]
    for uri in uris:
        try:
            with closing(sqlite3.connect(uri, uri=True)) as connection, limited(connection):
                _version(connection, path)
                connection.execute("SELECT count(*) FROM messages").fetchone()
        except sqlite3.OperationalError:
            continue
        return Access(f"The history is read-only: {why.rstrip('.')}.", uri)
    raise HistoryError(f"{path} cannot be used: {why.rstrip('.')}.")


def _is_writable(connection: sqlite3.Connection) -> bool:
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        return name_of(error).startswith("SQLITE_BUSY")
    finally:
        connection.execute(f"PRAGMA busy_timeout = {round(BUSY_TIMEOUT * 1000)}")
    return True


def _repaired(path: Path) -> str:
    """Make a damaged history of ours anew; return what the reader is told of it."""
    if not _is_to_repair(path):
        return ""
    with _repair_lock(path), _alone(path):
        if not _is_to_repair(path):
            return "The history was damaged. Another window has just made it anew."
        try:
            done = damage.repair(path, _build)
        except (OSError, sqlite3.Error) as error:
            raise HistoryError(
                f"{path} is damaged and could not be repaired: {_told(error)}."
                " The file is unchanged. Fix the cause, then start again."
            ) from error
        damage.unmark(path)
    return done.notice


def _told(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _is_to_repair(path: Path) -> bool:
    return damage.is_half_done(path) or (_is_damaged(path) and _is_ours(path))


@contextmanager
def _alone(path: Path) -> Generator[None]:
    """Make sure that no other program has the damaged file open; raise if one has."""
    if fcntl is None:
        yield
        return
    # No connection of this process is open to a file that SQLite cannot read, so
    # closing this descriptor drops no lock of ours.
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        # The bytes that SQLite locks: https://sqlite.org/fileformat.html#the_lock_byte_page
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 512, 0x40000000)
        yield
    except BlockingIOError:
        raise HistoryError(
            f"{path} is damaged, and another window has it open. Close that one first."
        ) from None
    finally:
        os.close(descriptor)


def _is_damaged(path: Path) -> bool:
    if path.stat().st_size == 0:
        return bool(backup.newest_first(path))
    try:
        # Read-only, or closing it would move a dead program's log into the file.
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            tables = connection.execute(
                "SELECT name FROM sqlite_master"
                " WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'"
            ).fetchall()
            for (name,) in tables:
                connection.execute(f'SELECT * FROM "{name}" LIMIT 1').fetchone()
            if not damage.is_marked(path):
                return False
            for index in _INDEXES:
                connection.execute(
                    f"SELECT count(*) FROM {index} WHERE {index} MATCH 'a'"
                ).fetchone()
            (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            return bool(said != "ok")
    except sqlite3.DatabaseError as error:
        return is_damage(error)


def _is_ours(path: Path) -> bool:
    """Tell whether a file that cannot be read was a history of this version or an older.

    Its header says so. Where that is lost it is ours if there are backups of that very
    name; anything else that somebody named by mistake is not.
    """
    with path.open("rb") as file:
        header = file.read(100)
    if header.startswith(b"SQLite format 3\0"):
        is_marked = header[68:72] == schema.APPLICATION_ID.to_bytes(4)
        return is_marked and int.from_bytes(header[60:64]) <= schema.VERSION
    is_text = bool(header.strip(b"\0")) and all(9 <= byte < 127 for byte in header)
    return not is_text and bool(backup.newest_first(path))


@contextmanager
def _repair_lock(path: Path) -> Generator[None]:
    """Let one program at a time repair."""
    folder = path.parent / "run"
    name = folder / f"{path.name}.repair"
    try:
        make_folder(folder)
        descriptor = os.open(name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HistoryError(f"{path} is damaged. {complaint(folder, error)}") from error
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _rebuild(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        for index in _INDEXES:
            connection.execute(f"INSERT INTO {index} ({index}) VALUES ('rebuild')")


def _build(path: Path) -> None:
    """Make a history at `path`, or bring an older one to today's shape."""
    with closing(_connect(path)) as connection:
        if connection.execute("PRAGMA user_version").fetchone()[0] < schema.VERSION:
            _migrate(connection)


def open_writer(path: Path) -> Database:
    """Open the connection that writes. There is one in a process, on its own thread."""
    from sqlite_utils import Database  # 0.2 s, after the first screen: see `schema`

    connection = _connect(path)
    # What it reads is little.
    connection.text_factory = text_of
    for pragma in WRITER_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return Database(connection, execute_plugins=False, recursive_triggers=False)


def open_reader(path: Path, access: Access) -> sqlite3.Connection:
    """Open a connection that can only read."""
    if access.read_only_uri is None:
        connection = _connect(path)
    else:
        connection = sqlite3.connect(
            access.read_only_uri, uri=True, isolation_level=None, check_same_thread=False
        )
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
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    # Whoever rebuilds an index frees pages, which keep words that are deleted later.
    connection.execute("PRAGMA secure_delete = on")
    return connection


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
    return int(version)


def _migrate(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database

    # A step may make a table anew, and this cannot be said inside a transaction.
    connection.execute("PRAGMA foreign_keys = off")
    with transaction(connection):
        # Another process may have been first.
        if connection.execute("PRAGMA user_version").fetchone()[0] < schema.VERSION:
            db = Database(connection, execute_plugins=False, recursive_triggers=False)
            schema.migrations().apply(db)
            connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {schema.VERSION}")


def _use_log(connection: sqlite3.Connection, *, is_shared: bool) -> None:
    """Give the file its write-ahead log, however many programs do so at once.

    For this SQLite does not always wait for the others' locks. Where machines share
    the file it cannot have one.
    """
    wanted = "delete" if is_shared else "wal"
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode == wanted:
        return
    until = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            connection.execute(f"PRAGMA journal_mode = {wanted}")
        except sqlite3.OperationalError as error:
            if name_of(error) != "SQLITE_BUSY" or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return
