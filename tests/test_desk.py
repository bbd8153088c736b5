"""What lies written and unsent, and what another start finds of it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.turns import ask, on_disk
from tui.conversation import Unsent
from tui.desk import Desk
from tui.store import HistoryError, Store


def kept(history: Path) -> list[str]:
    """The texts on disk."""
    return [row["text"] for row in on_disk(history, "SELECT text FROM drafts ORDER BY text")]


async def reopened(store: Store) -> Desk:
    """The desk of another start."""
    desk = Desk(store)
    await desk.find_all()
    return desk


async def test_what_was_written_is_found_by_another_start(store: Store) -> None:
    question = await ask(store)
    desk = Desk(store)
    desk.write(question.conversation_id, "Half a\nthought, 漢字 👩‍👩‍👧")
    await desk.keep()
    other = await reopened(store)
    assert other.conversation_ids() == {question.conversation_id}
    found = await other.open(question.conversation_id)
    assert found == Unsent("Half a\nthought, 漢字 👩‍👩‍👧")


async def test_it_is_kept_without_being_told_to(store: Store, history: Path) -> None:
    desk = Desk(store)
    desk.write("c", "so")
    desk.write("c", "so far")
    await wait_until(lambda: kept(history) == ["so far"])
    # And again, of another conversation too.
    desk.write("c", "so far, and on")
    desk.write("d", "elsewhere")
    await wait_until(lambda: kept(history) == ["elsewhere", "so far, and on"])


async def test_what_cannot_be_kept_is_kept_later(
    store: Store, history: Path, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(store)
    with closing(sqlite3.connect(history)) as other:
        other.execute("ALTER TABLE drafts RENAME TO elsewhere")
        desk.write("c", "so far")
        with pytest.raises(HistoryError):
            await desk.keep()
        # By itself too, which is not raised to anybody.
        await wait_until(lambda: len(caplog.records) > 1)
        assert desk.unsent("c") == Unsent("so far")
        other.execute("ALTER TABLE elsewhere RENAME TO drafts")
    await wait_until(lambda: kept(history) == ["so far"])


async def test_what_is_written_while_it_is_kept_is_kept_too(
    store: Store, history: Path
) -> None:
    desk = Desk(store)
    desk.write("c", "so")
    keeping = asyncio.create_task(desk.keep())
    # Once it has begun, the text above is with the thread that writes.
    await asyncio.sleep(0)
    desk.write("c", "so far")
    await keeping
    assert kept(history) == ["so far"]


@pytest.mark.parametrize("text", ["", " \n\t "], ids=["empty", "blank"])
async def test_of_what_was_sent_nothing_is_kept(store: Store, history: Path, text: str) -> None:
    desk = Desk(store)
    desk.write("c", "so far")
    await desk.keep()
    desk.write("c", text)
    await desk.keep()
    assert kept(history) == []
    assert desk.conversation_ids() == set()
    assert (await reopened(store)).conversation_ids() == set()
    desk.queue("c", "one")
    await desk.keep()
    assert desk.take_next("c") == "one"
    await desk.keep()
    assert kept(history) == []


async def test_half_a_character_is_kept_as_what_can_be(store: Store) -> None:
    desk = Desk(store)
    desk.write("c", "cut \ud83d")
    await desk.keep()
    assert (await (await reopened(store)).open("c")).text == "cut \ufffd"


async def test_where_anything_lies_unsent_is_known(store: Store) -> None:
    desk = Desk(store)
    desk.write("text", "a draft")
    desk.queue("queue", "one")
    desk.edit("edit", "m", "the question")
    desk.write("blank", " ")
    ids = {"text", "queue", "edit"}
    assert desk.conversation_ids() == ids
    await desk.keep()
    other = await reopened(store)
    assert other.conversation_ids() == ids
    # Opened or not: what waited is a text now.
    for conversation_id in ids:
        await other.open(conversation_id)
    assert other.conversation_ids() == ids
    other.write("text", "")
    assert other.take_next("queue") is None
    other.write("queue", "")
    other.leave_edit("edit")
    assert other.conversation_ids() == set()


async def test_what_is_opened_again_is_as_it_was_left(store: Store) -> None:
    desk = Desk(store)
    desk.write("c", "so far")
    await desk.keep()
    desk.write("c", "so far, and on")
    desk.queue("c", "one")
    # Not as it is on disk, and what waits goes on waiting.
    assert await desk.open("c") == Unsent("so far, and on", queued=("one",))
    assert await desk.open("never heard of") == Unsent()


async def test_what_waits_is_asked_in_its_order_and_edited_from_its_end(store: Store) -> None:
    desk = Desk(store)
    for text in ("one", "two", "three"):
        desk.queue("c", text)
    assert desk.take_newest("c") == "three"
    assert desk.take_next("c") == "one"
    desk.queue("c", "one", is_next=True)
    assert desk.unsent("c").queued == ("one", "two")
    assert [desk.take_next("c") for _ in range(3)] == ["one", "two", None]
    assert desk.take_newest("c") is None


async def test_what_waited_when_a_program_died_is_text_again_and_waits_no_more(
    store: Store,
) -> None:
    desk = Desk(store)
    desk.queue("c", "one")
    desk.queue("c", "two")
    desk.write("c", "three")
    await desk.keep()
    other = await reopened(store)
    found = Unsent("one\n\ntwo\n\nthree")
    assert await other.open("c") == found
    assert other.take_next("c") is None
    # Should that one die too before anything is typed, nothing is doubled.
    await other.keep()
    assert await (await reopened(store)).open("c") == found
    other.write("c", "one, and")
    await other.keep()
    assert await (await reopened(store)).open("c") == Unsent("one, and")


async def test_what_waited_is_there_after_an_edit_that_was_found(store: Store) -> None:
    desk = Desk(store)
    desk.queue("c", "one")
    desk.edit("c", "m", "the question")
    await desk.keep()
    other = await reopened(store)
    assert await other.open("c") == Unsent("one", edited_id="m", edit="the question")
    assert other.leave_edit("c") == Unsent("one")


async def test_what_was_being_written_comes_back_after_an_edit(store: Store) -> None:
    desk = Desk(store)
    desk.write("c", "a draft")
    desk.edit("c", "m", "the question")
    desk.write("c", "the question, better")
    await desk.keep()
    assert await (await reopened(store)).open("c") == Unsent(
        "a draft", edited_id="m", edit="the question, better"
    )
    assert desk.leave_edit("c") == Unsent("a draft")
    await desk.keep()
    assert await (await reopened(store)).open("c") == Unsent("a draft")
