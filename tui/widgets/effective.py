"""The key that the user presses for something, whatever they have chosen."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from tui.keymap import shown


def effective_key(screen: Screen[Any], name: str) -> str:
    """Return the first key of a binding's id where the focus is now; "" if it has none."""
    for key, active in screen.active_bindings.items():
        if active.binding.id == name:
            return shown([key])
    return ""
