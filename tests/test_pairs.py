"""Words of scripts without spaces are found by any part of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.pairs import asked, spaced

SPACELESS = st.text(
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)
    | st.characters(min_codepoint=0x3041, max_codepoint=0x30FF)
    | st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3),
    min_size=2,
)


@pytest.mark.parametrize(
    ("text", "indexed"),
    [
        ("", None),
        ("plain words", None),
        ("Grüße, привет, שלום", None),
        ("雨", "雨"),
        ("東京", "東京 京"),
        ("日本語", "日本 本語 語"),
        ("東京 tower と、雨", "東京 京 tower と 、 雨"),
        ("Pythonの使い方", "Python の使 使い い方 方"),
        ("サーバー", "サー ーバ バー ー"),
        ("佐々木", "佐々 々木 木"),
        ("한국어", "한국 국어 어"),
        ("ไทย", "ไท ทย ย"),
        ("𠮷野家", "𠮷野 野家 家"),
    ],
)
def test_runs_are_indexed_as_overlapping_pairs(text: str, indexed: str | None) -> None:
    assert spaced(text) == indexed


@settings(deadline=None)
@given(SPACELESS, st.data())
def test_any_part_of_a_run_is_a_phrase_of_its_pairs(run: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(run) - 1))
    part = run[start : data.draw(st.integers(start + 1, len(run)))]
    indexed, (words, may_go_on) = spaced(f"see{run}."), asked(part)
    assert indexed is not None
    assert may_go_on == (len(part) == 1)
    assert f" {words}" + " " * (not may_go_on) in f" {indexed} "


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=0x04FF)))
def test_scripts_with_spaces_have_no_pairs(text: str) -> None:
    assert spaced(text) is None
    assert asked(text) == (text, False)
