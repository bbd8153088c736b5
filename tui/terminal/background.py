r"""Finds out with OSC 11 whether the terminal's background is dark.

These functions do no I/O. An answer is `OSC 11 ; rgb:1e1e/1e1e/1e1e ST`, with one to four
hexadecimal digits for each component. tmux answers for the terminal around it. Some terminals
never answer.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from textual.message import Message

ASK: Final = "\x1b]11;?\x1b\\"

PATIENCE: Final = 0.1
"""Seconds that the first screen waits for an answer."""

_ANSWER = re.compile(
    rb"\x1b\]11;(?:rgb:|rgba:|#)"
    rb"([0-9a-fA-F]+)(?:/([0-9a-fA-F]+)/([0-9a-fA-F]+)(?:/[0-9a-fA-F]+)?)?"
)
_DARKEST_LIGHT = 0.18
"""The luminance that looks half-way between black and white."""


@dataclass
class BackgroundReported(Message):
    """The terminal has reported whether its background is dark."""

    is_dark: bool


@runtime_checkable
class BackgroundListener(Protocol):
    """An app that needs the background before it draws its first screen."""

    def set_background(self, *, is_dark: bool) -> None:
        """Use the background that the terminal has reported."""


def background_in(answer: bytes) -> BackgroundReported | None:
    """Return the background in an OSC string; None if the string does not report it."""
    if (found := _ANSWER.match(answer)) is None:
        return None
    first, *others = found.groups()
    if others[0] is None:
        # `#rrggbb`, with the same number of digits for each component.
        size, rest = divmod(len(first), 3)
        parts = [] if rest else [first[at : at + size] for at in range(0, len(first), size)]
    else:
        parts = [first, *others]
    if not parts or any(not 1 <= len(part) <= 4 for part in parts):
        return None
    return BackgroundReported(is_dark=_luminance(*map(_share, parts)) < _DARKEST_LIGHT)


def _share(digits: bytes) -> float:
    return int(digits, 16) / int(b"f" * len(digits), 16)


def _luminance(red: float, green: float, blue: float) -> float:
    """Return the relative luminance as WCAG defines it, from 0 to 1."""
    return 0.2126 * _linear(red) + 0.7152 * _linear(green) + 0.0722 * _linear(blue)


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else math.pow((share + 0.055) / 1.055, 2.4)
