"""The optional index of what stands inside words: whole or not asked, and gone on request."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.scripted import Scripted, says
from tests.test_purging import found_in
from tests.turns import MODEL, ask, converse, hits, on_disk
from tui.app import StreamChat
from tui.claude import Claude
from tui.search import Query, Term, parse
from tui.store import HistoryError, Store, open_store, searching, substrings

NAMES = "SELECT name FROM sqlite_master WHERE name LIKE 'inside%' ORDER BY name"


@pytest.fixture
def _short_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the index only the newest block is looked at; a step takes one text."""
    monkeypatch.setattr(searching, "SCANNED", 1)
    monkeypatch.setattr(substrings, "CHARACTERS", 1)


async def texts(store: Store, typed: str) -> list[str]:
    found = await hits(store, parse(typed, store.clock.now_ms()))
    return [hit.snippet.text for hit in found]


async def fill(store: Store, *said: str) -> None:
    for each in said:
        await ask(store, each)


async def test_a_part_of_a_word_is_found_among_the_newest_without_it(store: Store) -> None:
    await fill(store, "A mainstream view", "Nothing")
    assert await texts(store, "*stream*") == ["A mainstream view"]
    assert await texts(store, "view *tream") == ["A mainstream view"]
    # As a word it is not there.
    assert await texts(store, "stream ") == []


@pytest.mark.usefixtures("_short_reach")
async def test_with_it_all_of_the_history_is_searched(store: Store, history: Path) -> None:
    await fill(store, "A mainstream view", "50 %_off, cheap", "Nothing")
    assert await texts(store, "*ainstre") == []
    await store.substrings.keep(is_wanted=True)
    assert await store.substrings.is_whole()
    await fill(store, "Bloodstreams", "More")
    assert await texts(store, "*STREAM") == ["Bloodstreams", "A mainstream view"]
    # Signs of LIKE stand for themselves, and what is too short for it is looked for as before.
    assert await texts(store, "*%_off") == ["50 %_off, cheap"]
    assert await texts(store, "*x_off") == []
    assert await texts(store, "*or") == ["More"]
    plan = on_disk(
        history,
        "EXPLAIN QUERY PLAN SELECT rowid FROM inside_fts WHERE text LIKE '%ainst%'"
        " ORDER BY rowid DESC LIMIT 1",
    )
    assert plan[0]["detail"].endswith(":L0")
    assert not any("TEMP B-TREE" in row["detail"] for row in plan)


@pytest.mark.parametrize("is_indexed", [False, True])
@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("A detailed list", "*TAIL*"),
        ("übermäßig", "*ÜBERM"),
        ("ПРИВЕТСТВИЕ", "*ветств"),
        ("The mainstream view", '*"stream v"'),
        ("C:\\Users", "*:\\user"),
    ],
)
async def test_parts_of_words_of_any_language_are_found(
    store: Store, said: str, typed: str, *, is_indexed: bool
) -> None:
    await store.substrings.keep(is_wanted=is_indexed)
    await fill(store, "Something else", said)
    assert await texts(store, typed) == [said]


@pytest.mark.usefixtures("_short_reach")
async def test_two_characters_without_spaces_need_no_other_index(store: Store) -> None:
    await fill(store, "全文検索の仕組み", "Nothing")
    assert await texts(store, "*検索") == ["全文検索の仕組み"]


@pytest.mark.usefixtures("_short_reach")
async def test_broken_off_it_is_not_asked_and_gone_on_with(history: Path) -> None:
    with open_store(history) as store:
        await fill(store, "mainstream", "bloodstream", "slipstream")
        # Three steps: made, and two of three texts.
        for _ in range(3):
            assert await store.substrings._make_some()
        assert await store.substrings.is_whole() is False
        assert await texts(store, "*stream") == ["slipstream"]
        # What is not in the index yet may be deleted, and what is new is in it.
        (first, *_) = reversed(await store.conversations())
        await store.delete([first.id])
        await store.purge(before_ms=store.clock.now_ms() + 1)
        await fill(store, "downstream")
    with open_store(history) as store:
        await store.substrings.keep(is_wanted=True)
        assert await texts(store, "*stream") == ["downstream", "slipstream", "bloodstream"]
        assert await texts(store, "*mainst") == []
    with closing(sqlite3.connect(history)) as connection:
        # Raises if the index and the texts do not agree.
        connection.execute(
            "INSERT INTO inside_fts (inside_fts, rank) VALUES ('integrity-check', 1)"
        )


async def test_unwanted_it_is_taken_apart(store: Store, history: Path) -> None:
    await fill(store, "mainstream", "bloodstream")
    await store.substrings.keep(is_wanted=True)
    await store.substrings.keep(is_wanted=False)
    assert on_disk(history, NAMES) == []
    await fill(store, "slipstream")
    assert await texts(store, "*stream") == ["slipstream", "bloodstream", "mainstream"]


async def test_wanted_again_while_it_is_taken_apart_it_is_made_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(substrings, "PAGES", 1)
    await fill(store, "mainstream", "bloodstream")
    await store.substrings.keep(is_wanted=True)
    assert await store.substrings._remove_some()
    assert await store.substrings.is_whole() is False
    await fill(store, "slipstream")
    await store.substrings.keep(is_wanted=True)
    assert await texts(store, "*stream") == ["slipstream", "bloodstream", "mainstream"]


