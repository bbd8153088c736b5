"""A leaf of words: a paragraph, a heading, a list item's text, a quote's, HTML."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from itertools import chain

from textual.content import Content, Span

from tui.markdown.margin import NARROWEST, Margin
from tui.markdown.row import DrawnRows, Row
from tui.markdown.wrap import Cut, wrap

MANY_SPANS = 64
"""From so many styles on a text has an index of where they lie."""

STRETCH = 256
"""Characters from one entry of that index to the next."""


class TextLeaf:
    """Words that wrap. Its lines end where the source says so with a hard break."""

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
        """What two leaves that show the same have in common."""
        return ("text", self.text.plain, tuple(self.text.spans), self.margin.key)

    def lines(self) -> Sequence[str]:
        """Return the words, unwrapped."""
        return self.text.plain.split("\n")

    def height(self, width: int) -> int:
        """Return the number of rows at `width` cells, the gap above included."""
        return self.margin.gap + len(self._layout(width))

    def row(self, index: int, width: int) -> Row:
        """Return one row; the same object while it shows the same."""
        return self._drawn.row(index, max(width, NARROWEST), self._draw)

    def inherit(self, older: TextLeaf) -> None:
        """Take over what can be kept of the leaf that this one takes the place of."""
        self._drawn.inherit(older._drawn)
        if self.margin.key != older.margin.key:
            return
        # More words fit on the last row only. The row before it may end elsewhere
        # once a grapheme is whole, and shows why those above it end where they do.
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
    """Return a part of `text` with the styles that lie on it."""
    spans = [
        Span(max(a, start) - start, min(b, end) - start, style)
        for a, b, style in _spans_near(text, start, end)
        if a < end and b > start
    ]
    return Content(text.plain[start:end], spans, strip_control_codes=False)


def _spans_near(text: Content, start: int, end: int) -> Iterable[Span]:
    """Return the spans of a text without most of those that do not touch a part of it."""
    spans = text.spans
    if len(spans) <= MANY_SPANS:
        return spans
    stretches = _stretches(_Same(text))[start // STRETCH : end // STRETCH + 1]
    return [spans[number] for number in sorted(set(chain.from_iterable(stretches)))]


class _Same:
    """A text that is equal to itself alone, and so costs nothing to look up."""

    __slots__ = ("text",)

    def __init__(self, text: Content) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.text is self.text

    def __hash__(self) -> int:
        return id(self.text)


@lru_cache(maxsize=16)
def _stretches(of: _Same) -> list[list[int]]:
    """Return which spans touch each stretch of a text."""
    text = of.text
    found: list[list[int]] = [[] for _ in range(len(text.plain) // STRETCH + 1)]
    for number, (start, end, _) in enumerate(text.spans):
        for stretch in range(start // STRETCH, max(start, end - 1) // STRETCH + 1):
            found[stretch].append(number)
    return found


def joined(*parts: Content) -> Content:
    """Return `parts` one after another."""
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
