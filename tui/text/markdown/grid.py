"""Draws one record of a table: in columns, or folded into one line for each cell.

A drawn row has, for each of its characters, the index in the record's line. So the text of a
selection on the screen can be found.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Literal, TypeAlias

from rich.cells import cell_len
from textual.content import Content

from tui.text.markdown.text import joined, piece
from tui.text.markdown.wrap import Cut, wrap

Record: TypeAlias = Sequence[Content]
"""The cells of one row of a table."""

Alignment = Literal["left", "center", "right"]

RecordRow: TypeAlias = tuple[Content, tuple[int, ...]]
"""A drawn row, and for each of its characters the index in the record's line."""

BETWEEN = " | "
"""The separator between two cells in a record's line."""

RULES = "$foreground 55%"

_EMPTY = Content("")

LONG_CELL = 1_000
"""The wraps of a cell with at least this many characters are cached."""


def line_of(record: Record) -> str:
    """Return the record as one line of text. Each cell keeps its length."""
    return BETWEEN.join(cell.plain.replace("\n", " ") for cell in record)


def cell_width(words: str) -> int:
    """Return the width of a cell's longest line, in cells of the screen."""
    return max(map(cell_len, words.split("\n"))) if "\n" in words else cell_len(words)


def grid_height(record: Record, widths: Sequence[int]) -> int:
    """Return how many rows a record has in columns of these widths."""
    pairs = zip(record, widths, strict=True)
    return max(len(_cuts(cell.plain, width)) for cell, width in pairs)


def _cuts(words: str, width: int) -> Sequence[Cut]:
    return _cuts_of_long(words, width) if len(words) >= LONG_CELL else _wrap_lines(words, width)


def _wrap_lines(words: str, width: int) -> Sequence[Cut]:
    """Wrap a text that may have several lines."""
    if "\n" not in words:
        return wrap(words, width)
    cuts: list[Cut] = []
    start = 0
    for line in words.split("\n"):
        cuts += [(start + begin, start + end) for begin, end in wrap(line, width)]
        start += len(line) + 1
    return cuts


# A lookup is cheap, because a string caches its hash.
_cuts_of_long = lru_cache(maxsize=128)(_wrap_lines)


def grid_row(
    record: Record, widths: Sequence[int], alignments: Sequence[Alignment], index: int
) -> RecordRow:
    """Draw one row of a record in columns."""
    parts: list[Content] = []
    places: list[int] = []
    start = 0
    for column, cell in enumerate(record):
        if column:
            parts.append(Content.styled(" │ ", RULES))
            places += range(start - len(BETWEEN), start)
        cuts = _cuts(cell.plain, widths[column])
        a, b = cuts[index] if index < len(cuts) else (len(cell.plain), len(cell.plain))
        padding = widths[column] - cell_len(cell.plain[a:b])
        before = {"left": 0, "center": padding // 2, "right": padding}[alignments[column]]
        after = padding - before
        parts += [Content(" " * before), piece(cell, a, b), Content(" " * after)]
        places += [start + a] * before
        places += range(start + a, start + b)
        places += [start + b] * after
        start += len(cell.plain) + len(BETWEEN)
    return joined(*parts), tuple(places)


def grid_rule(widths: Sequence[int]) -> Content:
    """Draw the line under the headers."""
    return Content.styled("─┼─".join("─" * width for width in widths), RULES)


def folded_height(headers: Record, record: Record, width: int) -> int:
    """Return how many rows a record has when each cell has lines of its own."""
    return sum(
        _folded_cell_height(header.plain, cell.plain, width)
        for header, cell in zip_longest(headers, record, fillvalue=_EMPTY)
    )


def _folded_cell_height(header: str, cell: str, width: int) -> int:
    length = len(header) + 2 + len(cell)
    is_one_line = "\n" not in cell and "\n" not in header
    if length <= width and header.isascii() and cell.isascii() and is_one_line:
        return 1
    colon = ": " if cell else ":"
    return len(_wrap_lines(f"{header}{colon}{cell}" if header else cell, width))


def folded_rows(headers: Record, record: Record, width: int) -> list[RecordRow]:
    """Draw a record with lines for each cell, after the header of its column."""
    rows: list[RecordRow] = []
    start = 0
    for header, cell in zip_longest(headers, record, fillvalue=_EMPTY):
        colon = Content(": " if cell.plain else ":")
        label = joined(header, colon) if header.plain else header
        line = joined(label, cell)
        places = [start] * len(label.plain)
        places += range(start, start + len(cell.plain))
        rows += [
            (piece(line, a, b), tuple(places[a:b])) for a, b in _wrap_lines(line.plain, width)
        ]
        start += len(cell.plain) + len(BETWEEN)
    return rows


def folded_headers(headers: Record, width: int) -> list[RecordRow]:
    """Draw the headers of a folded table that has no other records yet."""
    return folded_rows([Content("")] * len(headers), headers, width)
