"""Where it is typed what to find in the conversation that is read."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message as TextualMessage
from textual.widgets import Input, Static

from tui.widgets.line_input import LineInput


class Field(LineInput):
    """The line itself."""

    BINDINGS = [
        Binding("enter,down", "step(1)", "Next", id="find.next"),
        Binding("up,shift+enter", "step(-1)", "Previous", id="find.previous"),
    ]

    def action_step(self, step: int) -> None:
        """Go to the next match, or the one before."""
        self.post_message(FindBar.Stepped(step))


class FindBar(Horizontal):
    """One line, and how many matches there are."""

    @dataclass
    class Stepped(TextualMessage):
        """The user wants to go to the next match, or the one before."""

        step: int

    def __init__(self) -> None:
        super().__init__(id="find")
        self._field = Field(placeholder="Find here", compact=True)
        self._field.cursor_blink = False
        self._count = Static(markup=False, classes="count")
        self.display = False

    def compose(self) -> ComposeResult:
        """Compose the line."""
        yield self._field
        yield self._count

    @property
    def typed(self) -> str:
        """What is looked for."""
        return self._field.value

    @property
    def is_typed_into(self) -> bool:
        """Whether keys go there."""
        return self._field.has_focus

    def open(self, typed: str | None = None) -> None:
        """Show it; with something in it, or with what was in it last."""
        self.display = True
        if typed is not None:
            with self.prevent(Input.Changed):
                self._field.value = typed
            self._field.cursor_position = len(typed)

    def type_into(self) -> None:
        """Let keys go there; the first one replaces what is in it."""
        self.screen.set_focus(self._field)
        self._field.action_select_all()

    def count(self, words: str) -> None:
        """Show how many matches there are."""
        self._count.update(words)
