"""How many replies are written at once, whose turn it is, and how each is ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest

from tests.conftest import wait_until
from tests.scripted import Hold, Reply, Scripted, Seen, refuses, says
from tests.turns import MODEL
from tui.claude import Claude
from tui.conversation import Conversation, Message
from tui.desk import Desk
from tui.draft import Draft
from tui.reading import Reading
from tui.replies import Replies
from tui.store import Store
from tui.trash import Trash


class Running:
    """A worker, as Textual has them."""

    def __init__(self, work: Coroutine[Any, Any, None], _name: str) -> None:
        self._task = asyncio.create_task(work)

    def cancel(self) -> None:
        self._task.cancel()

    async def wait(self) -> None:
        await self._task


@dataclass
class Watching:
    """Hears of replies, and remembers them."""

    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def reply_begun(self, conversation: Conversation, question: Message, draft: Draft) -> None:
        assert (conversation.id, question.id) == (draft.conversation_id, draft.parent_id)
        self.begun.append(question.text)

    def reply_ended(self, draft: Draft, problem: str | None) -> None:
        assert problem is None
        self.ended.append("" if draft.ended is None else draft.ended.state)

    def all_saved(self) -> None:
        raise AssertionError


@dataclass
class Desks:
    """Several conversations, each with somebody who reads it."""

    store: Store
    replies: Replies
    desk: Desk
    watching: Watching

    def reading(self) -> Reading:
        return Reading(self.store, self.replies, Trash(self.store), model=MODEL)

    async def until_done(self) -> None:
        await wait_until(lambda: not self.replies.drafts)


@pytest.fixture
async def desks(store: Store, claude: Claude) -> AsyncIterator[Desks]:
    desk, watching = Desk(store), Watching()
    replies = Replies(store, claude, desk=desk, run=Running, watched=watching, at_once=2)
    yield Desks(store, replies, desk, watching)
    await replies.stop_all()
    await claude.close()


def has_ended(draft: Draft) -> bool:
    return draft.ended is not None


def are_queued(drafts: Sequence[Draft]) -> bool:
    return all(draft.is_queued for draft in drafts)


class Held:
    """Answers each question when the test says so."""

    def __init__(self) -> None:
        self.holds: dict[str, Hold] = {}
        """By question, in the order in which they came."""
        self.most = 0
        """How many were being answered at once, at most."""

    def __call__(self, seen: Seen) -> Reply:
        asked = seen.json["messages"][-1]["content"][0]["text"]
        hold = self.holds[asked] = Hold()
        held = [each for each in self.holds.values() if not each.released.is_set()]
        self.most = max(self.most, len(held))
        return Reply(says(f"to {asked}").steps, before=[hold])

    def have_come(self, *asked: str) -> bool:
        """Whether these were asked, and no others, each after the first two in its turn."""
        come = [*self.holds]
        # The two go out at once, and either may be there first.
        return sorted(come[:2]) == sorted(asked[:2]) and come[2:] == [*asked[2:]]


async def test_two_are_asked_for_at_once_and_the_others_in_their_order(
    server: Scripted, desks: Desks
) -> None:
    server.answer = held = Held()
    asked = [str(number) for number in range(5)]
    readers = [desks.reading() for _ in asked]
    drafts = [(await reader.ask(text))[1] for reader, text in zip(readers, asked, strict=True)]
    for number, text in enumerate(asked):
        come = asked[: number + 2]
        await wait_until(partial(held.have_come, *come))
        # Those who wait are known to.
        await wait_until(partial(are_queued, drafts[len(come) :]))
        assert not any(draft.is_queued for draft in drafts[: len(come)])
        held.holds[text].release()
        await wait_until(partial(has_ended, drafts[number]))
    assert held.most == 2
    assert [draft.ended and draft.ended.text for draft in drafts] == [
        f"to {text}" for text in asked
    ]


async def test_those_who_wait_are_let_in_as_they_came_whoever_ends_first(
    server: Scripted, desks: Desks
) -> None:
    server.answer = held = Held()
    asked = [str(number) for number in range(6)]
    for text in asked:
        await desks.reading().ask(text)
    await wait_until(partial(held.have_come, "0", "1"))
    # The second of the two first, and then two at a time.
    for text, come in (("1", asked[:3]), ("2", asked[:4])):
        held.holds[text].release()
        await wait_until(partial(held.have_come, *come))
    held.holds["0"].release()
    held.holds["3"].release()
    await wait_until(lambda: len(held.holds) == len(asked))
    held.holds["4"].release()
    held.holds["5"].release()
    await desks.until_done()
    assert held.most == 2
    assert desks.watching.ended == ["complete"] * len(asked)


async def test_those_who_wait_at_the_end_of_the_program_are_never_sent(
    server: Scripted, desks: Desks
) -> None:
    server.answer = held = Held()
    for text in ("0", "1", "2", "3"):
        await desks.reading().ask(text)
    await wait_until(partial(held.have_come, "0", "1"))
    await desks.replies.stop_all(is_interrupted=True)
    assert desks.watching.ended == ["interrupted"] * 4
    assert len(server.asked) == 2
    # What was asked is kept, with how it ended.
    rows = await desks.store.select(
        "SELECT state, count(*) AS number FROM transcript GROUP BY role, state ORDER BY role"
    )
    assert [(row["state"], row["number"]) for row in rows] == [
        ("interrupted", 4),
        ("complete", 4),
    ]


async def test_one_that_is_stopped_while_it_waits_is_never_sent(
    server: Scripted, desks: Desks
) -> None:
    server.answer = held = Held()
    readers = [desks.reading() for _ in range(4)]
    for number, reader in enumerate(readers):
        await reader.ask(str(number))
    await wait_until(lambda: len(held.holds) == 2)
    assert desks.replies.stop(readers[2].conversation.id)
    await wait_until(lambda: desks.watching.ended == ["stopped"])
    held.holds["0"].release()
    await wait_until(lambda: "3" in held.holds)
    assert held.have_come("0", "1", "3")
    held.holds["1"].release()
    held.holds["3"].release()
    await desks.until_done()
    assert len(server.asked) == 3


async def test_one_that_is_stopped_at_once_is_over(server: Scripted, desks: Desks) -> None:
    reader = desks.reading()
    await reader.ask("never mind")
    assert desks.replies.stop(reader.conversation.id)
    await desks.until_done()
    assert desks.watching.ended == ["stopped"]
    assert server.asked == []
    await reader.ask("this instead")
    await desks.until_done()
    assert desks.watching.ended == ["stopped", "complete"]


async def test_what_waits_is_asked_when_the_reply_before_it_is_there(
    server: Scripted, desks: Desks
) -> None:
    server.answer = held = Held()
    reader = desks.reading()
    await reader.ask("one")
    conversation_id = reader.conversation.id
    for text in ("two", "three"):
        desks.desk.queue(conversation_id, text)
    assert not await desks.replies.ask_next(conversation_id)
    for text in ("one", "two", "three"):
        await wait_until(partial(held.holds.__contains__, text))
        # One request at a time on a branch.
        assert len(server.asked) == len(held.holds)
        held.holds[text].release()
    await desks.until_done()
    assert desks.watching.begun == ["two", "three"]
    conversation = await desks.store.conversation(conversation_id)
    assert conversation is not None
    line = await desks.store.line(conversation.tip_id)
    assert [message.text for message in line] == [
        "one", "to one", "two", "to two", "three", "to three",
    ]  # fmt: skip


async def test_what_waits_goes_on_waiting_behind_a_reply_that_failed(
    server: Scripted, desks: Desks
) -> None:
    hold = Hold()
    server.will(
        Reply(
            refuses(400, "invalid_request_error").steps,
            status=400,
            headers={"content-type": "application/json"},
            is_stream=False,
            before=[hold],
        )
    )
    reader = desks.reading()
    await reader.ask("one")
    desks.desk.queue(reader.conversation.id, "two")
    hold.release()
    await desks.until_done()
    assert desks.watching.ended == ["failed"]
    assert desks.desk.unsent(reader.conversation.id).queued == ("two",)
    assert await desks.replies.ask_next(reader.conversation.id)
    await desks.until_done()
    assert desks.watching.ended == ["failed", "complete"]


async def test_a_title_that_came_meanwhile_stays_when_what_waited_is_asked(
    server: Scripted, desks: Desks
) -> None:
    hold = Hold()
    server.will(says("one"), Reply(says("two").steps, before=[hold]))
    reader = desks.reading()
    await reader.ask("one")
    await desks.until_done()
    before = reader.conversation
    desks.desk.queue(before.id, "two")
    assert await desks.replies.ask_next(before.id)
    draft = desks.replies.drafts[before.id]
    question = await desks.store.branches.message(draft.parent_id or "")
    assert question is not None
    reader.conversation = replace(before, title="A better title", title_by="model")
    assert reader.begun(before, question, draft)
    assert (reader.conversation.title, reader.conversation.tip_id) == (
        "A better title", draft.id,
    )  # fmt: skip
    hold.release()
    await desks.until_done()
