"""How many replies run at once, in which order they start, and how they are stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest

from tests.chosen import connected
from tests.conftest import wait_until
from tests.scripted import Hold, Reply, Scripted, Seen, refuses, says
from tests.turns import MODEL, on_disk
from tui.chat import asking
from tui.chat.draft_store import DraftStore
from tui.chat.open_conversation import OpenConversation
from tui.chat.reply_scheduler import ReplyScheduler
from tui.claude import Claude
from tui.domain.conversation import Conversation, Message
from tui.domain.parameters import Parameters
from tui.domain.reply import StreamingReply
from tui.store import Store


class Running:
    """A worker like Textual's."""

    def __init__(self, work: Coroutine[Any, Any, None], _name: str) -> None:
        self._task = asyncio.create_task(work)

    def cancel(self) -> None:
        self._task.cancel()

    async def wait(self) -> None:
        await self._task


@dataclass
class RecordingListener:
    """A listener that records its calls."""

    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def reply_begun(
        self, conversation: Conversation, question: Message, reply: StreamingReply
    ) -> None:
        assert (conversation.id, question.id) == (reply.conversation_id, reply.parent_id)
        self.begun.append(question.text)

    def reply_ended(self, reply: StreamingReply, problem: str | None) -> None:
        assert problem is None
        self.ended.append("" if reply.ended is None else reply.ended.state)

    def all_saved(self) -> None:
        raise AssertionError

    def next_not_asked(self, *_: object) -> None:
        raise AssertionError


@dataclass
class Harness:
    """A scheduler with its store, its drafts and its listener."""

    store: Store
    replies: ReplyScheduler
    drafts: DraftStore
    listener: RecordingListener

    def current(self) -> OpenConversation:
        return OpenConversation(self.store, self.replies, model=MODEL)

    async def until_done(self) -> None:
        await wait_until(lambda: not self.replies.streaming)


@pytest.fixture
async def harness(store: Store, claude: Claude) -> AsyncIterator[Harness]:
    drafts, listener = DraftStore(store), RecordingListener()
    replies = ReplyScheduler(
        store,
        connected(claude),
        Parameters(MODEL),
        drafts=drafts,
        run=Running,
        listener=listener,
        at_once=2,
    )
    yield Harness(store, replies, drafts, listener)
    await replies.stop_all()
    await claude.close()


def has_ended(reply: StreamingReply) -> bool:
    return reply.ended is not None


def are_queued(replies: Sequence[StreamingReply]) -> bool:
    return all(draft.is_queued for draft in replies)


class HeldAnswers:
    """Answers each question when the test releases it."""

    def __init__(self) -> None:
        self.holds: dict[str, Hold] = {}
        """The holds by question, in the order of the requests."""
        self.most = 0
        """The most requests that were answered at the same time."""

    def __call__(self, seen: Seen) -> Reply:
        asked = seen.json["messages"][-1]["content"][0]["text"]
        hold = self.holds[asked] = Hold()
        held = [each for each in self.holds.values() if not each.released.is_set()]
        self.most = max(self.most, len(held))
        return Reply(says(f"to {asked}").steps, before=[hold])

    def have_come(self, *asked: str) -> bool:
        """Tell whether exactly these were asked; after the first two in this order."""
        come = [*self.holds]
        # The first two are sent at once, and either may arrive first.
        return sorted(come[:2]) == sorted(asked[:2]) and come[2:] == [*asked[2:]]


async def test_two_are_asked_for_at_once_and_the_others_in_their_order(
    server: Scripted, harness: Harness
) -> None:
    server.answer = held = HeldAnswers()
    asked = [str(number) for number in range(5)]
    readers = [harness.current() for _ in asked]
    drafts = [
        (await asking.ask(reader, text))[1] for reader, text in zip(readers, asked, strict=True)
    ]
    for number, text in enumerate(asked):
        come = asked[: number + 2]
        await wait_until(partial(held.have_come, *come))
        # The replies that wait are marked as queued.
        await wait_until(partial(are_queued, drafts[len(come) :]))
        assert not any(draft.is_queued for draft in drafts[: len(come)])
        held.holds[text].release()
        await wait_until(partial(has_ended, drafts[number]))
    assert held.most == 2
    assert [draft.ended and draft.ended.text for draft in drafts] == [
        f"to {text}" for text in asked
    ]


async def test_queued_replies_start_in_their_order_whichever_ends_first(
    server: Scripted, harness: Harness
) -> None:
    server.answer = held = HeldAnswers()
    asked = [str(number) for number in range(6)]
    for text in asked:
        await asking.ask(harness.current(), text)
    await wait_until(partial(held.have_come, "0", "1"))
    # First the second of the two ends, and then two run at a time.
    for text, come in (("1", asked[:3]), ("2", asked[:4])):
        held.holds[text].release()
        await wait_until(partial(held.have_come, *come))
    held.holds["0"].release()
    held.holds["3"].release()
    await wait_until(lambda: len(held.holds) == len(asked))
    held.holds["4"].release()
    held.holds["5"].release()
    await harness.until_done()
    assert held.most == 2
    assert harness.listener.ended == ["complete"] * len(asked)


