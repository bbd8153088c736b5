"""Reads keys, each with the bytes that the terminal sent for it.

It reads as the app does: with the same terminal modes, the same filter and Textual's own
parser. It always restores the terminal at the end.
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType, ModuleType
from typing import Any, Final

from textual import constants
from textual._xterm_parser import XTermParser
from textual.events import Key, Paste

from tui.terminal.input_filter import InputFilter, Piece
from tui.terminal.key_reports import KEY_FLAGS, KEY_FLAGS_OFF

try:
    import termios as _termios
except ImportError:  # Windows
    termios: ModuleType | None = None
else:
    termios = _termios

PATIENCE: Final = 0.1
"""Seconds that the terminal gets to answer whether it has the kitty protocol."""

# Asks for the flags of the kitty protocol, and then for the device attributes, which every
# terminal answers: their answer ends the wait.
_ASK: Final = b"\x1b[?u\x1b[c"
_FLAGS: Final = re.compile(rb"\x1b\[\?[0-9]+u")
_ANSWERED: Final = re.compile(rb"\x1b\[\?[0-9;]*c")
_ANSWERS: Final = re.compile(rb"\x1b\[\?[0-9;]*[uc]")
_PASTES_ON, _PASTES_OFF = "\x1b[?2004h", "\x1b[?2004l"
_READ_SIZE: Final = 65536


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bytes, and what they mean. If that is neither keys nor a paste, the app ignores them."""

    raw: bytes
    keys: tuple[Key, ...] = ()
    pasted: str = ""


class KeyReader:
    """Splits what a terminal sends into keys and pastes, each with its bytes."""

    def __init__(self) -> None:
        self._filter = InputFilter()
        self._parser = XTermParser()
        self._raw = b""

    def feed(self, data: bytes) -> Iterator[Arrival]:
        """Yield what is complete after `data`, in order."""
        for byte in data:
            # One byte at a time, to know which bytes belong to which key.
            self._raw += bytes([byte])
            yield from self._taken(self._filter.feed(bytes([byte])))

    def pause(self, seconds: float) -> Iterator[Arrival]:
        """Yield what is held back if nothing has arrived for long enough."""
        yield from self._taken(self._filter.pause(seconds))

    def _taken(self, pieces: Iterable[Piece]) -> Iterator[Arrival]:
        at = len(self._raw) - self._filter.held
        raw, self._raw = self._raw[:at], self._raw[at:]
        if not raw or _ANSWERS.fullmatch(raw):
            return
        found = [message for piece in pieces for message in self._parsed(piece)]
        pasted = "".join(each.text for each in found if isinstance(each, Paste))
        yield Arrival(raw, tuple(each for each in found if isinstance(each, Key)), pasted)

    def _parsed(self, piece: Piece) -> list[object]:
        return [*self._parser.feed(piece)] if isinstance(piece, str) else [piece]


class RawTerminal:
    """A terminal whose every key is read."""

    def __init__(self, *, has_kitty: bool, early: bytes, signals: list[int]) -> None:
        self.has_kitty = has_kitty
        """Whether it reports the kitty keyboard protocol."""
        self._early = early
        """The input that arrived before the terminal's answer."""
        self._signals = signals

    @property
    def signalled(self) -> int:
        """The signal that must end the program; 0 for none."""
        return self._signals[0] if self._signals else 0

    def arrivals(self) -> Iterator[Arrival]:
        """Yield what arrives, until the terminal is gone or a signal has come."""
        reader = KeyReader()
        yield from reader.feed(self._early)
        last_input = time.monotonic()
        while not self._signals:
            if not _is_ready(min(PATIENCE, constants.ESCAPE_DELAY)):
                yield from reader.pause(time.monotonic() - last_input)
                continue
            last_input = time.monotonic()
            if not (data := _read()):
                return
            yield from reader.feed(data)


def has_terminal() -> bool:
    """Tell whether input and output are a terminal that this module can use."""
    return termios is not None and sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def raw_terminal() -> Iterator[RawTerminal]:
    """Put the terminal into the app's modes, and restore it at the end.

    Raises `RuntimeError` if the system has no terminal modes. See `has_terminal`.
    """
    if termios is None:
        raise RuntimeError("there is no terminal here")
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    is_plain = os.environ.get("TERM") == "dumb"
    with _collected_signals() as signals:
        try:
            termios.tcsetattr(descriptor, termios.TCSANOW, _raw_modes(before, termios))
            has_kitty, early = (False, b"") if is_plain else _ask()
            if not is_plain:
                _write(("" if constants.DISABLE_KITTY_KEY else KEY_FLAGS) + _PASTES_ON)
            yield RawTerminal(has_kitty=has_kitty, early=early, signals=signals)
        finally:
            with suppress(termios.error):
                termios.tcsetattr(descriptor, termios.TCSANOW, before)
            if not is_plain:
                with suppress(OSError):
                    _write(_PASTES_OFF + KEY_FLAGS_OFF)


def _raw_modes(modes: list[Any], of: Any) -> list[Any]:
    """Return the terminal modes that Textual sets; those of the output stay."""
    read, output, control, local, *rest = modes
    read &= ~(of.IXON | of.IXOFF | of.ICRNL | of.INLCR | of.IGNCR)
    local &= ~(of.ECHO | of.ICANON | of.IEXTEN | of.ISIG)
    return [read, output, control, local, *rest]


@contextmanager
def _collected_signals() -> Iterator[list[int]]:
    """Collect the signals that end the program, so that the terminal is restored first."""
    signals: list[int] = []

    def collect(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - Python's signature
        signals.append(signum)

    before = {each: signal.signal(each, collect) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield signals
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _ask() -> tuple[bool, bytes]:
    """Return whether the terminal has the kitty protocol, and other input that arrived."""
    _write(_ASK.decode())
    received = b""
    deadline = time.monotonic() + PATIENCE
    while not _ANSWERED.search(received) and (left := deadline - time.monotonic()) > 0:
        if _is_ready(left):
            if not (data := _read()):
                break
            received += data
    has_kitty = _FLAGS.search(received) is not None and not constants.DISABLE_KITTY_KEY
    return has_kitty, _ANSWERS.sub(b"", received)


def _is_ready(seconds: float) -> bool:
    return bool(select.select([sys.stdin], [], [], seconds)[0])


def _read() -> bytes:
    try:
        return os.read(sys.stdin.fileno(), _READ_SIZE)
    except OSError:
        # The terminal is gone.
        return b""


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
