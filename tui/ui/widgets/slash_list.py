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
    """Lists commands, or is hidden. It never has the focus.

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
        self._width = 0
        """The columns of a line; 0 until they are known."""
        self.display = False

    @property
    def chosen(self) -> SlashEntry | None:
        """The command that the user chose with the arrow keys; None if there is none."""
        at = self.highlighted
        return None if at is None or at >= len(self.entries) else self.entries[at]

    def show(self, entries: Sequence[SlashEntry], *, is_first_chosen: bool) -> None:
        """List commands, and choose the first one or none. An empty list hides the widget."""
        self.display = bool(entries)
        if entries != self.entries:
            self.entries = entries
            self._fill()
        self.highlighted = 0 if is_first_chosen and entries else None
        self.scroll_home(animate=False)

    def _fill(self) -> None:
        """Write the lines, as far as whole words fit into the width."""
        chosen = self.highlighted
        self.clear_options()
        name_width = max((cell_len(_name(entry)) for entry in self.entries), default=0)
        self.add_options(Option(self._line(entry, name_width)) for entry in self.entries)
        self.highlighted = chosen

    def on_resize(self) -> None:
        """Fit the lines into the new width."""
        width = self.scrollable_content_region.width
        if width != self._width:
            self._width = width
            self._fill()

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
        name += " " * (name_width - cell_len(name) + 2)
        words = f"{entry.title}  {self._keymap.fill(entry.help)}".rstrip()
        # Before the first layout the width is not known.
        words = _fitted(words, self._width - cell_len(name)) if self._width else words
        title = words[: len(entry.title)]
        return Content.assemble((name, "bold"), title, (words[len(title) :], _HELP))


def _fitted(words: str, width: int) -> str:
    """Return a text without the last words, if it is wider than `width` columns."""
    shown = words
    while cell_len(shown) > width and " " in shown.strip():
        words = words.rpartition(" ")[0].rstrip()
        shown = f"{words} …"
    return shown


def _name(entry: SlashEntry) -> str:
    return f"/{entry.name} {entry.takes}".rstrip()
