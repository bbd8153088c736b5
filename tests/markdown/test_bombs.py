"""Texts that could cost far more than their length: the limit of their cost, and the result."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from types import FrameType
from typing import Any

import pytest
from textual.style import Style

from tests.bombs import BOMBS, bomb
from tests.markdown.documents import (
    assert_sound,
    chunks,
    draw_end,
    keys,
    numbered_words,
    rows_of,
    streamed,
    unhurried,
    words_in,
    words_shown,
)
from tui.text.markdown import CodeLeaf, Document, TextLeaf, parse
from tui.text.markdown.feed_queue import MAX_TAKEN
from tui.text.markdown.incremental import MAX_LEAVES
from tui.text.markdown.note import NoteLeaf
from tui.text.markdown.parser import LONGEST_PIECE, MAX_CELLS, MAX_IMAGE_DEPTH, MAX_TOKENS

SMALL, LARGE = 0.02, 0.08

MOST_CALLS = 500_000
"""Most function calls in a frame: about a sixth of a second."""

for_each_bomb = pytest.mark.parametrize("name", BOMBS)


class Work:
    """Counts function calls, as a measure of work that does not depend on the machine."""

    def __init__(self) -> None:
        self.calls = 0
        self._before: Any = None

    def __enter__(self) -> None:
        self._before = sys.getprofile()
        sys.setprofile(self._count)

    def __exit__(self, *error: object) -> None:
        sys.setprofile(self._before)

    def seconds(self) -> float:
        """A clock on which each call takes a third of a microsecond, about the real time."""
        return self.calls / 3_000_000

    def _count(self, frame: FrameType, event: str, argument: object) -> None:  # noqa: ARG002
        self.calls += event in ("call", "c_call")


def calls(what: Callable[[], object]) -> int:
    work = Work()
    with work:
        what()
    return work.calls


def draw(document: Document, width: int = 80) -> None:
    """Lay out a whole document, and draw its end."""
    for leaf in document.leaves:
        height = leaf.height(width)
    for index in range(max(0, height - 40), height):
        document.leaves[-1].row(index, width)


@for_each_bomb
def test_the_cost_of_a_text_grows_with_its_length(name: str) -> None:
    parse("")
    small, large = bomb(name, SMALL), bomb(name, LARGE)
    longer = max(1.0, len(large) / len(small))
    cost = calls(lambda: draw(Document.from_text(small)))
    assert calls(lambda: draw(Document.from_text(large))) < 60_000 + 1.7 * longer * cost


@for_each_bomb
def test_no_frame_of_a_text_that_arrives_takes_long(name: str) -> None:
    work = Work()
    document = Document(clock=work.seconds)
    costs = []
    for piece in chunks(bomb(name, 0.06), 500):
        document.feed(piece)
        with work:
            before = work.calls
            document.flush()
            draw_end(document, 80)
            costs.append(work.calls - before)
    assert max(costs) < MOST_CALLS


@for_each_bomb
def test_a_text_of_any_kind_ends_as_if_read_at_once(name: str) -> None:
    text = bomb(name, 0.01)
    document = streamed(chunks(text, 240), drawn_at=40)
    assert_sound(document, 30)
    document.finish()
    assert keys(document) == keys(Document.from_text(text))
    assert_sound(document, 60)


def test_a_flush_takes_in_only_as_much_as_there_is_time_for() -> None:
    ticks = count()
    document = Document(clock=lambda: next(ticks) * 0.015)
    text = "word " * 20_000
    document.feed(text)
    document.flush()
    assert document.is_behind
    shown = words_shown(document, 80)
    assert MAX_TAKEN / 2 < len(shown) < 4 * MAX_TAKEN
    while document.is_behind:
        document.flush()
    assert words_shown(document, 80).split() == text.split()


def test_an_unfinished_end_that_is_dear_to_parse_is_cut_short() -> None:
    ticks = count()
    document = Document(clock=lambda: next(ticks) * 0.03)
    for piece in chunks("word " * 2_000, 1_000):
        document.feed(piece)
        document.flush()
    assert len(document.leaves) > 1


def test_emphasis_is_found_in_every_piece_of_a_long_paragraph() -> None:
    text = "*a* **b** `c` [d](http://e.example)\n" * 2_000
    [leaf] = Document.from_text(text).leaves
    assert isinstance(leaf, TextLeaf)
    assert leaf.text.plain == " ".join(["a b c d"] * 2_000)
    italics = [span for span in leaf.text.spans if span.style == "italic"]
    assert len(text) > 5 * LONGEST_PIECE
    assert len(italics) == 2_000


def test_no_word_is_lost_where_a_long_word_is_read_in_pieces() -> None:
    text = "\\*" * LONGEST_PIECE + "&amp;" * LONGEST_PIECE + "x" * LONGEST_PIECE
    [leaf] = Document.from_text(text).leaves
    assert isinstance(leaf, TextLeaf)
    assert leaf.text.plain.count("*") == LONGEST_PIECE
    assert leaf.text.plain.count("&") == LONGEST_PIECE
    assert leaf.text.plain.endswith("x" * LONGEST_PIECE)


def test_emphasis_in_emphasis_of_its_kind_is_one_style() -> None:
    [leaf] = Document.from_text("*a *b* c*").leaves
    assert isinstance(leaf, TextLeaf)
    assert leaf.text.plain == "a b c"
    assert [(span.start, span.end) for span in leaf.text.spans] == [(0, 5)]


def test_styles_of_a_text_with_many_lie_where_they_lay() -> None:
    words = " ".join(f"*a{n}* b{n} **c{n}**" for n in range(300))
    [leaf] = Document.from_text(f"***{words}***").leaves
    assert isinstance(leaf, TextLeaf)
    for row in rows_of(leaf, 40):
        expected = leaf.text[row.column : row.place(10**6)]
        assert row.content.plain == expected.plain
        assert [(*span,) for span in row.content.spans] == [(*span,) for span in expected.spans]


def test_pictures_in_pictures_are_followed_so_deep_and_lose_no_word() -> None:
    depth = 20 * MAX_IMAGE_DEPTH
    [leaf] = Document.from_text("![" * depth + "word" + "](a)" * depth).leaves
    assert isinstance(leaf, TextLeaf)
    assert "word" in leaf.text.plain


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("> " * 150 + "§\n\n§", "nested too deeply"),
        (f"|{'§|' * 50}\n|{'-|' * 50}\n" + f"|{'a|' * 50}\n" * (MAX_CELLS // 50), "too large"),
        ("***\n" * (MAX_TOKENS + 10) + "§\n", "too many parts"),
    ],
    ids=["nesting", "cells", "parts"],
)
def test_text_that_cannot_be_laid_out_is_shown_plain_with_a_note(
    text: str, reason: str
) -> None:
    text = numbered_words(text)
    note, leaf = Document.from_text(text).leaves
    assert isinstance(note, NoteLeaf)
    assert reason in note.words
    assert rows_of(note, 200)[0].content.plain.startswith("Shown as plain text: ")
    assert isinstance(leaf, TextLeaf)
    assert leaf.text.plain == text
    assert list(note.lines()) == []
    assert_sound(Document.from_text(text[:2_000]), 20)


def test_a_table_that_grows_too_large_continues_as_plain_text() -> None:
    head = f"|{'§|' * 50}\n|{'-|' * 50}\n"
    record = f"|{'a|' * 50}\n"
    document = streamed(chunks(numbered_words(head) + record * (MAX_CELLS // 50), 40_000))
    document.feed(numbered_words("| § | § | § |\n§"))
    document.flush()
    assert len(document.leaves) > 1
    assert words_in(document.leaves[-1].lines()[-1]) == ["wq3z"]
    assert "| wq0z | wq1z | wq2z |" in "\n".join(document.leaves[-1].lines())


def test_after_too_many_blocks_the_rest_is_shown_as_plain_text() -> None:
    document = unhurried()
    document.feed("***\n" * (MAX_LEAVES + 2_000) + "*this*")
    document.flush()
    assert MAX_LEAVES < len(document.leaves) < MAX_LEAVES + 1_500
    assert document.leaves[-1].lines()[-1] == "*this*"


def test_a_long_line_of_code_is_expanded_once_for_all_its_rows() -> None:
    tabs = "\t" * 20_000
    [leaf] = Document.from_text(f"```\n{tabs}x\n```").leaves
    assert isinstance(leaf, CodeLeaf)
    height = leaf.height(80)
    cost = calls(lambda: leaf.row(height - 1, 80))
    assert calls(lambda: [leaf.row(index, 80) for index in range(height - 40, height)]) < (
        cost + 40 * 200
    )


def test_a_record_that_is_folded_is_laid_out_once_for_all_its_rows() -> None:
    document = Document.from_text(bomb("columns", 0.1))
    [leaf] = document.leaves
    height = leaf.height(80)
    cost = calls(lambda: leaf.row(height - 1, 80))
    assert calls(lambda: [leaf.row(index, 80) for index in range(height - 40, height)]) < (
        2 * cost
    )


def test_definitions_are_not_copied_for_every_part_that_is_read() -> None:
    document = streamed(chunks(bomb("link references", 0.05), 1_000))
    document.feed("\n\nsee [a1999]\n")
    document.flush()
    leaf = document.leaves[-1]
    assert isinstance(leaf, TextLeaf)
    targets = [span.style.meta for span in leaf.text.spans if isinstance(span.style, Style)]
    assert {"link": "http://a.example/1999"} in targets
