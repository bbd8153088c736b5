"""The prompt of plain mode: reads questions and commands until the user quits."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

from tui.chat.open_conversation import Refused
from tui.cli.exit_codes import DONE, INTERRUPTED
from tui.cli.plain.commands import run_command
from tui.cli.plain.conversation import PlainChat
from tui.store import HistoryError

PROMPT, MORE = "You: ", "> "


class Prompt:
    """Reads the input, and handles the signals that stop a reply or end the program."""

    def __init__(self, chat: PlainChat) -> None:
        self._chat = chat
        self._presses = 0
        """How often Ctrl+C was pressed since the last line."""
        self._code: int | None = None
        """The exit code, once a signal has ended the program."""
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """Ask and answer until the input ends; return the exit code."""
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._converse())
        # Windows has none of these.
        with suppress(NotImplementedError):
            loop.add_signal_handler(signal.SIGINT, self._interrupt)
            for name in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(name, self._end, 128 + name)
        try:
            await self._task
        except asyncio.CancelledError:
            if self._code is None:
                raise
        return DONE if self._code is None else self._code

    @property
    def is_ended(self) -> bool:
        """Whether a signal other than Ctrl+C ended the program."""
        return self._code is not None and self._code > INTERRUPTED

    async def _converse(self) -> None:
        chat = self._chat
        while not chat.is_left and (typed := await self._read()) is not None:
            if typed.strip():
                await self._take(typed)
            chat.tell_notices()
            if self._code is not None:
                return

    async def _take(self, typed: str) -> None:
        chat, conversation_id = self._chat, self._chat.session.open_id
        try:
            await chat.catch_up()
            if conversation_id != chat.session.open_id:
                # It was deleted in another window; a notice says so.
                chat.say("This was not sent.")
            elif not await run_command(chat, typed):
                await chat.ask(typed)
        except (HistoryError, Refused) as error:
            chat.say(str(error))

    async def _read(self) -> str | None:
        """Return a line, joined with the next ones while it ends with a backslash.

        Return None at the end of the input.
        """
        reader, lines = self._chat.reader, list[str]()
        while (line := await reader.read(MORE if lines else PROMPT)) is not None:
            self._presses = 0
            if not line.endswith("\\"):
                return "\n".join([*lines, line])
            lines.append(line[:-1])
        if reader.is_typed:
            self._chat.write("\n")
        return "\n".join(lines) if lines else None

    def _interrupt(self) -> None:
        """Stop the reply; if there is none, quit at the second Ctrl+C."""
        is_typed = self._chat.reader.is_typed
        if self._chat.stop():
            if is_typed:
                # The terminal has echoed ^C.
                self._chat.write("\n")
            else:
                # The rest of a piped input is not wanted any more.
                self._code = INTERRUPTED
            return
        self._presses += 1
        if not is_typed:
            self._end(INTERRUPTED)
        elif self._presses > 1:
            self._chat.write("\n")
            self._end(DONE)
        else:
            self._chat.write(f"\nPress Ctrl+C again to quit.\n{PROMPT}")

    def _end(self, code: int) -> None:
        self._code = code
        if self._task is not None:
            self._task.cancel()
