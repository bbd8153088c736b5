"""A leaf of code, which may still be growing at its end."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import takewhile

from textual.content import Content

from tui.markdown.highlight import LONGEST_LINE, TAB, Highlighter
from tui.markdown.margin import NARROWEST, Margin
from tui.markdown.row import DrawnRows, Row
from tui.markdown.text import joined, piece
from tui.markdown.wrap import Cut, wrap

BACKGROUND = "on $surface"
INDENT = Content(" ")
"""What stands between the edge of the background and the code."""


class CodeLeaf:
    """The lines of a fence or of an indented block, under a row that names the language."""

    def __init__(self, info: str, lines: list[str], margin: Margin) -> None:
        self.language = info.split(maxsplit=1)[0].lower() if info.strip() else ""
        """The first word of the fence's info; empty if it has none."""
        self.info = info.strip().expandtabs(TAB)
        self.margin = margin
        self._lines = lines
        self._width = -1
        self._cuts: list[tuple[int, int, int]] = []
        """For each row laid out: its line, and where it begins and ends in it as drawn."""
        self._drawn = DrawnRows()
        self._expanded: tuple[str, Content, tuple[int, ...]] | None = None
        """The line drawn last, how it looks, and for each character its place in the line."""
        self._highlighter = Highlighter(self.language)

    @property
    def source(self) -> str:
        """The code as it stands between the fences."""
        return "\n".join(self._lines)

    @property
    def key(self) -> Hashable:
        """What two leaves that show the same have in common."""
        return ("code", self.info, len(self._lines), self.source, self.margin.key)

    def lines(self) -> Sequence[str]:
        """Return the lines of the source, tabs as tabs."""
        return self._lines

    def replace_from(self, first: int, lines: list[str]) -> None:
        """Put `lines` in the place of those from `first` on. Costs what they cost."""
        self._forget_from(first)
        self._lines[first:] = lines

    def height(self, width: int) -> int:
        """Return the rows at `width` cells: the gap, the language's row and the code's."""
        width = max(width, NARROWEST)
        return self._rows_above(width) + len(self._layout(width))

    def row(self, index: int, width: int) -> Row:
        """Return one row; the same object while it shows the same."""
        return self._drawn.row(index, max(width, NARROWEST), self._draw)

    def inherit(self, older: CodeLeaf) -> None:
        """Take over what can be kept of the leaf that this one takes the place of."""
        if (self.info, self.margin.key) != (older.info, older.margin.key):
            return
        pairs = zip(self._lines, older._lines, strict=False)
        older._forget_from(sum(1 for _ in takewhile(_are_equal, pairs)))
        self._width, self._cuts = older._width, older._cuts
        self._highlighter = older._highlighter
        self._drawn.inherit(older._drawn)

    def _forget_from(self, first: int) -> None:
        recoloured = self._highlighter.forget(first)
        while self._cuts and self._cuts[-1][0] >= first:
            self._cuts.pop()
        # Rows of lines before `first` change colour if they share its segment.
        row = len(self._cuts)
        while row and self._cuts[row - 1][0] >= recoloured:
            row -= 1
        self._drawn.doubt(self._rows_above(self._width) + row)

    def _rows_above(self, width: int) -> int:
        return self.margin.gap + len(self._headings(width))

    def _headings(self, width: int) -> list[Cut]:
        """Return the rows of the fence's info; one, even if it is empty."""
        return wrap(self.info, self._room(max(width, NARROWEST)))

    def _layout(self, width: int) -> list[tuple[int, int, int]]:
        if width != self._width:
            self._width = width
            self._cuts = []
        room = self._room(width)
        laid_out = self._cuts[-1][0] + 1 if self._cuts else 0
        for line in range(laid_out, len(self._lines)):
            cuts = wrap(self._lines[line].expandtabs(TAB), room)
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
        content = joined(before, Content.styled(self.info[start:end], "$text-muted"))
        return Row(content, prefix=len(content.plain), background=BACKGROUND)

    def _draw_code(self, before: Content, line: int, start: int, end: int) -> Row:
        source = self._lines[line]
        drawn, places = self._look(source, line)
        return Row(
            joined(before, piece(drawn, start, end)),
            line=line,
            column=_place(places, start, len(source)),
            prefix=len(before.plain),
            background=BACKGROUND,
            places=places[start:end],
        )

    def _look(self, source: str, line: int) -> tuple[Content, tuple[int, ...]]:
        """Return how a line looks, which one of many rows need not find out for each."""
        if len(source) <= LONGEST_LINE:
            colours = self._highlighter.spans(self._lines, line)
            drawn = Content(source.expandtabs(TAB), colours, strip_control_codes=False)
            return drawn, _places(source) if "\t" in source else ()
        last = self._expanded
        if last is None or last[0] is not source:
            drawn = Content(source.expandtabs(TAB), strip_control_codes=False)
            last = source, drawn, _places(source) if "\t" in source else ()
            self._expanded = last
        return last[1], last[2]


def _places(line: str) -> tuple[int, ...]:
    """Return for each character of the line as drawn its place in the line."""
    places: list[int] = []
    for index, character in enumerate(line):
        is_tab = character == "\t"
        places += [index] * (TAB - len(places) % TAB if is_tab else 1)
    return tuple(places)


def _place(places: tuple[int, ...], index: int, length: int) -> int:
    """Return where in its line of `length` a character of the line as drawn stands."""
    if not places:
        return index
    return places[index] if index < len(places) else length


def _are_equal(lines: tuple[str, str]) -> bool:
    return lines[0] == lines[1]
