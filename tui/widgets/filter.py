"""Where what the titles of the list are to hold is typed."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding
from textual.message import Message as TextualMessage

from tui.widgets.line_input import LineInput


class Filter(LineInput):
    """One line above the list. The arrows move the list's cursor meanwhile."""

    HINT = "Filter, Enter searches all"
    BINDINGS = [
        Binding("down", "step(1)", "Down", id="filter.down", show=False),
        Binding("up", "step(-1)", "Up", id="filter.up", show=False),
        Binding("enter", "enter", "Search everything", id="filter.search"),
        Binding("tab", "go_to_list", "The list", id="filter.list"),
    ]

    @dataclass
    class Stepped(TextualMessage):
        """The user moved the list's cursor."""

        step: int

    @dataclass
    class Entered(TextualMessage):
        """The user pressed Enter."""

        has_stepped: bool
        """Whether the cursor was moved since the text was last changed."""

    class Left(TextualMessage):
        """The user wants to go on to the list."""

    def __init__(self) -> None:
        super().__init__(placeholder=self.HINT, compact=True, id="filter")
        self.cursor_blink = False
        self._has_stepped = False

    def watch_value(self, value: str) -> None:  # noqa: ARG002 - Textual's signature
        """Forget that the cursor was moved: it is another list."""
        self._has_stepped = False

    def action_step(self, step: int) -> None:
        """Move the list's cursor."""
        self._has_stepped = True
        self.post_message(self.Stepped(step))

    def action_enter(self) -> None:
        """Read what the cursor was moved to, or search everything for what was typed."""
        self.post_message(self.Entered(self._has_stepped or not self.value.strip()))

    def action_go_to_list(self) -> None:
        """Go on to the list."""
        self.post_message(self.Left())
