"""Computes the widths of a table's columns."""

from __future__ import annotations

from collections.abc import Sequence

MIN_COLUMN = 4
"""The smallest width to which a wider column is reduced, in cells."""

BETWEEN = 3
"""Cells between two columns: a rule with a space on each side."""


def column_widths(natural: Sequence[int], width: int) -> list[int] | None:
    """Return the widths of columns in a table that is `width` cells wide.

    `natural` has the widths that the columns need. Narrow columns get what they need; the
    wide ones share the rest equally. Returns None if one would be narrower than `MIN_COLUMN`.
    """
    room = width - BETWEEN * (len(natural) - 1)
    if sum(natural) <= room:
        return list(natural)
    if sum(min(cells, MIN_COLUMN) for cells in natural) > room:
        return None
    share, left = _share(natural, room)
    widths = [min(cells, share) for cells in natural]
    for column, cells in enumerate(natural):
        if cells > share and left:
            widths[column] += 1
            left -= 1
    return widths


def _share(natural: Sequence[int], room: int) -> tuple[int, int]:
    """Return the largest width that all wide columns can have, and the cells left over."""
    columns = sorted(natural)
    while columns:
        share, left = divmod(room, len(columns))
        if columns[0] > share:
            return share, left
        room -= columns.pop(0)
    return max(natural), room