async def test_those_who_wait_at_the_end_of_the_program_are_never_sent(
    server: Scripted, harness: Harness
) -> None:
    server.answer = held = HeldAnswers()
    for text in ("0", "1", "2", "3"):
        await asking.ask(harness.current(), text)
    await wait_until(partial(held.have_come, "0", "1"))
    await harness.replies.stop_all(is_interrupted=True)
    assert harness.listener.ended == ["interrupted"] * 4
    assert len(server.asked) == 2
    # The questions are saved, with the ends of their replies.
    rows = on_disk(
        harness.store.path,
        "SELECT state, count(*) AS number FROM transcript GROUP BY role, state ORDER BY role",
    )
    assert [(row["state"], row["number"]) for row in rows] == [
        ("interrupted", 4),
        ("complete", 4),
    ]


async def test_a_reply_that_is_stopped_while_it_is_queued_is_never_sent(
    server: Scripted, harness: Harness
) -> None:
    server.answer = held = HeldAnswers()
    readers = [harness.current() for _ in range(4)]
    for number, reader in enumerate(readers):
        await asking.ask(reader, str(number))
    await wait_until(lambda: len(held.holds) == 2)
    assert harness.replies.stop(readers[2].conversation.id)
    await wait_until(lambda: harness.listener.ended == ["stopped"])
    held.holds["0"].release()
    await wait_until(lambda: "3" in held.holds)
    assert held.have_come("0", "1", "3")
    held.holds["1"].release()
    held.holds["3"].release()
    await harness.until_done()
    assert len(server.asked) == 3


async def test_a_reply_that_is_stopped_at_once_ends(server: Scripted, harness: Harness) -> None:
    reader = harness.current()
    await asking.ask(reader, "never mind")
    assert harness.replies.stop(reader.conversation.id)
    await harness.until_done()
    assert harness.listener.ended == ["stopped"]
    assert server.asked == []
    await asking.ask(reader, "this instead")
    await harness.until_done()
    assert harness.listener.ended == ["stopped", "complete"]


async def test_a_queued_question_is_asked_when_the_reply_before_it_is_complete(
    server: Scripted, harness: Harness
) -> None:
    server.answer = held = HeldAnswers()
    reader = harness.current()
    await asking.ask(reader, "one")
    conversation_id = reader.conversation.id
    for text in ("two", "three"):
        harness.drafts.queue(conversation_id, text)
    assert not await harness.replies.ask_next(conversation_id)
    for text in ("one", "two", "three"):
        await wait_until(partial(held.holds.__contains__, text))
        # Only one request at a time on a branch.
        assert len(server.asked) == len(held.holds)
        held.holds[text].release()
    await harness.until_done()
    assert harness.listener.begun == ["two", "three"]
    conversation = await harness.store.conversation(conversation_id)
    assert conversation is not None
    line = await harness.store.read_path(conversation.tip_id)
    assert [message.text for message in line] == [
        "one", "to one", "two", "to two", "three", "to three",
    ]  # fmt: skip


async def test_a_queued_question_stays_queued_after_a_reply_that_failed(
    server: Scripted, harness: Harness
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
    reader = harness.current()
    await asking.ask(reader, "one")
    harness.drafts.queue(reader.conversation.id, "two")
    hold.release()
    await harness.until_done()
    assert harness.listener.ended == ["failed"]
    assert harness.drafts.draft(reader.conversation.id).queued == ("two",)
    assert await harness.replies.ask_next(reader.conversation.id)
    await harness.until_done()
    assert harness.listener.ended == ["failed", "complete"]


async def test_a_title_that_came_meanwhile_stays_when_what_waited_is_asked(
    server: Scripted, harness: Harness
) -> None:
    hold = Hold()
    server.will(says("one"), Reply(says("two").steps, before=[hold]))
    reader = harness.current()
    await asking.ask(reader, "one")
    await harness.until_done()
    before = reader.conversation
    harness.drafts.queue(before.id, "two")
    assert await harness.replies.ask_next(before.id)
    draft = harness.replies.streaming[before.id]
    question = await harness.store.branches.message(draft.parent_id or "")
    assert question is not None
    reader.conversation = replace(before, title="A better title", title_by="model")
    assert reader.begun(before, question, draft)
    assert (reader.conversation.title, reader.conversation.tip_id) == (
        "A better title", draft.id,
    )  # fmt: skip
    hold.release()
    await harness.until_done()
