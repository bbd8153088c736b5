"""Search queries: any text finds messages by any part of them."""

from __future__ import annotations

import sqlite3
import unicodedata
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.scripted import Reply, Scripted, end, says, start, text, thinking
from tests.turns import ask, converse, hits
from tui.claude import Claude
from tui.domain.query import Hit, Query, Term, parse, places, snippet, typed_as
from tui.store import Store, open_store

Form = Literal["NFC", "NFD"]


def ms(year: int, month: int, day: int, hour: int = 0) -> int:
    """Return a local time; call it inside a test, because tests change the zone."""
    return round(datetime(year, month, day, hour).astimezone().timestamp() * 1000)


def now() -> int:
    return ms(2026, 11, 24, 12)


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("", Query()),
        ("   ", Query()),
        ("pars", Query((Term("pars", is_prefix=True),))),
        ("parser ", Query((Term("parser"),))),
        ("one two", Query((Term("one"), Term("two", is_prefix=True)))),
        ("begin* two ", Query((Term("begin", is_prefix=True), Term("two")))),
        ('"two words" x ', Query((Term("two words"), Term("x")))),
        ('"not closed', Query((Term("not closed"),))),
        ('""', Query()),
        ("role:you hi ", Query((Term("hi"),), role="user")),
        ("state:cut_off", Query(state="cut_off")),
        ("model:sonnet x ", Query((Term("x"),), model="sonnet")),
        ("in:title parser ", Query((Term("parser"),), is_in_title=True)),
        ('Role:"You" state:CUT_OFF', Query(role="user", state="cut_off")),
        ("role:you role:user ", Query(role="user")),
        ('"role:foo" ', Query((Term("role:foo"),))),
        (
            "TODO: C:\\x std::x a-b:c ",
            Query(tuple(map(Term, ("TODO:", "C:\\x", "std::x", "a-b:c")))),
        ),
        ("https://x.org ", Query((Term("https://x.org"),))),
        ("*part", Query((Term("part", is_inside=True),))),
        ("**part** x ", Query((Term("part", is_inside=True), Term("x")))),
        ('*"two parts', Query((Term("two parts", is_inside=True),))),
        ("* ** x ", Query((Term("x"),))),
        ('"two wor"* x ', Query((Term("two wor", is_prefix=True), Term("x")))),
        ('"a"*b ', Query((Term("a"), Term("b", is_inside=True)))),
    ],
)
def test_typed_queries_are_parsed(typed: str, query: Query) -> None:
    assert parse(typed, now()) == query


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("2026-11-20", (2026, 11, 20)),
        ("2026-11", (2026, 11, 1)),
        ("2026", (2026, 1, 1)),
        ("today", (2026, 11, 24)),
        ("yesterday", (2026, 11, 23)),
        ("7d", (2026, 11, 17)),
        ("1y", (2025, 11, 24)),
    ],
)
def test_days_are_read(typed: str, day: tuple[int, int, int]) -> None:
    assert parse(f"after:{typed}", now()) == Query(after_ms=ms(*day))
    assert parse(f"before:{typed}", now()) == Query(before_ms=ms(*day))


@pytest.mark.parametrize(
    ("said", "typed", "marked"),
    [
        ("The Parser fails", "pars", ["Pars"]),
        ("The parser fails", "pars ", []),
        ("Café, cafés, cafe\u0301 and CAFE", "cafe ", ["Café", "cafe\u0301", "CAFE"]),
        ("Is C++ like C?", "c++ ", ["C++"]),
        ("東京タワー", "東京 ", ["東京"]),
        ("two-words, two words", '"two words"', ["two-words", "two words"]),
        ("a.b", '"[" a', ["a"]),
        ("cafés, cafe\u0301 ", "cafe\u0301 ", ["cafe\u0301"]),
        ("e\u0301a a", "a ", ["a"]),
        ("Upstream streams", "*STREAM", ["stream", "stream"]),
    ],
)
def test_matches_are_marked(said: str, typed: str, marked: list[str]) -> None:
    found = places(said, parse(typed, now()).terms)
    assert [said[start:end] for start, end in found] == marked


WRITTEN = st.lists(
    st.one_of(
        st.sampled_from(
            ["a", "C++", "state:failed", "-role:you", "cost:5", "after:2026-02-30"]
        ),
        st.sampled_from(list(' \t\u3000"*:-')),
        st.text(max_size=3),
    )
).map("".join)


