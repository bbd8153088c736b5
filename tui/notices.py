"""The terminal's own notice that something has ended where nobody is looking."""

from __future__ import annotations

from collections.abc import Mapping

from tui.emulator import Emulator, emulator
from tui.sanitise import clean_line

BELL = "\a"
LONGEST = 120
"""How long a notice is, in characters: enough for a long title and how it ended."""


def sequence(told: str, environ: Mapping[str, str]) -> str:
    """Return what makes the terminal show a notice; where it has none, the bell.

    Inside tmux and screen it is the bell, which they hand on: what is wrapped for the
    terminal around them they drop, unless they were told otherwise.
    """
    # A semicolon ends a field, and after a digit it is another command to some.
    text = clean_line(told).replace(";", ",")[:LONGEST]
    match emulator(environ):
        case Emulator.ITERM | Emulator.WEZTERM | Emulator.GHOSTTY | Emulator.WINDOWS:
            return f"\x1b]9;{text}{BELL}"
        case Emulator.KITTY:
            return f"\x1b]99;;{text}\x1b\\"
        case Emulator.FOOT | Emulator.RXVT | Emulator.VTE:
            return f"\x1b]777;notify;streamchat-tui;{text}{BELL}"
        case _:
            return BELL
