"""One scrolling view for any number of messages.

It draws only the rows on the screen, and lays out only the messages near them. The
heights of the others are estimates, and become exact before they come into view. The
rows at the top do not move, whatever changes above or below them. But if the view is
at the end, it follows the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events
from textual.cache import LRUCache
from textual.geometry import Offset, Region, Size
from textual.message import Message as TextualMessage
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tui.ui.containment import row_contained, rows_contained
from tui.ui.widgets.drawn_lines import DrawnLines
from tui.ui.widgets.message_column import MessageColumn
from tui.ui.widgets.message_row import MARGIN, Canvas, MessageRows, bar_style
from tui.ui.widgets.selecting import message_ids, selected
from tui.ui.widgets.word_selection import word_at

if TYPE_CHECKING:
    from tui.text.markdown import Row
    from tui.ui.widgets.entry import Entry
    from tui.ui.widgets.match_set import Match, Matches

OPENABLE = ("http://", "https://", "mailto:")
"""The beginnings of links that may be opened; others could run a program."""


class VirtualMessageView(ScrollView, can_focus=True):
    """A column of entries. Keys act on the entry at the cursor."""

    DEFAULT_CSS = """
    VirtualMessageView {
        overflow-x: hidden;
        overflow-y: scroll;
    }
    """
    ALLOW_SELECT = True
    cursor = var(0)
    """The number of the entry on which keys act."""
    FOCUS_ON_CLICK = False
    """A click does not move the focus: letters typed after it would act on messages."""

    class Event(TextualMessage):
        """Base class of the messages for the screen."""

    @dataclass
    class LinkChosen(Event):
        """The user chose a link. Nothing has been opened."""

        target: str
        of: str = ""
        """Which of the message's links it is, such as `2 of 3`; empty for an only one."""

    @dataclass
    class AtEndChanged(Event):
        """The view has reached the end, or left it."""

        is_at_end: bool

    def __init__(
        self, widest: int = 100, on_measure: Callable[[Entry], None] | None = None
    ) -> None:
        super().__init__()
        self._widest = widest
        """The most columns for text: longer lines are hard to read."""
        self.column = MessageColumn(on_measure)
        self._is_following = True
        self._is_placing = False
        self._wanted: tuple[int, int, int, int] | None = None
        """The text that must be at the top when the size is known."""
        self._rows = MessageRows(
            lambda style: self.app.stylesheet.parse_style(style),  # noqa: PLW0108 - no app yet
            lambda: self.screen.get_visual_style("screen--selection"),
        )
        self._strips: LRUCache[tuple[Row, str], Strip] = LRUCache(512)
        self._lines = DrawnLines()
        self.matches: Matches | None = None
        """The search terms and their matches; None while nothing is searched."""

    @property
    def entries(self) -> list[Entry]:
        """The messages, the oldest first."""
        return self.column.entries

    @property
    def text_width(self) -> int:
        """The columns for text; 0 until the size is known."""
        return self.column.width

    @property
    def is_at_end(self) -> bool:
        """Whether the view follows the end."""
        return self._is_following

    def replace_all(self, entries: list[Entry]) -> None:
        """Show other entries, scrolled to their end."""
        self.column.replace(entries)
        self.cursor = max(0, len(entries) - 1)
        self.matches = None
        self._wanted = None
        self.show_end()

    def show_end(self) -> None:
        """Scroll to the end, and follow it."""
        self._follow(is_following=True)
        self.lay_out()

    # Where everything is

    def on_resize(self) -> None:
        """Lay out for the new size, with the same text at the top."""
        width = self.scrollable_content_region.width - MARGIN
        if width < 1:
            return
        place = None if self._is_following else self._place()
        self.column.width = min(width, self._widest)
        place, self._wanted = self._wanted or place, None
        self.lay_out(place)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Measure what comes into view, without moving what was in view."""
        if not self._is_placing and self.entries and self.text_width:
            self._settle(int(old_value), int(new_value))
        super().watch_scroll_y(old_value, self.scroll_y)

    def lay_out(self, place: tuple[int, int, int, int] | None = None) -> None:
        """Lay everything out again, with the text of `place` at the top if it is given.

        Before the size is known, `place` is remembered until it is.
        """
        if not self.text_width:
            self._wanted = place or self._wanted
            return
        self._strips.clear()
        self.column.estimate()
        self._add_up()
        if place is not None:
            number, leaf, line, column = place
            self.column.measure(number)
            row = self.entries[number].row_of(leaf, line, column, self.text_width)
            self._put(number, row)
        elif self._is_following:
            self._to_end()
        elif self.entries:
            self._put(*self.column.position(int(self.scroll_y)))
        self.refresh()

    def grew(self, number: int, first_row: int = 0) -> None:
        """Adopt the new height of an entry, and draw it from its `first_row` on."""
        if not self.text_width:
            return
        if self.matches is not None:
            self.matches.forget(number)
        y = int(self.scroll_y)
        top = self.column.position(y)
        self.column.heights[number] = self.entries[number].height(self.text_width)
        if self._is_following:
            self._to_end()
        else:
            self._put(*top)
        # If the view has scrolled, everything is drawn anyway.
        if int(self.scroll_y) == y:
            first = max(0, self.column.tops[number] + first_row - y)
            width, height = self.size
            if first < height:
                self.refresh(Region(0, first, width, height - first))

    def toggle(self, number: int) -> None:
        """Hide what an entry hides if it is shown; show it if it is hidden."""
        entry = self.entries[number]
        entry.collapse(is_collapsed=not entry.frame.is_collapsed)
        self.grew(number)

    def _place(self) -> tuple[int, int, int, int] | None:
        """Return which text is at the top: its message, leaf, line and column."""
        if not self.entries or not self.text_width:
            return None
        number, offset = self.column.position(int(self.scroll_y))
        offset = min(offset, self.column.measure(number) - 1)
        leaf, row = self.entries[number].row(offset, self.text_width)
        return number, leaf, row.line, row.column

    def _settle(self, old: int, new: int) -> None:
        """Scroll from `old` to `new` by exact rows, even if the estimates were wrong."""
        step = new - old
        if abs(step) > 5 * self.size.height:
            number, offset = self.column.position(new)
            self._put(number, min(offset, self.column.measure(number) - 1))
            return
        number, offset = self.column.position(old)
        self._put(*self.column.walk(number, offset + step))

    def _put(self, number: int, offset: int) -> None:
        """Put a row of a message at the top; show the end if too few rows follow it."""
        if not self.column.fills(number, self.size.height + offset):
            self._to_end(follow=False)
            return
        self._add_up()
        self._scroll_to_row(self.column.tops[number] + offset)

    def _to_end(self, *, follow: bool = True) -> None:
        """Measure the last messages, and scroll to the end."""
        self.column.measure_end(self.size.height)
        self._add_up()
        self._scroll_to_row(max(0, self.column.tops[-1] - self.size.height))
        if follow:
            self._follow(is_following=True)

    def _scroll_to_row(self, y: int) -> None:
        self._is_placing = True
        try:
            self.scroll_target_y = self.scroll_y = y
        finally:
            self._is_placing = False
        self._follow(is_following=y >= self.column.tops[-1] - self.size.height)

    def _follow(self, *, is_following: bool) -> None:
        if is_following != self._is_following:
            self._is_following = is_following
            self.post_message(self.AtEndChanged(is_following))

    def _add_up(self) -> None:
        self.column.add_up()
        size = Size(self.size.width, self.column.tops[-1])
        if size != self.virtual_size:
            # A plain assignment would lay out the whole screen at every new row.
            self.set_reactive(ScrollView.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height

    def show_match(self, match: Match) -> None:
        """Scroll to a match; away from the edges of the view if there is room."""
        if self.matches is None or not self.text_width or match.number >= len(self.entries):
            return
        self.matches.current = match
        self.cursor = match.number
        height = self.column.measure(match.number)
        self._add_up()
        entry = self.entries[match.number]
        row = entry.row_of(match.leaf, match.line, match.start, self.text_width)
        first, last = int(self.scroll_y), int(self.scroll_y) + self.size.height
        y = self.column.tops[match.number] + min(row, height - 1)
        if not first < y < last - 1:
            self._put(match.number, row)
            y = int(self.scroll_y)
            self._settle(y, y - self.size.height // 3)
        self.draw_matches()

    def draw_matches(self) -> None:
        """Draw the view again with the present matches."""
        self._strips.clear()
        self.refresh()

    # Drawing

    @rows_contained
    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the region `crop`, from cached lines where that is possible."""
        if self.gutter.top or self.gutter.bottom or self.text_selection is not None:
            return super().render_lines(crop)
        return self._lines.drawn(
            crop,
            [self.render_line(y) for y in crop.line_range],
            super().render_lines,
            look=(self.size, crop.column_span, self.background_colors, self.opacity),
        )

    @row_contained
    def render_line(self, y: int) -> Strip:
        """Draw one row of the screen."""
        width, row_number = self.size.width, y + int(self.scroll_offset.y)
        # Textual draws a view once before it tells it the size.
        if not self.text_width or row_number >= self.column.tops[-1]:
            return Strip.blank(width, self.rich_style)
        number, offset = self.column.position(row_number)
        entry, text_width = self.column.entries[number], self.column.width
        height = entry.height(text_width)
        if offset >= height:
            # The estimate was too high, and the size is not known yet.
            return Strip.blank(width, self.rich_style)
        leaf, row = entry.row(offset, text_width)
        bar = ""
        # The last row of a message is blank and has no bar.
        if offset < height - 1:
            is_pointed_at = number == self.cursor and self.has_focus
            is_question = entry.content.is_question
            bar = bar_style(is_question=is_question, is_pointed_at=is_pointed_at)
        selection = self.text_selection
        if selection is None and (known := self._strips.get((row, bar))) is not None:
            return known
        strip = self._rows.strip(
            row,
            (number, leaf),
            bar,
            Canvas(self.visual_style, width, text_width),
            matches=self.matches,
            selection=selection,
        )
        if selection is None:
            self._strips[(row, bar)] = strip
        return strip

    def notify_style_update(self) -> None:
        """Draw everything again when the theme changes."""
        self._strips.clear()
        self._lines.clear()
        self._rows.forget_styles()
        super().notify_style_update()

    # Selecting and clicking

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text as it was written, without line wraps."""
        return selected(self.entries, selection, self.text_width), "\n"

    async def _on_click(self, event: events.Click) -> None:
        """Follow a link or move the cursor; a double click selects a word, a triple all."""
        event.prevent_default()
        row = event.y + int(self.scroll_y)
        if row >= self.column.tops[-1]:
            # There is nothing below the last message.
            return
        number, offset = self.column.position(row)
        if target := event.style.meta.get("link"):
            self.post_message(self.LinkChosen(str(target)))
        elif event.chain == 1:
            self.cursor = number
            entry = self.entries[number]
            leaf, _ = entry.row(offset, self.text_width)
            # The end of a drag is a click too.
            if leaf == entry.frame.label and self.text_selection is None:
                self.toggle(number)
            self.refresh()
        elif event.chain == 2:
            entry, cells = self.entries[number], event.x - MARGIN
            found = word_at(entry, (number, offset), cells, width=self.text_width)
            if found is not None:
                self.screen.selections = {self: found}
        else:
            before, after = message_ids(number)
            self.screen.selections = {self: Selection(Offset(0, before), Offset(0, after))}