@given(WRITTEN)
@example('"state:failed" x')
@example('"-state:failed" "after:7d"')
@example('"*a*" "b*" "a\tb"')
@example('cost:"a b')
@example('a"b* c')
@example('x*"*')
@example('"two wor"*')
@settings(max_examples=500)
def test_a_parsed_query_is_written_so_that_it_parses_the_same(typed: str) -> None:
    terms = parse(typed, now()).terms
    again = parse(typed_as(terms), now())
    assert again.terms == terms
    # It is nothing else.
    assert replace(again, hint="") == Query(terms)


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ('"state:failed"', '"state:failed" '),
        ("plain C++ cost:5", "plain C++ cost:5* "),
        ('*part "two words"*', '*part "two words"* '),
    ],
)
def test_a_parsed_query_is_written_as_a_person_would(typed: str, written: str) -> None:
    assert typed_as(parse(typed, now()).terms) == written


@given(st.text(), st.text())
@example("İstanbul", "i")
@example("e\u0301" * 3, "é")
def test_marks_are_places_of_the_text(said: str, typed: str) -> None:
    terms = parse(typed, now()).terms
    for first, after in places(said, terms):
        assert 0 <= first < after <= len(said)
    shown = snippet(said, terms, 40)
    assert "\n" not in shown.text
    for first, after in shown.marks:
        assert 0 <= first < after <= len(shown.text)


def test_a_snippet_is_around_its_first_match() -> None:
    said = "before " * 100 + "the needle is here " + "after " * 100
    shown = snippet(said, parse("needle ", now()).terms, 60)
    ((first, after),) = shown.marks
    assert shown.text[first:after] == "needle"
    assert shown.text.startswith("…")
    assert shown.text.endswith("…")
    assert len(shown.text) < 70


async def found(store: Store, typed: str, *, limit: int = 50) -> list[Hit]:
    return await hits(store, parse(typed, store.clock.now_ms()), limit=limit)


async def texts(store: Store, typed: str) -> list[str]:
    return [hit.snippet.text for hit in await found(store, typed)]


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("The quick brown fox", "quick "),
        ("The quick brown fox", "QUICK fo"),
        ("The quick brown fox", '"quick brown"'),
        ("Un café très chaud", "cafe "),
        ("Un cafe tres chaud", "café "),
        ("全文検索の仕組み", "検索 "),
        ("全文検索の仕組み", "検索の "),
        ("東京 tower", "東京 tower "),
        ("Pythonの使い方", "python "),
        ("Pythonの使い方", "Pythonの使"),
        ("Pythonの使い方", "使い方 "),
        ("新宿のtowerです", '"のtower"'),
        ("話し方", "方 "),
        ("日本語のテスト", "本語 "),
        ("雨が降る", "雨 "),
        ("Modern C++ and C#", "C++ "),
        ("Modern C++ and C#", "c# "),
        ("한국어 문서", "국어 "),
        ("ภาษาไทย", "ไทย "),
        ("naïve résumé", "resu"),
        ("50 % of it", "% "),
        ("snake_case_name", "snake_case "),
        ("Привет, мир", "привет "),
    ],
)
async def test_words_of_any_language_are_found(store: Store, said: str, typed: str) -> None:
    await ask(store, "something else entirely")
    await ask(store, said)
    await ask(store, "C and nothing more 京")
    assert await texts(store, typed) == [said]


@pytest.mark.parametrize(
    "typed", ["tower 大阪 ", "quick slow ", '"brown quick"', "quic ", "zzz"]
)
async def test_a_word_that_nobody_wrote_is_not_found(store: Store, typed: str) -> None:
    await ask(store, "The quick brown fox at 東京 tower")
    assert await texts(store, typed) == []


