from __future__ import annotations

import sys
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len, get_character_cell_size

from tests.markdown.test_bombs import calls
from tui.text.markdown import wrap as module
from tui.text.markdown.wrap import wrap

FAMILY = "👩‍👩‍👧"
FLAG = "🇫🇷"

lines = st.lists(
    st.sampled_from(
        [
            "a",
            "word",
            " ",
            "  ",
            "-",
            "中",
            "文字",
            FAMILY,
            FLAG,
            "👍🏽",
            "e\u0301",
            "❤️",
            "–",
            "\u200d",
            "\ufe0f",
        ]
    ),
    max_size=60,
).map("".join)


def wrapped(line: str, width: int) -> list[str]:
    return [line[start:end] for start, end in wrap(line, width)]


def test_lines_break_at_spaces() -> None:
    assert wrapped("to be or not to be", 6) == ["to be", "or not", "to be"]


def test_only_the_space_of_the_break_is_left_out() -> None:
    assert wrapped("ab   cd", 4) == ["ab  ", "cd"]
    assert wrapped("aé   cd", 4) == ["aé  ", "cd"]


def test_a_word_longer_than_the_row_is_folded() -> None:
    assert wrapped("a incomprehensible", 6) == ["a", "incomp", "rehens", "ible"]


def test_indentation_does_not_stand_on_a_row_of_its_own() -> None:
    assert wrapped("    indented", 8) == ["    inde", "nted"]
    assert wrapped("    中文字符", 8) == ["    中文", "字符"]


def test_an_empty_line_is_one_row() -> None:
    assert wrap("", 10) == [(0, 0)]


def test_wide_characters_break_anywhere_between_them() -> None:
    assert wrapped("中文字符测试", 5) == ["中文", "字符", "测试"]
    assert wrapped("see 中文字符", 7) == ["see 中", "文字符"]


def test_a_grapheme_is_never_cut() -> None:
    assert wrapped(FAMILY * 3, 3) == [FAMILY] * 3
    assert wrapped(FLAG * 4, 3) == [FLAG] * 4
    assert wrapped("e\u0301" * 4, 2) == ["e\u0301" * 2] * 2


@settings(max_examples=400, database=None)
@given(lines, st.integers(2, 40))
def test_rows_fit_and_make_up_the_line(line: str, width: int) -> None:
    end = 0
    for start, stop in wrap(line, width):
        assert cell_len(line[start:stop]) <= width
        assert start == end or line[end:start] == " "
        end = stop
    assert end == len(line)


@settings(max_examples=400, database=None)
@given(st.text("ab  –", max_size=80), st.integers(2, 40))
def test_single_cells_wrap_alike_on_the_fast_path_and_the_slow(line: str, width: int) -> None:
    slow = module._wrap_measured(line, width)
    assert module._wrap_single(line, width) == slow


@settings(max_examples=400, database=None)
@given(lines, st.integers(2, 20), st.integers(4, 40))
def test_a_long_line_wraps_alike_bit_by_bit_and_at_once(
    line: str, width: int, stretch: int
) -> None:
    at_once = module._wrap_any(line, width)
    assert list(module._wrap_chunks(line, width, stretch)) == at_once


def test_one_emoji_does_not_make_a_long_line_dear_to_wrap() -> None:
    line = "word " * 100_000
    assert calls(lambda: wrap(f"{line}👩", 80)) < 2 * calls(lambda: wrap(line, 80)) + 20_000


def test_the_fast_path_takes_only_characters_of_one_cell() -> None:
    characters = map(chr, range(32, sys.maxunicode))
    fast = [char for char in characters if not module._NOT_SINGLE.search(char)]
    assert len(fast) > 1000
    assert [char for char in fast if get_character_cell_size(char) != 1] == []


def test_the_middle_path_takes_only_characters_that_stand_alone() -> None:
    characters = map(chr, range(ord(module._FIRST_WIDE), sys.maxunicode))
    wide = [char for char in characters if not module._NOT_PLAIN.search(char)]
    assert len(wide) > 30_000
    assert [char for char in wide if get_character_cell_size(char) != 2] == []


@given(st.text("a –中文ー、", max_size=80))
def test_plain_text_is_measured_alike_with_and_without_looking_for_graphemes(line: str) -> None:
    starts, cells = module._measure(line)
    graphemes = list(module._graphemes(line))
    assert list(starts) == [*(begin for begin, _, _ in graphemes), len(line)]
    assert cells == list(accumulate((size for _, _, size in graphemes), initial=0))


@pytest.mark.parametrize("width", [2, 3, 10])
def test_a_row_is_as_full_as_its_words_allow(width: int) -> None:
    line = "a bb ccc " * 5
    rows = wrapped(line.strip(), width)
    for row, following in pairwise(rows):
        assert len(row) + 1 + len(following.split()[0]) > width
