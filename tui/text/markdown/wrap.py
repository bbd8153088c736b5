"""Wraps a line of text to a width.

A break removes only the space at which it is made.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from rich.cells import cell_len, split_graphemes

Cut = tuple[int, int]
"""The start and the end of a row in its line, in characters."""

# Latin, Greek, Cyrillic, dashes, quotes, arrows, boxes. To search for other characters takes
# a fiftieth of the time of measuring.
_SINGLE = (
    " -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482"
    "\u2010-\u2027\u2030-\u205e\u2190-\u2199\u2500-\u25fc"
)
_FIRST_WIDE = "\u3000"
_WIDE = "\u3000-\u3029\u3041-\u3096\u30a0-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60"
_NOT_SINGLE = re.compile(f"[^{_SINGLE}]")
_NOT_PLAIN = re.compile(f"[^{_SINGLE}{_WIDE}]")
"""Characters that may be combined with their neighbours."""


CHUNK = 1_000
"""How many characters of a long line are measured at once."""


def wrap(line: str, width: int) -> list[Cut]:
    """Return the rows of `line` at `width` cells; an empty line has one row.

    Breaks at spaces and between wide characters, and inside of a word that is longer than a
    row. Never breaks a grapheme.
    """
    if len(line) <= width and line.isascii():
        return [(0, len(line))]
    if _NOT_SINGLE.search(line) is None:
        return _wrap_single(line, width)
    if len(line) <= CHUNK:
        return _wrap_measured(line, width)
    return list(_wrap_chunks(line, width, CHUNK))


def _wrap_chunks(line: str, width: int, chunk: int) -> Iterator[Cut]:
    """Wrap a long line in chunks, so that only the chunk with an emoji is slow to measure."""
    start, size = 0, chunk
    while start + size < len(line):
        cuts = _wrap_any(line[start : start + size], width)
        if len(cuts) < 4:
            size *= 2
            continue
        # The ends of the last rows may depend on the text after the chunk.
        yield from ((start + begin, start + end) for begin, end in cuts[:-2])
        start, size = start + cuts[-2][0], chunk
    yield from ((start + begin, start + end) for begin, end in _wrap_any(line[start:], width))


def _wrap_any(line: str, width: int) -> list[Cut]:
    is_single = _NOT_SINGLE.search(line) is None
    return _wrap_single(line, width) if is_single else _wrap_measured(line, width)


def _wrap_single(line: str, width: int) -> list[Cut]:
    """Wrap text in which every character is one cell wide."""
    cuts = []
    start, length = 0, len(line)
    while length - start > width:
        space = line.rfind(" ", start, start + width + 1)
        if space <= start or line[start:space].isspace():
            cuts.append((start, start + width))
            start += width
        else:
            cuts.append((start, space))
            start = space + 1
    cuts.append((start, length))
    return cuts


def _wrap_measured(line: str, width: int) -> list[Cut]:
    """Wrap any text."""
    starts, cells = _measure(line)
    cuts = []
    first = 0
    while cells[-1] - cells[first] > width and first < len(cells) - 2:
        # As many graphemes as fit, but at least one.
        last = max(bisect_right(cells, cells[first] + width) - 1, first + 1)
        stop, following = _break(line, starts, cells, first, last)
        cuts.append((starts[first], starts[stop]))
        first = following
    cuts.append((starts[first], len(line)))
    return cuts


def _measure(line: str) -> tuple[Sequence[int], list[int]]:
    """Return the start of each grapheme, and the number of cells before it."""
    if _NOT_PLAIN.search(line) is None:
        widths = [2 if character >= _FIRST_WIDE else 1 for character in line]
        return range(len(line) + 1), list(accumulate(widths, initial=0))
    graphemes = list(_graphemes(line))
    starts = [*(begin for begin, _, _ in graphemes), len(line)]
    return starts, list(accumulate((cells for _, _, cells in graphemes), initial=0))


def _break(
    line: str, starts: Sequence[int], cells: list[int], first: int, last: int
) -> tuple[int, int]:
    """Return the end of the row that begins at grapheme `first`, and the start of the next.

    `last` is the end of the graphemes that fit.
    """
    begin = starts[first]
    for index in range(last, first, -1):
        start = starts[index]
        if line[start : starts[index + 1]] == " " and not line[begin:start].isspace():
            return index, index + 1
        if cells[index + 1] - cells[index] > 1 and cells[index] - cells[index - 1] > 1:
            return index, index
    return last, last


def _graphemes(line: str) -> Iterator[tuple[int, int, int]]:
    """Yield the start, end and width of each grapheme; the two letters of a flag are one."""
    spans, _ = split_graphemes(line)
    flag: int | None = None
    for (begin, end, cells), (following, _, _) in pairwise([*spans, (len(line), 0, 0)]):
        if flag is not None:
            yield flag, end, cell_len(line[flag:end])
            flag = None
        elif _is_flag_letter(line, begin) and _is_flag_letter(line, following):
            flag = begin
        elif end - begin > 1:
            # `split_graphemes` counts joiners that join nothing, but they are not drawn.
            yield begin, end, cell_len(line[begin:end])
        else:
            yield begin, end, cells


def _is_flag_letter(line: str, index: int) -> bool:
    return "\U0001f1e6" <= line[index : index + 1] <= "\U0001f1ff"
