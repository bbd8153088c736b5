"""Textual's terminal driver, fixed where it reads input and resumes after SIGSTOP.

It overrides only what is wrong in Textual 8.2.8.
"""

from __future__ import annotations

import os
import selectors
import sys
import time
from collections.abc import Iterable
from threading import Event
from typing import Any, Final

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from tui.domain.attention import note_key
from tui.terminal.background import ASK, PATIENCE, BackgroundListener, BackgroundReported
from tui.terminal.input_filter import InputFilter, Piece
from tui.terminal.key_reports import KEY_FLAGS

TEXTUAL_KEY_FLAGS: Final = "\x1b[>25u"
"""The kitty protocol's flags, as Textual pushes them."""

_READ_SIZE = 65536
"""Bytes that are read at once. A terminal sends fewer, but a pipe may have more."""


class TerminalDriver(LinuxDriver):
    """Starts only once, even after SIGSTOP and SIGCONT, and accepts any input.

    SIGSTOP cannot be caught, so Textual does not stop its driver. On SIGCONT, Textual starts
    it a second time. Then two threads read the input, so that quitting may wait for one
    more key. Textual also saves the raw mode as the mode to restore at the end.
    """

    _is_started = False
    _is_given_back = False
    """Whether another program has the terminal; what the app draws is then dropped."""
    _is_dark = True
    """The last background that the terminal has reported."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_background = Event()
        """Set when the terminal has reported its background."""
        if sys.__stderr__ is None or not sys.__stderr__.isatty():
            # Textual draws on stderr, which may be redirected to a file.
            self._file = sys.__stdout__

    def start_application_mode(self) -> None:
        """Take over the terminal; if it is taken over already, restore it first."""
        if self._is_started:
            self.suspend_application_mode()
        self._is_given_back = False
        before = self._writer_thread
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # A process in the background cannot take over the terminal: nothing has started.
        self._is_started = self._writer_thread is not before
        self._is_given_back = not self._is_started
        if self._is_started and isinstance(self._app, BackgroundListener):
            self._request_background(self._app)

    def stop_application_mode(self) -> None:
        """Restore the terminal."""
        super().stop_application_mode()
        self._is_started = False

    def suspend_application_mode(self) -> None:
        """Give the terminal to another program until `start_application_mode`.

        Textual's writer thread ends then; its queue would fill up and block the app.
        """
        super().suspend_application_mode()
        self._is_given_back = True

    def _request_background(self, listener: BackgroundListener) -> None:
        """Ask for the background before the first paint; wait for a short time.

        A later answer is posted to the app, like other messages.
        """
        self._has_background.clear()
        self.write(ASK)
        self.flush()
        if self._has_background.wait(PATIENCE):
            listener.set_background(is_dark=self._is_dark)

    def write(self, data: str) -> None:
        """Write to the terminal, with `KEY_FLAGS` instead of Textual's flags."""
        if not self._is_given_back:
            super().write(KEY_FLAGS if data == TEXTUAL_KEY_FLAGS else data)

    def run_input_thread(self) -> None:
        """Read input until the driver stops."""
        parser = XTermParser(self._debug)
        pieces = InputFilter()
        last_read = time.monotonic()
        # The other selectors do not support terminals on macOS.
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if not selector.select(min(0.1, constants.ESCAPE_DELAY)):
                    self._process(parser, pieces.pause(time.monotonic() - last_read))
                    continue
                last_read = time.monotonic()
                read = os.read(self.fileno, _READ_SIZE)
                note_key()
                if not read:
                    # The terminal is gone: every read returns at once.
                    self.exit_event.wait(0.1)
                self._process(parser, pieces.feed(read))

    def _process(self, parser: XTermParser, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, BackgroundReported):
                self._is_dark = piece.is_dark
                self._has_background.set()
            for message in parser.feed(piece) if isinstance(piece, str) else (piece,):
                self.process_message(message)
