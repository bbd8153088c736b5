"""The least that an app on Textual can be: `static` shows a word, `input` takes some."""

from __future__ import annotations

import sys

from textual.app import App, ComposeResult
from textual.widgets import Static

SHOWN = "ready-to-read"


class Minimal(App[None]):
    """A word on the screen."""

    def compose(self) -> ComposeResult:
        yield Static(SHOWN)


class Typing(Minimal):
    """The same with a line to type into."""

    def compose(self) -> ComposeResult:
        from textual.widgets import Input

        yield from super().compose()
        line = Input()
        line.cursor_blink = False
        yield line


if __name__ == "__main__":
    (Typing if "input" in sys.argv else Minimal)().run()
