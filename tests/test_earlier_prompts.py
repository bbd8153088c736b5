"""Earlier questions are read from the newest one back, each only once, in any history."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scripted import Scripted, says
from tests.turns import ask, converse
from tui.claude import Claude
from tui.domain.conversation import Conversation
from tui.domain.earlier_prompt import EarlierPrompts, has_words, search_words
from tui.domain.parameters import Parameters
from tui.store import HistoryError, Store
from tui.store.prompts import NEWEST, RANGE

BY_CONVERSATION = "SEARCH c USING INDEX sqlite_autoindex_conversations_1 (id=?)"
"""The last step of the query plan that finds questions; later steps read their text."""


async def earlier(
    store: Store, typed: str = "", *, before: int = NEWEST, limit: int = 50
) -> EarlierPrompts:
    found = await store.finding.prompts.earlier(typed, before=before, limit=limit)
    assert found is not None
    return found


async def texts(store: Store, typed: str = "", *, limit: int = 50) -> list[str]:
    return [prompt.text for prompt in (await earlier(store, typed, limit=limit)).prompts]


async def test_the_newest_question_of_any_conversation_comes_first(
    store: Store, claude: Claude, server: Scripted
) -> None:
    server.will(says("a reply"))
    first = await converse(store, claude, "one")
    await ask(store, "two")
    await ask(store, "three", after=first)
    assert await texts(store) == ["three", "two", "one"]


async def test_a_text_is_listed_once_where_it_was_asked_last(store: Store) -> None:
    for text in ("again", "other", "again", "again"):
        await ask(store, text)
    assert await texts(store) == ["again", "other"]


async def test_pages_follow_each_other(store: Store) -> None:
    for number in range(7):
        await ask(store, f"q{number}")
    page = await earlier(store, limit=3)
    assert [prompt.text for prompt in page.prompts] == ["q6", "q5", "q4"]
    assert not page.is_complete
    page = await earlier(store, limit=4, before=page.prompts[-1].n)
    assert [prompt.text for prompt in page.prompts] == ["q3", "q2", "q1", "q0"]
    assert page.is_complete


async def test_deleted_questions_are_left_out(store: Store) -> None:
    gone, message = await ask(store, "gone"), await ask(store, "deleted")
    await ask(store, "there")
    await store.delete([gone.conversation_id])
    await store.branches.delete(message.id)
    assert await texts(store) == ["there"]
    await store.restore([gone.conversation_id])
    assert await texts(store) == ["there", "gone"]


async def test_the_programs_own_questions_are_left_out(store: Store) -> None:
    asked = await ask(store, "please go on")
    with closing(sqlite3.connect(store.path)) as other, other:
        other.execute("UPDATE messages SET is_continuation = 1 WHERE id = ?", [asked.id])
    assert await texts(store) == []


async def test_a_copy_counts_as_the_original_while_that_exists(
    store: Store,
) -> None:
    first, _ = await ask(store, "old"), await ask(store, "new")
    now = store.clock.now_ms()
    copy = Conversation(store.new_id(), Parameters("model"), now, now, title="copy")
    await store.branches.fork(copy, first.id)
    assert await texts(store) == ["new", "old"]
    await store.delete([first.conversation_id])
    assert await texts(store) == ["old", "new"]


@pytest.mark.parametrize("typed", ["naive", "CAFE", "cafe naïve", "aïv  afé", "漢字", ""])
async def test_words_are_found_anywhere_without_case_and_accents(
    store: Store, typed: str
) -> None:
    await ask(store, "A naïve Café\nwith 漢字")
    assert await texts(store, typed) == ["A naïve Café\nwith 漢字"]


async def test_every_word_must_be_there(store: Store) -> None:
    await ask(store, "heron and egret")
    await ask(store, "heron")
    assert await texts(store, "egret heron") == ["heron and egret"]
    assert await texts(store, "stork") == []


@given(st.text(), st.text(), st.text())
def test_each_piece_of_a_text_finds_it(before: str, piece: str, after: str) -> None:
    assert has_words(f"{before} {piece} {after}", search_words(piece))


@given(st.text("aeiouxyzéüñ "), st.text("aeiou"))
def test_case_and_accents_make_no_difference(text: str, piece: str) -> None:
    assert has_words(f"{text}{piece}", search_words(piece.upper()))
    assert has_words(f"{text}{piece.upper()}", search_words(piece.replace("e", "é")))


async def test_the_newest_are_found_without_reading_the_whole_history(store: Store) -> None:
    """The query walks back along the primary key; it sorts and scans nothing."""
    await ask(store, "question")
    with closing(sqlite3.connect(store.path)) as other:
        rows = other.execute(f"EXPLAIN QUERY PLAN {RANGE}", {"before": 9, "from": 1})
        plan = [row[3] for row in rows]
    assert plan[0] == "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
    assert not any(step.startswith("SCAN m") for step in plan)
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan[: plan.index(BY_CONVERSATION) + 1]


async def test_a_rare_word_is_found_without_reading_the_whole_history(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The word index is queried early; the walk then finds matches inside words."""
    monkeypatch.setattr("tui.store.prompts.INDEX_AFTER", 0)
    for text in ("a heronry", "no birds", "grey herons", "outer heron", "no birds either"):
        await ask(store, text)
    with closing(sqlite3.connect(store.path)) as other, other:
        # This makes the results of the index differ from those of the walk.
        other.execute("UPDATE blocks SET text = 'aheron' WHERE text = 'no birds'")
    assert await texts(store, "heron") == ["outer heron", "grey herons", "aheron", "a heronry"]
    assert await texts(store, "heron", limit=2) == ["outer heron", "grey herons"]


