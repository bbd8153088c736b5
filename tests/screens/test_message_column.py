"""The tops of visible messages are exact, however wrong the estimates were."""

from __future__ import annotations

import pytest

from tests.screens.test_selecting import entry
from tui.ui.widgets.message_column import PARSED, MessageColumn
from tui.ui.widgets.word_selection import word_at

TEXT = "one two\n\n- three\n- four"


@pytest.fixture
def column() -> MessageColumn:
    column = MessageColumn()
    column.width = 40
    column.replace([entry(number, TEXT * (1 + number % 3)) for number in range(PARSED + 8)])
    column.estimate()
    return column


def exact_tops(column: MessageColumn) -> list[int]:
    tops = [0]
    for each in column.entries:
        tops.append(tops[-1] + each.height(column.width))
    return tops


@pytest.mark.parametrize(("number", "step"), [(0, 25), (20, -30), (20, 0), (5, 7), (30, -3)])
def test_walking_goes_over_exact_rows(column: MessageColumn, number: int, step: int) -> None:
    tops = exact_tops(column)
    at, offset = column.walk(number, step)
    assert tops[at] + offset == tops[number] + step
    assert 0 <= offset < column.entries[at].height(column.width)


def test_only_the_messages_measured_lately_stay_parsed(column: MessageColumn) -> None:
    for number in range(len(column.entries)):
        column.measure(number)
    parsed = [number for number, each in enumerate(column.entries) if each.is_parsed]
    assert parsed == list(range(len(column.entries) - PARSED, len(column.entries)))


@pytest.mark.parametrize(("cells", "word"), [(0, "one"), (2, "one"), (4, "two"), (3, None)])
def test_a_word_is_found_from_its_first_cell_to_its_last(cells: int, word: str | None) -> None:
    said = entry(0, TEXT)
    rows = [said.row(index, 40)[1].content.plain for index in range(said.height(40))]
    found = word_at(said, (0, rows.index("one two")), cells, width=40)
    if found is None or found.start is None or found.end is None:
        assert word is None
    else:
        assert "one two"[found.start.x : found.end.x] == word
