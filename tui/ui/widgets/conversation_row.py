"""Draws the rows of the list of conversations."""

from __future__ import annotations

from typing import Protocol

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.domain.conversation_list import ConversationSummary, Group
from tui.text import formatting
from tui.text.sanitise import clean_line
from tui.ui.widgets.conversation_marks import ConversationMarks, Mark

CURSOR, OPEN, HOVER = "sidebar--cursor", "sidebar--open", "sidebar--hover"
CHOSEN, HEADING, MUTED = "sidebar--chosen", "sidebar--heading", "sidebar--muted"

_SIGNS: dict[Mark, str] = {
    "streaming": "●",
    "retrying": "↻",
    "queued": "◔",
    "unread": "✓",
    "failed": "✗",
    "draft": "✎",
}
_CHOSEN_SIGN = "■"
_CURSOR_BAR = "▌"

COMPONENT_CLASSES = {
    CURSOR,
    OPEN,
    HOVER,
    CHOSEN,
    HEADING,
    MUTED,
    *(f"sidebar--{mark}" for mark in _SIGNS),
}
"""The component classes that style the rows."""


class StyleOf(Protocol):
    """A widget's style for some of its component classes together."""

    def __call__(self, *component_classes: str) -> Style:
        """Return the present style: the theme may change it."""


class ConversationRows:
    """Draws rows of any width, in the present style of their widget."""

    def __init__(self, marks: ConversationMarks, style_of: StyleOf) -> None:
        self._marks = marks
        self._style_of = style_of

    def words(self, text: str, width: int, *component_classes: str) -> Strip:
        """Draw a row that is only text."""
        return _strip(width, Segment(f" {text}", self._style_of(*component_classes)))

    def heading(self, group: Group, width: int, now_ms: int) -> Strip:
        """Draw the heading of a group."""
        pinned = group.is_pinned
        text = "Pinned" if pinned else formatting.date_group(group.since_ms, now_ms)
        return self.words(text, width, HEADING)

    def conversation(
        self,
        conversation: ConversationSummary,
        width: int,
        now_ms: int,
        *component_classes: str,
    ) -> Strip:
        """Draw a conversation; component classes make its row stand out."""
        part, style = component_classes, self._style_of
        plain, muted = style(*part), style(MUTED, *part)
        mark = self._marks.of(conversation)
        signs = style(f"sidebar--{mark}", *part) if mark else plain
        age = self._marks.waits.get(conversation.id)
        age = age or formatting.age(conversation.updated_ms, now_ms)
        room = max(1, width - 5 - cell_len(age))
        title = _fit(clean_line(conversation.title) or "Untitled", room)
        sign = _SIGNS[mark] if mark else " "
        if conversation.id in self._marks.chosen:
            sign, signs = _CHOSEN_SIGN, style(CHOSEN, *part)
        # A bar as well: without colours nobody sees a shade.
        bar = _CURSOR_BAR if part == (CURSOR,) else " "
        return _strip(
            width,
            Segment(bar, style(*part, CHOSEN)),
            Segment(f"{sign} ", signs),
            Segment(f"{title} ", plain),
            Segment(f"{age} ", muted),
        )


def _strip(width: int, *segments: Segment) -> Strip:
    return Strip(segments).adjust_cell_length(width, segments[-1].style)


def _fit(title: str, width: int) -> str:
    """Return a title of exactly `width` cells, cut with an ellipsis if need be."""
    if title.isascii() and len(title) <= width:
        return title.ljust(width)
    if cell_len(title) <= width:
        return set_cell_size(title, width)
    return set_cell_size(set_cell_size(title, width - 1).rstrip() + "…", width)
