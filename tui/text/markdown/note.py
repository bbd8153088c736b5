"""A leaf with a note of the program about a text. It cannot be copied."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from textual.content import Content

from tui.text.markdown.margin import NARROWEST, Margin
from tui.text.markdown.row import DrawnRows, Row
from tui.text.markdown.wrap import wrap


@dataclass(frozen=True, slots=True)
class Aside:
    """A block between two texts that is not text itself, such as a tool call."""

    words: str
    """One clean line that describes it."""


class NoteLeaf:
    """A note in a quiet style, with blank rows above and below it."""

    __slots__ = ("_below", "_drawn", "margin", "words")

    def __init__(self, words: str, *, gap: int = 0, below: int = 0) -> None:
        self.words = words
        self.margin = Margin(gap)
        self._below = below
        self._drawn = DrawnRows()

    @property
    def key(self) -> Hashable:
        """A value that is equal for leaves that show the same."""
        return ("note", self.words, self.margin.gap, self._below)

    def lines(self) -> Sequence[str]:
        """Return no lines, because the note is not part of the message."""
        return ()

    def height(self, width: int) -> int:
        """Return the number of rows at `width` cells."""
        rows = len(wrap(self.words, max(width, NARROWEST)))
        return self.margin.gap + rows + self._below

    def row(self, index: int, width: int) -> Row:
        """Return one row; the same object as long as it looks the same."""
        return self._drawn.row(index, max(width, NARROWEST), self._draw)

    def adopt_cache(self, older: NoteLeaf) -> None:
        """Reuse the drawn rows of the leaf that this one replaces."""
        self._drawn.adopt_cache(older._drawn)

    def _draw(self, index: int, width: int) -> Row:
        index -= self.margin.gap
        cuts = wrap(self.words, width)
        start, end = cuts[index] if 0 <= index < len(cuts) else (0, 0)
        return Row(
            Content.styled(self.words[start:end], "italic $foreground 70%"), prefix=end - start
        )
