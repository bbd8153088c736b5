"""A leaf of text: a paragraph, a heading, the text of a list item or a quote, HTML."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from itertools import chain

from textual.content import Content, Span

from tui.text.markdown.margin import NARROWEST, Margin
from tui.text.markdown.row import DrawnRows, Row
from tui.text.markdown.wrap import Cut, wrap
from tui.text.sanitise import neutralised

INVISIBLE = "\u2060"
"""A character without width. It replaces one that must not be drawn."""

MANY_SPANS = 64
"""A text with more spans than this has an index of their positions."""

INDEX_STEP = 256
"""Characters between two entries of that index."""


class TextLeaf:
    """Text that wraps. A hard break of the source begins a new line."""

    __slots__ = ("_cuts", "_drawn", "_line_starts", "_width", "margin", "text")

    def __init__(self, text: Content, margin: Margin) -> None:
        self.text = text
        self.margin = margin
        self._line_starts = _line_starts(text.plain)
        self._width = -1
        self._cuts: list[Cut] = []
        self._drawn = DrawnRows()

    @property
    def key(self) -> Hashable:
        """A value that is equal for leaves that show the same."""
        return ("text", self.text.plain, tuple(self.text.spans), self.margin.key)

    def lines(self) -> Sequence[str]:
        """Return the text, not wrapped."""
        return self.text.plain.split("\n")

    def height(self, width: int) -> int:
        """Return the number of rows at `width` cells, the gap above included."""
        return self.margin.gap + len(self._layout(width))

    def row(self, index: int, width: int) -> Row:
        """Return one row; the same object as long as it looks the same."""
        return self._drawn.row(index, max(width, NARROWEST), self._draw)

    def adopt_cache(self, older: TextLeaf) -> None:
        """Reuse the rows and the wraps of the leaf that this one replaces."""
        self._drawn.adopt_cache(older._drawn)
        if self.margin.key != older.margin.key:
            return
        # New text changes the last row, and may change the row before it, if it completes
        # a grapheme. The wraps above these two rows stay valid.
        if len(older._cuts) < 3:
            return
        start, end = older._cuts[-2]
        if self.text.plain.startswith(older.text.plain[: end + 1]):
            self._width = older._width
            self._cuts = older._cuts[:-2]
            self._lay_out_from(start)

    def _layout(self, width: int) -> list[Cut]:
        width = max(width, NARROWEST)
        if width != self._width:
            self._width = width
            self._cuts = []
            self._lay_out_from(0)
        return self._cuts

    def _lay_out_from(self, start: int) -> None:
        room = self.margin.room(self._width)
        for line in self.text.plain[start:].split("\n"):
            self._cuts += [(start + a, start + b) for a, b in wrap(line, room)]
            start += len(line) + 1

    def _draw(self, index: int, width: int) -> Row:
        index -= self.margin.gap
        if index < 0:
            return self.margin.blank(width)
        start, end = self._layout(width)[index]
        line = bisect_right(self._line_starts, start) - 1
        before = self.margin.before(width, is_first=index == 0)
        return Row(
            joined(before, piece(self.text, start, end)),
            line=line,
            column=start - self._line_starts[line],
            prefix=len(before.plain),
        )


def piece(text: Content, start: int, end: int) -> Content:
    """Return a part of `text` with its styles."""
    spans = [
        Span(max(a, start) - start, min(b, end) - start, style)
        for a, b, style in _spans_near(text, start, end)
        if a < end and b > start
    ]
    # An isolate that continues in the next row would change the order of the rest of the row.
    words = neutralised(text.plain[start:end], INVISIBLE)
    return Content(words, spans, strip_control_codes=False)


def _spans_near(text: Content, start: int, end: int) -> Iterable[Span]:
    """Return the spans that may overlap a part of a text."""
    spans = text.spans
    if len(spans) <= MANY_SPANS:
        return spans
    entries = _span_index(_ByIdentity(text))[start // INDEX_STEP : end // INDEX_STEP + 1]
    return [spans[number] for number in sorted(set(chain.from_iterable(entries)))]


class _ByIdentity:
    """A text that is compared by identity, so that a cache lookup is cheap."""

    __slots__ = ("text",)

    def __init__(self, text: Content) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and other.text is self.text

    def __hash__(self) -> int:
        return id(self.text)


@lru_cache(maxsize=16)
def _span_index(key: _ByIdentity) -> list[list[int]]:
    """Return, for each step of a text, the numbers of the spans that overlap it."""
    text = key.text
    index: list[list[int]] = [[] for _ in range(len(text.plain) // INDEX_STEP + 1)]
    for number, (start, end, _) in enumerate(text.spans):
        for step in range(start // INDEX_STEP, max(start, end - 1) // INDEX_STEP + 1):
            index[step].append(number)
    return index


def joined(*parts: Content) -> Content:
    """Return `parts` joined into one text."""
    spans: list[Span] = []
    length = 0
    for part in parts:
        spans += [Span(a + length, b + length, style) for a, b, style in part.spans]
        length += len(part.plain)
    plain = "".join(part.plain for part in parts)
    return Content(plain, spans, strip_control_codes=False)


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.split("\n")[:-1]:
        starts.append(starts[-1] + len(line) + 1)
    return starts
