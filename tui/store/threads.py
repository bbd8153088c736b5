"""The threads that run SQLite: one for writes, one for reads.

The screen never waits for the disk. Writes run in the order in which they were called.
Cancelling the await of a write does not cancel the write.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from tui.store import connection as opening
from tui.store import repair
from tui.store.connection import HistoryError
from tui.store.errors import explain, is_damage
from tui.store.filesystem import complaint
from tui.store.foreign import NOT_OURS, leniently, limited
from tui.store.watching import Fate, FileWatch, detach

if TYPE_CHECKING:
    from sqlite_utils import Database

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger(__name__)


_Kind = tuple[type[Exception], int | None]
"""A kind of error: its type, and the error code of SQLite or of the system."""

_LOST: dict[Fate, str] = {
    "gone": "Nothing is saved: {} was moved or removed. Move it back to continue.",
    "replaced": "Nothing is saved: {} is another file now. Restart to use it.",
    "overwritten": "Nothing is saved: {} was overwritten. Restart to use it as it is.",
}


class Threads:
    """The connections of one history, each with its thread."""

    def __init__(self, path: Path, access: opening.Access) -> None:
        self.path = path
        self.access = access
        self.reader = opening.open_reader(path, access)
        self.reader_thread = ThreadPoolExecutor(1, "history-reader")
        self.writer_thread = ThreadPoolExecutor(1, "history-writer")
        self.database: Database | None = None
        """The connection that writes; the first write opens it."""
        self._watch = _file_watch(path)
        self.fate: Fate | None = None
        """What has happened to the file; None if it is still the one that was opened."""
        self._logged = defaultdict[str, set[_Kind]](set)
        """For each method, the errors that were logged since it last worked."""
        self._after_write: list[Callable[[], object]] = []

    @property
    def is_read_only(self) -> bool:
        """Whether the history cannot be written."""
        return self.access.read_only_uri is not None

    def writer(self) -> Database:
        """Return the connection that writes; the first call opens it.

        Raises `HistoryError` if the history is read-only or its file is lost.
        """
        if self.is_read_only:
            raise HistoryError(self.access.notice)
        if self.check_file():
            raise HistoryError(self.lost)
        if self.database is None:
            self.database = opening.open_writer(self.path)
        return self.database

    async def read(self, work: Callable[[sqlite3.Connection], R], name: str) -> R:
        """Return what `work` returns, on the reader's thread. Raises `HistoryError`.

        `name` is the name of the calling method, for the log.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.reader_thread, self._read, work, name)

    def _read(self, work: Callable[[sqlite3.Connection], R], name: str) -> R:
        with self.translated("read", name), limited(self.reader):
            return leniently(self.reader, work)

    @property
    def lost(self) -> str:
        """Why nothing can be saved any more; empty while saving works."""
        return "" if self.fate is None else _LOST[self.fate].format(self.path)

    def check_file(self) -> Fate | None:
        """Check whether the file is still the one that was opened; return what has happened.

        Must run on the writer's thread.
        """
        if self._watch is None:
            return None
        before, self.fate = self.fate, self._watch.check()
        if self.fate not in (None, before) and self._watch.has_own_log():
            _log.error("%s", self.lost)
            with suppress(OSError):
                detach(self.path, self.fate)
        return self.fate

    @contextmanager
    def after_write(self, call: Callable[[], object]) -> Generator[None]:
        """Call a function after every successful write, during the block."""
        self._after_write.append(call)
        try:
            yield
        finally:
            self._after_write.remove(call)

    def written(self) -> None:
        """Call the functions that were registered with `after_write`."""
        for call in list(self._after_write):
            call()

    @contextmanager
    def translated(self, what: str, name: str) -> Generator[None]:
        """Translate the block's errors into a `HistoryError` with a text for the user.

        `what` is "read" or "written". An error of the method `name` is logged only once
        until the method works again: repeated attempts would fill a disk that may be full
        already.
        """
        try:
            yield
        except (sqlite3.Error, OSError, *NOT_OURS) as error:
            if (kind := _kind(error)) not in self._logged[name]:
                self._logged[name].add(kind)
                _log.error("the history could not be %s", what, exc_info=error)
            raise self._failed(what, error) from error
        self._logged.pop(name, None)

    def _failed(self, what: str, error: Exception) -> HistoryError:
        if isinstance(error, OSError):
            return HistoryError(
                f"The history could not be {what}. {complaint(self.path.parent, error)}"
            )
        if not isinstance(error, sqlite3.Error):
            return HistoryError(
                f"The history could not be {what}: it has data that this program does not know."
            )
        if is_damage(error):
            repair.mark_for_check(self.path)
            return HistoryError(
                "The history is damaged. Restart: the next start checks and repairs it."
            )
        return HistoryError(explain(self.path, what, error))

    def close(self) -> None:
        """Wait for pending writes, then close. Blocks."""
        self.reader_thread.shutdown()
        # Check before closing: the last connection that closes moves the log into the
        # file, even if that is another file by now.
        with suppress(OSError):
            self.writer_thread.submit(self.check_file).result()
        self.reader.close()
        self.writer_thread.submit(self._close_writer).result()
        self.writer_thread.shutdown()
        if self._watch is not None:
            self._watch.close()

    def _close_writer(self) -> None:
        if self.database is not None:
            if self.fate is None:
                # It only makes later queries faster, so it may fail, for example while
                # another program writes.
                with suppress(sqlite3.Error):
                    self.database.conn.execute("PRAGMA optimize")
            self.database.close()


def _kind(error: Exception) -> _Kind:
    code = getattr(error, "sqlite_errorcode", None) or getattr(error, "errno", None)
    return type(error), code


def _file_watch(path: Path) -> FileWatch | None:
    try:
        return FileWatch(path)
    except OSError:
        return None


class _Threaded(Protocol):
    """An object whose methods `reads` and `writes` can decorate."""

    @property
    def threads(self) -> Threads: ...


T = TypeVar("T", bound=_Threaded)


def writes(
    method: Callable[Concatenate[T, Database, P], R],
) -> Callable[Concatenate[T, P], Coroutine[Any, Any, R]]:
    """Make a blocking method awaitable: it runs on the writer's thread in one transaction."""

    @functools.wraps(method)
    async def call(self: T, /, *args: P.args, **kwargs: P.kwargs) -> R:
        def work() -> R:
            with self.threads.translated("written", method.__qualname__):
                db = self.threads.writer()
                with limited(db.conn), opening.transaction(db.conn):
                    return method(self, db, *args, **kwargs)

        loop = asyncio.get_running_loop()
        # Shielded, because cancelling the await would remove the work from the queue.
        done = await asyncio.shield(loop.run_in_executor(self.threads.writer_thread, work))
        self.threads.written()
        return done

    return call


def reads(
    method: Callable[Concatenate[T, sqlite3.Connection, P], R],
) -> Callable[Concatenate[T, P], Coroutine[Any, Any, R]]:
    """Make a blocking method awaitable: it runs on the reader's thread in one transaction.

    So all its queries see the history as it is at one moment.
    """

    @functools.wraps(method)
    async def call(self: T, /, *args: P.args, **kwargs: P.kwargs) -> R:
        def work(connection: sqlite3.Connection) -> R:
            with opening.snapshot(connection):
                return method(self, connection, *args, **kwargs)

        return await self.threads.read(work, method.__qualname__)

    return call
