"""A leaf that is a table, which may still grow at its end.

A row is always a row of the screen. The rows of the table are called records, and the
headers are the first record. Cells wrap inside their columns. A table that is too wide is
folded: each cell is on a line of its own, after its header.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from textual.content import Content

from tui.text.markdown.columns import column_widths
from tui.text.markdown.grid import (
    RULES,
    Alignment,
    Record,
    RecordRow,
    cell_width,
    folded_headers,
    folded_height,
    folded_rows,
    grid_height,
    grid_row,
    grid_rule,
    line_of,
)
from tui.text.markdown.margin import NARROWEST, Margin
from tui.text.markdown.row import DrawnRows, Row
from tui.text.markdown.text import joined


@dataclass(slots=True)
class _Layout:
    """The rows of the records, for one width and one set of columns."""

    width: int
    widths: list[int] | None
    """The widths of the columns; None if the table is folded."""
    has_body: bool
    starts: list[int] = field(default_factory=lambda: [0])
    """The first row of each record, and the row after the last record."""


class TableLeaf:
    """A table. All its records have the same number of cells."""

    def __init__(
        self, records: list[Record], alignments: Sequence[Alignment], margin: Margin
    ) -> None:
        self.margin = margin
        self.alignments = tuple(alignments)
        self._records = records
        self._frozen = 0
        """How many records will not change any more."""
        self._frozen_widths = [1] * len(self.alignments)
        self._natural = _widest(self._frozen_widths, records)
        """The widths at which no cell wraps."""
        self._last_widths: tuple[list[int], int, list[int] | None] | None = None
        """A cache: the natural widths, the width of the view, and the widths for them."""
        self._last_layout = _Layout(-1, None, has_body=False)
        self._last_folded: tuple[Record, _Layout, list[RecordRow]] | None = None
        """The record that was folded last, because a screen may show many rows of it."""
        self._drawn = DrawnRows()

    @property
    def key(self) -> Hashable:
        """A value that is equal for leaves that show the same."""
        cells = tuple((c.plain, tuple(c.spans)) for row in self._records for c in row)
        return ("table", self.alignments, cells, self.margin.key)

    @property
    def texts(self) -> Iterator[Content]:
        """All cells, in reading order."""
        return chain.from_iterable(self._records)

    def lines(self) -> Sequence[str]:
        """Return a line for each record."""
        return [line_of(record) for record in self._records]

    def freeze(self, count: int) -> None:
        """Freeze the next `count` records: they will not change any more."""
        frozen = self._records[self._frozen : self._frozen + count]
        self._frozen_widths = _widest(self._frozen_widths, frozen)
        self._frozen += len(frozen)

    def replace_unfrozen(self, records: Sequence[Record]) -> None:
        """Replace the records that are not frozen, in time proportional to the new ones."""
        starts = self._last_layout.starts
        del starts[self._frozen + 1 :]
        self._drawn.invalidate(self.margin.gap + starts[-1])
        self._records[self._frozen :] = records
        self._natural = _widest(self._frozen_widths, records)

    @property
    def cells(self) -> int:
        """The number of cells, including the headers."""
        return len(self._records) * len(self.alignments)

    def body(self) -> Sequence[Record]:
        """Return the records below the headers."""
        return self._records[1:]

    def height(self, width: int) -> int:
        """Return the number of rows at `width` cells, the gap above included."""
        return self.margin.gap + self._layout(max(width, NARROWEST)).starts[-1]

    def row(self, index: int, width: int) -> Row:
        """Return one row; the same object as long as it looks the same."""
        width = max(width, NARROWEST)
        self._layout(width)
        return self._drawn.row(index, width, self._draw)

    def adopt_cache(self, older: TableLeaf) -> None:
        """Reuse the drawn rows of the leaf that this one replaces."""
        self._drawn.adopt_cache(older._drawn)

    def _layout(self, width: int) -> _Layout:
        widths = self._column_widths(width)
        has_body = len(self._records) > 1
        layout = self._last_layout
        if (layout.width, layout.widths, layout.has_body) != (width, widths, has_body):
            layout = self._last_layout = _Layout(width, widths, has_body)
            self._drawn.invalidate(self.margin.gap)
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
        """Return how many rows a record has, including its rule."""
        if layout.widths is None:
            return self._folded_height(index, layout) + (index > 0)
        return grid_height(self._records[index], layout.widths) + (index == 0)

    def _folded_height(self, index: int, layout: _Layout) -> int:
        room = self.margin.room(layout.width)
        headers = self._records[0]
        if index:
            return folded_height(headers, self._records[index], room)
        return 0 if layout.has_body else len(folded_headers(headers, room))

    def _folded(self, index: int, layout: _Layout) -> list[RecordRow]:
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
        drawn = self._record_row(record, index - gap - layout.starts[record], layout)
        if isinstance(drawn, Content):
            return Row(joined(before, drawn), prefix=len(before.plain))
        content, places = drawn
        return Row(
            joined(before, content),
            line=record,
            column=places[0] if places else 0,
            prefix=len(before.plain),
            places=places,
        )

    def _record_row(self, record: int, row: int, layout: _Layout) -> RecordRow | Content:
        """Draw a row of a record; a rule is content without places."""
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
    """Return the widths, enlarged so that these records fit."""
    for record in records:
        pairs = zip(widths, record, strict=True)
        widths = [max(width, cell_width(cell.plain)) for width, cell in pairs]
    return widths
