"""A dialog with text to read: the keys, how to connect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.ui.bindings import bindings_of
from tui.ui.screens.coverable import CoverableScreen
from tui.ui.widgets.key_hint import effective_key

MIN_WIDTH = 10
"""At least so many columns for a text, however narrow the window is."""

ROOM = 50
"""Columns for a text from which on it says more: with fewer, most would take two rows."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with rows below it."""

    heading: str
    rows: Sequence[tuple[str, str, str]]
    """Two columns, and what follows in the second one where there is room."""


class Sections(VerticalScroll):
    """The sections, one below the other; a text that is too long continues in its column."""

    def __init__(self, sections: Sequence[Section]) -> None:
        super().__init__()
        self._sections = sections
        rows = [row for section in sections for row in section.rows]
        self._left = max(len(left) for left, *_ in rows) + 2
        self._rows = [(Static(), *row) for row in rows]

    def compose(self) -> ComposeResult:
        """Compose the headings and the rows."""
        rows = iter(self._rows)
        for section in self._sections:
            yield Static(Content(section.heading), classes="heading")
            for _ in section.rows:
                yield next(rows)[0]

    def on_resize(self) -> None:
        """Wrap the texts at the width of the dialog."""
        width = self.scrollable_content_region.width - self._left
        for row, left, right, more in self._rows:
            words = f"{right}: {more}" if more and width >= ROOM else right
            lines = wrap(words, max(width, MIN_WIDTH)) or [""]
            text = f"\n{' ' * self._left}".join(lines)
            row.update(Content.assemble((left.ljust(self._left), "bold $accent"), text))


class HelpScreen(CoverableScreen[None], ModalScreen[None]):
    """Shows sections of two columns, which scroll."""

    CSS_PATH = "help.tcss"
    BINDINGS = bindings_of("help")

    def __init__(self, title: str, sections: Iterable[Section]) -> None:
        super().__init__()
        self._title = title
        self._sections = tuple(sections)

    def compose(self) -> ComposeResult:
        """Compose the sections in a box."""
        sections = Sections(self._sections)
        sections.border_title = self._title
        sections.border_subtitle = f"{effective_key(self, 'help.close')} Close"
        yield sections
