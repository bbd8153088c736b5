"""Saves a code block as a file. It asks for the path, and before it replaces a file."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from tui.chat import code_file
from tui.chat.code_file import CannotSave, Target
from tui.text.code_file_name import suggested_name
from tui.text.sanitise import clean_line
from tui.ui.widgets.transcript import Transcript


class CodeSaver:
    """Saves the code blocks of a message, one at each call, as `copying` copies them."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._offered = "", 0
        """The message whose code block was offered last, and how many of its blocks were."""
        self._folder = _start_folder()

    async def save(self, message_id: str) -> None:
        """Ask for a path for the message's code block; the next time, for the next block."""
        from tui.ui.screens.save_code import SaveCodeScreen

        transcript = self._transcript
        number = transcript.column.number_of(message_id)
        if number is None:
            return
        blocks = await transcript.in_thread(transcript.entries[number].content.code_blocks)
        if not blocks:
            line = "There is no code block in this message."
            transcript.notify(line, timeout=3, markup=False)
            return
        of, count = self._offered
        at = count % len(blocks) if of == message_id else 0
        self._offered = message_id, at + 1
        block = blocks[at]
        which = f"code block {at + 1} of {len(blocks)}" if len(blocks) > 1 else "the code"
        screen = SaveCodeScreen(
            f"Save {which} as",
            name=suggested_name(block.info, block.code, block.before),
            folder=str(self._folder),
            save=partial(self._save, block.code),
        )
        saved = await transcript.app.push_screen_wait(screen)
        if saved is not None:
            transcript.notify(clean_line(f"Saved {which} as {saved}"), timeout=6, markup=False)

    async def _save(self, code: str, typed: str) -> Path | str:
        """Save the code if the user agrees to the change; return its path or a reason."""
        try:
            target = await asyncio.to_thread(code_file.look, self._folder, typed)
            if not await self._is_agreed(target, code):
                return ""
            now = await asyncio.to_thread(code_file.look, self._folder, typed)
            if now != target:
                return "The file was changed meanwhile. Nothing was saved; try again."
            await asyncio.to_thread(code_file.write, target, code)
        except CannotSave as error:
            return str(error)
        return target.path

    async def _is_agreed(self, target: Target, code: str) -> bool:
        from tui.ui.screens.confirm import ConfirmScreen
        from tui.ui.screens.save_code import ReplaceScreen

        app = self._transcript.app
        if target.is_outside:
            line = f"{target.path} is outside of {self._folder}. Save the code there?"
            if not await app.push_screen_wait(ConfirmScreen(line, yes="Save")):
                return False
        if target.before in (None, code_file.content_of(code)):
            return True
        lines = await asyncio.to_thread(code_file.differences, target, code)
        return await app.push_screen_wait(ReplaceScreen(target.path, lines))


def _start_folder() -> Path:
    try:
        return Path.cwd()
    except OSError:
        # The current folder was removed.
        return Path.home()