async def test_the_newest_comes_first_and_thinking_counts(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.will(Reply([start(), *thinking(0, "a hidden needle"), *text(1, "no"), *end()]))
    await converse(store, claude, "first needle")
    server.will(says("a needle at last"))
    await converse(store, claude, "second")
    hits = await found(store, "needle ")
    assert [(hit.found_in, hit.role, hit.title) for hit in hits] == [
        ("text", "assistant", "second"),
        ("thinking", "assistant", "first needle"),
        ("text", "user", "first needle"),
    ]
    assert len(await found(store, "needle ", limit=1)) == 1
    assert [hit.found_in for hit in await found(store, "needle in:title ")] == ["title"]


async def test_operators_narrow_it(server: Scripted, claude: Claude, store: Store) -> None:
    server.will(Reply([start(), *text(0, "half a needle")[:-1]]))
    await converse(store, claude, "needle one")
    server.will(says("whole needle"))
    await converse(store, claude, "needle two")
    assert await texts(store, "needle state:cut_off ") == ["half a needle"]
    assert await texts(store, "needle role:you ") == ["needle two", "needle one"]
    assert await texts(store, "needle model:sonnet ") == ["whole needle", "half a needle"]
    assert await texts(store, "needle model:opus ") == []
    assert len(await texts(store, "needle after:today ")) == 4
    assert await texts(store, "needle before:today ") == []
    assert await texts(store, "state:cut_off ") == ["half a needle"]


async def test_deleted_text_is_not_found(store: Store) -> None:
    question = await ask(store, "a needle")
    await store.delete([question.conversation_id])
    assert await found(store, "needle ") == []
    assert await found(store, "needle in:title ") == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(typed=st.text() | st.text(st.sampled_from('"*:^()-+{}[] aANDORNEARcol\0検%_\\')))
async def test_nothing_that_is_typed_is_an_error(store: Store, typed: str) -> None:
    await found(store, unicodedata.normalize("NFC", typed.encode("utf-8", "replace").decode()))


@pytest.mark.parametrize("name", ["", "*", "in:title ", "model:"])
@pytest.mark.parametrize("sign", ["-", "x"])
async def test_however_much_is_typed_is_no_error(store: Store, name: str, sign: str) -> None:
    await ask(store, "something")
    assert await found(store, name + sign * 60_000) == []


async def test_titles_are_found_whatever_their_case_and_accents(store: Store) -> None:
    await ask(store, "Über Cafés")
    assert len(await found(store, "in:title über cafe")) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(words=st.lists(st.text(st.characters(categories=["L"]), min_size=1), min_size=1))
async def test_whatever_was_said_is_found_by_its_own_words(
    tmp_path: Path, words: list[str]
) -> None:
    said = " ".join(words)
    path = tmp_path / "own.db"
    with open_store(path) as store:
        message = await ask(store, said)
        hits = await found(store, f'"{said}"')
        assert message.id in [hit.message_id for hit in hits]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM conversations")
        connection.execute("DELETE FROM blocks")


FORMS: tuple[Form, ...] = ("NFC", "NFD")


@pytest.mark.parametrize("forms", product(FORMS, FORMS), ids="-".join)
@pytest.mark.parametrize(
    ("said", "typed", "marked"),
    [
        ("한국어 문서", "한국어 ", "한국어"),
        ("한국어 문서", "국어 ", "국어"),
        ("がぎぐげご、ガ", "ぎぐ ", "ぎぐ"),
        ("がぎぐげご、ガ", "が ", "が"),
        ("がぎぐげご、ガ", '"ぐげ"', "ぐげ"),
        ("Ελλάδα και θάλασσα", "ελλαδα ", "Ελλάδα"),
        ("Ελλάδα και θάλασσα", "Ελλάδα ", "Ελλάδα"),
        ("Ελλάδα και θάλασσα", "θάλ", "θάλ"),
        ("Ελλαδα", "Ελλάδα ", "Ελλαδα"),
        ("Crème brûlée", "brûlée ", "brûlée"),
        ("Crème brûlée", "brulee ", "brûlée"),
        ("creme brulee", "crème ", "creme"),
        ("Мой чёрный чай", "черный ", "чёрный"),
        ("Мой чёрный чай", "мой ", "Мой"),
        ("كِتَاب", "كتاب ", "كِتَاب"),
        ("Việt Nam", "viet ", "Việt"),
        ("Việt Nam", "*iệt", "iệt"),
        ("서울 한국어", "*국어", "국어"),
        ("Ελλάδα και", "*λλάδ", "λλάδ"),
        ("Ελλάδα και", "*λλαδ", "λλάδ"),
        ("Crème brûlée", "*rulé", "rûlé"),
    ],
)
async def test_texts_that_are_canonically_equal_are_equal_and_accents_count_for_nothing(
    store: Store, said: str, typed: str, marked: str, forms: tuple[Form, Form]
) -> None:
    said_in, asked_in = forms
    said, typed, marked = (
        unicodedata.normalize(said_in, said),
        unicodedata.normalize(asked_in, typed),
        unicodedata.normalize(said_in, marked),
    )
    await ask(store, "Something else, ま and и, entirely")
    await ask(store, said)
    assert await texts(store, typed) == [said]
    (hit,) = await found(store, typed)
    assert marked in [hit.snippet.text[start:end] for start, end in hit.snippet.marks]
    if "*" not in typed and '"' not in typed:
        (title,) = await found(store, f"in:title {typed}")
        assert title.title == said


async def test_a_voiced_letter_is_another_letter(store: Store) -> None:
    await ask(store, "かぎ")
    await ask(store, "май")
    assert await texts(store, "がぎ ") == []
    assert await texts(store, "маи ") == []
