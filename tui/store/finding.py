"""Search in one history: messages by their words, titles, and earlier questions."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from tui.domain.clock import Clock
from tui.domain.conversation_list import Listing
from tui.domain.query import Found, Order, Query
from tui.store import connection as opening
from tui.store import conversation_list, foreign
from tui.store.foreign import leniently
from tui.store.latest_only import LatestOnlyReader
from tui.store.prompts import Prompts
from tui.store.search import Matches
from tui.store.threads import Threads

R = TypeVar("R")

Show = Callable[[Found], object]

SHOWN_EVERY = 1.0
"""The longest pause between two updates of the results so far, in seconds."""


class Finding:
    """The searches of one history. A new search stops the one before.

    A search for messages and one for titles can run at once. Raises `HistoryError`.
    """

    def __init__(self, threads: Threads, clock: Clock) -> None:
        self._threads = threads
        self._clock = clock
        self._messages = LatestOnlyReader("history-messages", self._open)
        self._titles = LatestOnlyReader("history-titles", self._open)
        self.prompts = Prompts(threads)

    async def messages(
        self,
        query: Query,
        *,
        order: Order = "newest",
        limit: int = 50,
        seconds: float | None = None,
        show: Show | None = None,
        show_after: float = 0.1,
    ) -> Found | None:
        """Return the messages that match, thinking included; with `limit` -1, all of them.

        With `order` "best", ranks the newest `search.RANKED` matches. After `seconds`,
        returns what was found until then. Returns None if a newer search has started.
        Calls `show` with the results so far, first after `show_after` seconds and then
        at growing intervals.
        """
        matches = Matches(query, limit, order)
        # A scan has no time limit: the user can stop it.
        if seconds is None and not matches.is_scan:
            seconds = foreign.LONGEST
        showing = None
        if show is not None:
            showing = asyncio.create_task(_show_growing(matches, show, show_after))
        try:
            return await self._run(self._messages, matches.read, seconds=seconds)
        finally:
            if showing is not None:
                showing.cancel()

    async def titles(self, typed: str, *, is_archived: bool = False) -> Listing | None:
        """Return the conversations that have all the typed words in their title.

        A word such as `#tag` is the beginning of a tag instead. Returns at most
        `conversation_list.FILTERED`, from the archive or from the list; None if a newer
        search has started.
        """
        now_ms = self._clock.now_ms()
        return await self._run(
            self._titles,
            lambda connection: conversation_list.filtered(
                connection, now_ms, typed, is_archived=is_archived
            ),
            seconds=foreign.LONGEST,
        )

    def close(self) -> None:
        """Stop the running searches and close their connections. Blocks."""
        self._messages.close()
        self._titles.close()
        self.prompts.close()

    def _open(self) -> sqlite3.Connection:
        return opening.open_reader(self._threads.path, self._threads.access)

    async def _run(
        self,
        reader: LatestOnlyReader,
        work: Callable[[sqlite3.Connection], R],
        *,
        seconds: float | None,
    ) -> R | None:
        with self._threads.translated("read", "Finding"):
            return await reader.run(
                lambda connection: leniently(connection, work), seconds=seconds
            )


async def _show_growing(matches: Matches, show: Show, pause: float) -> None:
    """Show the results so far whenever they have changed, at growing intervals."""
    shown: Found | None = None
    while True:
        await asyncio.sleep(pause)
        # In a thread: making the snippets of long texts takes time.
        found = await asyncio.to_thread(matches.so_far)
        if found != shown:
            show(found)
            shown = found
        pause = min(pause * 2, SHOWN_EVERY)
