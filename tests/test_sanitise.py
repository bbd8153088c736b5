"""Foreign text cannot control a terminal, hide words or fail to be encoded."""

from __future__ import annotations

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.text.sanitise import clean, clean_line, fix_surrogates

ANYTHING = st.text(st.characters(codec=None, exclude_categories=()))
CONTROLS = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))} - {"\n", "\t"}
REVERSING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
BROKEN = {chr(code) for code in range(0xD800, 0xE000)}
UNSEEN = set("\u00ad\u180e\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\u2028\u2029")
TAGS = {chr(code) for code in range(0xE0000, 0xE0080)}
UNWANTED = CONTROLS | REVERSING | BROKEN | UNSEEN | TAGS


def test_no_character_is_left_that_controls_the_terminal_or_hides_text() -> None:
    every = map(chr, range(sys.maxunicode + 1))
    # Separated: halves of surrogate pairs would join, and isolates would find their ends.
    assert UNWANTED.isdisjoint(clean("\n".join(every)))


@given(ANYTHING)
@example("\ud83d\ude00 \ude00\ud83d")
@example("\r\n\r\r\n\n\r")
@example("\x1b\u202e\ufeff\x00")
def test_text_is_clean_after_cleaning_once(text: str) -> None:
    cleaned = clean(text)
    assert UNWANTED.isdisjoint(cleaned)
    assert clean(cleaned) == cleaned
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.sampled_from("\n\t")))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text
    assert fix_surrogates(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Grüße, naïve café; e\u0301",
        "東京タワー 서울 กรุงเทพ",
        "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇯🇵 ❤️",
        "می‌خواهم",  # the zero-width non-joiner is part of the spelling
        "שלום עולם مرحبا",
        "½ → ∞ │ █ ‘’“”…",
        "tab\tand\nline",
    ],
)
def test_the_worlds_writing_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "␛[2J"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x9b31m", "\ufffd31m"),
        ("nul\x00 del\x7f bs\x08", "nul␀ del␡ bs␈"),
        ("one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        ("user\u202etxt.exe", "user\ufffdtxt.exe"),
        ("pay\u200bpal\u00ad", "paypal"),
        ("hi" + "".join(chr(0xE0000 + ord(c)) for c in "obey"), "hi"),
        ("\ud83d\ude00", "😀"),
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_replaced_characters_can_still_be_recognised(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(ANYTHING)
@example("a\u2028b\x85c\x0bd\x1ce\r\nf")
def test_a_clean_line_is_one_line(text: str) -> None:
    line = clean_line(text)
    assert len(line.splitlines()) <= 1
    assert "\t" not in line
    assert line == line.strip(" ")
    assert UNWANTED.isdisjoint(line)


@given(ANYTHING)
def test_fixed_text_can_always_be_encoded(text: str) -> None:
    made = fix_surrogates(text)
    assert made.encode("utf-8").decode("utf-8") == made
    assert fix_surrogates(made) == made


@given(st.text())
def test_fixing_surrogates_changes_nothing_else(text: str) -> None:
    assert fix_surrogates(text) == text


@given(st.text(st.characters(min_codepoint=0x10000)))
def test_surrogate_pairs_are_joined(text: str) -> None:
    halves = text.encode("utf-16-le")
    cut = "".join(chr(halves[n] | halves[n + 1] << 8) for n in range(0, len(halves), 2))
    assert fix_surrogates(cut) == text
