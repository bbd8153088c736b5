"""A list to choose one thing from, over whatever screen asks for it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class ChoiceScreen(ModalScreen[str | None]):
    """Shows lines, each with an id, and dismisses with the id that was chosen."""

    CSS_PATH = "choice.tcss"
    BINDINGS = [
        Binding("j", "step(1)", "Down", id="choice.down", show=False),
        Binding("k", "step(-1)", "Up", id="choice.up", show=False),
        Binding("escape", "leave", "Leave", id="choice.leave"),
    ]

    def __init__(
        self, title: str, lines: Sequence[tuple[str, Content]], *, first: str | None = None
    ) -> None:
        super().__init__()
        self._title = title
        self._lines = tuple(lines)
        self._first = first

    def compose(self) -> ComposeResult:
        """Compose the list."""
        options = OptionList(
            *(Option(content, id=line_id) for line_id, content in self._lines), markup=False
        )
        options.border_title = self._title
        options.border_subtitle = "Enter chooses, Esc leaves"
        yield options

    def on_mount(self) -> None:
        """Begin on the line that was asked for."""
        ids = [line_id for line_id, _ in self._lines]
        self._options.highlighted = ids.index(self._first) if self._first in ids else 0
        self._options.focus()

    @property
    def _options(self) -> OptionList:
        return self.query_one(OptionList)

    def action_step(self, step: int) -> None:
        """Move by a line."""
        if step > 0:
            self._options.action_cursor_down()
        else:
            self._options.action_cursor_up()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Leave with what was chosen."""
        self.dismiss(event.option.id)

    def action_leave(self) -> None:
        """Leave without choosing."""
        self.dismiss(None)
