"""The key of a binding, with the user's own choices."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from tui.config.keymap import format_keys


def effective_key(screen: Screen[Any], name: str) -> str:
    """Return the first key that has the binding `name` at the present focus, or ""."""
    for key, active in screen.active_bindings.items():
        if active.binding.id == name:
            return format_keys([key])
    return ""
