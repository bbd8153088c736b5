"""What lies written and unsent, and what another start finds of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.turns import ask, on_disk
from tui.conversation import Unsent
from tui.desk import Desk
from tui.store import Store


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
    async with asyncio.timeout(10):
        while not (rows := on_disk(history, "SELECT text FROM drafts")):
            await asyncio.sleep(0.02)
    assert [row["text"] for row in rows] == ["so far"]


async def test_of_what_was_sent_nothing_is_kept(store: Store, history: Path) -> None:
    desk = Desk(store)
    desk.write("c", "so far")
    await desk.keep()
    desk.write("c", "")
    await desk.keep()
    assert on_disk(history, "SELECT * FROM drafts") == []
    assert (await reopened(store)).conversation_ids() == set()


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
    assert await (await reopened(store)).open("c") == Unsent("one\n\ntwo\n\nthree")


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
