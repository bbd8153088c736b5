"""The sidebar: the list of saved conversations with its keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from textual import events

from tui.ui.bindings import bindings_of
from tui.ui.widgets.conversation_list_view import ConversationListView

ConversationAction = Literal["pin", "archive", "tag", "delete"]


class Sidebar(ConversationListView):
    """The list of conversations, with keys to choose, mark and change them."""

    BINDINGS = bindings_of("sidebar")

    @dataclass
    class ActionRequested(ConversationListView.Event):
        """The user wants an action on the marked conversations, or on the one at the cursor."""

        what: ConversationAction
        conversation_ids: tuple[str, ...]

    class FilterWanted(ConversationListView.Event):
        """The user wants to go to the filter."""

    class ArchiveWanted(ConversationListView.Event):
        """The user wants to see the archive, or the list again."""

    class Undone(ConversationListView.Event):
        """The user wants to undo the last deletion."""

    Posted: TypeAlias = (
        ConversationListView.Chosen
        | ConversationListView.PageWanted
        | ActionRequested
        | FilterWanted
        | ArchiveWanted
        | Undone
    )

    def action_move(self, step: int) -> None:
        """Move the cursor by `step` conversations."""
        index = self.cursor.index
        self.move_to(0 if index is None else index + step)

    def action_move_page(self, step: int) -> None:
        """Move the cursor by `step` pages."""
        self.move_to(self.index_from_cursor(step * max(1, self.size.height - 1)))

    def action_move_to(self, index: int) -> None:
        """Move the cursor to the first conversation (0) or to the last one (-1)."""
        if self.count:
            self.move_to(index % self.count)

    def action_choose(self) -> None:
        """Open the conversation under the cursor."""
        self.choose(self.cursor.choose())

    def action_want(self, what: ConversationAction) -> None:
        """Request an action on the marked conversations, or on the one under the cursor."""
        pointed_at = self.cursor.pointed_at
        ids = tuple(self.marks.chosen) or ((pointed_at,) if pointed_at else ())
        if ids:
            self.marks.chosen.clear()
            self.refresh()
            self.post_message(self.ActionRequested(what, ids))

    def action_mark(self) -> None:
        """Mark the conversation under the cursor, or remove its mark; go to the next one."""
        pointed_at = self.cursor.pointed_at
        if pointed_at is not None:
            self.marks.toggle(pointed_at)
            self.draw_rows(self.cursor.index)
            self.action_move(1)

    def unmark_all(self) -> None:
        """Remove all marks, so that keys act on the conversation under the cursor again."""
        if self.marks.chosen:
            self.marks.chosen.clear()
            self.refresh()

    def action_filter(self) -> None:
        """Go to the filter."""
        self.post_message(self.FilterWanted())

    def action_show_archive(self) -> None:
        """Show the archive, or the list again."""
        self.post_message(self.ArchiveWanted())

    def action_undo(self) -> None:
        """Ask to undo the last deletion."""
        self.post_message(self.Undone())

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show which conversation a click would open."""
        self.hover(self.index_under(event))

    def on_leave(self) -> None:
        """Show that a click would open nothing."""
        self.hover(None)

    def on_click(self, event: events.Click) -> None:
        """Open the clicked conversation."""
        index = self.index_under(event)
        if index is not None:
            self.move_to(index)
            self.action_choose()
