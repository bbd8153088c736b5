"""A field for a key: it shows dots, and its text cannot be copied."""

from __future__ import annotations

from textual import events

from tui.ui.widgets.line_input import LineInput


class KeyInput(LineInput):
    """Shows dots. The key cannot be copied or cut: other programs can read a clipboard."""

    def __init__(self) -> None:
        super().__init__(password=True, compact=True)

    def _on_paste(self, event: events.Paste) -> None:
        """Leave out the white space around a key that was copied with it.

        Textual's own handler, which runs next, takes the first line alone: it may be empty,
        and then a connection without a key would be added.
        """
        event.text = event.text.strip()

    @property
    def selected_text(self) -> str:
        """Always empty: the app copies the selected text of a field."""
        return ""

    def action_copy(self) -> None:
        """Do nothing."""

    def action_cut(self) -> None:
        """Do nothing either."""
