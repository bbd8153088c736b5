"""Desktop notifications of the terminal, for a reply that ends while the user is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from tui.terminal.emulator import Emulator, emulator
from tui.text.sanitise import clean_line

BELL = "\a"
LONGEST = 120
"""The longest notification, in characters: enough for a long title and an end reason."""


def sequence(text: str, environ: Mapping[str, str]) -> str:
    """Return the control sequence for a notification, or the bell if there is none.

    For tmux and screen, it is the bell, which they pass on. By default, they drop a sequence
    for the terminal around them.
    """
    # A semicolon ends a field. After a digit, some terminals take it for another command.
    text = clean_line(text).replace(";", ",")[:LONGEST]
    match emulator(environ):
        case Emulator.ITERM | Emulator.WEZTERM | Emulator.GHOSTTY | Emulator.WINDOWS:
            return f"\x1b]9;{text}{BELL}"
        case Emulator.KITTY:
            return f"\x1b]99;;{text}\x1b\\"
        case Emulator.FOOT | Emulator.RXVT | Emulator.VTE:
            return f"\x1b]777;notify;streamchat-tui;{text}{BELL}"
        case _:
            return BELL
