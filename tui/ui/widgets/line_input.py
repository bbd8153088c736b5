"""A text field of one line that moves and deletes by graphemes.

Textual 8.2.8 does so by code points.
"""

from __future__ import annotations

from textual import events
from textual.reactive import Reactive
from textual.widgets import Input
from textual.widgets.input import Selection

from tui.text.graphemes import boundary, next_boundary, previous_boundary


class LineInput(Input):
    """An input that treats an emoji, a flag or an accented letter as one character."""

    # A blinking cursor would wake the program twice a second.
    cursor_blink = Reactive(default=False, init=False)

    async def _on_key(self, event: events.Key) -> None:
        """Run the field's own bindings here, in order with the letters around them.

        A key that bubbled would act after letters that were typed just after it.
        """
        if event.is_printable and "+" not in event.key:
            return
        active = self.screen.active_bindings.get(event.key)
        if active is None or active.node is not self or not active.enabled:
            return
        # An action may decline, such as scrolling with nothing to scroll: the key bubbles.
        if await self.app.run_action(active.binding.action, self):
            event.stop()
            event.prevent_default()

    def validate_selection(self, selection: Selection) -> Selection:
        """Keep both ends of the selection out of the inside of a grapheme."""
        start, end = super().validate_selection(selection)
        return Selection(self._boundary(start), self._boundary(end))

    def _boundary(self, place: int) -> int:
        return boundary(self.value, place, is_forward=place > self.selection.end)

    def delete(self, start: int, end: int) -> None:
        """Delete from `start` to `end`, and the whole of a grapheme that either would split."""
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
