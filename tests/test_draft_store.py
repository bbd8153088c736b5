"""Drafts and queues, and what the next run finds of them."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.turns import ask, on_disk
from tui.chat import draft_store as desks
from tui.chat.draft_store import DraftStore
from tui.domain.conversation import ComposerDraft
from tui.store import HistoryError, Store


def kept(history: Path) -> list[str]:
    """Return the drafts on disk."""
    return [row["text"] for row in on_disk(history, "SELECT text FROM drafts ORDER BY text")]


async def reopened(store: Store) -> DraftStore:
    """Return the draft store of another run."""
    drafts = DraftStore(store)
    await drafts.find_all()
    return drafts


async def test_a_draft_is_found_by_the_next_start(store: Store) -> None:
    question = await ask(store)
    drafts = DraftStore(store)
    drafts.write(question.conversation_id, "Half a\nthought, 漢字 👩‍👩‍👧")
    await drafts.save()
    other = await reopened(store)
    assert other.conversation_ids() == {question.conversation_id}
    found = await other.open(question.conversation_id)
    assert found == ComposerDraft("Half a\nthought, 漢字 👩‍👩‍👧")


async def test_a_draft_is_saved_by_itself(store: Store, history: Path) -> None:
    drafts = DraftStore(store)
    drafts.write("c", "so")
    drafts.write("c", "so far")
    await wait_until(lambda: kept(history) == ["so far"])
    # Again, with another conversation too.
    drafts.write("c", "so far, and on")
    drafts.write("d", "elsewhere")
    await wait_until(lambda: kept(history) == ["elsewhere", "so far, and on"])


async def test_one_draft_that_cannot_be_written_does_not_keep_the_others_from_it(
    store: Store, history: Path
) -> None:
    drafts = DraftStore(store)
    with closing(sqlite3.connect(history)) as other:
        other.execute(
            "CREATE TRIGGER refused BEFORE INSERT ON drafts WHEN new.conversation_id = 'b'"
            " BEGIN SELECT raise(ABORT, 'refused'); END"
        )
    for conversation_id in "abcdefghij":
        drafts.write(conversation_id, f"to {conversation_id}")
    with pytest.raises(HistoryError):
        await drafts.save()
    assert kept(history) == [f"to {each}" for each in "acdefghij"]
    with closing(sqlite3.connect(history)) as other:
        other.execute("DROP TRIGGER refused")
    await drafts.save()
    assert kept(history) == [f"to {each}" for each in "abcdefghij"]


@contextmanager
def full_disk(store: Store) -> Generator[list[float]]:
    """Fill the disk for SQLite; yields the times of the tries to save a draft."""
    connection = store.threads.writer().conn
    tried: list[float] = []

    def note(statement: str) -> None:
        if "INTO drafts" in statement:
            tried.append(time.monotonic())

    (most,) = connection.execute("PRAGMA max_page_count").fetchone()
    connection.execute("PRAGMA max_page_count = 1")
    connection.set_trace_callback(note)
    yield tried
    connection.set_trace_callback(None)
    connection.execute(f"PRAGMA max_page_count = {most}")


LONG = "so far " * 10_000
"""A text that is too long for the free pages of a new history."""


async def test_a_draft_that_cannot_be_saved_is_saved_later(store: Store, history: Path) -> None:
    drafts = DraftStore(store)
    with full_disk(store) as tried:
        drafts.write("c", LONG)
        with pytest.raises(HistoryError):
            await drafts.save()
        # The store also tries by itself, and raises nothing then.
        await wait_until(lambda: len(tried) > 1)
        assert drafts.draft("c") == ComposerDraft(LONG)
    await wait_until(lambda: kept(history) == [LONG])


async def test_a_full_disk_is_tried_ever_more_rarely_and_logged_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(desks, "SAVE_AFTER", 0.01)
    monkeypatch.setattr(desks, "RETRY_AFTER", 0.02, raising=False)
    monkeypatch.setattr(desks, "LONGEST_RETRY_WAIT", 0.3, raising=False)
    drafts = DraftStore(store)
    with full_disk(store) as tried:
        drafts.write("c", LONG)
        await wait_until(lambda: len(tried) > 7)
        # Typing does not cause another try.
        drafts.write("c", LONG + "and on")
        await wait_until(lambda: len(tried) > 8)
    pauses = [after - before for before, after in pairwise(tried[:9])]
    wanted = [0.02, 0.04, 0.08, 0.16, 0.3, 0.3, 0.3, 0.3]
    assert all(pause >= least for pause, least in zip(pauses, wanted, strict=True)), pauses
    assert [record.message for record in caplog.records] == ["the history could not be written"]


async def test_as_soon_as_anything_can_be_written_drafts_are(
    store: Store, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "RETRY_AFTER", 600.0, raising=False)
    monkeypatch.setattr(desks, "LONGEST_RETRY_WAIT", 600.0, raising=False)
    drafts = DraftStore(store)
    with full_disk(store) as tried:
        drafts.write("c", LONG)
        await wait_until(lambda: tried)
        # When another write has been awaited, this failure has happened too.
        with pytest.raises(HistoryError):
            await ask(store, LONG)
    await ask(store)
    await wait_until(lambda: kept(history) == [LONG])
    # Soon after a change it tries again.
    drafts.write("c", "so far")
    await wait_until(lambda: kept(history) == ["so far"])


async def test_a_failure_after_a_success_is_logged_again(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    drafts = DraftStore(store)
    for _ in range(2):
        with full_disk(store):
            drafts.write("c", LONG)
            for _ in range(3):
                with pytest.raises(HistoryError):
                    await drafts.save()
        drafts.write("c", "so far")
        await drafts.save()
    assert len(caplog.records) == 2


async def test_text_typed_during_a_save_is_saved_too(store: Store, history: Path) -> None:
    drafts = DraftStore(store)
    drafts.write("c", "so")
    keeping = asyncio.create_task(drafts.save())
    # After this turn the writing thread has the text above.
    await asyncio.sleep(0)
    drafts.write("c", "so far")
    await keeping
    assert kept(history) == ["so far"]


@pytest.mark.parametrize("text", ["", " \n\t "], ids=["empty", "blank"])
async def test_nothing_is_saved_of_a_draft_that_was_sent(
    store: Store, history: Path, text: str
) -> None:
    drafts = DraftStore(store)
    drafts.write("c", "so far")
    await drafts.save()
    drafts.write("c", text)
    await drafts.save()
    assert kept(history) == []
    assert drafts.conversation_ids() == set()
    assert (await reopened(store)).conversation_ids() == set()
    drafts.queue("c", "one")
    await drafts.save()
    assert drafts.take_next("c") == "one"
    await drafts.save()
    assert kept(history) == []


async def test_half_a_surrogate_pair_is_replaced(store: Store) -> None:
    drafts = DraftStore(store)
    drafts.write("c", "cut \ud83d")
    await drafts.save()
    assert (await (await reopened(store)).open("c")).text == "cut \ufffd"


async def test_the_conversations_with_drafts_are_known(store: Store) -> None:
    drafts = DraftStore(store)
    drafts.write("text", "a draft")
    drafts.queue("queue", "one")
    drafts.edit("edit", "m", "the question")
    drafts.write("blank", " ")
    ids = {"text", "queue", "edit"}
    assert drafts.conversation_ids() == ids
    await drafts.save()
    other = await reopened(store)
    assert other.conversation_ids() == ids
    # Opened or not: the queue is part of the text now.
    for conversation_id in ids:
        await other.open(conversation_id)
    assert other.conversation_ids() == ids
    other.write("text", "")
    assert other.take_next("queue") is None
    other.write("queue", "")
    other.leave_edit("edit")
    assert other.conversation_ids() == set()


async def test_a_draft_that_is_opened_again_is_as_it_was_left(store: Store) -> None:
    drafts = DraftStore(store)
    drafts.write("c", "so far")
    await drafts.save()
    drafts.write("c", "so far, and on")
    drafts.queue("c", "one")
    # It is the one in memory, and its queue stays a queue.
    assert await drafts.open("c") == ComposerDraft("so far, and on", queued=("one",))
    assert await drafts.open("never heard of") == ComposerDraft()


async def test_the_queue_is_sent_from_its_front_and_edited_from_its_end(store: Store) -> None:
    drafts = DraftStore(store)
    for text in ("one", "two", "three"):
        drafts.queue("c", text)
    assert drafts.take_newest("c") == "three"
    assert drafts.take_next("c") == "one"
    drafts.queue("c", "one", is_next=True)
    assert drafts.draft("c").queued == ("one", "two")
    assert [drafts.take_next("c") for _ in range(3)] == ["one", "two", None]
    assert drafts.take_newest("c") is None


async def test_the_queue_of_a_program_that_died_becomes_text(
    store: Store,
) -> None:
    drafts = DraftStore(store)
    drafts.queue("c", "one")
    drafts.queue("c", "two")
    drafts.write("c", "three")
    await drafts.save()
    other = await reopened(store)
    found = ComposerDraft("one\n\ntwo\n\nthree")
    assert await other.open("c") == found
    assert other.take_next("c") is None
    # If that program dies too before anything is typed, nothing is doubled.
    await other.save()
    assert await (await reopened(store)).open("c") == found
    other.write("c", "one, and")
    await other.save()
    assert await (await reopened(store)).open("c") == ComposerDraft("one, and")


async def test_the_queue_is_there_after_a_restored_edit(store: Store) -> None:
    drafts = DraftStore(store)
    drafts.queue("c", "one")
    drafts.edit("c", "m", "the question")
    await drafts.save()
    other = await reopened(store)
    assert await other.open("c") == ComposerDraft("one", edited_id="m", edit="the question")
    assert other.leave_edit("c") == ComposerDraft("one")


async def test_the_draft_comes_back_after_an_edit(store: Store) -> None:
    drafts = DraftStore(store)
    drafts.write("c", "a draft")
    drafts.edit("c", "m", "the question")
    drafts.write("c", "the question, better")
    await drafts.save()
    assert await (await reopened(store)).open("c") == ComposerDraft(
        "a draft", edited_id="m", edit="the question, better"
    )
    assert drafts.leave_edit("c") == ComposerDraft("a draft")
    await drafts.save()
    assert await (await reopened(store)).open("c") == ComposerDraft("a draft")
