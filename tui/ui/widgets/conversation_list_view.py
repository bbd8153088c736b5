"""A scrolling list of conversations, of any length.

Only a few pages of it are in memory. It asks for others when their rows come near.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual import events
from textual.geometry import Size
from textual.message import Message as TextualMessage
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.domain.conversation_list import PAGE, Group, Key, Listing, Page, PageCache
from tui.ui.containment import row_contained
from tui.ui.widgets.conversation_marks import ConversationMarks, Mark
from tui.ui.widgets.conversation_row import (
    COMPONENT_CLASSES,
    CURSOR,
    HOVER,
    MUTED,
    OPEN,
    ConversationRows,
)
from tui.ui.widgets.list_cursor import ListCursor


class ConversationListView(ScrollView, can_focus=True):
    """Conversations under date groups, newest first, with a cursor."""

    ALLOW_SELECT = False
    FOCUS_ON_CLICK = False
    """A click does not move the focus: letters typed after it would act on the list."""
    COMPONENT_CLASSES = COMPONENT_CLASSES

    class Event(TextualMessage):
        """Base class of the messages for the screen."""

    @dataclass
    class Chosen(Event):
        """The user chose a conversation to open."""

        conversation_id: str

    @dataclass
    class PageWanted(Event):
        """The conversations of rows near the view are not in memory; `give` takes them."""

        listing: Listing
        """The list as the sidebar shows it now."""
        start: int
        """The index of the page's first conversation."""

    def __init__(self) -> None:
        super().__init__()
        self.marks = ConversationMarks()
        self.cursor = ListCursor()
        self._rows = ConversationRows(
            self.marks, lambda *classes: self.get_visual_style(*classes).rich_style
        )
        self._pages: PageCache | None = None
        """The list; None until it is first read."""
        self._empty = "No conversations yet"
        self._is_steered = False
        """Whether another widget, the filter, moves the cursor."""
        self._hovered: int | None = None
        """The index of the conversation under the mouse."""
        self._is_to_reveal = False
        """Whether to scroll to the cursor once its row is known."""

    # What is shown

    @property
    def cursor_id(self) -> str | None:
        """The conversation under the cursor, or the open one if there is no cursor."""
        return self.cursor.id

    @property
    def place(self) -> Key | None:
        """The sort key of the conversation whose row must stay where it is on the screen.

        That is the one under the cursor if its row is visible and the list has the focus,
        else the first visible one. It is None at the top, where new rows must be seen.
        """
        if self._pages is None or self._top == 0:
            return None
        seen = dict(self._pages.between(self._top, self._bottom))
        row = self._row_of_cursor if self.has_focus else None
        if row is not None and row in seen:
            return seen[row].key
        return next((conversation.key for conversation in seen.values()), None)

    @property
    def count(self) -> int:
        """How many conversations the list has; 0 until it is read."""
        return 0 if self._pages is None else self._pages.listing.count

    def open(self, conversation_id: str) -> None:
        """Show which conversation is open. The cursor goes there too."""
        if conversation_id == self.cursor.open_id:
            return
        self.cursor.open(conversation_id, self._pages)
        self._is_to_reveal = True
        self._reveal()
        self.refresh()

    def steer(self, *, is_steered: bool) -> None:
        """Show the cursor even without the focus, while another widget moves it."""
        self._is_steered = is_steered
        self.refresh()

    def show(self, listing: Listing, *, empty: str = "No conversations yet") -> None:
        """Show a new state of the list; visible rows stay where they are."""
        drawn = self._drawn()
        self._empty = empty
        top = self._top if self._pages is None else _top_in(listing, self._pages, self._top)
        self._pages, self._hovered = PageCache(listing), None
        self.choose(self.cursor.place(self._pages))
        self.virtual_size = Size(0, listing.rows)
        self.scroll_to(y=top, animate=False, force=True)
        if self._is_to_reveal:
            self._reveal()
        # The list is read again each minute, and then mostly looks the same.
        if self._drawn() != drawn:
            self.refresh()
        self._ask_for_pages()

    def _drawn(self) -> list[Strip]:
        return [self.render_line(y) for y in range(self.size.height)]

    def give(self, page: Page, of: Listing) -> None:
        """Add a page that was asked for, unless the list has changed since."""
        if self._pages is not None and of is self._pages.listing:
            self._pages.take(page)
            self.choose(self.cursor.resolve(self._pages))
            first, last = of.row_of(page.start), of.row_of(page.start + PAGE - 1)
            if first < self._bottom and last >= self._top:
                self.refresh()

    def mark(self, marks: Mapping[str, Mark], waits: Mapping[str, str] | None = None) -> None:
        """Replace the marks, and draw only the rows that change.

        `waits` says how long a retrying reply still waits; it is shown instead of the age.
        """
        different = self.marks.replace(marks, waits or {})
        if self._pages is not None and different:
            for row, conversation in self._pages.between(self._top, self._bottom):
                if conversation.id in different:
                    self.refresh_line(row)

    # Moving

    def move_to(self, index: int) -> None:
        """Move the cursor to a conversation; an index outside the list means its nearer end."""
        if self._pages is not None and self.count:
            before = self.cursor.index
            self.cursor.move_to(index, self._pages)
            self.draw_rows(before, self.cursor.index)
            self._reveal()

    def choose(self, conversation_id: str | None) -> None:
        """Post that a conversation was chosen, if there is one."""
        if conversation_id is not None:
            self.post_message(self.Chosen(conversation_id))

    def on_show(self) -> None:
        """Bring the cursor into view: a hidden list has no height, and cannot scroll."""
        self._reveal()

    def on_resize(self) -> None:
        """Ask for the pages that a larger list shows."""
        self._ask_for_pages()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Ask for the pages that come near."""
        super().watch_scroll_y(old_value, new_value)
        self._hovered = None
        self._ask_for_pages()

    @property
    def _top(self) -> int:
        return self.scroll_offset.y

    @property
    def _bottom(self) -> int:
        """The first row below the visible ones."""
        return self._top + self.size.height

    @property
    def _row_of_cursor(self) -> int | None:
        index = self.cursor.index
        return (
            None if self._pages is None or index is None else self._pages.listing.row_of(index)
        )

    def _ask_for_pages(self) -> None:
        """Ask for the pages of the visible rows and of one screen above and below."""
        height = self.size.height
        if self._pages is not None and height:
            for start in self._pages.missing(self._top - height, self._bottom + height):
                self.post_message(self.PageWanted(self._pages.listing, start))

    def _reveal(self) -> None:
        """Scroll to the cursor, and to its group's heading if it is the first of its group."""
        row, height = self._row_of_cursor, self.size.height
        if self._pages is None or row is None or not height:
            return
        self._is_to_reveal = False
        # There is always a row above a conversation: at least the heading.
        above = row - isinstance(self._pages.listing.at(row - 1), Group)
        if above < self._top:
            self.scroll_to(y=above, animate=False, force=True)
        elif row >= self._bottom:
            self.scroll_to(y=row - height + 1, animate=False, force=True)

    def index_from_cursor(self, rows: int) -> int:
        """Return the index of the conversation `rows` below the cursor (negative: above)."""
        row = self._row_of_cursor
        if self._pages is None or row is None:
            return 0
        return self._pages.listing.nearest(row + rows)

    # The mouse

    def index_under(self, event: events.MouseEvent) -> int | None:
        """Return the index of the conversation under the mouse."""
        offset = event.get_content_offset(self)
        if offset is None or self._pages is None:
            return None
        row, listing = offset.y + self._top, self._pages.listing
        found = listing.at(row) if row < listing.rows else None
        return found if isinstance(found, int) else None

    def hover(self, index: int | None) -> None:
        """Show which conversation the mouse is on."""
        before, self._hovered = self._hovered, index
        if before != index:
            self.draw_rows(before, index)

    # Drawing

    def draw_rows(self, *indexes: int | None) -> None:
        """Draw the rows of some conversations again."""
        for index in indexes:
            if self._pages is not None and index is not None:
                self.refresh_line(self._pages.listing.row_of(index))

    @row_contained
    def render_line(self, y: int) -> Strip:
        """Draw a row of the screen."""
        row, width = y + self._top, self.size.width
        if self._pages is None:
            return self._rows.words("Loading…" if y == 0 else "", width, MUTED)
        listing = self._pages.listing
        if row >= listing.rows:
            lines = [] if listing.rows else self._empty.split("\n")
            return self._rows.words(lines[row] if row < len(lines) else "", width, MUTED)
        found = listing.at(row)
        if found is None:
            return self._rows.words("", width)
        if isinstance(found, Group):
            return self._rows.heading(found, width, listing.now_ms)
        conversation = self._pages.conversation(found)
        if found == self.cursor.index and (self.has_focus or self._is_steered):
            part: tuple[str, ...] = (CURSOR,)
        elif conversation is not None and conversation.id == self.cursor.open_id:
            part = (OPEN,)
        else:
            part = (HOVER,) if found == self._hovered else ()
        if conversation is None:
            return self._rows.words("  …", width, MUTED, *part)
        return self._rows.conversation(conversation, width, listing.now_ms, *part)


def _top_in(listing: Listing, before: PageCache, top: int) -> int:
    """Return the top row with which the anchor stays where it was on the screen."""
    index = None if listing.anchor is None else before.index_of(listing.anchor[2])
    if index is None:
        return top
    line = before.listing.row_of(index) - top
    return listing.row_of(min(listing.anchor_index, listing.count - 1)) - line
