"""Toasts: notices that appear at the edge of the screen for a while."""

from __future__ import annotations

from typing import Any

from textual.app import App


def retract(app: App[Any], message: str) -> bool:
    """Remove the toasts with this message; return False if none is visible."""
    # Textual 8.2.8 has no public way to remove a single toast.
    toasts = [each for each in app._notifications if each.message == message]  # noqa: SLF001
    for each in toasts:
        app._unnotify(each)  # noqa: SLF001
    return bool(toasts)
