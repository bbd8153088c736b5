"""A leaf of code, which may still grow at its end."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import takewhile

from rich.cells import cell_len
from textual.content import Content

from tui.text.markdown.highlight import LONGEST_LINE, Highlighter
from tui.text.markdown.margin import NARROWEST, Margin
from tui.text.markdown.row import DrawnRows, Row
from tui.text.markdown.tabs import expanded, places
from tui.text.markdown.text import joined, piece
from tui.text.markdown.wrap import Cut, wrap

BACKGROUND = "on $surface"
HEADER = "on $panel"
COPY = "c copy"
"""The key hint at the right end of the header, if there is room."""
DIM = "$foreground 70%"
INDENT = Content(" ")
"""The space between the edge of the background and the code."""


class CodeLeaf:
    """The code of a fence or of an indented block, under a header.

    The header shows the language, the number of lines and a key.
    """

    def __init__(self, info: str, lines: list[str], margin: Margin) -> None:
        self.language = info.split(maxsplit=1)[0].lower() if info.strip() else ""
        """The first word of the fence's info string; empty if it has none."""
        self.info = expanded(info.strip())
        self.margin = margin
        self._lines = lines
        self._width = -1
        self._cuts: list[tuple[int, int, int]] = []
        """For each row: its line, and its start and end in the expanded line."""
        self._drawn = DrawnRows()
        self._expanded: tuple[str, Content, tuple[int, ...]] | None = None
        """The last long line that was drawn: its source, its content and its places."""
        self._highlighter = Highlighter(self.language)

    @property
    def source(self) -> str:
        """The code between the fences."""
        return "\n".join(self._lines)

    @property
    def key(self) -> Hashable:
        """A value that is equal for leaves that show the same."""
        return ("code", self.info, len(self._lines), self.source, self.margin.key)

    def lines(self) -> Sequence[str]:
        """Return the lines of the source, with their tabs."""
        return self._lines

    def replace_from(self, first: int, lines: list[str]) -> None:
        """Replace the lines from `first` on, in time proportional to the new lines."""
        self._forget_from(first)
        self._lines[first:] = lines
        # The header shows the number of lines. Its height stays the same.
        self._drawn.invalidate(0, self._rows_above(self._width))

    def height(self, width: int) -> int:
        """Return the number of rows at `width` cells: the gap, the header and the code."""
        width = max(width, NARROWEST)
        return self._rows_above(width) + len(self._layout(width))

    def row(self, index: int, width: int) -> Row:
        """Return one row; the same object as long as it looks the same."""
        return self._drawn.row(index, max(width, NARROWEST), self._draw)

    def adopt_cache(self, older: CodeLeaf) -> None:
        """Reuse the rows, wraps and colours of the leaf that this one replaces."""
        if (self.info, self.margin.key) != (older.info, older.margin.key):
            return
        pairs = zip(self._lines, older._lines, strict=False)
        older._forget_from(sum(1 for _ in takewhile(_are_equal, pairs)))
        self._width, self._cuts = older._width, older._cuts
        self._highlighter = older._highlighter
        self._drawn.adopt_cache(older._drawn)

    def _forget_from(self, first: int) -> None:
        recoloured = self._highlighter.forget(first)
        while self._cuts and self._cuts[-1][0] >= first:
            self._cuts.pop()
        # Lines before `first` change colour if they are in the same segment.
        row = len(self._cuts)
        while row and self._cuts[row - 1][0] >= recoloured:
            row -= 1
        self._drawn.invalidate(self._rows_above(self._width) + row)

    def _rows_above(self, width: int) -> int:
        return self.margin.gap + len(self._headings(width))

    def _headings(self, width: int) -> list[Cut]:
        room = self._room(max(width, NARROWEST))
        return wrap(self._header(room), room)

    def _header(self, room: int) -> str:
        """Return the info string, with the number of lines if both fit."""
        count = len(self._lines)
        lines = f"{count:,} line{'' if count == 1 else 's'}"
        words = f"{self.info} · {lines}" if self.info else lines
        return words if cell_len(words) <= room else self.info

    def _layout(self, width: int) -> list[tuple[int, int, int]]:
        if width != self._width:
            self._width = width
            self._cuts = []
        room = self._room(width)
        laid_out = self._cuts[-1][0] + 1 if self._cuts else 0
        for line in range(laid_out, len(self._lines)):
            cuts = wrap(expanded(self._lines[line]), room)
            self._cuts += [(line, start, end) for start, end in cuts]
        return self._cuts

    def _before(self, width: int, *, is_first: bool) -> Content:
        before = self.margin.before(width, is_first=is_first)
        return joined(before, INDENT) if self._is_indented(width) else before

    def _room(self, width: int) -> int:
        return self.margin.room(width) - self._is_indented(width)

    def _is_indented(self, width: int) -> bool:
        return self.margin.room(width) > NARROWEST

    def _draw(self, index: int, width: int) -> Row:
        index -= self.margin.gap
        if index < 0:
            return self.margin.blank(width)
        before = self._before(width, is_first=index == 0)
        headings = self._headings(width)
        if index >= len(headings):
            return self._draw_code(before, *self._layout(width)[index - len(headings)])
        start, end = headings[index]
        words = self._header(self._room(width))[start:end]
        # The last column stays empty, like the first one.
        left = self._room(width) - 1 - cell_len(words) - len(COPY)
        if len(headings) == 1 and left >= 2:
            words += " " * left + COPY
        content = joined(before, Content.styled(words, DIM))
        return Row(content, prefix=len(content.plain), background=HEADER)

    def _draw_code(self, before: Content, line: int, start: int, end: int) -> Row:
        source = self._lines[line]
        drawn, drawn_places = self._drawn_line(source, line)
        return Row(
            joined(before, piece(drawn, start, end)),
            line=line,
            column=_place(drawn_places, start, len(source)),
            prefix=len(before.plain),
            background=BACKGROUND,
            places=drawn_places[start:end],
        )

    def _drawn_line(self, source: str, line: int) -> tuple[Content, tuple[int, ...]]:
        """Return a line as it is drawn, and its places.

        A long line is cached, because it has many rows.
        """
        if len(source) <= LONGEST_LINE:
            colours = self._highlighter.spans(self._lines, line)
            drawn = Content(expanded(source), colours, strip_control_codes=False)
            return drawn, places(source) if "\t" in source else ()
        last = self._expanded
        if last is None or last[0] is not source:
            drawn = Content(expanded(source), strip_control_codes=False)
            last = source, drawn, places(source) if "\t" in source else ()
            self._expanded = last
        return last[1], last[2]


def _place(places: tuple[int, ...], index: int, length: int) -> int:
    """Return the index in the source line, which has `length`, for one in the drawn line."""
    if not places:
        return index
    return places[index] if index < len(places) else length


def _are_equal(lines: tuple[str, str]) -> bool:
    return lines[0] == lines[1]
