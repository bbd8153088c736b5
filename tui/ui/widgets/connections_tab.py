"""The tab of the connections: a row for each, and the result of the last action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.text.sanitise import clean_line
from tui.ui.bindings import bindings_of

_MUTED = "$text-muted"
_WIDEST = (18, 28, 24)
"""The greatest widths of the name, the host and the key's source, in columns."""


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """The contents of one row."""

    id: str
    name: str
    host: str
    key_from: str
    state: str
    """Its number of models and their age, or a problem."""
    is_current: bool = False
    is_default: bool = False
    is_usable: bool = True


class ConnectionList(OptionList):
    """The rows. A key posts an action for the highlighted one."""

    BINDINGS = bindings_of("connection")

    @dataclass
    class ActionRequested(TextualMessage):
        """The user wants an action: `use`, `add`, `test`, `default`, `remove` or `local`."""

        what: str
        row_id: str | None

    def __init__(self) -> None:
        super().__init__(markup=False, compact=True)

    def action_act(self, what: str) -> None:
        """Post an action for the highlighted row."""
        option = self.highlighted_option
        self.post_message(self.ActionRequested(what, None if option is None else option.id))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Use the clicked connection."""
        event.stop()
        self.post_message(self.ActionRequested("use", event.option.id))


class ConnectionsTab(Vertical):
    """The list of connections, the result of the last action, and the keys."""

    def __init__(self) -> None:
        super().__init__()
        self.list = ConnectionList()
        self.status = ""
        """The result of the last action."""
        self._status = Static(classes="status", markup=False)
        self._hint = Static(classes="hint", markup=False)
        self._rows: tuple[ConnectionRow, ...] = ()

    def compose(self) -> ComposeResult:
        """Compose the list, the status line and the keys."""
        yield self.list
        yield self._status
        yield self._hint

    def show(self, rows: Sequence[ConnectionRow]) -> None:
        """Show connections; the cursor stays on the same one."""
        if tuple(rows) == self._rows:
            return
        option = self.list.highlighted_option
        highlighted_id = None if option is None else option.id
        at = next((n for n, row in enumerate(rows) if row.id == highlighted_id), None)
        if at is None:
            at = next((n for n, row in enumerate(rows) if row.is_current), 0)
        self._rows = tuple(rows)
        self.list.clear_options()
        self.list.add_options(Option(line, id=row.id) for row, line in _lines(rows))
        self.list.highlighted = at if rows else None

    def go_to(self, row_id: str) -> None:
        """Highlight a connection."""
        ids = [row.id for row in self._rows]
        if row_id in ids:
            self.list.highlighted = ids.index(row_id)

    def tell(self, line: str, *, is_error: bool = False) -> None:
        """Show the result of an action."""
        self.status = clean_line(line)
        self._status.update(Content(self.status))
        self._status.set_class(is_error, "-error")

    def hint(self, keys: Sequence[tuple[str, str]]) -> None:
        """Show the keys with their labels."""
        self._hint.update(
            Content("  ").join(
                Content.assemble((key, "bold $accent"), " ", words) for key, words in keys
            )
        )


def _lines(rows: Sequence[ConnectionRow]) -> list[tuple[ConnectionRow, Content]]:
    cells = [
        (clean_line(row.name), clean_line(row.host), clean_line(row.key_from)) for row in rows
    ]
    widths = [
        min(most, max((cell_len(each[at]) for each in cells), default=0))
        for at, most in enumerate(_WIDEST)
    ]
    return [(row, _line(row, each, widths)) for row, each in zip(rows, cells, strict=True)]


def _line(row: ConnectionRow, cells: Sequence[str], widths: Sequence[int]) -> Content:
    name, host, key = (
        set_cell_size(cell if cell_len(cell) <= width else f"{cell[: width - 1]}…", width)
        for cell, width in zip(cells, widths, strict=True)
    )
    state = " · ".join(filter(None, ["default" if row.is_default else "", row.state]))
    return Content.assemble(
        ("● " if row.is_current else "  ", "$accent"),
        (name, "bold" if row.is_usable else _MUTED),
        f"  {host}  ",
        (f"{key}  ", _MUTED),
        (clean_line(state), _MUTED),
    )
