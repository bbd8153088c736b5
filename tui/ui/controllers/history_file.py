"""The banner about a lost history file, and the command that saves elsewhere."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from textual.content import Content
from textual.widgets import Static

from tui.chat.markdown_export import markdown_of, save
from tui.chat.open_conversation import Refused
from tui.chat.session import Session
from tui.text.sanitise import clean_line

HOW = "“Save as a file” in the palette saves what you see."


class HistoryFile:
    """Shows a banner while nothing can be saved."""

    def __init__(self, banner: Static, session: Session, text: str) -> None:
        self._banner = banner
        self._session = session
        self._text = text
        """The banner's text while the history can be saved."""
        self._lost = ""

    def show(self) -> None:
        """Show the banner if it has a text."""
        lost = self._lost
        text = f"{clean_line(lost)} {HOW}" if lost else self._text
        self._banner.update(Content(text))
        self._banner.display = bool(text)

    def look(self) -> str:
        """Update the banner; return why the file is lost if that is news, else ""."""
        lost = self._session.store.lost.why
        if lost == self._lost:
            return ""
        self._lost = lost
        self.show()
        return lost

    async def save(self) -> None:
        """Save the open conversation beside the history, or else in the home folder.

        Save the whole history too, if it is still open although its file is gone. Notices
        tell where. Raises `Refused` if the conversation cannot be saved.
        """
        current, store = self._session.current, self._session.store
        text = markdown_of(current.conversation, current.path, current.reply)
        folders = (store.path.parent, Path.home())
        work = partial(save, folders, text, store.clock.now_ms())
        try:
            path = await asyncio.to_thread(work)
        except OSError as error:
            raise Refused(f"This conversation could not be saved: {error.strerror}.") from error
        self._notify(f"Saved as {path}")
        if (copy := await store.lost.save()) is not None:
            self._notify(f"The whole history was saved as {copy}")

    def _notify(self, line: str) -> None:
        self._banner.notify(clean_line(line), timeout=20, markup=False)
