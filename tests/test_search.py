"""A search inside words reads every text, and shows results while it runs."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.conftest import wait_until
from tests.turns import ask, hits
from tui.domain.query import Found, Order, Query, Term, parse
from tui.store import Store, open_store
from tui.store.latest_only import LatestOnlyReader

ACCENTS = "é" * 8
SLOW = " ".join(f"*{ACCENTS[:length]}" for length in range(1, 9)) + " *stream"
"""A query that takes about a second in `fill_slowly_searched`."""


async def texts(store: Store, typed: str) -> list[str]:
    found = await hits(store, parse(typed, store.clock.now_ms()))
    return [hit.snippet.text for hit in found]


async def fill(store: Store, *said: str) -> None:
    for each in said:
        await ask(store, each)


async def fill_slowly_searched(store: Store, oldest: str, newest: str) -> None:
    """Save a message, then many that are slow to search, then another message."""
    question = await ask(store, f"{ACCENTS} {oldest}")
    with closing(sqlite3.connect(store.path)) as other, other:
        # The index would only take time to fill.
        other.execute("DROP TRIGGER blocks_fts_insert")
        other.execute(
            "WITH RECURSIVE numbers (k) AS"
            " (SELECT 1 UNION ALL SELECT k + 1 FROM numbers WHERE k < ?)"
            " INSERT INTO blocks (message_id, seq, type, text, data)"
            " SELECT ?, k, 'text', ? || k, '{}' FROM numbers",
            [1_000, question.id, ACCENTS * 1_200],
        )
    await ask(store, f"{ACCENTS} {newest}")


async def test_a_part_of_a_word_is_found_and_is_no_word(store: Store) -> None:
    await fill(store, "A mainstream view", "Nothing")
    assert await texts(store, "*stream*") == ["A mainstream view"]
    assert await texts(store, "view *tream") == ["A mainstream view"]
    assert await texts(store, "stream ") == []


async def test_the_last_word_counts_as_a_beginning_unless_a_space_or_a_quote_follows(
    store: Store,
) -> None:
    await fill(store, "A zephyrquartz", "Nothing")
    for typed in ("zeph", "ZEPH", "a zeph", '"a" zeph', "role:you zeph", "zeph* "):
        assert await texts(store, typed) == ["A zephyrquartz"], typed
    for typed in ("zeph ", '"zeph"', "zeph a", "zeph role:you"):
        assert await texts(store, typed) == [], typed


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("A detailed list", "*TAIL*"),
        ("übermäßig", "*ÜBERM"),
        ("ПРИВЕТСТВИЕ", "*ветств"),
        ("The mainstream view", '*"stream v"'),
        ("C:\\Users", "*:\\user"),
        ("50 %_off, cheap", "*%_off"),
        ("全文検索の仕組み", "*検索"),
    ],
)
async def test_parts_of_words_of_any_language_are_found(
    store: Store, said: str, typed: str
) -> None:
    await fill(store, said, "Something else")
    assert await texts(store, typed) == [said]


@pytest.mark.parametrize("order", ["newest", "best"])
async def test_all_of_a_history_is_looked_at_and_what_is_found_is_shown_meanwhile(
    store: Store, order: Order
) -> None:
    await fill_slowly_searched(store, "mainstream", "bloodstream")
    shown: list[list[str]] = []

    def show(found: Found) -> None:
        assert found.is_truncated
        shown.append(said(found))

    def said(found: Found) -> list[str]:
        return [hit.snippet.text.split()[-1] for hit in found.hits]

    query = parse(SLOW, store.clock.now_ms())
    found = await store.finding.messages(query, order=order, show=show, show_after=0.01)
    assert found is not None
    assert not found.is_truncated
    assert sorted(said(found)) == ["bloodstream", "mainstream"]
    assert ["bloodstream"] in shown
    # Only as often as there was a new result.
    assert len(shown) <= 3


async def test_a_search_that_nobody_waits_for_any_more_is_broken_off(store: Store) -> None:
    endless = "WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n)"
    searching = LatestOnlyReader("endless", lambda: sqlite3.connect(store.path))
    running = asyncio.create_task(
        searching.run(lambda connection: connection.execute(f"{endless} SELECT max(k) FROM n"))
    )
    await wait_until(lambda: searching._running)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await wait_until(lambda: not searching._running)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.text(st.characters(categories=["L", "N", "P", "Z", "S"]), min_size=3),
    cut=st.tuples(st.integers(min_value=0), st.integers(min_value=0)),
)
async def test_every_part_of_what_was_said_is_found(
    tmp_path: Path, said: str, cut: tuple[int, int]
) -> None:
    start = cut[0] % (len(said) - 2)
    part = said[start : start + 3 + cut[1] % (len(said) - start - 2)]
    with open_store(tmp_path / "own.db") as store:
        message = await ask(store, said)
        found = await hits(store, Query((Term(part, is_inside=True),)), limit=-1)
        assert message.id in [hit.message_id for hit in found]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(part=st.text(st.characters(codec="utf-8") | st.sampled_from('a"\0%_*\\')))
@example("a\0b")
async def test_no_part_is_an_error(store: Store, part: str) -> None:
    await hits(store, Query((Term(part, is_inside=True),)))
