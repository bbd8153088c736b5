"""A dialog with text to read: the keys, how to connect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.ui.bindings import bindings_of
from tui.ui.screens.coverable import CoverableScreen
from tui.ui.widgets.key_hint import effective_key


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with rows below it, each of two columns."""

    heading: str
    rows: Sequence[tuple[str, str]]


class HelpScreen(CoverableScreen[None], ModalScreen[None]):
    """Shows sections of two columns, which scroll."""

    CSS_PATH = "help.tcss"
    BINDINGS = bindings_of("help")

    def __init__(self, title: str, sections: Iterable[Section]) -> None:
        super().__init__()
        self._title = title
        self._sections = tuple(sections)

    def compose(self) -> ComposeResult:
        """Compose the sections, one below the other."""
        width = max(len(left) for section in self._sections for left, _ in section.rows)
        with VerticalScroll() as scroll:
            scroll.border_title = self._title
            scroll.border_subtitle = f"{effective_key(self, 'help.close')} Close"
            for section in self._sections:
                yield Static(Content(section.heading), classes="heading")
                for left, right in section.rows:
                    key = left.ljust(width), "bold $accent"
                    yield Static(Content.assemble(key, "  ", right))
