from __future__ import annotations

import pytest

from tests.markdown.documents import TABLE_HEAD, Author, rows_of, streamed, unhurried
from tui.text.markdown import Document, Row, TableLeaf
from tui.text.markdown.columns import column_widths

SMALL = "| name | price |\n|:--|--:|\n| tea | 2 |\n| long words that wrap | 10 |\n"


def table(text: str) -> TableLeaf:
    leaf = Document.from_text(text).leaves[0]
    assert isinstance(leaf, TableLeaf)
    return leaf


def drawn(text: str, width: int) -> list[str]:
    return [row.content.plain.rstrip() for row in rows_of(table(text), width)]


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert drawn(SMALL, 80) == [
        "name                 │ price",
        "─────────────────────┼──────",
        "tea                  │     2",
        "long words that wrap │    10",
    ]


def test_cells_wrap_inside_their_columns() -> None:
    assert drawn(SMALL, 20) == [
        "name         │ price",
        "─────────────┼──────",
        "tea          │     2",
        "long words   │    10",
        "that wrap    │",
    ]


def test_a_table_too_wide_for_its_columns_is_folded() -> None:
    text = "| one | two | three |\n|--|--|--|\n| 1 | 22222222 | 3 |\n| a | b | c |\n"
    assert drawn(text, 12) == [
        "────────────",
        "one: 1",
        "two:",
        "22222222",
        "three: 3",
        "────────────",
        "one: a",
        "two: b",
        "three: c",
    ]
    assert drawn("| one | two | three |\n|--|--|--|\n", 8) == ["one", "two", "three"]


def test_cells_without_a_header_are_not_lost() -> None:
    assert "2 | 3" in drawn("| a | b |\n|--|--|\n| 1 | 2 | 3 |\n", 40)[2]


def test_a_row_knows_which_characters_of_its_record_it_shows() -> None:
    leaf = table(SMALL)
    assert leaf.lines()[2] == "long words that wrap | 10"
    row = rows_of(leaf, 20)[4]
    assert row.content.plain.startswith("that wrap")
    assert (row.line, row.column, row.place(5)) == (2, 11, 16)


@pytest.mark.parametrize(
    ("natural", "width", "expected"),
    [
        ([3, 5], 80, [3, 5]),
        ([3, 50, 50], 46, [3, 19, 18]),
        ([3, 6, 50], 25, [3, 6, 10]),
        ([9, 9], 11, [4, 4]),
        ([9, 9], 10, None),
        ([1, 1, 1], 9, [1, 1, 1]),
    ],
)
def test_wide_columns_share_what_narrow_ones_leave(
    natural: list[int], width: int, expected: list[int] | None
) -> None:
    assert column_widths(natural, width) == expected


def test_a_growing_table_keeps_its_leaf_and_the_rows_it_has_drawn() -> None:
    document = streamed([SMALL])
    leaf = document.leaves[0]
    before = rows_of(leaf, 40)
    document.feed("| milk | 1 |\n| but")
    assert document.flush() == 0
    assert document.leaves[0] is leaf
    after = rows_of(leaf, 40)
    assert after[: len(before)] == before
    assert [row.content.plain.split()[0] for row in after[len(before) :]] == ["milk", "but"]


def test_a_wider_cell_widens_its_column() -> None:
    document = streamed([SMALL])
    document.leaves[0].height(60)
    document.feed("| words that are longer than any before | 3 |\n")
    document.flush()
    rows: list[Row] = rows_of(document.leaves[0], 60)
    assert len({len(row.content.plain) for row in rows}) == 1


def test_laying_out_a_growing_table_costs_what_is_new() -> None:
    author = Author()
    document = unhurried()
    document.feed(TABLE_HEAD + "".join(author.record() for _ in range(200)))
    document.flush()
    leaf = document.leaves[0]
    assert isinstance(leaf, TableLeaf)
    leaf.height(50)
    layout = leaf._last_layout
    for _ in range(50):
        document.feed("| fox | The quick brown fox. | *1* |\n")
        document.flush()
        leaf.height(50)
    assert leaf._last_layout is layout


def test_a_cell_that_measures_nothing_is_drawn() -> None:
    # Rich counts no cells for a joiner that joins nothing.
    assert drawn("\u200da | b\n-|-\n", 40)[0].split() == ["\u200da", "│", "b"]
