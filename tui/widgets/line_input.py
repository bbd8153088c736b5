"""One line to write in, whatever the language.

Textual 8.2.8 moves and deletes by code points.
"""

from __future__ import annotations

from textual import events
from textual.widgets import Input
from textual.widgets.input import Selection

from tui.graphemes import boundary, next_boundary, previous_boundary


class LineInput(Input):
    """An input whose keys take an emoji, a flag or a letter with its accents for one."""

    async def _on_key(self, event: events.Key) -> None:
        """Move and delete in turn with the letters around them.

        Where a key would bubble to, letters typed just after it would overtake it.
        """
        if event.is_printable and "+" not in event.key:
            return
        active = self.screen.active_bindings.get(event.key)
        if active is None or active.node is not self or not active.enabled:
            return
        # Scrolling is skipped where there is nothing to scroll, and the key is another's.
        if await self.app.run_action(active.binding.action, self):
            event.stop()
            event.prevent_default()

    def validate_selection(self, selection: Selection) -> Selection:
        """Keep both ends where they can stand: not inside of a character."""
        start, end = super().validate_selection(selection)
        return Selection(self._boundary(start), self._boundary(end))

    def _boundary(self, place: int) -> int:
        return boundary(self.value, place, is_forward=place > self.selection.end)

    def delete(self, start: int, end: int) -> None:
        """Delete between two places, and the rest of what would be cut in two."""
        first, last = sorted((max(0, start), max(0, end)))
        super().delete(
            boundary(self.value, first, is_forward=False),
            boundary(self.value, last, is_forward=True),
        )

    def action_cursor_left(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        """Move the cursor, or the end of what is selected, by a character."""
        if select or self.selection.is_empty:
            self._move(previous_boundary(self.value, self.selection.end), select=select)
        else:
            super().action_cursor_left()

    def action_cursor_right(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        """Move the cursor, or the end of what is selected, by a character."""
        if select or self.selection.is_empty:
            self._move(next_boundary(self.value, self.selection.end), select=select)
        else:
            super().action_cursor_right()

    def _move(self, end: int, *, select: bool) -> None:
        self.selection = Selection(self.selection.start if select else end, end)
