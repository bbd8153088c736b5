"""Shuts the program down after a signal, or when the terminal is gone.

The program has a second to save what has arrived and to restore the terminal. If that takes
longer, the program ends anyway: the journal has the text.
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

_RESTORE = (
    b"\x1b[?1049l"  # leave the alternate screen
    b"\x1b[?25h"  # show the cursor
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # mouse off
    b"\x1b[?1004l\x1b[?2004l\x1b[?2048l\x1b[?2026l"  # focus, paste, resize, frames off
    b"\x1b[<u\x1b[>4;0m\x1b[0m"  # key reports and colours off
)


class Shutdown:
    """Ends the program. Create it on the main thread, before the app starts."""

    def __init__(self) -> None:
        self._terminal = _Terminal()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_end: Callable[[int], object] = os._exit
        self._is_ending = False
        self._last_words = ""
        self._cleanups: list[Callable[[], object]] = []

    def clean_up_with(self, cleanup: Callable[[], object]) -> None:
        """Call `cleanup` if the time is up before the program has ended by itself.

        It is called in another thread, and must not wait.
        """
        self._cleanups.append(cleanup)

    def listen(self, on_end: Callable[[int], object]) -> None:
        """Handle SIGTERM and SIGHUP: call `on_end` with the exit code on the running loop.

        It is called only once, also for the other ways to end.
        """
        self._loop, self._on_end = asyncio.get_running_loop(), on_end
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._on_signal)

    def check_terminal(self) -> None:
        """End the program if the terminal is gone without a signal."""
        if self._terminal.is_gone:
            self._end(128 + 1)

    def crash(self, last_words: str) -> None:
        """End the program after an error; print why if the app does not do it itself."""
        self._last_words = f"{last_words}\n"
        self._end(1)

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - Python's signature
        # Python's handler, not the loop's: it runs even while the loop is blocked by a
        # terminal that accepts no output.
        self._end(128 + signum)

    def _end(self, code: int) -> None:
        if self._is_ending:
            return
        self._is_ending = True
        last = threading.Timer(PATIENCE, self._end_now, [code])
        last.daemon = True
        last.start()
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: the program is ending already
                self._loop.call_soon_threadsafe(self._on_end, code)

    def _end_now(self, code: int) -> None:
        try:
            for cleanup in self._cleanups:
                cleanup()
        finally:
            self._terminal.restore(self._last_words)
            os._exit(code)


class _Terminal:
    """The terminal, with the modes that it had at the start."""

    def __init__(self) -> None:
        self._input = -1 if sys.__stdin__ is None else sys.__stdin__.fileno()
        # Textual writes to stderr.
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
        """Restore the terminal without blocking, and print the last words."""
        if termios is not None and self._modes is not None:
            with suppress(termios.error):
                termios.tcsetattr(self._input, termios.TCSANOW, self._modes)
        with suppress(OSError):
            os.set_blocking(self._output, False)
            os.write(self._output, _RESTORE + last_words.encode())
