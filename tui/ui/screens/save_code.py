"""The dialogs that ask where to save a code block, and whether to replace a file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.text.sanitise import clean, clean_line
from tui.ui.screens.confirm import ConfirmScreen
from tui.ui.screens.line import LineScreen
from tui.ui.widgets.key_hint import effective_key

Save = Callable[[str], Awaitable[Path | str]]
"""Saves the code at a typed path. Returns the file, or why it was not saved.

Returns "" if the user refused.
"""


class SaveCodeScreen(LineScreen):
    """Asks for a path until the code is saved; closes with the file, or with None."""

    def __init__(self, title: str, *, name: str, folder: str, save: Save) -> None:
        super().__init__(title, value=name, hint=f"In {folder}")
        self._save = save

    def submit(self, typed: str) -> None:
        """Try to save; the dialog stays open until that succeeds."""
        self.run_worker(self._try(typed), exclusive=True)

    async def _try(self, typed: str) -> None:
        saved = await self._save(typed)
        if isinstance(saved, Path):
            self.dismiss(str(saved))
        elif saved and self.is_attached:
            self.query_one(".hint", Static).update(Content(clean_line(saved)))


class ReplaceScreen(ConfirmScreen):
    """Shows what would change in a file; closes with whether the user agrees."""

    CSS_PATH = "replace.tcss"

    def __init__(self, path: Path, differences: Sequence[str] | None) -> None:
        super().__init__(f"Replace {path.name}?", yes="Replace")
        self._path = path
        self._differences = differences

    def compose(self) -> ComposeResult:
        """Compose the differences, which scroll, above the two answers."""
        with Vertical() as box:
            box.border_title = Content(clean_line(self._question))
            yes, no = (effective_key(self, f"confirm.{name}") for name in ("yes", "no"))
            box.border_subtitle = f"{yes} {self._yes} · {no} Cancel"
            yield Static(Content(clean_line(str(self._path))), classes="hint")
            with VerticalScroll():
                yield Static(self._shown(), markup=False)

    def _shown(self) -> Content:
        if self._differences is None:
            return Content("The differences cannot be shown: it is a large or a binary file.")
        if not self._differences:
            return Content("Only line endings would change.")
        return Content("\n").join(_line(each) for each in self._differences)


def _line(line: str) -> Content:
    style = {"+": "$text-success", "-": "$text-error", "@": "$text-muted"}.get(line[:1], "")
    return Content.styled(clean(line).replace("\t", "    "), style)
