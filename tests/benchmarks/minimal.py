"""The smallest apps on Textual: `static` shows a word, `input` has a text field."""

from __future__ import annotations

import sys

from textual.app import App, ComposeResult
from textual.widgets import Static

SHOWN = "ready-to-read"


class Minimal(App[None]):
    """An app that shows a word."""

    def compose(self) -> ComposeResult:
        yield Static(SHOWN)


class Typing(Minimal):
    """The same with a text field."""

    def compose(self) -> ComposeResult:
        from textual.widgets import Input

        yield from super().compose()
        line = Input()
        line.cursor_blink = False
        yield line


if __name__ == "__main__":
    (Typing if "input" in sys.argv else Minimal)().run()
