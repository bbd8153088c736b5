"""Draws the rows of a message: the text, its highlights and the bar beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.content import Content
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style

from tui.ui.widgets.selecting import line_id

if TYPE_CHECKING:
    from tui.text.markdown import Row
    from tui.ui.widgets.match_set import Matches

MARGIN = 2
"""Columns left of the text, for the bar of a question or of the selected message."""

QUESTION = "on $primary 12%"
"""The background of a question; the bar beside it has the same colour."""

_MATCH = "$text on $accent 30%"
_CURRENT_MATCH = "$background on $accent bold"


def bar_style(*, is_question: bool, is_pointed_at: bool) -> str:
    """Return the style of the bar beside a row; empty for no bar."""
    tint = QUESTION if is_question else ""
    if is_pointed_at:
        return f"$accent {tint}"
    return f"$primary {tint}" if tint else ""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The background and the widths to draw a row with."""

    style: Style
    width: int
    """The columns of the whole view."""
    text_width: int
    """The columns for text."""


class MessageRows:
    """Draws rows in the colours of the theme."""

    def __init__(
        self, parse_style: Callable[[str], Style], selection_style: Callable[[], Style]
    ) -> None:
        self._parse_style = parse_style
        self._selection_style = selection_style
        self._styles: dict[str, Style] = {}

    def forget_styles(self) -> None:
        """Forget the parsed styles, because the theme has changed."""
        self._styles.clear()

    def strip(
        self,
        row: Row,
        of: tuple[int, int],
        bar: str,
        canvas: Canvas,
        *,
        matches: Matches | None,
        selection: Selection | None,
    ) -> Strip:
        """Draw a row. `of` is the number of its message and of its leaf; `bar` is a style."""
        base = canvas.style
        if QUESTION in bar:
            base += self._styled(QUESTION)
        content, y = self._highlighted(row, of, matches, selection), line_id(*of, row.line)
        drawn_on = base + self._styled(row.background) if row.background else base
        # Every segment carries its position, even a blank one: a selection that ended on
        # a segment without one would select everything.
        beside = base + self._styled(bar.partition(" ")[0]) if bar else base
        margin = beside.rich_style_with_offset(row.place(0), y)
        segments = [Segment("▌ " if bar else "  ", margin)]
        index = 0
        for text, drawn in content.render(drawn_on, end="", parse_style=self._styled):
            segments.append(Segment(text, drawn.rich_style_with_offset(row.place(index), y)))
            index += len(text)
        filler = drawn_on.rich_style_with_offset(row.place(index), y)
        strip = Strip(segments).adjust_cell_length(canvas.text_width + MARGIN, filler)
        # Right of the column it is blank.
        return strip.extend_cell_length(canvas.width, canvas.style.rich_style)

    def _highlighted(
        self,
        row: Row,
        of: tuple[int, int],
        matches: Matches | None,
        selection: Selection | None,
    ) -> Content:
        """Return the content of a row, with its matches and its selection highlighted."""
        content = row.content
        if matches is not None and row.line >= 0:
            for match in matches.on(*of, row.line):
                style = _CURRENT_MATCH if match == matches.current else _MATCH
                content = content.stylize(style, *_selected(row, (match.start, match.end)))
        if selection is not None:
            span = selection.get_span(line_id(*of, row.line))
            if span is not None:
                content = content.stylize(self._selection_style(), *_selected(row, span))
        return content

    def _styled(self, style: str | Style) -> Style:
        if isinstance(style, Style):
            return style
        known = self._styles.get(style)
        if known is None:
            known = self._styles[style] = self._parse_style(style)
        return known


def _selected(row: Row, span: tuple[int, int]) -> tuple[int, int]:
    """Return the part of a row's content that is inside a span of its line."""
    start, end = span
    indexes = [
        index
        for index in range(row.prefix, len(row.content.plain))
        if start <= row.place(index) and (end == -1 or row.place(index) < end)
    ]
    return (indexes[0], indexes[-1] + 1) if indexes else (0, 0)
