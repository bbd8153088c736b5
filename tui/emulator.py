"""Which terminal this is, as far as its variables tell.

Variables are inherited: a terminal started from another one carries both names.
`TERM` is set anew by each, so it is believed first.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto


class Emulator(Enum):
    """A kind of terminal whose abilities are known."""

    ALACRITTY = auto()
    APPLE = auto()
    """Terminal.app of macOS."""
    CONSOLE = auto()
    """The Linux console, without a desktop."""
    DUMB = auto()
    FOOT = auto()
    GHOSTTY = auto()
    ITERM = auto()
    KITTY = auto()
    RXVT = auto()
    SCREEN = auto()
    """GNU screen, in whatever terminal."""
    TMUX = auto()
    """tmux, in whatever terminal."""
    VTE = auto()
    """GNOME's terminal and its relatives."""
    WEZTERM = auto()
    WINDOWS = auto()
    """Windows Terminal."""
    UNKNOWN = auto()


_BY_TERM = {
    "xterm-kitty": Emulator.KITTY,
    "xterm-ghostty": Emulator.GHOSTTY,
    "wezterm": Emulator.WEZTERM,
    "alacritty": Emulator.ALACRITTY,
    "foot": Emulator.FOOT,
    "rxvt": Emulator.RXVT,
    "screen": Emulator.SCREEN,
    "tmux": Emulator.TMUX,
    "linux": Emulator.CONSOLE,
    "dumb": Emulator.DUMB,
}
_BY_PROGRAM = {
    "kitty": Emulator.KITTY,
    "ghostty": Emulator.GHOSTTY,
    "WezTerm": Emulator.WEZTERM,
    "iTerm.app": Emulator.ITERM,
    "Apple_Terminal": Emulator.APPLE,
}
_BY_VARIABLE = {
    "WT_SESSION": Emulator.WINDOWS,
    "KITTY_WINDOW_ID": Emulator.KITTY,
    "VTE_VERSION": Emulator.VTE,
}


def emulator(environ: Mapping[str, str]) -> Emulator:
    """Return the terminal that these variables belong to."""
    if environ.get("TMUX"):
        return Emulator.TMUX
    if environ.get("STY"):
        return Emulator.SCREEN
    term = environ.get("TERM", "")
    for begin, found in _BY_TERM.items():
        # `foot-direct`, `rxvt-unicode-256color`, `screen.xterm-256color`
        if term == begin or term.startswith((f"{begin}-", f"{begin}.")):
            return found
    if program := _BY_PROGRAM.get(environ.get("TERM_PROGRAM", "")):
        return program
    # iTerm2 alone gives its name in a variable that ssh hands on.
    if environ.get("LC_TERMINAL") == "iTerm2":
        return Emulator.ITERM
    told = (kind for name, kind in _BY_VARIABLE.items() if environ.get(name))
    return next(told, Emulator.UNKNOWN)
