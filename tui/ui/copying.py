"""Copying from the app: the selection, a message, a code block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from textual.app import App
from textual.widgets import Input, TextArea
from textual.worker import Worker

from tui.text.sanitise import clean, clean_line
from tui.ui.widgets.toasts import retract


class Copying:
    """Puts text on the clipboard in whatever way works here, and tells the user how."""

    def __init__(self, app: App[None], folder: Path, environ: Mapping[str, str]) -> None:
        self._app = app
        self._folder = folder
        """Where copied text is saved as a file if there is no clipboard."""
        self._environ = environ
        self._notice = ""
        """The last notice."""

    def files(self) -> Sequence[Path]:
        """Return the files that may hold something copied."""
        from tui.terminal import clipboard

        return clipboard.files(self._folder)

    def copy(self, text: str, what: str) -> Worker[None]:
        """Copy a text, and say that `what` was copied."""
        # Not a coroutine: a worker that is cancelled before it starts would not await it.
        work = partial(self._copy, text, what)
        return self._app.run_worker(work, group="clipboard", exclusive=True)

    async def _copy(self, text: str, what: str) -> None:
        from tui.terminal import clipboard

        done = await clipboard.copy(
            clean(text),
            what=what,
            osc52=self._app.copy_to_clipboard,
            environ=self._environ,
            folder=self._folder,
        )
        # Only one notice, however quickly copies follow each other.
        retract(self._app, self._notice)
        self._notice = clean_line(done)
        self._app.notify(self._notice, timeout=4, markup=False)

    def copy_selected(self) -> bool:
        """Copy the selection; return False if nothing is selected."""
        focused = self._app.focused
        text = self._app.screen.get_selected_text()
        if isinstance(focused, TextArea | Input) and focused.selected_text:
            text = focused.selected_text
        if text:
            self.copy(text, "the selection")
        return bool(text)
