"""The text of the composer with its cursor, and the edit that replaces it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from textual.document._document import EditResult, Selection
from textual.document._edit import Edit
from textual.widgets import TextArea

LONGEST_LINE = 10_000
"""Most characters of a line that can be edited: Textual reads all of it for each key."""

MOST_LINES = 10_000
"""Most lines that can be edited: Textual goes over all of them for each key."""


MOST_CHARACTERS = 200_000
"""Most characters that can be edited, in all lines together."""


@dataclass(frozen=True, slots=True)
class ComposedText:
    """A text as the composer holds it."""

    text: str
    """The text that can be edited."""
    before: str = ""
    """Text before it that is too large to edit."""
    selection: Selection | None = None
    """The cursor and the selection; None for a cursor at the end."""

    @property
    def whole(self) -> str:
        """The whole text."""
        return self.before + self.text


def composed(text: str) -> ComposedText:
    """Return a text as the composer would hold it."""
    return ComposedText("", before=text) if is_too_large(text) else ComposedText(text)


def is_too_large(text: str) -> bool:
    """Tell whether a text cannot be edited at the speed of typing."""
    if len(text) > MOST_CHARACTERS:
        return True
    lines = text.split("\n", MOST_LINES)
    return len(lines) > MOST_LINES or max(map(len, lines)) > LONGEST_LINE


class HasTextBefore(Protocol):
    """A text area that also holds text that is too large to edit."""

    def put_before(self, text: str) -> str:
        """Set the text that is too large to edit; return the one before it."""


class Replacement(Edit):
    """An edit that replaces the whole text. Undoing it restores everything."""

    def __init__(self, area: TextArea, written: ComposedText) -> None:
        super().__init__(
            written.text, (0, 0), area.document.end, maintain_selection_offset=False
        )
        self._written = written
        self._before = ""
        """The replaced text that was too large to edit."""

    def do(self, text_area: Any, record_selection: bool = True) -> EditResult:  # noqa: FBT001, FBT002 - Textual's signature
        """Set the text and the cursor."""
        result = super().do(text_area, record_selection)
        area: HasTextBefore = text_area
        self._before = area.put_before(self._written.before)
        if self._written.selection is not None:
            self._updated_selection = self._written.selection
        return result

    def undo(self, text_area: Any) -> EditResult:
        """Restore the replaced text."""
        area: HasTextBefore = text_area
        area.put_before(self._before)
        return super().undo(text_area)
