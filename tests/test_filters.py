"""Filters of a search that are not understood are named, on the command line and in the app."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.test_cli import Program, failed, keep, online, program
from tests.test_search import now
from tui.search import Term, parse, typed_as
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
        ("role:you role:claude", "role: stands twice, with two values; it takes one."),
        ("after:1d before:7d", "after: and before: leave no day between them."),
        ("before:today x after:today", "after: and before: leave no day between them."),
        (
            "in:title role:you x",
            "in:title does not go with role: or state:, which a title has not.",
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
def test_of_every_filter_an_odd_value_is_named_or_taken(name: str, value: str) -> None:
    query = parse(f"{name}:{value} x ", now())
    takes_anything = name in ("model", "tag") and value.strip('"')
    assert bool(query.problem) != bool(takes_anything)


def test_what_only_looks_like_a_filter_is_told_of_and_looked_for() -> None:
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
def test_what_people_write_with_a_colon_is_no_filter(typed: str) -> None:
    query = parse(typed, now())
    assert (query.problem, query.hint) == ("", "")
    assert query.terms


PIECES = st.sampled_from(
    [*(f"{name}:" for name in NAMES), "x:", '"', "*", "-", " ", "you", "7d"]
)


@settings(deadline=None, derandomize=True, max_examples=300)
@example(["role:", " "])
@given(st.lists(PIECES | st.text(max_size=4), max_size=8))
def test_what_is_looked_for_is_read_the_same_when_it_is_written_again(typed: list[str]) -> None:
    query = parse("".join(typed), now())
    assert len(query.problem.splitlines()) <= 1
    # A quote in the middle of a word ends it there.
    if all(term.words.isprintable() and '"' not in term.words for term in query.terms):
        again = parse(typed_as(query.terms), now())
        assert [term.words for term in again.terms] == [term.words for term in query.terms]


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
