"""One line to type, over whatever screen asks for it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.sanitise import clean_line
from tui.widgets.line_input import LineInput


class LineScreen(ModalScreen[str | None]):
    """Asks for a line, and dismisses with it; with None if it was left."""

    CSS_PATH = "line.tcss"
    BINDINGS = [Binding("escape", "leave", "Leave", id="line.leave")]

    def __init__(self, title: str, *, value: str = "", hint: str = "") -> None:
        super().__init__()
        self._title = title
        self._value = clean_line(value)
        self._hint = hint

    def compose(self) -> ComposeResult:
        """Compose the field with what it is for around it."""
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = "Enter keeps it, Esc leaves"
            field = LineInput(self._value, compact=True)
            field.cursor_blink = False
            yield field
            if self._hint:
                yield Static(Content(clean_line(self._hint)), classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Leave with what was typed."""
        event.stop()
        self.dismiss(event.value.strip())

    def action_leave(self) -> None:
        """Leave without it."""
        self.dismiss(None)
