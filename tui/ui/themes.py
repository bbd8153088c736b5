"""The two themes of this program, one dark and one light."""

from __future__ import annotations

from collections.abc import Collection

from textual.theme import BUILTIN_THEMES, Theme

AUTO = "auto"
"""The name for "let the terminal's background choose between the two"."""


def _variables(*, accent: str, primary: str, foreground: str) -> dict[str, str]:
    """Return our values for colours that Textual would mix from the theme's own."""
    return {
        # Textual mixes these with the text colour, and one accent would become two shades.
        "text-accent": accent,
        "text-primary": primary,
        # A pale shade: in the secondary colour the cursor was the brightest thing on screen.
        "block-cursor-background": f"{accent}1c",
        "block-cursor-blurred-background": f"{accent}1c",
        "block-cursor-foreground": foreground,
        "block-cursor-text-style": "bold",
        "input-selection-background": f"{primary}59",
    }


DARK = Theme(
    name="streamchat-dark",
    primary="#7aa2c8",
    secondary="#9a8fb8",
    accent="#d98a66",
    warning="#d9b566",
    error="#d9706b",
    success="#8fb573",
    foreground="#dcd7d0",
    background="#1b1a18",
    surface="#282622",
    panel="#34322d",
    dark=True,
    variables=_variables(accent="#d98a66", primary="#7aa2c8", foreground="#dcd7d0"),
)
LIGHT = Theme(
    name="streamchat-light",
    primary="#2f6390",
    secondary="#6a5b94",
    accent="#9c4520",
    warning="#7a5700",
    error="#b3312b",
    success="#47742a",
    foreground="#2b2926",
    background="#faf8f4",
    surface="#edeae2",
    panel="#e2ddd3",
    dark=False,
    variables=_variables(accent="#9c4520", primary="#2f6390", foreground="#2b2926"),
)


def known_themes() -> Collection[str]:
    """Return the names of the themes that can be chosen."""
    return (AUTO, *BUILTIN_THEMES, DARK.name, LIGHT.name)
