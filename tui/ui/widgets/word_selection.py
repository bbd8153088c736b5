"""The word that a double click selects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.geometry import Offset
from textual.selection import Selection

from tui.ui.widgets.selecting import line_id

if TYPE_CHECKING:
    from tui.ui.widgets.entry import Entry

_WORD = re.compile(r"\w+")


def word_at(
    entry: Entry, place: tuple[int, int], cells: int, *, width: int
) -> Selection | None:
    """Return the word `cells` from the left of a row; None if there is none.

    `place` is the message's number, and the row's number in the message.
    """
    number, offset = place
    leaf, row = entry.row(offset, width)
    lines = dict(entry.lines(width)).get(leaf)
    if lines is None or row.line < 0:
        return None
    at = row.place(_index_at(row.content.plain, cells))
    y = line_id(number, leaf, row.line)
    for word in _WORD.finditer(lines[row.line]):
        if word.start() <= at < word.end():
            return Selection(Offset(word.start(), y), Offset(word.end(), y))
    return None


def _index_at(text: str, cells: int) -> int:
    """Return the index of the character that is `cells` from the left of a text."""
    for index in range(len(text)):
        if cell_len(text[: index + 1]) > cells:
            return index
    return len(text)
