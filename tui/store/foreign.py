"""Reads a file that other programs may have written to, without hanging or failing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from tui.domain.clock import is_id

R = TypeVar("R")

LONGEST = 10.0
"""Seconds that one read or write may take. None of ours takes that long."""

_STEPS = 100_000
"""Number of steps of SQLite's virtual machine between two checks of the time."""

NOT_OURS = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What Python may raise for a row that another program wrote."""


@contextmanager
def limited(connection: sqlite3.Connection) -> Generator[None]:
    """Interrupt the block's statements after `LONGEST` seconds.

    A view or a trigger that another program added to the file may never end.
    """
    deadline = time.monotonic() + LONGEST
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


def text_of(content: bytes) -> str:
    """Decode a text of the file, with U+FFFD for what is not UTF-8."""
    return content.decode("utf-8", "replace")


def leniently(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], R]) -> R:
    """Return what `work` reads; if a text is not UTF-8, read again with U+FFFD in its place."""
    try:
        return work(connection)
    except sqlite3.OperationalError as error:
        if "UTF-8" not in str(error):
            raise
    # From now on. Not from the start, because decoding in Python takes several times as long.
    connection.text_factory = text_of
    return work(connection)


def newest_id(connection: sqlite3.Connection) -> str | None:
    """Return the newest id of a message or a conversation; None if there is none."""
    # Our ids do not begin with 1 before the year 2527. The ids of other programs may sort
    # anywhere, so a limited number is checked.
    found = (
        row[0]
        for table in ("messages", "conversations")
        for row in connection.execute(
            f"SELECT CAST(id AS BLOB) FROM {table} WHERE id < '1' ORDER BY id DESC LIMIT 100"
        )
    )
    return max(filter(is_id, map(text_of, found)), default=None)
