"""The last gate before the terminal.

Text is cleaned where it is laid out; whatever slips past that, in any widget, is
caught here, so that nothing drawn can be an escape sequence.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tui.sanitise import clean


class ControlFilter(LineFilter):
    """Replaces control characters in every line that is drawn."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's signature
        """Return the same line with nothing in it that can drive a terminal."""
        return [
            segment
            if segment.control or segment.text.isprintable()
            else Segment(_one_line(segment.text), segment.style)
            for segment in segments
        ]


def _one_line(text: str) -> str:
    return clean(text).replace("\n", " ").replace("\t", " ")
