"""The list of slash commands above the composer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.config.keymap import Keymap
from tui.config.slash import SlashEntry

_HELP = "$foreground 70% not bold"


class SlashList(OptionList):
    """Lists commands, or is hidden. It never has the focus; at first nothing is chosen.

    Textual's palette has a `CommandList`, whose styles would hide a class of that name.
    """

    can_focus = False

    @dataclass
    class Picked(TextualMessage):
        """The user clicked a command."""

        entry: SlashEntry

    def __init__(self, keymap: Keymap) -> None:
        super().__init__(id="commands", markup=False)
        self._keymap = keymap
        self.entries: Sequence[SlashEntry] = ()
        """The listed commands."""
        self.display = False

    @property
    def chosen(self) -> SlashEntry | None:
        """The command that the user chose with the arrow keys; None if there is none."""
        at = self.highlighted
        return None if at is None or at >= len(self.entries) else self.entries[at]

    def show(self, entries: Sequence[SlashEntry]) -> None:
        """List commands, and choose none. An empty list hides the widget."""
        self.display = bool(entries)
        if entries != self.entries:
            self.entries = entries
            self.clear_options()
            name_width = max((cell_len(_name(entry)) for entry in entries), default=0)
            self.add_options(Option(self._line(entry, name_width)) for entry in entries)
        self.highlighted = None
        self.scroll_home(animate=False)

    def step(self, step: int) -> None:
        """Choose the next command (`step` 1) or the previous one (-1); after an end, none."""
        count = len(self.entries)
        at = self.highlighted
        if at is None:
            self.highlighted = 0 if step > 0 else count - 1
        else:
            self.highlighted = at + step if 0 <= at + step < count else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Post the clicked command."""
        event.stop()
        if event.option_index < len(self.entries):
            self.post_message(self.Picked(self.entries[event.option_index]))

    def _line(self, entry: SlashEntry, name_width: int) -> Content:
        name = _name(entry)
        return Content.assemble(
            (name + " " * (name_width - cell_len(name) + 2), "bold"),
            f"{entry.title}  ",
            (self._keymap.fill(entry.help), _HELP),
        )


def _name(entry: SlashEntry) -> str:
    return f"/{entry.name} {entry.takes}".rstrip()
