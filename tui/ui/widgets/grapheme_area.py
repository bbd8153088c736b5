"""A text area that moves and deletes by graphemes.

Textual 8.2.8 does so by code points.
"""

from __future__ import annotations

from textual.widgets import TextArea
from textual.widgets.text_area import EditResult, Location

from tui.text.graphemes import boundary, next_boundary, previous_boundary


class GraphemeArea(TextArea):
    """A text area that treats an emoji, a flag or an accented letter as one character."""

    def get_cursor_left_location(self) -> Location:
        """Return where Left moves the cursor."""
        row, column = self.cursor_location
        if column == 0:
            return super().get_cursor_left_location()
        return row, previous_boundary(self.document[row], column)

    def get_cursor_right_location(self) -> Location:
        """Return where Right moves the cursor."""
        row, column = self.cursor_location
        if column >= len(line := self.document[row]):
            return super().get_cursor_right_location()
        return row, next_boundary(line, column)

    def clamp_visitable(self, location: Location) -> Location:
        """Return the nearest location that is not inside a grapheme."""
        row, column = super().clamp_visitable(location)
        is_forward = (row, column) > self.selection.end
        return row, boundary(self.document[row], column, is_forward=is_forward)

    def _delete_via_keyboard(self, start: Location, end: Location) -> EditResult | None:
        first, last = sorted((start, end))
        return super()._delete_via_keyboard(
            self._boundary(first, is_forward=False), self._boundary(last, is_forward=True)
        )

    def _boundary(self, location: Location, *, is_forward: bool) -> Location:
        row, column = location
        return row, boundary(self.document[row], column, is_forward=is_forward)