@pytest.mark.parametrize("is_wanted", [True, False])
async def test_another_program_takes_it_apart_where_one_died(
    history: Path, monkeypatch: pytest.MonkeyPatch, *, is_wanted: bool
) -> None:
    monkeypatch.setattr(substrings, "PAGES", 1)
    with open_store(history) as store:
        await fill(store, *(f"mainstream {number} and more" for number in range(40)))
        await store.substrings.keep(is_wanted=True)
        for _ in range(2):
            assert await store.substrings._remove_some()
    with open_store(history) as store:
        await fill(store, "slipstream")
        await store.substrings.keep(is_wanted=is_wanted)
        assert bool(on_disk(history, NAMES)) is is_wanted
        assert len(await texts(store, "*stream")) == 41


async def test_what_is_purged_while_it_is_taken_apart_is_gone_from_it_too(
    store: Store, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(substrings, "PAGES", 1)
    question = await ask(store, "a xylophonequestion")
    await fill(store, *(f"question {number} " + "lorem ipsum " * 30 for number in range(40)))
    await store.substrings.keep(is_wanted=True)
    for _ in range(2):
        assert await store.substrings._remove_some()
    await store.delete([question.conversation_id])
    purged = await store.purge(before_ms=store.clock.now_ms() + 1)
    assert purged == [question.conversation_id]
    for secret in ("xylophone", "xyl"):
        assert found_in(history.parent, secret) == []


@pytest.mark.parametrize("is_wanted", [True, False])
async def test_damaged_it_is_made_anew_at_the_next_start(
    history: Path, *, is_wanted: bool
) -> None:
    with open_store(history) as store:
        await fill(store, "mainstream", "bloodstream")
        await store.substrings.keep(is_wanted=True)
    with closing(sqlite3.connect(history)) as connection, connection:
        connection.execute("UPDATE inside_fts_data SET block = x'ffffffffffff' WHERE id = 10")
    with open_store(history) as store, pytest.raises(HistoryError, match="damaged"):
        await texts(store, "*stream")
    with open_store(history) as store:
        # Nothing is in the way of what is said meanwhile.
        await fill(store, "slipstream")
        await store.substrings.keep(is_wanted=is_wanted)
        assert await store.substrings.is_whole() is (True if is_wanted else None)
        assert await texts(store, "*stream") == ["slipstream", "bloodstream", "mainstream"]


@pytest.mark.parametrize("is_wanted", [True, False])
async def test_the_app_makes_it_or_takes_it_apart_in_the_background(
    store: Store, claude: Claude, tmp_path: Path, *, is_wanted: bool
) -> None:
    await fill(store, "mainstream")
    await store.substrings.keep(is_wanted=not is_wanted)
    app = StreamChat(
        store,
        claude,
        model=MODEL,
        log_path=tmp_path / "streamchat.log",
        env_path=Path(".env"),
        substring_index=is_wanted,
    )
    async with app.run_test():
        async with asyncio.timeout(20):
            while await store.substrings.is_whole() is not (True if is_wanted else None):
                await asyncio.sleep(0.02)


async def test_where_it_was_never_wanted_nothing_is_written(
    store: Store, history: Path
) -> None:
    await store.substrings.keep(is_wanted=False)
    assert store.threads.database is None
    assert on_disk(history, NAMES) == []


async def test_what_is_purged_is_gone_from_it_too(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    await store.substrings.keep(is_wanted=True)
    server.will(says("a xylophonereply"))
    reply = await converse(store, claude, "a xylophonequestion")
    for number in range(20):
        await ask(store, f"question {number} " + "lorem ipsum " * 30)
    await store.delete([reply.conversation_id])
    await store.purge(before_ms=store.clock.now_ms() + 1)
    # The index has three letters at a time.
    for secret in ("xylophone", "xyl", "oph"):
        assert found_in(history.parent, secret) == []


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    said=st.text(st.characters(categories=["L", "N", "P", "Z", "S"]), min_size=3),
    cut=st.tuples(st.integers(min_value=0), st.integers(min_value=0)),
)
async def test_every_part_of_what_was_said_is_found(
    tmp_path: Path, said: str, cut: tuple[int, int]
) -> None:
    start = cut[0] % (len(said) - 2)
    part = said[start : start + 3 + cut[1] % (len(said) - start - 2)]
    path = tmp_path / "own.db"
    with open_store(path) as store:
        await store.substrings.keep(is_wanted=True)
        message = await ask(store, said)
        found = await hits(store, Query((Term(part, is_inside=True),)), limit=-1)
        assert message.id in [hit.message_id for hit in found]


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(part=st.text(st.characters(codec="utf-8") | st.sampled_from('a"\0%_*\\')))
@example("a\0b")
async def test_no_part_is_an_error(store: Store, part: str) -> None:
    await store.substrings.keep(is_wanted=True)
    await hits(store, Query((Term(part, is_inside=True),)))
