"""The margin of a leaf: blank rows above it, and bullets and bars on its left."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from textual.content import Content

from tui.text.markdown.row import Row

MIN_ROOM = 8
"""Cells that a deep nesting leaves for the text, if the row has them."""

NARROWEST = 2
"""The smallest width of a layout, in cells: a wide character must fit."""

NOTHING = Content("")


@dataclass(frozen=True, slots=True)
class Margin:
    """The margin of one leaf. Each of its characters is one cell wide."""

    gap: int = 0
    """The number of blank rows above."""
    above: Content = NOTHING
    """The prefix of the blank rows: the bars of quotes."""
    first: Content = NOTHING
    """The prefix of the first row: a bullet, a number, bars."""
    rest: Content = NOTHING
    """The prefix of the other rows, as long as `first`."""

    @property
    def key(self) -> Hashable:
        """A value that is equal for margins that look the same."""
        return (self.gap, self.above.plain, self.first.plain, self.rest.plain)

    def room(self, width: int) -> int:
        """Return how many cells are left for the text."""
        return width - self._prefix_length(width)

    def before(self, width: int, *, is_first: bool) -> Content:
        """Return the prefix of a row, shortened if the width is small."""
        prefix = self.first if is_first else self.rest
        return prefix[: self._prefix_length(width)]

    def blank(self, width: int) -> Row:
        """Return a blank row of the gap."""
        return Row(self.above[: self._prefix_length(width)])

    def _prefix_length(self, width: int) -> int:
        length, most = len(self.first.plain), max(0, width - MIN_ROOM)
        # Cut only between bars and numbers: a part of a number would be another number.
        return length if length <= most else self.first.plain.rfind(" ", 0, most) + 1
