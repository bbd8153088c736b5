"""A dialog with one line to type."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.config.keymap import format_keys
from tui.text.sanitise import clean_line
from tui.ui.bindings import bindings_of
from tui.ui.screens.coverable import CoverableScreen
from tui.ui.widgets.key_hint import effective_key
from tui.ui.widgets.line_input import LineInput


class LineScreen(CoverableScreen[str | None], ModalScreen[str | None]):
    """Asks for a line. Its result is the line, or None if the user cancels."""

    CSS_PATH = "line.tcss"
    BINDINGS = bindings_of("line")

    def __init__(self, title: str, *, value: str = "", hint: str = "") -> None:
        super().__init__()
        self._title = title
        self._value = clean_line(value)
        self._hint = hint

    def compose(self) -> ComposeResult:
        """Compose the field between its title and its hint."""
        with Vertical() as box:
            box.border_title = self._title
            leave = effective_key(self, "line.leave")
            box.border_subtitle = f"{format_keys(['enter'])} Save · {leave} Cancel"
            yield LineInput(self._value, compact=True)
            if self._hint:
                yield Static(Content(clean_line(self._hint)), classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the typed line."""
        event.stop()
        self.submit(event.value.strip())

    def submit(self, typed: str) -> None:
        """Close with the typed line. Another screen may do more with it."""
        # Not in the handler: Textual calls the handlers of every class.
        self.dismiss(typed)

    def action_leave(self) -> None:
        """Close without a result."""
        self.dismiss(None)
