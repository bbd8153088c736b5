"""One row of the screen, and the rows a leaf has drawn lately."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.content import Content

KEPT_ROWS = 256
"""The most rows a leaf keeps: several screens of them."""


@dataclass(frozen=True, eq=False, slots=True)
class Row:
    """What one row of the screen shows, and which words of its leaf these are.

    The same object stands for the same picture: rows are compared by identity.
    """

    content: Content
    """What is drawn, the prefix included."""
    line: int = -1
    """Index into the leaf's `lines()`; -1 for a row that is only decoration."""
    column: int = 0
    """Where in that line the row's own words begin, in characters of the line."""
    prefix: int = 0
    """How many characters of `content` come before the row's own words."""
    background: str = ""
    """A style for the whole row; empty for none."""
    places: tuple[int, ...] = ()
    """For each character after the prefix its place in the line.

    Empty when they follow `column` one by one, as they do but for expanded tabs
    and the cells of tables.
    """

    def place(self, index: int) -> int:
        """Return which character of the line stands at `index` of `content`.

        In the prefix that is the row's first; past the end, the one after its last.
        """
        offset = max(0, index - self.prefix)
        if not self.places:
            return self.column + min(offset, len(self.content.plain) - self.prefix)
        if offset < len(self.places):
            return self.places[offset]
        return self.places[-1] + 1

    def looks_like(self, other: Row) -> bool:
        """Return whether both draw, and stand for, the same."""
        return (
            self.content.plain == other.content.plain
            and self.content.spans == other.content.spans
            and (self.line, self.column, self.prefix, self.background, self.places)
            == (other.line, other.column, other.prefix, other.background, other.places)
        )


class DrawnRows:
    """The rows a leaf drew lately, for one width.

    A row that may have changed is drawn again, and given out as the object it was
    if it came out the same.
    """

    __slots__ = ("_doubted", "_rows", "_width")

    def __init__(self) -> None:
        self._width = -1
        self._rows: dict[int, Row] = {}
        self._doubted: dict[int, Row] = {}

    def row(self, index: int, width: int, draw: Callable[[int, int], Row]) -> Row:
        """Return the row at `index`, drawn with `draw` if it is not at hand."""
        if width != self._width:
            self._width = width
            self._rows.clear()
            self._doubted.clear()
        row = self._rows.get(index)
        return self._drawn(index, draw(index, width)) if row is None else row

    def doubt(self, first: int) -> None:
        """Take the rows from `first` on for changed until they are drawn again."""
        for index in [index for index in self._rows if index >= first]:
            self._doubted[index] = self._rows.pop(index)
        _trim(self._doubted)

    def inherit(self, older: DrawnRows) -> None:
        """Take over the rows of a leaf that this one's leaf takes the place of."""
        self._width = older._width
        self._doubted = older._doubted | older._rows

    def _drawn(self, index: int, row: Row) -> Row:
        older = self._doubted.pop(index, None)
        if older is not None and older.looks_like(row):
            row = older
        self._rows[index] = row
        _trim(self._rows)
        return row


def _trim(rows: dict[int, Row]) -> None:
    while len(rows) > KEPT_ROWS:
        del rows[next(iter(rows))]
