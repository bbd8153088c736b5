"""Reading a file that others may have written to: it holds nothing up, and ends."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from tui.clock import is_id

R = TypeVar("R")

LONGEST = 10.0
"""How long one read or one write may take, in seconds; none of ours takes as many."""

_STEPS = 100_000
"""How many of SQLite's steps there are between two looks at the time."""

NOT_OURS = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What Python raises over a row that no program of ours wrote."""


@contextmanager
def limited(connection: sqlite3.Connection) -> Generator[None]:
    """Interrupt what a connection does when it takes longer than this.

    A view or a trigger of a file that others have written to may never come to its end.
    """
    until = time.monotonic() + LONGEST
    connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


def text_of(content: bytes) -> str:
    """Return a text of the file, with a sign for each piece that is not UTF-8."""
    return content.decode("utf-8", "replace")


def leniently(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], R]) -> R:
    """Read once more, with signs in the place of what is not UTF-8, if anything is not."""
    try:
        return work(connection)
    except sqlite3.OperationalError as error:
        if "UTF-8" not in str(error):
            raise
    # From now on. Not from the beginning: it takes several times as long.
    connection.text_factory = text_of
    return work(connection)


def newest_id(connection: sqlite3.Connection) -> str | None:
    """Return the greatest id of a message or a conversation that is one of ours."""
    # None of ours begins with a 1 before the year 2527. What others wrote into the file
    # may sort anywhere; looked at are only so many of them.
    found = (
        row[0]
        for table in ("messages", "conversations")
        for row in connection.execute(
            f"SELECT CAST(id AS BLOB) FROM {table} WHERE id < '1' ORDER BY id DESC LIMIT 100"
        )
    )
    return max(filter(is_id, map(text_of, found)), default=None)
