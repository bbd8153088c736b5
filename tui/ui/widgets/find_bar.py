"""The bar that finds words in the open conversation."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message as TextualMessage
from textual.widgets import Input, Static

from tui.ui.bindings import bindings_of
from tui.ui.widgets.line_input import LineInput


class Field(LineInput):
    """The text field of the bar."""

    BINDINGS = bindings_of("find")

    def action_step(self, step: int) -> None:
        """Go to the next match (`step` 1) or the one before (-1)."""
        self.post_message(FindBar.Stepped(step))


class FindBar(Horizontal):
    """A text field, and the number of matches."""

    @dataclass
    class Stepped(TextualMessage):
        """The user wants to go to the next match (`step` 1) or the one before (-1)."""

        step: int

    def __init__(self) -> None:
        super().__init__(id="find")
        self._field = Field(placeholder="Find here", compact=True)
        self._count = Static(markup=False, classes="count")
        self.display = False

    def compose(self) -> ComposeResult:
        """Compose the field and the count."""
        yield self._field
        yield self._count

    @property
    def typed(self) -> str:
        """The text in the field."""
        return self._field.value

    @property
    def is_typed_into(self) -> bool:
        """Whether the field has the focus."""
        return self._field.has_focus

    def open(self, typed: str | None = None) -> None:
        """Show the bar, with a text or with the last one."""
        self.display = True
        if typed is not None:
            with self.prevent(Input.Changed):
                self._field.value = typed
            self._field.cursor_position = len(typed)

    def type_into(self) -> None:
        """Move the focus to the field; the first letter typed replaces its text."""
        self.screen.set_focus(self._field)
        self._field.action_select_all()

    def count(self, words: str) -> None:
        """Show how many matches there are."""
        self._count.update(words)
