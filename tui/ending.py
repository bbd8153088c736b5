"""Being made to end: by a signal, or by a terminal that is gone.

The program has a second to keep what has arrived and give the terminal back. What
takes longer is not waited for: the journal has the words.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, ModuleType
from typing import Any

try:
    import termios as _termios
except ImportError:  # Windows
    termios: ModuleType | None = None
else:
    termios = _termios

PATIENCE = 0.8
"""Seconds until the program ends, whatever it is doing."""

_RESTORED = (
    b"\x1b[?1049l"  # the screen that was there before
    b"\x1b[?25h"  # the cursor
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # no mouse
    b"\x1b[?1004l\x1b[?2004l\x1b[?2048l\x1b[?2026l"  # no focus, paste, resize, frames
    b"\x1b[<u\x1b[>4;0m\x1b[0m"  # plain keys, plain colours
)


class Ending:
    """Hears that the program has to end. Made on the main thread, before the app starts."""

    def __init__(self) -> None:
        self._terminal = _Terminal()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: Callable[[int], object] = os._exit
        self._is_told = False
        self._last_words = ""

    def listen(self, told: Callable[[int], object]) -> None:
        """From now on call `told` with the exit code, once, on the running loop."""
        self._loop, self._told = asyncio.get_running_loop(), told
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._heard)

    def check_terminal(self) -> None:
        """End if the terminal is gone and nobody said so.

        Reading from a terminal that is gone ends at once, again and again.
        """
        if self._terminal.is_gone:
            self._end(128 + 1)

    def crash(self, last_words: str) -> None:
        """End because the program cannot go on; say why if it does not come to that itself."""
        self._last_words = f"{last_words}\n"
        self._end(1)

    def _heard(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - Python's signature
        # Python's own handler, not the loop's: it is called even while the loop waits
        # for a terminal that takes no output.
        self._end(128 + signum)

    def _end(self, code: int) -> None:
        if self._is_told:
            return
        self._is_told = True
        last = threading.Timer(PATIENCE, self._end_now, [code])
        last.daemon = True
        last.start()
        if self._loop is not None:
            with suppress(RuntimeError):  # it is closed: the program is ending already
                self._loop.call_soon_threadsafe(self._told, code)

    def _end_now(self, code: int) -> None:
        self._terminal.restore(self._last_words)
        os._exit(code)


class _Terminal:
    """The terminal as it was found."""

    def __init__(self) -> None:
        self._input = -1 if sys.__stdin__ is None else sys.__stdin__.fileno()
        # Where Textual writes.
        self._output = -1 if sys.__stderr__ is None else sys.__stderr__.fileno()
        self._modes: list[Any] | None = None
        if termios is not None:
            with suppress(termios.error):
                self._modes = termios.tcgetattr(self._input)

    @property
    def is_gone(self) -> bool:
        if self._input < 0 or not hasattr(select, "poll"):
            return False
        poll = select.poll()
        poll.register(self._input, select.POLLIN)
        return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))

    def restore(self, last_words: str = "") -> None:
        """Give the terminal back without waiting for it, and say something on it."""
        if termios is not None and self._modes is not None:
            with suppress(termios.error):
                termios.tcsetattr(self._input, termios.TCSANOW, self._modes)
        with suppress(OSError):
            os.set_blocking(self._output, False)
            os.write(self._output, _RESTORED + last_words.encode())
