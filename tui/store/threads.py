"""The threads that SQLite works in: one for what is written, one for what is read.

The screen never waits for the disk, and writes land in the order they were made.
Cancelling the await of a write does not undo it: what was asked for lands.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import sqlite3
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from tui.store import connection as opening
from tui.store import damage
from tui.store.connection import HistoryError
from tui.store.errors import explain, is_damage
from tui.store.filesystem import complaint
from tui.store.foreign import NOT_OURS, leniently, limited
from tui.store.watching import Fate, Watch, detach

if TYPE_CHECKING:
    from sqlite_utils import Database

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger(__name__)


_LOST: dict[Fate, str] = {
    "gone": "Nothing is saved: {} was moved or removed. Move it back to go on.",
    "replaced": "Nothing is saved: another file is at {} now. Start again to use that one.",
    "overwritten": "Nothing is saved: {} was written over. Start again to use it as it is.",
}


class Threads:
    """The connections of one history, each in its thread."""

    def __init__(self, path: Path, access: opening.Access) -> None:
        self.path = path
        self.access = access
        self.reader = opening.open_reader(path, access)
        self.reader_thread = ThreadPoolExecutor(1, "history-reader")
        self.writer_thread = ThreadPoolExecutor(1, "history-writer")
        self.database: Database | None = None
        """The connection that writes, once something was written."""
        self._watch = _watched(path)
        self.fate: Fate | None = None
        """What has become of the file meanwhile; None if it is where and what it was."""

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be written."""
        return self.access.read_only_uri is not None

    def writer(self) -> Database:
        """Return the writer's connection, opened at the first write."""
        if self.is_read_only:
            raise HistoryError(self.access.notice)
        if self.look():
            raise HistoryError(self.lost)
        if self.database is None:
            self.database = opening.open_writer(self.path)
        return self.database

    @property
    def lost(self) -> str:
        """Why nothing can be saved any more; empty while it can."""
        return "" if self.fate is None else _LOST[self.fate].format(self.path)

    def look(self) -> Fate | None:
        """Look, on the writer's thread, whether the file is where and what it was."""
        if self._watch is None:
            return None
        before, self.fate = self.fate, self._watch.look()
        if self.fate not in (None, before) and self._watch.has_own_log():
            _log.error("%s", self.lost)
            with suppress(OSError):
                detach(self.path, self.fate)
        return self.fate

    def failed(self, what: str, error: Exception) -> HistoryError:
        """Return the error of a failed read or write, in words."""
        _log.error("the history could not be %s", what, exc_info=error)
        if isinstance(error, OSError):
            return HistoryError(
                f"The history could not be {what}. {complaint(self.path.parent, error)}"
            )
        if not isinstance(error, sqlite3.Error):
            return HistoryError(
                f"The history could not be {what}: it holds what this program does not know."
            )
        if is_damage(error):
            damage.mark_for_check(self.path)
            return HistoryError(
                "The history is damaged. Start again: the next start checks and repairs it."
            )
        return HistoryError(explain(self.path, what, error))

    def close(self) -> None:
        """Wait for the writes that were asked for, then close. Blocks."""
        self.reader_thread.shutdown()
        # First: the last connection that closes empties the log into the file, whatever
        # file that is by now.
        with suppress(OSError):
            self.writer_thread.submit(self.look).result()
        self.reader.close()
        self.writer_thread.submit(self._close_writer).result()
        self.writer_thread.shutdown()
        if self._watch is not None:
            self._watch.close()

    def _close_writer(self) -> None:
        if self.database is not None:
            if self.fate is None:
                # Only for the next queries' sake; when another program writes just now, or
                # nothing can be written, it is left to another time.
                with suppress(sqlite3.Error):
                    self.database.conn.execute("PRAGMA optimize")
            self.database.close()


def _watched(path: Path) -> Watch | None:
    try:
        return Watch(path)
    except OSError:
        return None


class _Threaded(Protocol):
    """What has methods that run in the threads."""

    @property
    def threads(self) -> Threads: ...


T = TypeVar("T", bound=_Threaded)


def writes(
    method: Callable[Concatenate[T, Database, P], R],
) -> Callable[Concatenate[T, P], Coroutine[Any, Any, R]]:
    """Make a blocking method awaitable: one transaction, on the writer's thread."""

    @functools.wraps(method)
    async def call(self: T, /, *args: P.args, **kwargs: P.kwargs) -> R:
        def work() -> R:
            try:
                db = self.threads.writer()
                with limited(db.conn), opening.transaction(db.conn):
                    return method(self, db, *args, **kwargs)
            except (sqlite3.Error, OSError, *NOT_OURS) as error:
                raise self.threads.failed("written", error) from error

        loop = asyncio.get_running_loop()
        # Shielded, because cancelling the await would unqueue the work.
        return await asyncio.shield(loop.run_in_executor(self.threads.writer_thread, work))

    return call


def reads(
    method: Callable[Concatenate[T, sqlite3.Connection, P], R],
) -> Callable[Concatenate[T, P], Coroutine[Any, Any, R]]:
    """Make a blocking method awaitable, on the reader's thread."""

    @functools.wraps(method)
    async def call(self: T, /, *args: P.args, **kwargs: P.kwargs) -> R:
        def work() -> R:
            try:
                with limited(self.threads.reader):
                    return leniently(
                        self.threads.reader,
                        lambda reader: method(self, reader, *args, **kwargs),
                    )
            except (sqlite3.Error, OSError, *NOT_OURS) as error:
                raise self.threads.failed("read", error) from error

        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads.reader_thread, work)

    return call
