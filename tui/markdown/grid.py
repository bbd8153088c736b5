"""How one record of a table is drawn: beside each other in columns, or folded.

A picture of a record is a list of rows, and a row a list of pieces. Each piece
knows which characters of the record's line it shows, so that what is selected on
the screen can be told from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Literal, TypeAlias

from rich.cells import cell_len
from textual.content import Content

from tui.markdown.text import joined, piece
from tui.markdown.wrap import Cut, wrap

Record: TypeAlias = Sequence[Content]
"""The cells of one row of a table."""

Alignment = Literal["left", "center", "right"]

Picture: TypeAlias = tuple[Content, tuple[int, ...]]
"""A row as drawn, and for each of its characters its place in the record's line."""

BETWEEN = " | "
"""What stands between two cells in a record's line."""

RULES = "$foreground 30%"

_EMPTY = Content("")

LONG_CELL = 1_000
"""Characters from which on where a cell is broken is remembered, row by row."""


def line_of(record: Record) -> str:
    """Return the record as a line of text."""
    return BETWEEN.join(cell.plain for cell in record)


def grid_height(record: Record, widths: Sequence[int]) -> int:
    """Return how many rows a record takes in columns of these widths."""
    pairs = zip(record, widths, strict=True)
    return max(len(_cuts(cell.plain, width)) for cell, width in pairs)


def _cuts(words: str, width: int) -> Sequence[Cut]:
    return _cuts_of_long(words, width) if len(words) >= LONG_CELL else wrap(words, width)


# As long as it is looked up it costs nothing: a string knows its hash.
_cuts_of_long = lru_cache(maxsize=128)(wrap)


def grid_row(
    record: Record, widths: Sequence[int], alignments: Sequence[Alignment], index: int
) -> Picture:
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
        spare = widths[column] - cell_len(cell.plain[a:b])
        before = {"left": 0, "center": spare // 2, "right": spare}[alignments[column]]
        after = spare - before
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
    """Return how many rows a record takes with a line for each cell."""
    return sum(
        _folded_cell_height(header.plain, cell.plain, width)
        for header, cell in zip_longest(headers, record, fillvalue=_EMPTY)
    )


def _folded_cell_height(header: str, cell: str, width: int) -> int:
    length = len(header) + 2 + len(cell)
    if length <= width and header.isascii() and cell.isascii():
        return 1
    colon = ": " if cell else ":"
    return len(wrap(f"{header}{colon}{cell}" if header else cell, width))


def folded_rows(headers: Record, record: Record, width: int) -> list[Picture]:
    """Draw a record with a line for each cell, after the header of its column."""
    rows: list[Picture] = []
    start = 0
    for header, cell in zip_longest(headers, record, fillvalue=_EMPTY):
        colon = Content(": " if cell.plain else ":")
        label = joined(header, colon) if header.plain else header
        line = joined(label, cell)
        places = [start] * len(label.plain)
        places += range(start, start + len(cell.plain))
        rows += [(piece(line, a, b), tuple(places[a:b])) for a, b in wrap(line.plain, width)]
        start += len(cell.plain) + len(BETWEEN)
    return rows


def folded_headers(headers: Record, width: int) -> list[Picture]:
    """Draw the headers of a folded table that has no other records yet."""
    return folded_rows([Content("")] * len(headers), headers, width)