async def test_rows_that_are_far_apart_take_no_longer(store: Store) -> None:
    asked = await ask(store, "far")
    await ask(store, "near")
    with closing(sqlite3.connect(store.path)) as other, other:
        other.execute("UPDATE messages SET n = -(1 << 60) WHERE id = ?", [asked.id])
    assert await texts(store) == ["near", "far"]


async def test_a_later_read_cancels_an_earlier_one(store: Store) -> None:
    asked = await ask(store, "x" * 200)
    with closing(sqlite3.connect(store.path)) as other, other:
        other.execute(
            "WITH RECURSIVE k (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM k WHERE k < 60000)"
            " INSERT INTO messages (id, conversation_id, role, state, created_ms)"
            " SELECT 'm' || k, ?, 'user', 'complete', 0 FROM k",
            [asked.conversation_id],
        )
    old = asyncio.create_task(store.finding.prompts.earlier("stork", limit=1))
    await asyncio.sleep(0)
    assert await texts(store, limit=1) == ["x" * 200]
    assert await old is None


async def test_results_so_far_are_shown(store: Store) -> None:
    oldest = await ask(store, "the oldest blueheron")
    with closing(sqlite3.connect(store.path)) as other, other:
        # The index would only take time to fill.
        other.execute("DROP TRIGGER blocks_fts_insert")
        other.execute(
            "WITH RECURSIVE k (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM k WHERE k < 2000)"
            " INSERT INTO messages (id, conversation_id, role, state, created_ms)"
            " SELECT 'm' || k, ?, 'user', 'complete', 0 FROM k",
            [oldest.conversation_id],
        )
        other.execute(
            "INSERT INTO blocks (message_id, seq, type, text, data)"
            " SELECT id, 0, 'text', ? || n, '{}' FROM messages WHERE id LIKE 'm%'",
            ["é" * 5_000],
        )
    await ask(store, "the newest blueheron")
    shown: list[int] = []
    found = await store.finding.prompts.earlier(
        "heron", limit=9, show=lambda found: shown.append(len(found.prompts))
    )
    assert found is not None
    assert [len(found.prompts), found.is_complete] == [2, True]
    assert shown[:1] == [1]


async def test_an_unreadable_history_is_reported(store: Store) -> None:
    await ask(store, "question")
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("DROP TABLE blocks")
    with pytest.raises(HistoryError):
        await texts(store)
