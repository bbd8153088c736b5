"""The list of conversations: its pages together equal one query of everything."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.turns import MODEL, SetClock, on_disk
from tui.domain.conversation_list import (
    PAGE,
    ConversationSummary,
    Group,
    Listing,
    Page,
    PageCache,
    group_start,
)
from tui.store import Store, open_store
from tui.text import formatting

NOW = datetime(2026, 11, 22, 14, 2, tzinfo=ZoneInfo("UTC"))
NOW_MS = round(NOW.timestamp() * 1000)
HOUR = 3_600_000
DAY = 24 * HOUR
IN_ORDER = (
    "SELECT id FROM conversations WHERE deleted_ms IS NULL AND archived_ms IS NULL"
    " ORDER BY is_pinned DESC, updated_ms DESC, id DESC"
)
PLACES = ("Europe/Copenhagen", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "UTC")
"""Zones whose clocks change at night, at midnight, by a whole day, and never."""

FIXTURE_IS_CLEARED = settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class StillClock(SetClock):
    def wall_ms(self) -> int:
        return NOW_MS


@dataclass(frozen=True)
class Run:
    """Conversations that were last used at the same time."""

    updated_ms: int
    count: int = 1
    is_pinned: bool = False
    archived_ms: int | None = None
    deleted_ms: int | None = None


RUNS = st.lists(
    st.builds(
        Run,
        st.sampled_from([0, HOUR, DAY, 3 * DAY, 40 * DAY, 41 * DAY, 700 * DAY, -HOUR]).map(
            lambda age: NOW_MS - age
        ),
        st.integers(1, 300),
        st.sampled_from([False, False, True]),
        st.sampled_from([None, None, 1]),
        st.sampled_from([None, None, 1]),
    ),
    max_size=6,
)


@pytest.fixture
def store(history: Path) -> Iterator[Store]:
    with open_store(history, StillClock()) as store:
        yield store


def fill(history: Path, runs: Sequence[Run]) -> list[str]:
    """Make a history of only these; return the ids in the order of the list."""
    with closing(sqlite3.connect(history)) as connection:
        connection.execute("DELETE FROM conversations")
        number = 0
        for run in runs:
            for _ in range(run.count):
                number += 1
                # Neither the order of creation nor its reverse.
                name = f"{number * 7919 % 100_003:08d}"
                connection.execute(
                    "INSERT INTO conversations (id, title, model, is_pinned, created_ms,"
                    " updated_ms, archived_ms, deleted_ms) VALUES (?, ?, ?, ?, 1, ?, ?, ?)",
                    [name, f"title {name}", MODEL, int(run.is_pinned), run.updated_ms,
                     run.archived_ms, run.deleted_ms],
                )  # fmt: skip
        connection.commit()
        return [row[0] for row in connection.execute(IN_ORDER)]


def ids(page: Page | None) -> list[str]:
    assert page is not None
    return [conversation.id for conversation in page.conversations]


def place(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()


@pytest.fixture(autouse=True)
def home() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        place(monkeypatch, "Europe/Copenhagen")
        yield
    time.tzset()


# Pages


@FIXTURE_IS_CLEARED
@given(runs=RUNS, order=st.sampled_from([1, -1]))
async def test_the_pages_are_the_list(
    store: Store, history: Path, runs: list[Run], order: int
) -> None:
    expected = fill(history, runs)
    listing = await store.listing()
    assert listing.count == len(expected)
    starts = list(range(0, listing.count, PAGE))
    for start in starts[::order]:
        assert ids(await store.page(listing, start)) == expected[start : start + PAGE]


@FIXTURE_IS_CLEARED
@given(runs=RUNS, chance=st.randoms())
async def test_any_conversation_is_found_where_it_is(
    store: Store, history: Path, runs: list[Run], chance: st.DrawFn
) -> None:
    expected = fill(history, runs)
    for wanted in chance.sample(expected, min(5, len(expected))):  # type: ignore[attr-defined]
        listing = await store.listing(cursor_id=wanted)
        assert listing.cursor_index == expected.index(wanted)
        found = PageCache(listing).conversation(listing.cursor_index)
        assert found is not None
        assert found.id == wanted
        around = await store.listing(anchor=found.key)
        assert around.anchor_index == expected.index(wanted)
        for page in (*listing.pages, *around.pages):
            assert ids(page) == expected[page.start : page.start + PAGE]


@FIXTURE_IS_CLEARED
@given(runs=RUNS)
async def test_a_place_whose_conversation_is_gone_is_still_a_place(
    store: Store, history: Path, runs: list[Run]
) -> None:
    expected = fill(history, runs)
    for is_pinned in (0, 1):
        for updated_ms in {run.updated_ms for run in runs}:
            key = (is_pinned, updated_ms + 1, "")
            with closing(sqlite3.connect(history)) as connection:
                (before,) = connection.execute(
                    f"SELECT count(*) FROM conversations WHERE id IN ({IN_ORDER})"
                    " AND (is_pinned, updated_ms, id) > (?, ?, ?)",
                    key,
                ).fetchone()
            assert (await store.listing(anchor=key)).anchor_index == before
    assert (await store.listing(cursor_id="nobody")).cursor_index is None
    assert len(expected) == (await store.listing()).count


@FIXTURE_IS_CLEARED
@given(runs=RUNS)
async def test_neighbours_are_those_of_the_list(
    store: Store, history: Path, runs: list[Run]
) -> None:
    expected = fill(history, runs)[:200]
    for above, below in pairwise(expected):
        assert await store.neighbour(above, 1) == below
        assert await store.neighbour(below, -1) == above
    for step in (1, -1):
        assert await store.neighbour("new", step) == (expected[0] if expected else None)
    if expected:
        assert await store.neighbour(expected[0], -1) is None


async def test_a_page_of_a_list_that_has_changed_is_refused(
    store: Store, history: Path
) -> None:
    fill(history, [Run(NOW_MS - DAY, 300)])
    listing = await store.listing()
    assert await store.page(listing, PAGE) is not None
    fill(history, [Run(NOW_MS - DAY, 299)])
    assert await store.page(listing, 2 * PAGE) is None
    fill(history, [Run(NOW_MS - DAY, 300), Run(NOW_MS)])
    assert await store.page(listing, PAGE) is None


async def test_every_query_of_the_list_finds_its_rows_by_index(
    store: Store, history: Path
) -> None:
    expected = fill(history, [Run(NOW_MS - age * DAY, 90) for age in (0, 1, 5, 50, 80)])
    asked: list[str] = []
    store.threads.reader.set_trace_callback(asked.append)
    listing = await store.listing(cursor_id=expected[200], anchor=(0, NOW_MS - 5 * DAY, "0005"))
    await store.page(listing, 3 * PAGE)
    await store.neighbour(expected[200], 1)
    await store.neighbour(expected[200], -1)
    store.threads.reader.set_trace_callback(None)
    selects = [sql for sql in asked if "SELECT" in sql]
    assert len(selects) > 15
    for sql in selects:
        for step in on_disk(store.path, f"EXPLAIN QUERY PLAN {sql}"):
            assert step["detail"].startswith("SEARCH"), (sql, step["detail"])


# Groups


@FIXTURE_IS_CLEARED
@given(runs=RUNS)
async def test_every_conversation_is_below_the_heading_of_its_date(
    store: Store, history: Path, runs: list[Run]
) -> None:
    fill(history, runs)
    listing = await store.listing()
    for start in range(0, listing.count, PAGE):
        page = await store.page(listing, start)
        assert page is not None
        for index, conversation in enumerate(page.conversations, start):
            group = listing.group_of(index)
            assert group.is_pinned == conversation.is_pinned
            if not group.is_pinned:
                assert heading(group.since_ms) == heading(conversation.updated_ms)
    named = [heading(group.since_ms) for group in listing.groups if not group.is_pinned]
    assert len(named) == len(set(named))


def heading(ms: int, now_ms: int = NOW_MS) -> str:
    return formatting.date_group(ms, now_ms)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zone=st.sampled_from(PLACES),
    now=st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
    age=st.integers(-DAY, 800 * DAY) | st.integers(-DAY, 9 * DAY),
)
def test_a_group_begins_with_the_first_moment_of_its_name(
    monkeypatch: pytest.MonkeyPatch, zone: str, now: datetime, age: int
) -> None:
    place(monkeypatch, zone)
    now_ms = round(now.timestamp() * 1000)
    then_ms = now_ms - age
    since_ms = group_start(then_ms, now_ms)
    assert since_ms <= then_ms
    assert heading(since_ms, now_ms) == heading(then_ms, now_ms)
    assert heading(since_ms - 1, now_ms) != heading(then_ms, now_ms)


@pytest.mark.parametrize(
    ("zone", "now", "starts"),
    [
        ("UTC", "2026-11-22T00:00", ["11-22T00:00", "11-21T00:00", "11-15T00:00"]),
        # Clocks went back an hour in the night to the 25th: a day of 25 hours.
        ("Europe/Copenhagen", "2026-10-26T09:00", ["10-26T00:00", "10-25T00:00"]),
        # Clocks go forward at midnight: the day begins at one.
        ("America/Sao_Paulo", "2018-11-04T09:00", ["11-04T01:00", "11-03T00:00"]),
        # The 30th did not exist.
        ("Pacific/Apia", "2011-12-31T09:00", ["12-31T00:00"]),
        # The month begins within the last seven days.
        ("UTC", "2026-03-02T09:00", ["03-02T00:00", "03-01T00:00", "02-23T00:00"]),
    ],
)
def test_days_begin_at_midnight_where_the_reader_is(
    monkeypatch: pytest.MonkeyPatch, zone: str, now: str, starts: list[str]
) -> None:
    place(monkeypatch, zone)
    now_ms = round(datetime.fromisoformat(now).timestamp() * 1000)
    found, then_ms = [], now_ms
    for _ in starts:
        since_ms = group_start(then_ms, now_ms)
        local = datetime.fromtimestamp(since_ms / 1000, ZoneInfo(zone))
        found.append(local.strftime("%m-%dT%H:%M"))
        then_ms = since_ms - 1
    assert found == starts


async def test_a_group_moves_on_at_midnight(history: Path) -> None:
    clock = SetClock()
    with open_store(history, clock) as store:
        fill(history, [Run(clock.wall_ms())])
        (group,) = (await store.listing()).groups
        assert formatting.date_group(group.since_ms, clock.now_ms()) == "Today"
        clock.ahead_ms = DAY
        (group,) = (await store.listing()).groups
        assert formatting.date_group(group.since_ms, clock.now_ms()) == "Yesterday"


# Rows


def listing_of(*counts: int) -> Listing:
    groups = tuple(
        Group(sum(counts[:at]), count, is_pinned=False, since_ms=-at, until_ms=1 - at)
        for at, count in enumerate(counts)
    )
    return Listing(groups, (), 0)


@given(st.lists(st.integers(1, 9), min_size=1))
def test_rows_are_the_groups_with_a_heading_each_and_air_between(counts: list[int]) -> None:
    listing = listing_of(*counts)
    rows: list[Group | int | None] = []
    for group in listing.groups:
        air = [None] if rows else []
        rows += [*air, group, *range(group.first, group.first + group.count)]
    assert listing.rows == len(rows)
    assert [listing.at(row) for row in range(listing.rows)] == rows
    for index in range(listing.count):
        assert rows[listing.row_of(index)] == index
        assert listing.group_of(index).first <= index


def test_an_empty_list_has_no_rows() -> None:
    listing = listing_of()
    assert (listing.rows, listing.count) == (0, 0)
    assert list(PageCache(listing).missing(0, 50)) == []


def test_a_page_is_asked_for_once_and_the_least_needed_makes_room() -> None:
    held = PageCache(listing_of(50 * PAGE))
    assert list(held.missing(0, PAGE + 1)) == [0, PAGE]
    assert list(held.missing(0, PAGE + 1)) == []
    for start in range(0, 10 * PAGE, PAGE):
        held.take(Page(start, (ConversationSummary(f"c{start}", "", 0),)))
    assert held.conversation(0) is None
    assert held.index_of(f"c{9 * PAGE}") == 9 * PAGE
    assert list(held.missing(-40, 10)) == [0]
