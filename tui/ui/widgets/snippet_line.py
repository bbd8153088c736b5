"""One line of a list with a snippet of a text, whose matches are highlighted."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content

from tui.domain.query import Snippet
from tui.text.sanitise import clean

_AROUND = 12
"""Columns that remain for the text after a match."""


def around_mark(snippet: Snippet, width: int) -> Snippet:
    """Return a snippet that begins late enough to show its first match."""
    text, marks = snippet.text, snippet.marks
    if not marks or cell_len(text[: marks[0][1]]) < width:
        return snippet
    first, after = marks[0]
    begin = next(
        (at for at in range(first) if cell_len(text[at:after]) < width - _AROUND), first
    )
    return Snippet(
        f"…{text[begin:]}", tuple((at + 1 - begin, end + 1 - begin) for at, end in marks)
    )


def marked(snippet: Snippet) -> Content:
    """Return the snippet's text with its matches highlighted."""
    # Piece by piece: cleaning can make a text longer, and the marks would be off.
    pieces, end = [], 0
    for start, after in snippet.marks:
        if start >= end:
            pieces.append(Content(clean(snippet.text[end:start])))
            mark = clean(snippet.text[start:after])
            pieces.append(Content(mark).stylize("bold $accent"))
            end = after
    pieces.append(Content(clean(snippet.text[end:])))
    return Content("").join(pieces)
