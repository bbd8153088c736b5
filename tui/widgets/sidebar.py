"""The list of saved conversations, as long as it may be.

Only a few pages of it are there; more are asked for when their rows come near.
What the reader points at is remembered by id, because rows move: a conversation
that gets a message goes to the top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message as TextualMessage
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui import wording
from tui.containment import row_contained
from tui.listing import PAGE, Group, Held, Key, Listed, Listing, Page
from tui.sanitise import clean_line

Mark = Literal["streaming", "retrying", "queued", "unread", "failed", "draft"]

Want = Literal["pin", "archive", "tag", "delete"]

_SIGNS: dict[Mark, str] = {
    "streaming": "●",
    "retrying": "↻",
    "queued": "◔",
    "unread": "✓",
    "failed": "✗",
    "draft": "✎",
}
_CHOSEN = "■"
_FAILED = ("failed", "cut_off", "interrupted", "context_full", "tool_use")


class Sidebar(ScrollView, can_focus=True):
    """Conversations under date groups, newest first."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES = {
        "sidebar--chosen",
        "sidebar--cursor",
        "sidebar--heading",
        "sidebar--hover",
        "sidebar--muted",
        "sidebar--open",
        *(f"sidebar--{mark}" for mark in _SIGNS),
    }
    BINDINGS = [
        Binding("down,j", "move(1)", "Down", id="sidebar.down", show=False),
        Binding("up,k", "move(-1)", "Up", id="sidebar.up", show=False),
        Binding("pagedown", "move_page(1)", "Page down", id="sidebar.page-down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", id="sidebar.page-up", show=False),
        Binding("home", "move_to(0)", "First", id="sidebar.first", show=False),
        Binding("end", "move_to(-1)", "Last", id="sidebar.last", show=False),
        Binding("enter", "choose", "Read", id="sidebar.choose", show=False),
        Binding("slash", "filter", "Filter", id="sidebar.filter"),
        Binding("space", "mark", "Mark", id="sidebar.mark"),
        Binding("p", "want('pin')", "Pin", id="sidebar.pin"),
        Binding("a", "want('archive')", "Archive", id="sidebar.archive"),
        Binding("A", "show_archive", "The archive", id="sidebar.show-archive"),
        Binding("t", "want('tag')", "Tags", id="sidebar.tag"),
        Binding("x", "want('delete')", "Delete", id="sidebar.delete"),
        Binding("u", "undo", "Undo delete", id="sidebar.undo"),
    ]

    @dataclass
    class Chosen(TextualMessage):
        """The user chose a conversation to read."""

        conversation_id: str

    @dataclass
    class Wanted(TextualMessage):
        """The user wants something done with what is marked, or with what is pointed at."""

        what: Want
        conversation_ids: tuple[str, ...]

    class FilterWanted(TextualMessage):
        """The user wants to type what the titles are to hold."""

    class ArchiveWanted(TextualMessage):
        """The user wants to see the archive, or the list again."""

    class Undone(TextualMessage):
        """The user wants back what was deleted last."""

    @dataclass
    class PageWanted(TextualMessage):
        """Rows come near whose conversations are not there; see `give`."""

        listing: Listing
        """The list as the sidebar knows it."""
        start: int
        """The index of the page's first conversation."""

    def __init__(self) -> None:
        super().__init__()
        self._held: Held | None = None
        """The list; None while it is being read for the first time."""
        self._marks: Mapping[str, Mark] = {}
        self._waits: Mapping[str, str] = {}
        self._chosen: dict[str, None] = {}
        """The conversations marked with Space, as they were marked."""
        self._empty = "No conversations yet"
        self._is_steered = False
        """Whether the cursor is moved from elsewhere: from the filter."""
        self._open_id: str | None = None
        self._cursor_id: str | None = None
        """None while the cursor is where the conversation is not there."""
        self._cursor: int | None = None
        """The index of the conversation under the cursor; None if it is not in the list."""
        self._hovered: int | None = None
        """The row under the mouse."""
        self._is_to_reveal = False
        """Whether to scroll to the cursor once its row is known."""
        self._is_to_choose = False
        """Whether what is under the cursor was chosen before it was there."""

    # What is shown

    @property
    def cursor_id(self) -> str | None:
        """The conversation under the cursor; without a cursor the one being read."""
        return self._open_id if self._is_without_cursor else self._cursor_id

    @property
    def place(self) -> Key | None:
        """The place in the list that is to stay where it is on the screen.

        That of the conversation under the cursor while both can be seen, else of the
        first one that can be seen; None at the top, where what is new is to be seen.
        """
        if self._held is None or self._top == 0:
            return None
        seen = dict(self._held.between(self._top, self._bottom))
        row = self._row_of_cursor if self.has_focus else None
        if row is not None and row in seen:
            return seen[row].key
        return next((conversation.key for conversation in seen.values()), None)

    def open(self, conversation_id: str) -> None:
        """Show which conversation is being read. The cursor goes there too."""
        if conversation_id == self._open_id:
            return
        self._open_id = self._cursor_id = conversation_id
        self._cursor = None if self._held is None else self._held.index_of(conversation_id)
        self._is_to_reveal, self._is_to_choose = True, False
        self._reveal()
        self.refresh()

    def steer(self, *, is_steered: bool) -> None:
        """Show the cursor also while something else has the focus, which moves it."""
        self._is_steered = is_steered
        self.refresh()

    def show(self, listing: Listing, *, empty: str = "No conversations yet") -> None:
        """Show the list as it has become, with what can be seen kept in its place."""
        drawn = self._drawn()
        self._empty = empty
        top = self._top_in(listing)
        self._held, self._hovered = Held(listing), None
        self._place_cursor(self._held)
        self.virtual_size = Size(0, listing.rows)
        self.scroll_to(y=top, animate=False, force=True)
        if self._is_to_reveal:
            self._reveal()
        # Read again each minute, the list mostly looks as it did.
        if self._drawn() != drawn:
            self.refresh()
        self._ask_for_pages()

    def _drawn(self) -> list[Strip]:
        return [self.render_line(y) for y in range(self.size.height)]

    def give(self, page: Page, of: Listing) -> None:
        """Take a page that was asked for, unless the list has become another."""
        if self._held is not None and of is self._held.listing:
            self._held.take(page)
            self._meet_cursor(self._held)
            first, last = of.row_of(page.start), of.row_of(page.start + PAGE - 1)
            if first < self._bottom and last >= self._top:
                self.refresh()

    def mark(self, marks: Mapping[str, Mark], waits: Mapping[str, str] | None = None) -> None:
        """Show other marks, drawing only the rows that look different with them.

        `waits` says how long a retrying one still waits, in the place of its age.
        """
        marked, waited = self._marks, self._waits
        self._marks, self._waits = dict(marks), dict(waits or {})
        if self._held is None or (marked, waited) == (self._marks, self._waits):
            return
        for row, conversation in self._held.between(self._top, self._bottom):
            before = marked.get(conversation.id), waited.get(conversation.id)
            after = self._marks.get(conversation.id), self._waits.get(conversation.id)
            if before != after:
                self.refresh_line(row)

    def on_show(self) -> None:
        """Bring the cursor into view: hidden, the list had no height to scroll in."""
        self._reveal()

    def on_resize(self) -> None:
        """Ask for what a larger list shows."""
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
        """The first row below those that can be seen."""
        return self._top + self.size.height

    def _ask_for_pages(self) -> None:
        """Ask for the pages of what can be seen and of a screen's height around it."""
        height = self.size.height
        if self._held is not None and height:
            for start in self._held.missing(self._top - height, self._bottom + height):
                self.post_message(self.PageWanted(self._held.listing, start))

    def _top_in(self, listing: Listing) -> int:
        """Return the row to have on top, so that the list's anchor stays where it is."""
        if self._held is None or listing.anchor is None:
            return self._top
        index = self._held.index_of(listing.anchor[2])
        if index is None:
            return self._top
        line = self._held.listing.row_of(index) - self._top
        return listing.row_of(min(listing.anchor_index, listing.count - 1)) - line

    # The cursor

    def action_move(self, step: int) -> None:
        """Move the cursor by conversations."""
        self._move_to(0 if self._cursor is None else self._cursor + step)

    def action_move_page(self, step: int) -> None:
        """Move the cursor by what fits on the screen."""
        self.action_move(step * max(1, self.size.height - 1))

    def action_move_to(self, index: int) -> None:
        """Move the cursor to the first conversation (0) or to the last one (-1)."""
        if self._held is not None and self._held.listing.count:
            self._move_to(index % self._held.listing.count)

    def action_choose(self) -> None:
        """Read the conversation under the cursor."""
        self._is_to_choose = self._cursor_id is None
        if self._pointed_at is not None:
            self.post_message(self.Chosen(self._pointed_at))

    def action_want(self, what: Want) -> None:
        """Ask for something to be done with what is marked, or is under the cursor."""
        ids = tuple(self._chosen) or ((self._pointed_at,) if self._pointed_at else ())
        if ids:
            self._chosen.clear()
            self.refresh()
            self.post_message(self.Wanted(what, ids))

    def action_mark(self) -> None:
        """Mark the conversation under the cursor, or take its mark away; go to the next."""
        if self._pointed_at is not None:
            if self._pointed_at in self._chosen:
                del self._chosen[self._pointed_at]
            else:
                self._chosen[self._pointed_at] = None
            self._draw_rows(self._row_of_cursor)
            self.action_move(1)

    def action_filter(self) -> None:
        """Go to where the list is filtered."""
        self.post_message(self.FilterWanted())

    def action_show_archive(self) -> None:
        """Show the archive, or the list again."""
        self._chosen.clear()
        self.post_message(self.ArchiveWanted())

    def action_undo(self) -> None:
        """Bring back what was deleted last."""
        self.post_message(self.Undone())

    def on_click(self, event: events.Click) -> None:
        """Read the conversation that was clicked."""
        row = self._row_under(event)
        found = None if row is None or self._held is None else self._held.listing.at(row)
        if isinstance(found, int):
            self._move_to(found)
            self.action_choose()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show what a click would choose."""
        self._hover(self._row_under(event))

    def on_leave(self) -> None:
        """Show that a click would choose nothing."""
        self._hover(None)

    def _hover(self, row: int | None) -> None:
        before, self._hovered = self._hovered, row
        if before != row:
            self._draw_rows(before, row)

    def _row_under(self, event: events.MouseEvent) -> int | None:
        """Return the row of the conversation under the mouse."""
        offset = event.get_content_offset(self)
        if offset is None or self._held is None:
            return None
        row = offset.y + self._top
        listing = self._held.listing
        return row if row < listing.rows and isinstance(listing.at(row), int) else None

    def _move_to(self, index: int) -> None:
        if self._held is None or not self._held.listing.count:
            return
        before = self._row_of_cursor
        self._cursor = max(0, min(index, self._held.listing.count - 1))
        self._cursor_id, self._is_to_choose = None, False
        self._meet_cursor(self._held)
        self._draw_rows(before, self._row_of_cursor)
        self._reveal()

    @property
    def _is_without_cursor(self) -> bool:
        return self._cursor is None and self._cursor_id is None

    @property
    def _pointed_at(self) -> str | None:
        """The conversation under the cursor that can be acted on: it is in the list."""
        return None if self._cursor is None else self._cursor_id

    def _place_cursor(self, held: Held) -> None:
        """Put the cursor where its conversation has gone; if that is gone, leave it."""
        listing = held.listing
        if self._is_without_cursor:
            # The list it was in was empty, or was not this one.
            self._cursor_id = self._open_id
        if self._cursor_id is not None:
            is_found = listing.cursor_id == self._cursor_id
            index = listing.cursor_index if is_found else held.index_of(self._cursor_id)
            if index is not None or self._cursor is None:
                self._cursor = index
                return
        if self._cursor is not None:
            self._cursor_id = None
            self._cursor = min(self._cursor, listing.count - 1) if listing.count else None
            self._meet_cursor(held)

    def _meet_cursor(self, held: Held) -> None:
        """Learn which conversation is under the cursor; choose it if that was wanted."""
        found = None if self._cursor is None else held.conversation(self._cursor)
        if self._cursor_id is None and found is not None:
            self._cursor_id = found.id
            if self._is_to_choose:
                self.action_choose()

    @property
    def _row_of_cursor(self) -> int | None:
        if self._held is None or self._cursor is None:
            return None
        return self._held.listing.row_of(self._cursor)

    def _reveal(self) -> None:
        """Scroll until the cursor is seen; with the heading, if it is the first below it."""
        row, height = self._row_of_cursor, self.size.height
        if self._held is None or row is None or not height:
            return
        self._is_to_reveal = False
        above = row - isinstance(self._held.listing.at(row - 1), Group)
        if above < self._top:
            self.scroll_to(y=above, animate=False, force=True)
        elif row >= self._bottom:
            self.scroll_to(y=row - height + 1, animate=False, force=True)

    # Drawing

    @row_contained
    def render_line(self, y: int) -> Strip:
        """Draw a row of the screen."""
        row = y + self._top
        if self._held is None:
            return self._words("Loading…" if y == 0 else "", "sidebar--muted")
        listing = self._held.listing
        if row >= listing.rows:
            is_empty = row == 0 and not listing.rows
            return self._words(self._empty if is_empty else "", "sidebar--muted")
        found = listing.at(row)
        if isinstance(found, Group):
            return self._words(_heading(found, listing.now_ms), "sidebar--heading")
        return self._row(found, row, listing.now_ms)

    def _row(self, index: int, row: int, now_ms: int) -> Strip:
        conversation = None if self._held is None else self._held.conversation(index)
        part = self._part(index, row, conversation)
        if conversation is None:
            return self._words("  …", "sidebar--muted", *part)
        plain, muted = self._style(*part), self._style("sidebar--muted", *part)
        mark = self._mark_of(conversation)
        signs = self._style(f"sidebar--{mark}", *part) if mark else plain
        age = self._waits.get(conversation.id)
        age = age or wording.age(conversation.updated_ms, now_ms)
        width = max(1, self.size.width - 5 - cell_len(age))
        title = _fitted(clean_line(conversation.title) or "Untitled", width)
        sign = _SIGNS[mark] if mark else " "
        if conversation.id in self._chosen:
            sign, signs = _CHOSEN, self._style("sidebar--chosen", *part)
        return self._strip(
            Segment(f" {sign} ", signs),
            Segment(f"{title} ", plain),
            Segment(f"{age} ", muted),
        )

    def _part(self, index: int, row: int, conversation: Listed | None) -> tuple[str, ...]:
        """Return the component class of a row that is not like the others."""
        if index == self._cursor and (self.has_focus or self._is_steered):
            return ("sidebar--cursor",)
        if conversation is not None and conversation.id == self._open_id:
            return ("sidebar--open",)
        return ("sidebar--hover",) if row == self._hovered else ()

    def _mark_of(self, conversation: Listed) -> Mark | None:
        mark = self._marks.get(conversation.id)
        has_failed = conversation.tip_state in _FAILED
        return "failed" if has_failed and mark in (None, "draft") else mark

    def _words(self, text: str, *parts: str) -> Strip:
        return self._strip(Segment(f" {text}", self._style(*parts)))

    def _strip(self, *segments: Segment) -> Strip:
        return Strip(segments).adjust_cell_length(self.size.width, segments[-1].style)

    def _style(self, *parts: str) -> Style:
        return self.get_visual_style(*parts).rich_style

    def _draw_rows(self, *rows: int | None) -> None:
        for row in rows:
            if row is not None:
                self.refresh_line(row)


def _heading(group: Group, now_ms: int) -> str:
    return "Pinned" if group.is_pinned else wording.date_group(group.since_ms, now_ms)


def _fitted(title: str, width: int) -> str:
    """Return a title of exactly `width` cells, cut with an ellipsis if need be."""
    if title.isascii() and len(title) <= width:
        return title.ljust(width)
    if cell_len(title) <= width:
        return set_cell_size(title, width)
    return set_cell_size(set_cell_size(title, width - 1).rstrip() + "…", width)
