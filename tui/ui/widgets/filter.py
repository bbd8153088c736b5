"""The filter above the list of conversations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from rich.cells import cell_len
from textual.message import Message as TextualMessage

from tui.config.keymap import Keymap, default_keymap
from tui.ui.bindings import bindings_of
from tui.ui.widgets.line_input import LineInput


class Filter(LineInput):
    """A text field that filters titles. Its Up and Down keys move the list's cursor."""

    BINDINGS = bindings_of("filter")

    class Event(TextualMessage):
        """Base class of the messages for the screen."""

    @dataclass
    class Stepped(Event):
        """The user moved the list's cursor."""

        step: int

    @dataclass
    class Entered(Event):
        """The user pressed Enter."""

        has_stepped: bool
        """Whether the cursor has moved since the text last changed."""

    class Left(Event):
        """The user wants to go to the list."""

    @dataclass
    class Steered(Event):
        """Whether the filter's keys move the list's cursor has changed."""

        is_steered: bool

    Posted: TypeAlias = Stepped | Entered | Left | Steered

    def __init__(self, keymap: Keymap | None = None) -> None:
        self._keymap = keymap or default_keymap()
        super().__init__(compact=True, id="filter")
        self.hint(is_archive=False)
        self._has_stepped = False

    def watch_value(self, value: str) -> None:  # noqa: ARG002 - Textual's signature
        """Forget that the cursor has moved: the list is a new one."""
        self._has_stepped = False

    def hint(self, *, is_archive: bool) -> None:
        """Show what is listed and a helpful key, while the field is empty."""
        hints = ("Filter", "{filter.search} search all")
        if is_archive:
            hints = ("Archive", "{sidebar.show-archive} show the list")
        self._what, self._hint = (self._keymap.fill(each) for each in hints)
        self._show_hint()

    def on_resize(self) -> None:
        """Show as much of the hint as there is room for."""
        self._show_hint()

    def _show_hint(self) -> None:
        # A hint cut in the middle would name a key, but not what it does.
        whole = f"{self._what} · {self._hint}"
        has_room = not self.size.width or cell_len(whole) <= self.content_size.width
        self.placeholder = whole if has_room else self._what

    def on_focus(self) -> None:
        """Make the list show its cursor."""
        self.post_message(self.Steered(is_steered=True))

    def on_blur(self) -> None:
        """Make the list show its cursor only when it has the focus itself."""
        self.post_message(self.Steered(is_steered=False))

    def action_step(self, step: int) -> None:
        """Move the list's cursor."""
        self._has_stepped = True
        self.post_message(self.Stepped(step))

    def action_enter(self) -> None:
        """Open the conversation at a moved cursor, or else search everything for the text."""
        self.post_message(self.Entered(self._has_stepped or not self.value.strip()))

    def action_go_to_list(self) -> None:
        """Go to the list."""
        self.post_message(self.Left())
