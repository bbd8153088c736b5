"""Words of scripts without spaces are found by any part of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.store.pairs import pairs

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
        ("東京", "東京"),
        ("日本語", "日本 本語"),
        ("東京 tower と、雨", "東京 と 雨"),
        ("サーバー", "サー ーバ バー"),
        ("佐々木", "佐々 々木"),
        ("한국어", "한국 국어"),
        ("ไทย", "ไท ทย"),
        ("𠮷野家", "𠮷野 野家"),
    ],
)
def test_runs_are_indexed_as_overlapping_pairs(text: str, indexed: str | None) -> None:
    assert pairs(text) == indexed


@settings(deadline=None)
@given(SPACELESS, st.data())
def test_any_part_of_a_run_is_a_phrase_of_its_pairs(run: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(run) - 2))
    part = run[start : data.draw(st.integers(start + 2, len(run)))]
    indexed, asked = pairs(f"see {run}."), pairs(part)
    assert indexed is not None
    assert asked is not None
    assert f" {asked} " in f" {indexed} "


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=0x04FF)))
def test_scripts_with_spaces_have_no_pairs(text: str) -> None:
    assert pairs(text) is None
