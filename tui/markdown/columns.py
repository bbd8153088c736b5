"""How wide the columns of a table are."""

from __future__ import annotations

from collections.abc import Sequence

LEAST_COLUMN = 4
"""The narrowest a column is made that would be wider, in cells."""

BETWEEN = 3
"""Cells from one column to the next: a rule, and a blank on either side."""


def column_widths(natural: Sequence[int], width: int) -> list[int] | None:
    """Return the widths of columns whose longest lines are `natural`, in `width` cells.

    Narrow columns have what they need; the wide ones share the rest alike. None if
    some would be narrower than `LEAST_COLUMN`.
    """
    room = width - BETWEEN * (len(natural) - 1)
    if sum(natural) <= room:
        return list(natural)
    if sum(min(cells, LEAST_COLUMN) for cells in natural) > room:
        return None
    share, left = _share(natural, room)
    widths = [min(cells, share) for cells in natural]
    for column, cells in enumerate(natural):
        if cells > share and left:
            widths[column] += 1
            left -= 1
    return widths


def _share(natural: Sequence[int], room: int) -> tuple[int, int]:
    """Return how much a column may take if all may take as much, and what is left."""
    columns = sorted(natural)
    while columns:
        share, left = divmod(room, len(columns))
        if columns[0] > share:
            return share, left
        room -= columns.pop(0)
    return max(natural), room
