"""Detects the terminal emulator from environment variables.

Variables are inherited: a terminal that was started from another one has the variables of
both. Each terminal sets `TERM` itself, so `TERM` comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto


class Emulator(Enum):
    """A kind of terminal with known capabilities."""

    ALACRITTY = auto()
    APPLE = auto()
    """Terminal.app of macOS."""
    CONSOLE = auto()
    """The text console of Linux, without a desktop."""
    DUMB = auto()
    FOOT = auto()
    GHOSTTY = auto()
    ITERM = auto()
    KITTY = auto()
    RXVT = auto()
    SCREEN = auto()
    """GNU screen, in any terminal."""
    TMUX = auto()
    """tmux, in any terminal."""
    VTE = auto()
    """GNOME Terminal and others that use the VTE library."""
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
    """Return the terminal for the variables of an environment."""
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
    # ssh passes on variables that begin with LC_. Only iTerm2 uses one.
    if environ.get("LC_TERMINAL") == "iTerm2":
        return Emulator.ITERM
    found_kinds = (kind for name, kind in _BY_VARIABLE.items() if environ.get(name))
    return next(found_kinds, Emulator.UNKNOWN)
