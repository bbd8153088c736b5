"""The two themes the program is made for."""

from __future__ import annotations

from textual.theme import Theme

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
    surface="#24221f",
    panel="#2d2b27",
    dark=True,
)
LIGHT = Theme(
    name="streamchat-light",
    primary="#2f6390",
    secondary="#6a5b94",
    accent="#b4552d",
    warning="#946a00",
    error="#b3312b",
    success="#47742a",
    foreground="#2b2926",
    background="#faf8f4",
    surface="#f1eee8",
    panel="#e6e2da",
    dark=False,
)
