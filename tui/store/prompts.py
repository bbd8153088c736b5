"""Finds earlier questions in the whole history, the newest first.

It reads ranges of the primary key, from the newest one back. So the newest questions are
found at once in a history of any length, and the read can stop at any time.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import attrgetter

from tui.domain.earlier_prompt import (
    EarlierPrompt,
    EarlierPrompts,
    has_words,
    search_words,
)
from tui.store import connection as opening
from tui.store.foreign import leniently
from tui.store.latest_only import LatestOnlyReader
from tui.store.search import beginnings
from tui.store.threads import Threads

NEWEST = 2**63 - 1
"""Greater than the position of any question."""

RANGE_SECONDS = 0.05
"""About the longest time to read one range, in seconds."""

SHOWN_EVERY = 0.1
"""Seconds between two reports of what was found so far."""

INDEX_AFTER = 0.1
"""Seconds of reading after which the index is searched, too."""

_COLUMNS = """
    m.n, m.created_ms, coalesce((
        SELECT group_concat(text, char(10, 10)) FROM (
            SELECT text FROM blocks WHERE message_id = m.id AND type = 'text' ORDER BY seq)
    ), '') AS text
"""
_IS_THERE = """
    m.role = 'user' AND NOT m.is_continuation AND m.deleted_ms IS NULL AND c.deleted_ms IS NULL
    AND (m.copied_from IS NULL OR NOT EXISTS (
        SELECT 1 FROM messages AS o JOIN conversations AS oc ON oc.id = o.conversation_id
        WHERE o.id = m.copied_from AND o.deleted_ms IS NULL AND oc.deleted_ms IS NULL))
"""
"""A copy of a question does not count while the original exists."""

RANGE = f"""
    SELECT {_COLUMNS} FROM messages AS m
    CROSS JOIN conversations AS c ON c.id = m.conversation_id
    WHERE m.n < :before AND m.n >= :from AND {_IS_THERE}
    ORDER BY m.n DESC
"""
INDEXED = f"""
    SELECT {_COLUMNS} FROM blocks_fts
    CROSS JOIN blocks AS b ON b.n = blocks_fts.rowid
    CROSS JOIN messages AS m ON m.id = b.message_id
    CROSS JOIN conversations AS c ON c.id = m.conversation_id
    WHERE blocks_fts MATCH :asked AND m.n < :before AND {_IS_THERE}
    ORDER BY blocks_fts.rowid DESC LIMIT :limit
"""


class Prompts:
    """Finds the questions of one history. A new search stops the one that is running.

    Questions that the program asks to continue a reply are left out. Raises `HistoryError`.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._reader = LatestOnlyReader(
            "history-prompts", lambda: opening.open_reader(threads.path, threads.access)
        )

    async def earlier(
        self,
        typed: str = "",
        *,
        before: int = NEWEST,
        limit: int,
        show: Callable[[EarlierPrompts], object] | None = None,
    ) -> EarlierPrompts | None:
        """Return the newest questions before a position that contain all words in `typed`.

        Returns None if a newer search stopped this one. `show` gets what was found so far,
        whenever there is more.
        """
        walk = _Walk(typed, before, limit)
        showing = None if show is None else asyncio.create_task(_show_growing(walk, show))
        try:
            with self._threads.translated("read", "Prompts.earlier"):
                return await self._reader.run(
                    lambda connection: leniently(connection, walk.read)
                )
        finally:
            if showing is not None:
                showing.cancel()

    def close(self) -> None:
        """Stop the running search. Blocks until it has stopped."""
        self._reader.close()


class _Walk:
    """One search, with what it has found so far."""

    def __init__(self, typed: str, before: int, limit: int) -> None:
        self._words = search_words(typed)
        self._before = before
        self._limit = limit
        self._found: dict[str, EarlierPrompt] = {}
        """The questions by text."""

    def read(self, connection: sqlite3.Connection) -> EarlierPrompts:
        """Read the questions until there are enough, and return them."""
        self._found = {}
        walked: set[str] = set()
        until = time.monotonic() + INDEX_AFTER
        asked = beginnings(self._words)
        for row in _rows(connection, self._before):
            text = row["text"]
            if text and text not in walked and has_words(text, self._words):
                if len(walked) == self._limit:
                    return self.so_far()
                walked.add(text)
                self._found[text] = _prompt(row)
            if asked and time.monotonic() > until:
                # The index finds rare words at once, but none inside of other words.
                self._look_up(connection, asked)
                asked = ""
        return replace(self.so_far(), is_complete=True)

    def _look_up(self, connection: sqlite3.Connection, asked: str) -> None:
        values = {"asked": asked, "before": self._before, "limit": self._limit}
        for row in connection.execute(INDEXED, values):
            if row["text"] and has_words(row["text"], self._words):
                self._found.setdefault(row["text"], _prompt(row))

    def so_far(self) -> EarlierPrompts:
        """Return what has been found. Any thread may call it while another one reads."""
        found = sorted(self._found.copy().values(), key=attrgetter("n"), reverse=True)
        return EarlierPrompts(tuple(found[: self._limit]), is_complete=False)


def _prompt(row: sqlite3.Row) -> EarlierPrompt:
    return EarlierPrompt(row["n"], row["text"], row["created_ms"])


def _rows(connection: sqlite3.Connection, before: int) -> Iterator[sqlite3.Row]:
    """Yield the questions before a position, the newest first.

    The ranges grow while reading them is quick.
    """
    length = 64
    while True:
        # Positions may be far apart.
        (newest,) = connection.execute(
            "SELECT max(n) FROM messages WHERE n < ?", [before]
        ).fetchone()
        if newest is None:
            return
        first = max(newest - length + 1, -NEWEST)
        began = time.monotonic()
        yield from connection.execute(RANGE, {"before": before, "from": first}).fetchall()
        before = first
        is_quick = time.monotonic() - began < RANGE_SECONDS
        length = length * 2 if is_quick else max(1, length // 2)


async def _show_growing(walk: _Walk, show: Callable[[EarlierPrompts], object]) -> None:
    shown = 0
    while True:
        await asyncio.sleep(SHOWN_EVERY)
        found = walk.so_far()
        if len(found.prompts) > shown:
            shown = len(found.prompts)
            show(found)
