"""Text to read over the screen: the keys, how to connect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.widgets.effective import effective_key


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and pairs of what to press or know and what it is."""

    heading: str
    rows: Sequence[tuple[str, str]]


class HelpScreen(ModalScreen[None]):
    """Shows sections of two columns, to be scrolled and left."""

    CSS_PATH = "help.tcss"
    BINDINGS = [Binding("escape,f1,q", "dismiss", "Close", id="help.close")]

    def __init__(self, title: str, sections: Iterable[Section]) -> None:
        super().__init__()
        self._title = title
        self._sections = tuple(sections)

    def compose(self) -> ComposeResult:
        """Compose the sections, one below the other."""
        width = max(len(left) for section in self._sections for left, _ in section.rows)
        with VerticalScroll() as scroll:
            scroll.border_title = self._title
            scroll.border_subtitle = f"{effective_key(self, 'help.close')} closes"
            for section in self._sections:
                yield Static(Content(section.heading), classes="heading")
                for left, right in section.rows:
                    key = left.ljust(width), "bold $accent"
                    yield Static(Content.assemble(key, "  ", right))
