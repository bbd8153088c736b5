"""A leaf in which the program says something about a text: nobody can copy it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from textual.content import Content

from tui.markdown.margin import NARROWEST, Margin
from tui.markdown.row import DrawnRows, Row
from tui.markdown.wrap import wrap


class NoteLeaf:
    """Quiet words, and a blank row below them."""

    __slots__ = ("_drawn", "margin", "words")

    def __init__(self, words: str) -> None:
        self.words = words
        self.margin = Margin()
        self._drawn = DrawnRows()

    @property
    def key(self) -> Hashable:
        """What two leaves that show the same have in common."""
        return ("note", self.words)

    def lines(self) -> Sequence[str]:
        """Return nothing: it is not part of what was said."""
        return ()

    def height(self, width: int) -> int:
        """Return the number of rows at `width` cells."""
        return len(wrap(self.words, max(width, NARROWEST))) + 1

    def row(self, index: int, width: int) -> Row:
        """Return one row; the same object while it shows the same."""
        return self._drawn.row(index, max(width, NARROWEST), self._draw)

    def inherit(self, older: NoteLeaf) -> None:
        """Take over what can be kept of the leaf that this one takes the place of."""
        self._drawn.inherit(older._drawn)

    def _draw(self, index: int, width: int) -> Row:
        cuts = wrap(self.words, width)
        start, end = cuts[index] if index < len(cuts) else (0, 0)
        return Row(
            Content.styled(self.words[start:end], "italic $text-muted"), prefix=end - start
        )
