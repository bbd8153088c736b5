"""A leaf that draws a thematic break."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from textual.content import Content

from tui.text.markdown.margin import NARROWEST, Margin
from tui.text.markdown.row import DrawnRows, Row
from tui.text.markdown.text import joined


class RuleLeaf:
    """A thematic break, drawn as a line over the full width."""

    __slots__ = ("_drawn", "margin")

    def __init__(self, margin: Margin) -> None:
        self.margin = margin
        self._drawn = DrawnRows()

    @property
    def key(self) -> Hashable:
        """A value that is equal for leaves that show the same."""
        return ("rule", self.margin.key)

    def lines(self) -> Sequence[str]:
        """Return the text to copy."""
        return ["---"]

    def height(self, width: int) -> int:  # noqa: ARG002 - one row at any width
        """Return the number of rows, the gap above included."""
        return self.margin.gap + 1

    def row(self, index: int, width: int) -> Row:
        """Return one row; the same object as long as it looks the same."""
        return self._drawn.row(index, max(width, NARROWEST), self._draw)

    def adopt_cache(self, older: RuleLeaf) -> None:
        """Reuse the drawn rows of the leaf that this one replaces."""
        self._drawn.adopt_cache(older._drawn)

    def _draw(self, index: int, width: int) -> Row:
        if index < self.margin.gap:
            return self.margin.blank(width)
        before = self.margin.before(width, is_first=True)
        rule = Content.styled("─" * self.margin.room(width), "$foreground 30%")
        return Row(joined(before, rule), prefix=len(before.plain))
