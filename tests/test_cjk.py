"""Words in scripts without spaces are found by any part of them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.cjk import bigrams, query_bigrams
from tui.domain.normalise import without_accents

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
    assert bigrams(text) == indexed


@given(SPACELESS, st.data())
def test_any_part_of_a_run_is_a_phrase_of_its_pairs(run: str, data: st.DataObject) -> None:
    # Composed, so that no part ends between a kana and its mark: that is another kana.
    run = unicodedata.normalize("NFC", run)
    start = data.draw(st.integers(0, len(run) - 1))
    part = run[start : data.draw(st.integers(start + 1, len(run)))]
    indexed, (words, may_go_on) = bigrams(f"see{run}."), query_bigrams(part)
    assert indexed is not None
    assert may_go_on == (len(part) == 1)
    assert f" {words}" + " " * (not may_go_on) in f" {indexed} "


@given(st.text(st.characters(max_codepoint=0x02FF)))
def test_the_latin_script_has_no_pairs(text: str) -> None:
    assert bigrams(text) is None
    assert query_bigrams(text) == (without_accents(text), False)


@pytest.mark.parametrize(
    ("text", "indexed"),
    [
        ("Ελλάδα και", "Ελλαδα και"),
        ("Ελλαδα", None),
        ("мой чай", None),
        ("мои\u0306", "мой"),
        ("чёрный", "черный"),
        ("Crème bru\u0302lée", None),
        ("がぎ", "がぎ ぎ"),
        ("か\u3099き\u3099", "がぎ ぎ"),
        ("한국", "한국 국"),
        ("\u1112\u1161\u11ab\u1100\u116e\u11a8", "한국 국"),
        ("كِتَاب", "كتاب"),
    ],
)
def test_accents_that_the_tokenizer_does_not_know_are_left_out(
    text: str, indexed: str | None
) -> None:
    assert bigrams(text) == indexed


@given(st.text())
def test_canonically_equal_texts_are_asked_for_alike(text: str) -> None:
    forms = {query_bigrams(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")}
    assert len(forms) == 1
