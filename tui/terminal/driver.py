"""Textual's driver for terminals, mended where it reads, and is continued after a stop.

Only what is wrong in Textual 8.2.8 is here; the rest is its own.
"""

from __future__ import annotations

import os
import selectors
import sys
import time
from collections.abc import Iterable
from typing import Any, Final

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from tui.terminal.input_filter import InputFilter, Piece

ASKED_BY_TEXTUAL: Final = "\x1b[>25u"
ASKED: Final = "\x1b[>29u"
"""The kitty protocol's flags: Textual's, and 4 for the alternate keys of each key."""

_READ_SIZE = 65536
"""Bytes that are read at once. A terminal gives out fewer, a pipe may not."""


class TerminalDriver(LinuxDriver):
    """Is started once, however often the program is continued; takes whatever is sent.

    SIGSTOP cannot be caught. At the SIGCONT after it Textual starts a second time what
    was never stopped: two threads then read what is typed, so that leaving may wait
    for one more key, and the raw terminal is taken for the one to be given back.
    """

    _is_started = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if sys.__stderr__ is None or not sys.__stderr__.isatty():
            # Textual draws there; but what goes to stderr may be kept in a file.
            self._file = sys.__stdout__

    def start_application_mode(self) -> None:
        """Take the terminal, giving it back first if it is held already."""
        if self._is_started:
            self.suspend_application_mode()
        before = self._writer_thread
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # In the background it may not be taken, and nothing was started.
        self._is_started = self._writer_thread is not before

    def stop_application_mode(self) -> None:
        """Give the terminal back."""
        super().stop_application_mode()
        self._is_started = False

    def write(self, data: str) -> None:
        """Write to the terminal; ask for more of each key than Textual can read."""
        super().write(ASKED if data == ASKED_BY_TEXTUAL else data)

    def run_input_thread(self) -> None:
        """Read what is typed until the driver stops."""
        parser = XTermParser(self._debug)
        pieces = InputFilter()
        heard = time.monotonic()
        # The other selectors know no terminals on macOS.
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if not selector.select(min(0.1, constants.ESCAPE_DELAY)):
                    self._process(parser, pieces.pause(time.monotonic() - heard))
                    continue
                heard = time.monotonic()
                read = os.read(self.fileno, _READ_SIZE)
                if not read:
                    # The terminal is gone, and says so at once, again and again.
                    self.exit_event.wait(0.1)
                self._process(parser, pieces.feed(read))

    def _process(self, parser: XTermParser, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            for message in parser.feed(piece) if isinstance(piece, str) else (piece,):
                self.process_message(message)
