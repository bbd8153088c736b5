"""Finding messages by their words, and conversations by their titles."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from tui.clock import Clock
from tui.listing import Listing
from tui.search import Found, Order, Query
from tui.store import connection as opening
from tui.store import foreign, listing, searching
from tui.store.foreign import NOT_OURS, leniently
from tui.store.interruptible import Interruptible
from tui.store.threads import Threads

R = TypeVar("R")


class Finding:
    """What can be found in one history. A new question breaks off the one before.

    Messages and titles are looked for side by side. Raises `HistoryError`.
    """

    def __init__(self, threads: Threads, clock: Clock) -> None:
        self._threads = threads
        self._clock = clock
        self._messages = Interruptible("history-messages", self._open)
        self._titles = Interruptible("history-titles", self._open)

    async def messages(
        self,
        query: Query,
        *,
        order: Order = "newest",
        limit: int = 50,
        seconds: float | None = None,
    ) -> Found | None:
        """Return the messages that match, thinking included; `limit` -1: all of them.

        With `order` "best" those that match best among the newest
        `searching.RANKED`. After `seconds` it returns what was found until then.
        None: something else was asked for meanwhile.
        """
        return await self._run(
            self._messages,
            lambda connection: searching.matching(connection, query, limit, order),
            seconds=seconds,
        )

    async def titles(self, typed: str, *, is_archived: bool = False) -> Listing | None:
        """Return the conversations whose titles hold all the words typed, `#tags` too.

        At most `listing.FILTERED`, of the archive or of the list. None: something else
        was asked for meanwhile.
        """
        now_ms = self._clock.now_ms()
        return await self._run(
            self._titles,
            lambda connection: listing.filtered(
                connection, now_ms, typed, is_archived=is_archived
            ),
        )

    def close(self) -> None:
        """Break off what is running. Blocks until it is."""
        self._messages.close()
        self._titles.close()

    def _open(self) -> sqlite3.Connection:
        return opening.open_reader(self._threads.path, self._threads.access)

    async def _run(
        self,
        where: Interruptible,
        work: Callable[[sqlite3.Connection], R],
        *,
        seconds: float | None = None,
    ) -> R | None:
        seconds = foreign.LONGEST if seconds is None else seconds
        try:
            return await where.run(
                lambda connection: leniently(connection, work), seconds=seconds
            )
        except (sqlite3.Error, *NOT_OURS) as error:
            raise self._threads.failed("read", error) from error
