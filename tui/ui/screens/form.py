"""A dialog with several fields of one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.config.keymap import format_keys
from tui.text.sanitise import clean_line
from tui.ui.bindings import bindings_of
from tui.ui.screens.coverable import CoverableScreen
from tui.ui.widgets.key_hint import effective_key
from tui.ui.widgets.line_input import LineInput


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form."""

    name: str
    value: str = ""
    """Its initial value."""
    is_required: bool = False


Filled = dict[str, str]


class FormScreen(CoverableScreen[Filled | None], ModalScreen[Filled | None]):
    """Asks for the value of each field; closes with the values by name, or with None."""

    CSS_PATH = "form.tcss"
    BINDINGS = bindings_of("template")

    def __init__(self, title: str, fields: Sequence[Field]) -> None:
        super().__init__()
        self._title = clean_line(title)
        self._fields = tuple(fields)
        self._inputs = [LineInput(clean_line(each.value), compact=True) for each in fields]
        self._problem = Static(classes="problem", markup=False)

    def compose(self) -> ComposeResult:
        """Compose each field below its name."""
        with VerticalScroll(can_focus=False) as box:
            box.border_title = Content(self._title)
            leave = effective_key(self, "template.leave")
            enter, tab = format_keys(["enter"]), format_keys(["tab"])
            box.border_subtitle = f"{enter} Insert · {tab} Next · {leave} Cancel"
            for field, line in zip(self._fields, self._inputs, strict=True):
                yield Static(Content(clean_line(field.name)), classes="name")
                yield line
            yield self._problem

    def on_mount(self) -> None:
        """Focus the first field that needs a value."""
        empty = (
            line
            for field, line in zip(self._fields, self._inputs, strict=True)
            if field.is_required and not field.value
        )
        next(empty, self._inputs[0]).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the values; if one is missing, go there instead."""
        event.stop()
        for field, line in zip(self._fields, self._inputs, strict=True):
            if field.is_required and not line.value:
                self._problem.update(Content(f"{clean_line(field.name)} needs a value."))
                line.focus()
                return
        self.dismiss(
            {
                field.name: line.value
                for field, line in zip(self._fields, self._inputs, strict=True)
            }
        )

    def action_leave(self) -> None:
        """Close without the values."""
        self.dismiss(None)
