"""The last filter before the terminal.

Text is cleaned where it is laid out. This filter catches what any widget has missed, so
that no drawn text can contain an escape sequence.
"""

from __future__ import annotations

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tui.text.sanitise import clean


class ControlFilter(LineFilter):
    """Replaces control characters in every line that is drawn."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's signature
        """Return the line without control characters."""
        return [
            segment
            if segment.control or segment.text.isprintable()
            else Segment(_one_line(segment.text), segment.style)
            for segment in segments
        ]


def _one_line(text: str) -> str:
    """Return the clean text, as wide as Textual believes it to be: else the row shifts."""
    cleaned = clean(text).replace("\n", " ").replace("\t", " ")
    if cell_len(cleaned) == cell_len(text):
        return cleaned
    return "".join(map(_as_wide, text))


def _as_wide(character: str) -> str:
    cleaned = clean(character)
    width = get_character_cell_size(character)
    return cleaned if get_character_cell_size(cleaned or "\0") == width else " " * width
