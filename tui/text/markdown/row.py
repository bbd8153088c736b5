"""A row of the screen, and a cache of the rows that a leaf has drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from textual.content import Content

KEPT_ROWS = 256
"""The most rows that a leaf caches: several screens."""


@dataclass(frozen=True, eq=False, slots=True)
class Row:
    """What one row of the screen shows, and which part of its leaf that is.

    Rows are compared by identity: a row that looks the same is the same object.
    """

    content: Content
    """What is drawn, including the prefix."""
    line: int = -1
    """The index in the leaf's `lines()`; -1 for a row that is only decoration."""
    column: int = 0
    """The index in that line at which the row's text begins."""
    prefix: int = 0
    """How many characters of `content` come before the row's text."""
    background: str = ""
    """The style of the entire row; empty for none."""
    places: tuple[int, ...] = ()
    """For each character after the prefix, its index in the line.

    Empty if the indexes follow `column` one by one. They do not for expanded tabs and for
    the cells of tables.
    """

    def place(self, index: int) -> int:
        """Return the index in the line for an index in `content`.

        An index in the prefix gives the row's first character; one past the end, the
        character after the last one.
        """
        offset = max(0, index - self.prefix)
        if not self.places:
            return self.column + min(offset, len(self.content.plain) - self.prefix)
        if offset < len(self.places):
            return self.places[offset]
        return self.places[-1] + 1

    def looks_like(self, other: Row) -> bool:
        """Return whether both rows look the same and show the same part of the leaf."""
        return (
            self.content.plain == other.content.plain
            and self.content.spans == other.content.spans
            and (self.line, self.column, self.prefix, self.background, self.places)
            == (other.line, other.column, other.prefix, other.background, other.places)
        )


class DrawnRows:
    """A cache of the rows that a leaf has drawn, for one width.

    A row that may have changed is drawn again. If it looks the same, the old object is
    returned.
    """

    __slots__ = ("_invalid", "_rows", "_width")

    def __init__(self) -> None:
        self._width = -1
        self._rows: dict[int, Row] = {}
        self._invalid: dict[int, Row] = {}

    def row(self, index: int, width: int, draw: Callable[[int, int], Row]) -> Row:
        """Return the row at `index`; call `draw` if it is not in the cache."""
        if width != self._width:
            self._width = width
            self._rows.clear()
            self._invalid.clear()
        row = self._rows.get(index)
        return self._drawn(index, draw(index, width)) if row is None else row

    def invalidate(self, first: int, end: float = inf) -> None:
        """Mark the rows from `first` to before `end` to be drawn again."""
        for index in [index for index in self._rows if first <= index < end]:
            self._invalid[index] = self._rows.pop(index)
        _trim(self._invalid)

    def adopt_cache(self, older: DrawnRows) -> None:
        """Take over the rows of an older leaf, to be drawn again."""
        self._width = older._width
        self._invalid = older._invalid | older._rows

    def _drawn(self, index: int, row: Row) -> Row:
        older = self._invalid.pop(index, None)
        if older is not None and older.looks_like(row):
            row = older
        self._rows[index] = row
        _trim(self._rows)
        return row


def _trim(rows: dict[int, Row]) -> None:
    while len(rows) > KEPT_ROWS:
        del rows[next(iter(rows))]
