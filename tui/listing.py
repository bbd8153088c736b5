"""The list of conversations: its order, its date groups, the rows it takes.

The list may hold several hundred thousand. Known as a whole are only its groups;
the conversations come in pages.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from tui.clock import AFTER_MS, FIRST_MS
from tui.conversation import State

PAGE = 128
"""How many conversations a page holds."""

Key = tuple[int, int, str]
"""A conversation's place in the list, the greatest first: pinned, last used, id."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What the list shows of a conversation. Its system prompt alone may be long."""

    id: str
    title: str
    updated_ms: int
    """When something was last said."""
    is_pinned: bool = False
    tip_state: State | None = None
    """How the newest message stands."""

    @property
    def key(self) -> Key:
        """Its place in the list."""
        return int(self.is_pinned), self.updated_ms, self.id


def group_start(then_ms: int, now_ms: int) -> int:
    """Return when the date group of a time begins, in milliseconds.

    Local time; the groups are those that `wording.date_group` names. Of what no calendar
    has, there is one group before all others, and one after them.
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
    """When the group ends; this moment is not in it."""


@dataclass(frozen=True, slots=True)
class Page:
    """Conversations that follow each other in the list."""

    start: int
    """The index of the first one, a multiple of `PAGE`."""
    conversations: tuple[Listed, ...]


@dataclass(frozen=True)
class Listing:
    """The list as it was at one moment."""

    groups: tuple[Group, ...]
    newest: tuple[Key, ...]
    """The first place of the pinned ones and of the others: most changes change it."""
    now_ms: int
    """The time the groups are drawn from."""
    pages: tuple[Page, ...] = ()
    """The pages that were read with it."""
    anchor: Key | None = None
    """A place that was asked for."""
    anchor_index: int = 0
    """The index of the first conversation that is not before the anchor."""
    cursor_id: str | None = None
    """A conversation that was asked for."""
    cursor_index: int | None = None
    """Its index; None if it is not in the list."""

    @property
    def count(self) -> int:
        """How many conversations there are."""
        return self.groups[-1].first + self.groups[-1].count if self.groups else 0

    @property
    def rows(self) -> int:
        """How many rows the conversations and the headings take."""
        return self.count + len(self.groups)

    def row_of(self, index: int) -> int:
        """Return the row of a conversation."""
        return index + bisect_right(self._firsts, index)

    def at(self, row: int) -> Group | int:
        """Return the group whose heading a row is, or the index of its conversation."""
        above = bisect_right(self._headings, row)
        if self._headings[above - 1] == row:
            return self.groups[above - 1]
        return row - above

    def group_of(self, index: int) -> Group:
        """Return the group a conversation is in."""
        return self.groups[bisect_right(self._firsts, index) - 1]

    @cached_property
    def _firsts(self) -> list[int]:
        return [group.first for group in self.groups]

    @cached_property
    def _headings(self) -> list[int]:
        return [first + above for above, first in enumerate(self._firsts)]


class Held:
    """A list, and as many of its pages as are kept."""

    MOST = 8
    """How many pages are kept."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self._pages = {page.start: page for page in listing.pages}
        self._asked: set[int] = set()

    def conversation(self, index: int) -> Listed | None:
        """Return a conversation; None if its page is not there."""
        start = index - index % PAGE
        page = self._pages.get(start)
        if page is None or index - start >= len(page.conversations):
            return None
        return page.conversations[index - start]

    def index_of(self, conversation_id: str) -> int | None:
        """Return the index of a conversation; None if its page is not there."""
        for page in self._pages.values():
            for index, found in enumerate(page.conversations, page.start):
                if found.id == conversation_id:
                    return index
        return None

    def between(self, top: int, bottom: int) -> Iterator[tuple[int, Listed]]:
        """Yield the conversations on some rows that are there, each with its row."""
        for row in range(max(0, top), min(bottom, self.listing.rows)):
            index = self.listing.at(row)
            if isinstance(index, int) and (found := self.conversation(index)) is not None:
                yield row, found

    def missing(self, top: int, bottom: int) -> Iterator[int]:
        """Yield where the pages begin that some rows need, each of them once."""
        if not self.listing.count:
            return
        first, last = (self._nearest(row) for row in (top, bottom))
        for start in range(first - first % PAGE, last + 1, PAGE):
            if start in self._pages:
                self._pages[start] = self._pages.pop(start)
            elif start not in self._asked:
                self._asked.add(start)
                yield start

    def take(self, page: Page) -> None:
        """Keep a page. The one that was needed least recently makes room."""
        self._asked.discard(page.start)
        self._pages[page.start] = page
        if len(self._pages) > self.MOST:
            del self._pages[next(iter(self._pages))]

    def _nearest(self, row: int) -> int:
        """Return the index of the conversation on a row, or below a heading, or at the end."""
        found = self.listing.at(max(0, min(row, self.listing.rows - 1)))
        return found.first if isinstance(found, Group) else found


def _local_date(ms: int) -> date:
    return datetime.fromtimestamp(ms / 1000).astimezone().date()


def _midnight(day: date) -> int:
    """Return the first moment of a local day, also where its midnight is left out."""
    # `astimezone` would go back an hour there, into the day before.
    return round(datetime(day.year, day.month, day.day).timestamp() * 1000)  # noqa: DTZ001
