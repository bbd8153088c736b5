"""What a selection copies: words inside one block, the Markdown source of whole blocks.

Textual's selections have a column and a row. Here the row is a number for each line of
each leaf of each message; these numbers sort in reading order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from textual.selection import Selection

if TYPE_CHECKING:
    from tui.text.markdown import Leaf

_LEAF, _MESSAGE = 20, 40
"""In a line's number, the lowest bit of the leaf's number and of the message's."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One text of a message as it is shown: its thinking, or a passage."""

    first: int
    """The number of its first leaf."""
    leaves: Sequence[Leaf]
    source: str
    """The text as it was written, without control characters."""
    starts: Sequence[int]
    """The line of the source at which each leaf begins."""


class Selectable(Protocol):
    """A message whose text can be selected."""

    def shown(self, width: int) -> Iterator[Shown]:
        """Yield its texts, laid out for a width in columns."""


def line_id(number: int, leaf: int, line: int) -> int:
    """Return the number of a line of a leaf of a message."""
    return number << _MESSAGE | (leaf + 1) << _LEAF | (line + 1)


def message_ids(number: int) -> tuple[int, int]:
    """Return the number before all lines of a message, and the number after them."""
    return number << _MESSAGE, (number + 1) << _MESSAGE


def selected(entries: Sequence[Selectable], selection: Selection, width: int) -> str:
    """Return the selected text."""
    start, end = selection
    first = 0 if start is None else start.y >> _MESSAGE
    last = len(entries) - 1 if end is None else min(end.y >> _MESSAGE, len(entries) - 1)
    is_inside = start is not None and end is not None and start.y >> _LEAF == end.y >> _LEAF
    taken = (
        _words(selection, number, shown) if is_inside else _written(selection, number, shown)
        for number in range(first, last + 1)
        for shown in entries[number].shown(width)
    )
    return "\n\n".join(filter(None, taken))


def _words(selection: Selection, number: int, shown: Shown) -> str:
    """Return the selected words, without Markdown's marks around them."""
    taken = (
        "\n".join(_spans(selection, number, shown.first + index, leaf))
        for index, leaf in enumerate(shown.leaves)
    )
    return "\n\n".join(filter(None, taken))


def _written(selection: Selection, number: int, shown: Shown) -> str:
    """Return the source of completely selected leaves, and the words of the others."""
    numbered = list(enumerate(shown.leaves, shown.first))
    whole = [_is_whole(selection, number, at, leaf) for at, leaf in numbered]
    if all(whole):
        return shown.source.strip("\n")
    if len(shown.starts) != len(shown.leaves):
        # The reply still arrives, and its end may yet be parsed differently.
        return _words(selection, number, shown)
    lines = shown.source.split("\n")
    pieces: list[tuple[int, int, str]] = []
    extents = zip(numbered, whole, pairwise([*shown.starts, len(lines)]), strict=True)
    for (at, leaf), is_whole, (begin, after) in extents:
        end = _without_blank(lines, begin, after)
        words = lines[begin:end] if is_whole else _spans(selection, number, at, leaf)
        if text := "\n".join(words):
            pieces.append((begin, end, text))
    return "".join(_joined(lines, pieces))


def _joined(lines: Sequence[str], pieces: Sequence[tuple[int, int, str]]) -> Iterator[str]:
    """Yield the pieces, with the lines of the source that are between them."""
    above = None
    for begin, end, text in pieces:
        if above is not None:
            yield "\n".join(["", *lines[above:begin], ""])
        yield text
        above = end


def _without_blank(lines: Sequence[str], begin: int, after: int) -> int:
    """Return the end of a block, without the blank lines before the next one at `after`."""
    while after > begin + 1 and not lines[after - 1].strip(" \t>"):
        after -= 1
    return after


def _spans(selection: Selection, number: int, at: int, leaf: Leaf) -> list[str]:
    return [
        line[slice(span[0], None if span[1] == -1 else span[1])]
        for index, line in enumerate(leaf.lines())
        if (span := selection.get_span(line_id(number, at, index))) is not None
    ]


def _is_whole(selection: Selection, number: int, at: int, leaf: Leaf) -> bool:
    spans = [
        (line, selection.get_span(line_id(number, at, index)))
        for index, line in enumerate(leaf.lines() or [""])
    ]
    return all(
        span is not None and span[0] == 0 and (span[1] == -1 or span[1] >= len(line))
        for line, span in spans
    )
