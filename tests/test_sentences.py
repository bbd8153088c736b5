"""Text that arrives in pieces is cut into sentences, and code into lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.text.sentences import LONGEST_HELD, SentenceCutter

CASES = [
    ("One", ""),
    ("One.", ""),
    ("One. Tw", "One. "),
    ("Is it? Yes! So", "Is it? Yes! "),
    ('He said "no." Then', 'He said "no." '),
    ("**One.** Two", "**One.** "),
    ("It is 3.14", ""),
    ("A line\nand", "A line\n"),
    ("日本。語", "日本。"),
    ("- one. - two", "- one. "),
    # Code is cut into lines.
    ("```py\nx = 1. y", "```py\n"),
    ("```py\nx. y\nz", "```py\nx. y\n"),
    ("```\nx\n```\nOne. Two", "```\nx\n```\nOne. "),
    ("~~~\n```\nx. y", "~~~\n```\n"),
    ("````\n```\nx. y", "````\n```\n"),
    ("- ```\n  x. y", "- ```\n"),
    ("``` is a fence. `x`", ""),
]


@pytest.mark.parametrize(("text", "ready"), CASES)
def test_what_is_read_ends_with_a_sentence_or_a_line(text: str, ready: str) -> None:
    cutter = SentenceCutter()
    assert cutter.feed(text) == ready
    assert cutter.rest() == text.removeprefix(ready)


def test_words_without_an_end_are_not_held_for_ever() -> None:
    cutter = SentenceCutter()
    ready = cutter.feed("word " * LONGEST_HELD)
    assert len(ready) > LONGEST_HELD
    assert ready.endswith(" ")


pieces = st.sampled_from(
    ["a", " ", ".", "?", "\n", "```", "`", "~~~", "- ", "x. y", "。", "\r\n", "3.14", "- ```\n"]
)


@given(st.lists(pieces).map("".join), st.data())
def test_nothing_is_lost_and_how_it_arrives_does_not_matter(
    text: str, data: st.DataObject
) -> None:
    whole = SentenceCutter()
    expected = whole.feed(text)
    assert expected + whole.rest() == text
    cutter, read, at = SentenceCutter(), "", 0
    while at < len(text):
        step = data.draw(st.integers(1, 4))
        read += cutter.feed(text[at : at + step])
        at += step
    assert read == expected
