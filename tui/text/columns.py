"""Fits text into the columns of a terminal, where some characters are two wide."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

__all__ = ["cell_len", "cut", "padded"]


def padded(text: str, width: int) -> str:
    """Return a text with spaces behind it, up to `width` columns."""
    return text + " " * (width - cell_len(text))


def cut(text: str, width: int) -> str:
    """Return the beginning of a text, at most `width` columns of it."""
    return text if cell_len(text) <= width else set_cell_size(text, width)
