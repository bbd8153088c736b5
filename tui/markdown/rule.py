"""A leaf that is a line across the page."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from textual.content import Content

from tui.markdown.margin import NARROWEST, Margin
from tui.markdown.row import DrawnRows, Row
from tui.markdown.text import joined


class RuleLeaf:
    """A thematic break, drawn as wide as there is room."""

    __slots__ = ("_drawn", "margin")

    def __init__(self, margin: Margin) -> None:
        self.margin = margin
        self._drawn = DrawnRows()

    @property
    def key(self) -> Hashable:
        """What two leaves that show the same have in common."""
        return ("rule", self.margin.key)

    def lines(self) -> Sequence[str]:
        """Return what copying gives."""
        return ["---"]

    def height(self, width: int) -> int:  # noqa: ARG002 - one row at any width
        """Return the number of rows, the gap above included."""
        return self.margin.gap + 1

    def row(self, index: int, width: int) -> Row:
        """Return one row; the same object while it shows the same."""
        return self._drawn.row(index, max(width, NARROWEST), self._draw)

    def inherit(self, older: RuleLeaf) -> None:
        """Take over what can be kept of the leaf that this one takes the place of."""
        self._drawn.inherit(older._drawn)

    def _draw(self, index: int, width: int) -> Row:
        if index < self.margin.gap:
            return self.margin.blank(width)
        before = self.margin.before(width, is_first=True)
        rule = Content.styled("─" * self.margin.room(width), "$foreground 30%")
        return Row(joined(before, rule), prefix=len(before.plain))
