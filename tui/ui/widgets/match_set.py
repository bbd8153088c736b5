"""Where the search terms are in the messages of the open conversation."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tui.domain.query import Term, places

if TYPE_CHECKING:
    from tui.ui.widgets.entry import Entry


class Match(NamedTuple):
    """A match in the text on the screen. Matches sort in reading order."""

    number: int
    """The number of its message."""
    leaf: int
    line: int
    start: int
    end: int


class Matches:
    """The matches of some terms in the messages that were searched so far."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self.terms = tuple(terms)
        self.current: Match | None = None
        """The match that the user was led to."""
        self._found: dict[int, tuple[Match, ...]] = {}
        self._sorted: list[Match] | None = None

    def look_at(self, number: int, entry: Entry, width: int) -> None:
        """Find the matches in a message. A message without matches is not laid out."""
        found: list[Match] = []
        if any(places(words, self.terms) for words in entry.searched):
            found = [
                Match(number, leaf, at, start, end)
                for leaf, lines in entry.lines(width)
                for at, line in enumerate(lines)
                for start, end in places(line, self.terms)
            ]
        self._found[number] = tuple(found)
        self._sorted = None

    def forget(self, number: int) -> None:
        """Forget the matches in a message that has changed."""
        if self._found.pop(number, None):
            self._sorted = None

    @property
    def all(self) -> list[Match]:
        """Every known match, in reading order."""
        if self._sorted is None:
            self._sorted = sorted(match for found in self._found.values() for match in found)
        return self._sorted

    def step(self, step: int) -> Match | None:
        """Return the match after the current one (`step` 1) or before it (-1).

        After the last match comes the first one, and the reverse.
        """
        known = self.all
        if not known:
            return None
        if self.current is None:
            return known[0 if step > 0 else -1]
        if step > 0:
            return known[bisect_right(known, self.current) % len(known)]
        return known[bisect_left(known, self.current) - 1]

    def first_from(self, number: int) -> Match | None:
        """Return the first match in a message or after it."""
        known = self.all
        at = bisect_left(known, (number,))
        return known[at] if at < len(known) else None

    def on(self, number: int, leaf: int, line: int) -> Iterator[Match]:
        """Yield the matches on a line of a message."""
        for match in self._found.get(number, ()):
            if (match.leaf, match.line) == (leaf, line):
                yield match
