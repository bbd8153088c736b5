"""Reads lines from the terminal or a pipe, without blocking the event loop."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

from tui.text.sanitise import fix_surrogates

try:
    import readline as _readline
except ImportError:  # Windows, and Python builds without readline
    readline: ModuleType | None = None
else:
    readline = _readline

try:
    import termios as _termios
except ImportError:  # Windows
    termios: ModuleType | None = None
else:
    termios = _termios

_READ_SIZE = 65536


class LineReader:
    """Reads one line at a time in a daemon thread, so that it cannot delay the exit."""

    def __init__(self) -> None:
        self.is_typed = sys.stdin.isatty() and sys.stdout.isatty()
        """Whether a user types at a terminal and sees the prompts."""
        self._has_editing = self.is_typed and readline is not None and _may_edit()
        self._decoder = codecs.getincrementaldecoder(sys.stdin.encoding or "utf-8")("replace")
        self._received = ""
        self._is_at_end = False
        self._waiting: asyncio.Future[str | None] | None = None
        """The line that the thread is reading; it outlives a cancelled `read`."""
        if self._has_editing and readline is not None:
            # With these settings, readline would write control sequences.
            for setting in ("enable-bracketed-paste", "enable-meta-key"):
                readline.parse_and_bind(f"set {setting} off")

    async def read(self, prompt: str) -> str | None:
        """Return the next line without its end; None at the end of the input."""
        if self._waiting is None:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            arguments = (prompt, loop, self._waiting)
            threading.Thread(target=self._read_in_thread, args=arguments, daemon=True).start()
        elif self.is_typed:
            sys.stdout.write(prompt)
            sys.stdout.flush()
        line = await asyncio.shield(self._waiting)
        self._waiting = None
        return line

    def _read_in_thread(
        self, prompt: str, loop: asyncio.AbstractEventLoop, to: asyncio.Future[str | None]
    ) -> None:
        try:
            line = self._edited(prompt) if self._has_editing else self._plain(prompt)
        except OSError:
            # The terminal is gone.
            line = None
        with suppress(RuntimeError):  # the loop is closed: the program is ending
            loop.call_soon_threadsafe(_set, to, line)

    def _edited(self, prompt: str) -> str | None:
        try:
            return fix_surrogates(input(prompt))
        except EOFError:
            return None

    def _plain(self, prompt: str) -> str | None:
        # Not through `sys.stdin`: a thread that waits in it would block the exit.
        if self.is_typed:
            sys.stdout.write(prompt)
            sys.stdout.flush()
        while "\n" not in self._received and not self._is_at_end:
            data = os.read(sys.stdin.fileno(), _READ_SIZE)
            self._is_at_end = not data
            self._received += self._decoder.decode(data, final=not data)
        line, end, self._received = self._received.partition("\n")
        if not (line or end):
            return None
        return fix_surrogates(line.removesuffix("\r"))


def _set(to: asyncio.Future[str | None], line: str | None) -> None:
    if not to.done():
        to.set_result(line)


def _may_edit() -> bool:
    # Readline redraws lines that are longer than the terminal is wide.
    return os.environ.get("TERM", "dumb") != "dumb" and not os.environ.get("ACCESSIBLE")


@contextmanager
def restored_terminal() -> Iterator[None]:
    """Restore the terminal's modes at the end, even while a thread still reads from it."""
    modes: list[Any] | None = None
    if termios is not None and sys.stdin.isatty():
        modes = termios.tcgetattr(sys.stdin.fileno())
    try:
        yield
    finally:
        if termios is not None and modes is not None:
            with suppress(termios.error):
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, modes)
