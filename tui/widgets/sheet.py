"""Messages one below the other, as one scrolling view, however many.

Only rows on the screen are drawn, and only messages near them are laid out; the
heights of the others are estimates, made exact before they come into view. The
rows on top stay where they are whatever happens below or above them, unless the
reader is at the end: then the end is followed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.cache import LRUCache
from textual.geometry import Offset, Region, Size
from textual.message import Message as TextualMessage
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style

from tui.containment import row_contained
from tui.widgets.selecting import line_id, message_ids, selected

if TYPE_CHECKING:
    from tui.markdown import Row
    from tui.widgets.entry import Entry
    from tui.widgets.matches import Match, Matches

MARGIN = 2
"""Columns left of the words, for the bar of the message that has the focus."""

PARSED = 32
"""How many messages stay parsed."""

_MATCH = "$text on $accent 30%"
_CURRENT_MATCH = "$background on $accent bold"

_WORD = re.compile(r"\w+")


class Sheet(ScrollView, can_focus=True):
    """A column of entries, one of which keys act on."""

    DEFAULT_CSS = """
    Sheet {
        overflow-x: hidden;
        overflow-y: scroll;
    }
    """
    ALLOW_SELECT = True

    @dataclass
    class LinkChosen(TextualMessage):
        """The user clicked a link. Nothing has been opened."""

        target: str

    @dataclass
    class Followed(TextualMessage):
        """The reader came to the end, or left it."""

        is_at_end: bool

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self.cursor = 0
        """The entry that keys act on."""
        self._heights: list[int] = []
        self._tops = [0]
        """The first row of each entry; last, the height of all."""
        self._width = 0
        self._is_following = True
        self._is_placing = False
        self._wanted: tuple[int, int, int, int] | None = None
        """The text to have on top once the size is known."""
        self._strips: LRUCache[tuple[Row, bool], Strip] = LRUCache(512)
        self._styles: dict[str, Style] = {}
        self.matches: Matches | None = None
        """What is looked for, and where it stands."""
        self._parsed: dict[str, Entry] = {}
        """Those laid out lately, the latest last."""

    @property
    def text_width(self) -> int:
        """The columns that words have; 0 until the size is known."""
        return self._width

    @property
    def is_at_end(self) -> bool:
        """Whether the end is followed."""
        return self._is_following

    def replace_all(self, entries: list[Entry]) -> None:
        """Show other entries, from their end."""
        self.entries = entries
        self.cursor = max(0, len(entries) - 1)
        self._parsed.clear()
        self.matches = None
        self._wanted = None
        self.show_end()

    def show_end(self) -> None:
        """Go to the end, and follow it."""
        self._follow(is_following=True)
        self.lay_out()

    # Where everything is

    def on_resize(self) -> None:
        """Lay out for the new size, keeping the very text that is on top."""
        width = self.scrollable_content_region.width - MARGIN
        if width < 1:
            return
        place = None if self._is_following else self._place()
        self._width = width
        place, self._wanted = self._wanted or place, None
        self.lay_out(place)

    def go_to_when_laid_out(self, place: tuple[int, int, int, int]) -> None:
        """Have the text of a place on top once the size is known."""
        self._wanted = place

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Make exact what comes into view, keeping what was in view in its place."""
        if not self._is_placing and self.entries and self._width:
            self._settle(int(old_value), int(new_value))
        super().watch_scroll_y(old_value, self.scroll_y)

    def lay_out(self, place: tuple[int, int, int, int] | None = None) -> None:
        """Place every message anew, the text of `place` on top if there is one."""
        if not self._width:
            return
        width = self._width
        self._strips.clear()
        self._heights = [
            entry.height(width) if entry.is_exact(width) else entry.estimate(width)
            for entry in self.entries
        ]
        self._add_up()
        if place is not None:
            number, leaf, line, column = place
            self._measure(number)
            self._put(number, self.entries[number].row_of(leaf, line, column, self._width))
        elif self._is_following:
            self._to_end()
        elif self.entries:
            self._put(*self._position(int(self.scroll_y)))
        self.refresh()

    def grew(self, number: int, first_row: int = 0) -> None:
        """Take the new height of an entry into account; draw it from its `first_row` on."""
        if not self._width:
            return
        if self.matches is not None:
            self.matches.forget(number)
        y = int(self.scroll_y)
        top = self._position(y)
        self._heights[number] = self.entries[number].height(self._width)
        if self._is_following:
            self._add_up()
            self._to_end()
        else:
            self._put(*top)
        # Where it has scrolled, everything is drawn anyway.
        if int(self.scroll_y) == y:
            first = max(0, self._tops[number] + first_row - y)
            width, height = self.size
            if first < height:
                self.refresh(Region(0, first, width, height - first))

    def _place(self) -> tuple[int, int, int, int] | None:
        """Return which text is on top: its message, leaf, line and column."""
        if not self.entries or not self._width:
            return None
        number, offset = self._position(int(self.scroll_y))
        offset = min(offset, self._measure(number) - 1)
        leaf, row = self.entries[number].row(offset, self._width)
        return number, leaf, row.line, row.column

    def _position(self, y: int) -> tuple[int, int]:
        """Return the message that has row `y`, and the row's number in it."""
        number = max(0, min(len(self.entries), bisect_right(self._tops, y)) - 1)
        return number, max(0, y - self._tops[number])

    def _settle(self, old: int, new: int) -> None:
        """Scroll from `old` to `new`, rows exact, however wrong the estimates were."""
        step = new - old
        if abs(step) > 5 * self.size.height:
            number, offset = self._position(new)
            self._put(number, min(offset, self._measure(number) - 1))
            return
        number, offset = self._position(old)
        offset += step
        while offset < 0 and number > 0:
            number -= 1
            offset += self._measure(number)
        while offset >= self._measure(number) and number < len(self.entries) - 1:
            offset -= self._heights[number]
            number += 1
        self._put(number, max(0, offset))

    def _put(self, number: int, offset: int) -> None:
        """Put a row of a message on top, as far as there are rows below to fill the view."""
        rows = self.size.height + offset
        for below in range(number, len(self.entries)):
            if rows <= 0:
                break
            rows -= self._measure(below)
        if rows > 0:
            self._to_end(follow=False)
            return
        self._add_up()
        self._scroll_to_row(self._tops[number] + offset)

    def _to_end(self, *, follow: bool = True) -> None:
        """Show the end, its messages measured."""
        rows = self.size.height
        number = len(self.entries)
        # The question of a long reply too, or how long the whole is would depend on
        # whether the reply was still short when it was first laid out.
        while number > 0 and (rows > 0 or number >= len(self.entries) - 1):
            number -= 1
            rows -= self._measure(number)
        self._add_up()
        self._scroll_to_row(max(0, self._tops[-1] - self.size.height))
        if follow:
            self._follow(is_following=True)

    def _scroll_to_row(self, y: int) -> None:
        self._is_placing = True
        try:
            self.scroll_target_y = self.scroll_y = y
        finally:
            self._is_placing = False
        self._follow(is_following=y >= self._tops[-1] - self.size.height)

    def _follow(self, *, is_following: bool) -> None:
        if is_following != self._is_following:
            self._is_following = is_following
            self.post_message(self.Followed(is_following))

    def _measure(self, number: int) -> int:
        """Make the height of a message exact, and return it."""
        entry = self.entries[number]
        height = self._heights[number] = entry.height(self._width)
        self._parsed.pop(entry.id, None)
        self._parsed[entry.id] = entry
        if len(self._parsed) > PARSED:
            self._parsed.pop(next(iter(self._parsed))).forget()
        return height

    def _add_up(self) -> None:
        self._tops = [0, *accumulate(self._heights)]
        size = Size(self.size.width, self._tops[-1])
        if size != self.virtual_size:
            # Set as it stands, it would lay out the whole screen at every new row.
            self.set_reactive(ScrollView.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height

    def bring_into_view(self, number: int) -> None:
        """Scroll as little as it takes to see a message, or its beginning."""
        if not self.entries or not self._width:
            return
        top = self._position(int(self.scroll_y))
        height = self._measure(number)
        self._put(*top)
        first = int(self.scroll_y)
        last = first + self.size.height
        if self._tops[number] < first or height > self.size.height:
            self._put(number, 0)
        elif self._tops[number + 1] > last:
            self._put(*self._position(self._tops[number + 1] - self.size.height))

    def show_match(self, match: Match) -> None:
        """Lead the reader to a match, away from the edges of the view if there is room."""
        if self.matches is None or not self._width or match.number >= len(self.entries):
            return
        self.matches.current = match
        self.cursor = match.number
        height = self._measure(match.number)
        self._add_up()
        row = self.entries[match.number].row_of(
            match.leaf, match.line, match.start, self._width
        )
        first, last = int(self.scroll_y), int(self.scroll_y) + self.size.height
        y = self._tops[match.number] + min(row, height - 1)
        if not first < y < last - 1:
            self._put(match.number, row)
            y = int(self.scroll_y)
            self._settle(y, y - self.size.height // 3)
        self.draw_matches()

    def release(self, number: int) -> None:
        """Let go of a layout that was made out of turn."""
        entry = self.entries[number]
        if entry.id not in self._parsed:
            entry.forget()

    def draw_matches(self) -> None:
        """Draw the matches as they are known now."""
        self._strips.clear()
        self.refresh()

    # Drawing

    @row_contained
    def render_line(self, y: int) -> Strip:
        """Draw one row of the screen."""
        width, row_number = self.size.width, y + int(self.scroll_offset.y)
        # A view is drawn once before it knows its size.
        if not self._width or row_number >= self._tops[-1]:
            return Strip.blank(width, self.rich_style)
        number, offset = self._position(row_number)
        if offset >= self.entries[number].height(self._width):
            # Drawn before the size was told: the estimate was too long.
            return Strip.blank(width, self.rich_style)
        leaf, row = self.entries[number].row(offset, self._width)
        has_bar = self.has_focus and number == self.cursor
        selection = self.text_selection
        if selection is not None:
            return self._strip(row, (number, leaf), selection, has_bar=has_bar)
        strip = self._strips.get((row, has_bar))
        if strip is None:
            strip = self._strip(row, (number, leaf), None, has_bar=has_bar)
            self._strips[(row, has_bar)] = strip
        return strip

    def _strip(
        self, row: Row, of: tuple[int, int], selection: Selection | None, *, has_bar: bool
    ) -> Strip:
        base = self.visual_style
        content, y = row.content, line_id(*of, row.line)
        if self.matches is not None and row.line >= 0:
            for match in self.matches.on(*of, row.line):
                is_current = match == self.matches.current
                style = _CURRENT_MATCH if is_current else _MATCH
                content = content.stylize(style, *_selected(row, (match.start, match.end)))
        if selection is not None and (span := selection.get_span(y)) is not None:
            selected = self.screen.get_visual_style("screen--selection")
            content = content.stylize(selected, *_selected(row, span))
        drawn_on = base + self._styled(row.background) if row.background else base
        bar = base + self._styled("$accent") if has_bar else base
        # Every segment says where it is, blank ones too: a selection that ends on one
        # that does not would take in everything.
        margin = bar.rich_style_with_offset(row.place(0), y)
        segments = [Segment("▌ " if has_bar else "  ", margin)]
        index = 0
        for text, drawn in content.render(drawn_on, end="", parse_style=self._styled):
            segments.append(Segment(text, drawn.rich_style_with_offset(row.place(index), y)))
            index += len(text)
        filler = drawn_on.rich_style_with_offset(row.place(index), y)
        return Strip(segments).adjust_cell_length(self._width + MARGIN, filler)

    def _styled(self, style: str | Style) -> Style:
        if isinstance(style, Style):
            return style
        known = self._styles.get(style)
        if known is None:
            known = self._styles[style] = self.app.stylesheet.parse_style(style)
        return known

    def notify_style_update(self) -> None:
        """Draw everything anew when the theme changes."""
        self._strips.clear()
        self._styles.clear()
        super().notify_style_update()

    def on_focus(self) -> None:
        """Show which message the keys act on."""
        self.refresh()

    def on_blur(self) -> None:
        """Hide it again."""
        self.refresh()

    # Selecting and clicking

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 - Textual's signature
        """Draw the selection."""
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text as it was said, unwrapped."""
        return selected(self.entries, selection, self._width), "\n"

    async def _on_click(self, event: events.Click) -> None:
        """Choose a message, follow a link; twice selects a word, three times the message."""
        number, offset = self._position(event.y + int(self.scroll_y))
        if not self.entries:
            return
        event.prevent_default()
        if target := event.style.meta.get("link"):
            self.post_message(self.LinkChosen(str(target)))
        elif event.chain == 1:
            self.cursor = number
            self.refresh()
        elif event.chain == 2:
            self._select_word(number, offset, event.x)
        else:
            before, after = message_ids(number)
            self.screen.selections = {self: Selection(Offset(0, before), Offset(0, after))}

    def _select_word(self, number: int, offset: int, x: int) -> None:
        leaf, row = self.entries[number].row(offset, self._width)
        lines = dict(self.entries[number].lines(self._width)).get(leaf)
        if lines is None or row.line < 0:
            return
        place = row.place(_index_at(row.content.plain, x - MARGIN))
        y = line_id(number, leaf, row.line)
        for word in _WORD.finditer(lines[row.line]):
            if word.start() <= place < word.end():
                ends = Offset(word.start(), y), Offset(word.end(), y)
                self.screen.selections = {self: Selection(*ends)}


def _selected(row: Row, span: tuple[int, int]) -> tuple[int, int]:
    """Return which characters of a row's content a span of its line takes in."""
    start, end = span
    indexes = [
        index
        for index in range(row.prefix, len(row.content.plain))
        if start <= row.place(index) and (end == -1 or row.place(index) < end)
    ]
    return (indexes[0], indexes[-1] + 1) if indexes else (0, 0)


def _index_at(text: str, cells: int) -> int:
    """Return which character of a text stands `cells` cells from its left."""
    for index in range(len(text)):
        if cell_len(text[: index + 1]) > cells:
            return index
    return len(text)
