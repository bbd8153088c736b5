"""Invalid search filters are reported, on the command line and in the app."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.test_cli import Program, failed, keep, online, program
from tests.test_query import now
from tests.turns import ask, hits
from tui.domain.query import Term, parse, typed_as
from tui.store import Store

__all__ = ["online", "program"]

A_DAY = "takes a day: 2026-11-23, 2026-11, 2026, today, yesterday, 7d, 2w, 3m or 1y."
NAMES = ("after", "before", "in", "model", "role", "state", "tag")


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        (
            "role:foo x",
            "role:foo is not understood. role: takes you, user, claude or assistant.",
        ),
        ("after:banana", f"after:banana is not understood. after: {A_DAY}"),
        ("before:2026-02-30 ", f"before:2026-02-30 is not understood. before: {A_DAY}"),
        ("after:-7d", f"after:-7d is not understood. after: {A_DAY}"),
        ("after:9999y", f"after:9999y is not understood. after: {A_DAY}"),
        ('BEFORE:"next week" x', f'BEFORE:"next week" is not understood. before: {A_DAY}'),
        (
            "state:done",
            "state:done is not understood. state: takes one of: complete, max_tokens, refused,",
        ),
        ("in:body x", "in:body is not understood. in: takes title."),
        ("model: x", "model: is not understood. model: takes a part of a model's name."),
        ('tag:"" x', 'tag:"" is not understood. tag: takes a tag.'),
        ("tag:## x", "tag:## is not understood. tag: takes a tag."),
        ("-role:you x", "-role:you is not understood: a filter cannot be negated."),
        ("role:you role:claude", "role: is there twice, with two values; use it once."),
        ("after:1d before:7d", "There is no day between after: and before:."),
        ("before:today x after:today", "There is no day between after: and before:."),
        (
            "in:title role:you x",
            "in:title cannot be used with role: or state:; a title has neither.",
        ),
        (f"role:{'x' * 60_000}", f"role:{'x' * 34}… is not understood. role: takes you, user,"),
    ],
)
def test_a_filter_that_is_not_understood_is_named_with_what_it_takes(
    typed: str, problem: str
) -> None:
    assert parse(typed, now()).problem.startswith(problem)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["", '""', "-1", "\0", "\x1b[31m"])
def test_an_odd_value_of_a_filter_is_reported_or_accepted(name: str, value: str) -> None:
    query = parse(f"{name}:{value} x ", now())
    takes_anything = name in ("model", "tag") and value.strip('"')
    assert bool(query.problem) != bool(takes_anything)


def test_a_word_that_only_looks_like_a_filter_is_reported_and_searched_for() -> None:
    query = parse("cost:5 x ", now())
    assert query.terms == (Term("cost:5"), Term("x"))
    assert not query.problem
    assert query.hint == (
        "cost: is not a filter, so it is searched for as text. Filters: after:, before:, in:,"
        " model:, role:, state:, tag:."
    )


@pytest.mark.parametrize(
    "typed",
    ["https://x.org ", "std::vector ", "TODO:x ", 'note: "cost:5" ', "12:30 ", "c:\\x "],
)
def test_ordinary_text_with_a_colon_is_not_a_filter(typed: str) -> None:
    query = parse(typed, now())
    assert (query.problem, query.hint) == ("", "")
    assert query.terms


PIECES = st.sampled_from(
    [*(f"{name}:" for name in NAMES), "x:", '"', "*", "-", " ", "you", "7d"]
)


@settings(max_examples=300)
@example(["role:", " "])
@given(st.lists(PIECES | st.text(max_size=4), max_size=8))
def test_a_query_parses_the_same_when_it_is_written_again(typed: list[str]) -> None:
    query = parse("".join(typed), now())
    assert len(query.problem.splitlines()) <= 1
    # A quote inside a word would end the word there.
    if all(term.words.isprintable() and '"' not in term.words for term in query.terms):
        again = parse(typed_as(query.terms), now())
        assert [term.words for term in again.terms] == [term.words for term in query.terms]


async def test_only_what_is_tagged_is_found_by_its_tag(store: Store) -> None:
    for said, tags in (("Tagged parser", ["work"]), ("Other parser", ["home"]), ("No tag", [])):
        question = await ask(store, said)
        await store.labels.set_tags([question.conversation_id], tags)
    found = await hits(store, parse("tag:#Work parser ", now()))
    assert [hit.snippet.text for hit in found] == ["Tagged parser"]
    listed = await store.finding.titles("#home parser")
    assert listed is not None
    assert [each.title for page in listed.pages for each in page.conversations] == [
        "Other parser"
    ]


async def test_the_command_names_a_bad_filter_and_searches_for_an_unknown_one(
    program: Program, store: Store
) -> None:
    await keep(store, "What is cost:5?")
    said = failed(program.run("log", "--search", "cost before:2026-02-30"), code=2)
    assert said == f"before:2026-02-30 is not understood. before: {A_DAY}"
    assert "role:foo" in failed(program.run("log", "--json", "--search", "role:foo"), code=2)
    done = program.run("log", "--json", "--search", "cost:5")
    assert len(json.loads(done.out)) == 1
    assert done.err.startswith("streamchat-tui: cost: is not a filter")


def test_an_unknown_filter_that_finds_nothing_is_named_on_the_command_line(
    online: Program,
) -> None:
    online.run("ask", "Hi")
    done = online.run("log", "--search", "cost:>1")
    assert (done.code, done.out) == (0, "")
    assert done.err == (
        "streamchat-tui: cost: is not a filter, so it is searched for as text. Filters:"
        " after:, before:, in:, model:, role:, state:, tag:.\nNo results.\n"
    )
