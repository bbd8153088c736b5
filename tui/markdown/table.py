"""A leaf of rows and columns, which may still be growing at its end.

What is asked for by number is a row of the screen; the table's own rows are called
records, its headers being the first. Cells wrap inside their columns. A table too
wide for that is folded: every cell is a line of its own, after its header.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from textual.content import Content

from tui.markdown.columns import column_widths
from tui.markdown.grid import (
    RULES,
    Alignment,
    Picture,
    Record,
    folded_headers,
    folded_height,
    folded_rows,
    grid_height,
    grid_row,
    grid_rule,
    line_of,
)
from tui.markdown.margin import NARROWEST, Margin
from tui.markdown.row import DrawnRows, Row
from tui.markdown.text import joined


@dataclass(slots=True)
class _Layout:
    """Where the records stand, at one width and for one set of columns."""

    width: int
    widths: list[int] | None
    """Of the columns; None if the table is folded."""
    has_body: bool
    starts: list[int] = field(default_factory=lambda: [0])
    """The first row of each record laid out, and the row after the last of them."""


class TableLeaf:
    """A table. All its records have as many cells as its headers."""

    def __init__(
        self, records: list[Record], alignments: Sequence[Alignment], margin: Margin
    ) -> None:
        self.margin = margin
        self.alignments = tuple(alignments)
        self._records = records
        self._settled = 0
        """How many records will not change any more."""
        self._settled_widths = [1] * len(self.alignments)
        self._natural = _widest(self._settled_widths, records)
        """The widths at which no cell would wrap."""
        self._last_widths: tuple[list[int], int, list[int] | None] | None = None
        """The natural widths and the width of the view, and what came of them."""
        self._last_layout = _Layout(-1, None, has_body=False)
        self._last_folded: tuple[Record, _Layout, list[Picture]] | None = None
        """The record that was folded last: a screen may show many rows of it."""
        self._drawn = DrawnRows()

    @property
    def key(self) -> Hashable:
        """What two leaves that show the same have in common."""
        cells = tuple((c.plain, tuple(c.spans)) for row in self._records for c in row)
        return ("table", self.alignments, cells, self.margin.key)

    def lines(self) -> Sequence[str]:
        """Return a line for each record."""
        return [line_of(record) for record in self._records]

    def settle(self, count: int) -> None:
        """Take the first `count` records under the unsettled ones for finished."""
        settled = self._records[self._settled : self._settled + count]
        self._settled_widths = _widest(self._settled_widths, settled)
        self._settled += len(settled)

    def replace_unsettled(self, records: Sequence[Record]) -> None:
        """Put `records` in the place of those not settled. Costs what they cost."""
        starts = self._last_layout.starts
        del starts[self._settled + 1 :]
        self._drawn.doubt(self.margin.gap + starts[-1])
        self._records[self._settled :] = records
        self._natural = _widest(self._settled_widths, records)

    @property
    def cells(self) -> int:
        """How many cells it has, those of its headers too."""
        return len(self._records) * len(self.alignments)

    def body(self) -> Sequence[Record]:
        """Return the records under the headers."""
        return self._records[1:]

    def height(self, width: int) -> int:
        """Return the number of rows at `width` cells, the gap above included."""
        return self.margin.gap + self._layout(max(width, NARROWEST)).starts[-1]

    def row(self, index: int, width: int) -> Row:
        """Return one row; the same object while it shows the same."""
        width = max(width, NARROWEST)
        self._layout(width)
        return self._drawn.row(index, width, self._draw)

    def inherit(self, older: TableLeaf) -> None:
        """Take over what can be kept of the leaf that this one takes the place of."""
        self._drawn.inherit(older._drawn)

    def _layout(self, width: int) -> _Layout:
        widths = self._column_widths(width)
        has_body = len(self._records) > 1
        layout = self._last_layout
        if (layout.width, layout.widths, layout.has_body) != (width, widths, has_body):
            layout = self._last_layout = _Layout(width, widths, has_body)
            self._drawn.doubt(self.margin.gap)
        for index in range(len(layout.starts) - 1, len(self._records)):
            layout.starts.append(layout.starts[-1] + self._rows_in(index, layout))
        return layout

    def _column_widths(self, width: int) -> list[int] | None:
        last = self._last_widths
        if last is None or last[0] is not self._natural or last[1] != width:
            widths = column_widths(self._natural, self.margin.room(width))
            last = self._last_widths = self._natural, width, widths
        return last[2]

    def _rows_in(self, index: int, layout: _Layout) -> int:
        """Return how many rows a record takes, the rule that belongs to it included."""
        if layout.widths is None:
            return self._folded_height(index, layout) + (index > 0)
        return grid_height(self._records[index], layout.widths) + (index == 0)

    def _folded_height(self, index: int, layout: _Layout) -> int:
        room = self.margin.room(layout.width)
        headers = self._records[0]
        if index:
            return folded_height(headers, self._records[index], room)
        return 0 if layout.has_body else len(folded_headers(headers, room))

    def _folded(self, index: int, layout: _Layout) -> list[Picture]:
        room = self.margin.room(layout.width)
        headers, record = self._records[0], self._records[index]
        last = self._last_folded
        if last is None or last[0] is not record or last[1] is not layout:
            rows = (
                folded_rows(headers, record, room) if index else folded_headers(headers, room)
            )
            last = self._last_folded = record, layout, rows
        return last[2]

    def _draw(self, index: int, width: int) -> Row:
        gap = self.margin.gap
        if index < gap:
            return self.margin.blank(width)
        before = self.margin.before(width, is_first=index == gap)
        layout = self._layout(width)
        record = bisect_right(layout.starts, index - gap) - 1
        picture = self._picture(record, index - gap - layout.starts[record], layout)
        if isinstance(picture, Content):
            return Row(joined(before, picture), prefix=len(before.plain))
        content, places = picture
        return Row(
            joined(before, content),
            line=record,
            column=places[0] if places else 0,
            prefix=len(before.plain),
            places=places,
        )

    def _picture(self, record: int, row: int, layout: _Layout) -> Picture | Content:
        """Draw a row of a record; a rule is a picture without places."""
        if layout.widths is None:
            rows = self._folded(record, layout)
            if not record:
                return rows[row]
            rule = Content.styled("─" * self.margin.room(layout.width), RULES)
            return rows[row - 1] if row else rule
        if not record and row == layout.starts[1] - 1:
            return grid_rule(layout.widths)
        return grid_row(self._records[record], layout.widths, self.alignments, row)


def _widest(widths: list[int], records: Sequence[Record]) -> list[int]:
    """Return the widths of columns that have room for these records too."""
    for record in records:
        pairs = zip(widths, record, strict=True)
        widths = [max(width, cell_len(cell.plain)) for width, cell in pairs]
    return widths
