"""What becomes of the history's file while it is read, on the chat screen."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from tui.markdown_export import markdown_of, save
from tui.sanitise import clean_line
from tui.store import HistoryError

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen

HOW = "Save as a file, in the palette, keeps what you see."


class Saving:
    """The banner that tells when nothing can be saved, and the way to save elsewhere."""

    def __init__(self, chat: ChatScreen, banner: str) -> None:
        self._chat = chat
        self.banner = banner
        """What it tells otherwise."""
        self._lost = ""

    def show(self) -> None:
        """Tell, as long as it is so, that the file is not where it was."""
        lost = self._chat.store.lost.why
        if lost != self._lost:
            self._lost = lost
            if lost:
                self._chat.complain(lost)
            banner = self._chat.query_one("#banner", Static)
            said = f"{clean_line(lost)} {HOW}" if lost else self.banner
            banner.update(Content(said))
            banner.display = bool(said)

    async def save(self) -> None:
        """Write what is read into a file beside the history, or else at home; tell where.

        With it the whole history, if that is still open though its file is gone.
        """
        chat, reading = self._chat, self._chat.reading
        text = markdown_of(reading.conversation, reading.line, reading.draft)
        folders = (chat.store.path.parent, Path.home())
        work = partial(save, folders, text, chat.store.clock.now_ms())
        try:
            path = await asyncio.to_thread(work)
        except OSError as error:
            chat.complain(f"This could not be saved anywhere: {error.strerror}.")
            return
        chat.notify(f"Saved as {clean_line(str(path))}", timeout=20, markup=False)
        try:
            copy = await chat.store.lost.save()
        except HistoryError as error:
            chat.complain(str(error))
        else:
            if copy is not None:
                said = f"The whole history is {clean_line(str(copy))}"
                chat.notify(said, timeout=20, markup=False)
