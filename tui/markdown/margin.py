"""What stands around a leaf: the blank row above it, and bullets and bars beside it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from textual.content import Content

from tui.markdown.row import Row

LEAST_ROOM = 8
"""Cells that a deep nesting leaves to the words, if the row has them."""

NARROWEST = 2
"""No layout is narrower, in cells: a wide character must fit."""

NOTHING = Content("")


@dataclass(frozen=True, slots=True)
class Margin:
    """What stands around one leaf. Every character of it is one cell wide."""

    gap: int = 0
    """Blank rows above."""
    above: Content = NOTHING
    """What stands in the blank rows: the bars of the quotes they are in."""
    first: Content = NOTHING
    """What stands before the first row: bullet, number, bar."""
    rest: Content = NOTHING
    """What stands before the others; as long as `first`."""

    @property
    def key(self) -> Hashable:
        """What two margins that look the same have in common."""
        return (self.gap, self.above.plain, self.first.plain, self.rest.plain)

    def room(self, width: int) -> int:
        """Return how many cells are left for the words."""
        return width - self._kept(width)

    def before(self, width: int, *, is_first: bool) -> Content:
        """Return what stands before a row's words; cut short where room is short."""
        prefix = self.first if is_first else self.rest
        return prefix[: self._kept(width)]

    def blank(self, width: int) -> Row:
        """Return a row of the gap."""
        return Row(self.above[: self._kept(width)])

    def _kept(self, width: int) -> int:
        length, most = len(self.first.plain), max(0, width - LEAST_ROOM)
        # Whole bars and numbers only: half a number is another number.
        return length if length <= most else self.first.plain.rfind(" ", 0, most) + 1
