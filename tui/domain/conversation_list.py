"""The list of conversations: its order, its date groups and its rows.

It may have several hundred thousand conversations. So all groups are in memory, but the
conversations are read in pages.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from tui.domain.clock import AFTER_MS, FIRST_MS
from tui.domain.conversation import State

PAGE = 128
"""How many conversations a page has."""

Key = tuple[int, int, str]
"""The sort key of a conversation, in descending order: pinned, last used, id."""


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """The part of a conversation that the list shows. It excludes long texts."""

    id: str
    title: str
    updated_ms: int
    """When its last message was created."""
    is_pinned: bool = False
    tip_state: State | None = None
    """The state of the tip."""

    @property
    def key(self) -> Key:
        """The sort key."""
        return int(self.is_pinned), self.updated_ms, self.id


def group_start(then_ms: int, now_ms: int) -> int:
    """Return when the date group of a time begins, in milliseconds.

    The groups are those of `formatting.date_group`, in local time. Times that have no date
    are in one group before all others, or in one after them.
    """
    if then_ms < FIRST_MS:
        return -(2**63)
    if then_ms >= AFTER_MS:
        return AFTER_MS
    then, today = _local_date(then_ms), _local_date(now_ms)
    for first_day in (today, today - timedelta(days=1), today - timedelta(days=7)):
        if then >= first_day:
            return _midnight(first_day)
    return _midnight(then.replace(day=1))


@dataclass(frozen=True, slots=True)
class Group:
    """Conversations under one heading."""

    first: int
    """The index of the first one."""
    count: int
    is_pinned: bool
    since_ms: int
    until_ms: int
    """The exclusive end of the group."""


@dataclass(frozen=True, slots=True)
class Page:
    """Successive conversations of the list."""

    start: int
    """The index of the first one, a multiple of `PAGE`."""
    conversations: tuple[ConversationSummary, ...]


@dataclass(frozen=True)
class Listing:
    """The list as it was at one moment."""

    groups: tuple[Group, ...]
    newest: tuple[Key, ...]
    """The first key of the pinned conversations and of the others. Most changes change it."""
    now_ms: int
    """The time for which the date groups were made."""
    pages: tuple[Page, ...] = ()
    """The pages that were read with the list."""
    anchor: Key | None = None
    """The key around which a page was requested."""
    anchor_index: int = 0
    """The index of the first conversation that is not before the anchor."""
    cursor_id: str | None = None
    """The conversation around which a page was requested."""
    cursor_index: int | None = None
    """The index of that conversation; None if it is not in the list."""

    @property
    def count(self) -> int:
        """How many conversations there are."""
        return self.groups[-1].first + self.groups[-1].count if self.groups else 0

    @property
    def rows(self) -> int:
        """How many rows there are: conversations, headings, blank rows between groups."""
        return self.count + max(0, 2 * len(self.groups) - 1)

    def row_of(self, index: int) -> int:
        """Return the row of a conversation."""
        return index + 2 * bisect_right(self._firsts, index) - 1

    def at(self, row: int) -> Group | int | None:
        """Return the group of a row that is a heading, or the index of its conversation.

        Returns None for the blank row above a heading. Raises `IndexError` for a row outside
        the list.
        """
        if not 0 <= row < self.rows:
            raise IndexError(row)
        number = bisect_right(self._headings, row) - 1
        group, index = self.groups[number], row - 2 * number - 1
        if self._headings[number] == row:
            return group
        return index if index < group.first + group.count else None

    def nearest(self, row: int) -> int:
        """Return the index of the conversation on a row, or the next one below it.

        Returns the last one for a row below the list. Raises `IndexError` if the list is
        empty.
        """
        inside = max(0, min(row, self.rows - 1))
        found = self.at(inside)
        if found is None:
            # The row below a blank row is a heading.
            found = self.at(inside + 1)
        return found.first if isinstance(found, Group) else found or 0

    def group_of(self, index: int) -> Group:
        """Return the group that contains a conversation."""
        return self.groups[bisect_right(self._firsts, index) - 1]

    @cached_property
    def _firsts(self) -> list[int]:
        return [group.first for group in self.groups]

    @cached_property
    def _headings(self) -> list[int]:
        return [first + 2 * above for above, first in enumerate(self._firsts)]


class PageCache:
    """A listing with a cache of its pages."""

    MAX_PAGES = 8
    """The most pages in the cache."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self._pages = {page.start: page for page in listing.pages}
        self._requested: set[int] = set()

    def conversation(self, index: int) -> ConversationSummary | None:
        """Return a conversation; None if its page is not in the cache."""
        start = index - index % PAGE
        page = self._pages.get(start)
        if page is None or index - start >= len(page.conversations):
            return None
        return page.conversations[index - start]

    def index_of(self, conversation_id: str) -> int | None:
        """Return the index of a conversation; None if its page is not in the cache."""
        for page in self._pages.values():
            for index, found in enumerate(page.conversations, page.start):
                if found.id == conversation_id:
                    return index
        return None

    def between(self, top: int, bottom: int) -> Iterator[tuple[int, ConversationSummary]]:
        """Yield the cached conversations between two rows, each with its row."""
        for row in range(max(0, top), min(bottom, self.listing.rows)):
            index = self.listing.at(row)
            if isinstance(index, int) and (found := self.conversation(index)) is not None:
                yield row, found

    def missing(self, top: int, bottom: int) -> Iterator[int]:
        """Yield the starts of the pages that some rows lack, each of them only once."""
        if not self.listing.count:
            return
        first, last = (self.listing.nearest(row) for row in (top, bottom))
        for start in range(first - first % PAGE, last + 1, PAGE):
            if start in self._pages:
                self._pages[start] = self._pages.pop(start)
            elif start not in self._requested:
                self._requested.add(start)
                yield start

    def take(self, page: Page) -> None:
        """Add a page to the cache; remove the least recently used one if it is full."""
        self._requested.discard(page.start)
        self._pages[page.start] = page
        if len(self._pages) > self.MAX_PAGES:
            del self._pages[next(iter(self._pages))]


def _local_date(ms: int) -> date:
    return datetime.fromtimestamp(ms / 1000).astimezone().date()


def _midnight(day: date) -> int:
    """Return the start of a local day, even if daylight saving time skips its midnight."""
    # In that case, `astimezone` would return a time of the day before.
    return round(datetime(day.year, day.month, day.day).timestamp() * 1000)  # noqa: DTZ001
