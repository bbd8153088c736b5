"""A dialog with a list to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.config.keymap import format_keys
from tui.ui.bindings import bindings_of
from tui.ui.screens.coverable import CoverableScreen
from tui.ui.widgets.key_hint import effective_key


class ChoiceScreen(CoverableScreen[str | None], ModalScreen[str | None]):
    """Shows lines, each with an id. Its result is the chosen id, or None."""

    CSS_PATH = "choice.tcss"
    BINDINGS = bindings_of("choice")

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
        leave = effective_key(self, "choice.leave")
        options.border_subtitle = f"{format_keys(['enter'])} Choose · {leave} Cancel"
        yield options

    def on_mount(self) -> None:
        """Put the cursor on the line with the id `first`, or else on the top line."""
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
        """Close with the chosen id."""
        self.dismiss(event.option.id)

    def action_leave(self) -> None:
        """Close without a choice."""
        self.dismiss(None)
