"""Two programs on one history: only one request at a time runs on a branch."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.alternating import Alternating
from tests.conftest import wait_until
from tests.headless import Headless
from tests.scripted import Event, Hold, Reply, Scripted, says, start, text
from tests.turns import MODEL, on_disk
from tui.chat import (
    asking,
    message_commands,
    parameter_commands,
    path_commands,
    question_commands,
)
from tui.chat.changes import Change, PathChanged, QueueChanged
from tui.chat.following import follow
from tui.chat.open_conversation import ANSWERING_ELSEWHERE, Refused
from tui.chat.question_commands import Queued
from tui.claude import Claude
from tui.domain.endpoint import Endpoint
from tui.domain.parameters import Parameters


class Pair:
    """Two programs, and the server that answers both."""

    def __init__(self, history: Path, server: Scripted) -> None:
        self.server = Alternating(server)
        self.connections = [Claude(Endpoint(server.url, api_key="sk-test")) for _ in range(2)]
        self.first, self.second = (Headless(history, each) for each in self.connections)
        self.history = history

    @property
    def both(self) -> tuple[Headless, Headless]:
        return self.first, self.second

    async def converse(self) -> None:
        """Make a conversation with one reply, and open it in both programs."""
        await self.first.send("one")
        await self.until_answered("one")
        await self.open()

    async def open(self) -> None:
        """Open the first program's conversation in the second one."""
        # After its first poll it notices what others write.
        await self.second.other_windows.poll()
        await self.second.session.open(self.first.open_id)

    async def ask_and_hold(self, question: str) -> None:
        """Ask in the first program, and wait until half of the reply has arrived."""
        self.server.is_held = True
        await self.first.send(question)
        await wait_until(
            lambda: (
                question in self.server.holds and self.server.holds[question].reached.is_set()
            )
        )
        self.server.is_held = False

    async def until_answered(self, *questions: str) -> None:
        """Wait until the history has complete replies to these questions, and all is idle."""
        replies = {f"to {question}" for question in questions}
        await wait_until(lambda: replies <= set(self.replies("complete")))
        is_held = any(not each.released.is_set() for each in self.server.holds.values())
        await wait_until(lambda: not self.second.works and (is_held or not self.first.works))

    async def until_seen(self, *words: str) -> None:
        """Poll in the second program until it shows these messages and running replies."""
        async with asyncio.timeout(20):
            while self.seen != [*words]:
                await self.second.other_windows.poll()
                await asyncio.sleep(0.02)

    @property
    def seen(self) -> list[str]:
        """The texts that the second program shows."""
        current = self.second.current
        running = [] if current.reply is None else [current.reply.words("text")]
        return [message.text for message in current.path] + running

    @property
    def queued(self) -> tuple[str, ...]:
        return self.second.session.drafts.draft(self.second.open_id).queued

    def replies(self, state: str) -> list[str]:
        sql = "SELECT text FROM transcript WHERE role = 'assistant' AND state = ?"
        return [row["text"] for row in on_disk(self.history, sql, state)]


class Gate:
    """Stops a reader before it reads a conversation, until the test lets it through."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

    def see(self, sql: str) -> None:
        """Be the trace callback of a connection; runs in the reader's thread."""
        if "tip_state" in sql:
            self.reached.set()
            self.opened.wait(60)


@pytest.fixture
async def pair(history: Path, server: Scripted) -> AsyncIterator[Pair]:
    pair = Pair(history, server)
    yield pair
    for program, claude in zip(pair.both, pair.connections, strict=True):
        await program.leave(is_interrupted=False)
        await claude.close()
        assert program.problems == []
    assert pair.server.problems == []


async def test_a_question_waits_for_the_reply_that_another_program_writes(pair: Pair) -> None:
    await pair.converse()
    await pair.ask_and_hold("two")
    await pair.second.send("three")
    assert pair.queued == ("three",)
    assert pair.second.session.scheduler.will_send_queue(pair.second.open_id)
    assert list(pair.server.requests) == ["one", "two"]
    pair.server.holds["two"].release()
    await pair.until_answered("two", "three")
    assert pair.server.requests["three"] == ["one", "to one", "two", "to two", "three"]
    await pair.until_seen("one", "to one", "two", "to two", "three", "to three")
    assert not pair.queued


async def test_whoever_asks_during_anothers_reply_is_told_that_the_question_waits(
    pair: Pair,
) -> None:
    await pair.converse()
    await pair.ask_and_hold("two")
    session, heard = pair.second.session, list[Change]()
    session.subscribe(heard.append)
    # Only the history knows of the other reply; at the second question, so does the path.
    for question in ("three", "four"):
        submitted = await question_commands.submit(session, session.open_id, question)
        assert submitted == Queued()
        assert QueueChanged(session.open_id) in heard
        await pair.until_seen("one", "to one", "two", "to ")
        heard.clear()
    assert pair.queued == ("three", "four")
    assert session.drafts.draft(session.open_id).text == ""
    pair.server.holds["two"].release()
    await pair.until_answered("two", "three", "four")
    assert pair.server.requests["four"][-3:] == ["three", "to three", "four"]


async def test_a_question_that_is_overtaken_waits_again(pair: Pair) -> None:
    await pair.converse()
    await pair.ask_and_hold("two")
    await pair.second.send("three")
    reader, gate = pair.second.store.threads.reader, Gate()
    reader.set_trace_callback(gate.see)
    pair.server.holds["two"].release()
    await wait_until(gate.reached.is_set)
    # The second program has read that the reply is over, and has not asked yet.
    await wait_until(lambda: not pair.first.works)
    await pair.ask_and_hold("four")
    gate.opened.set()
    session = pair.second.session
    await wait_until(lambda: pair.queued and session.scheduler.will_send_queue(session.open_id))
    pair.server.holds["four"].release()
    await pair.until_answered("three", "four")
    assert pair.server.requests["three"][-3:] == ["four", "to four", "three"]


async def test_a_reply_is_seen_to_grow_in_another_program(pair: Pair) -> None:
    await pair.converse()
    await pair.ask_and_hold("two")
    await pair.until_seen("one", "to one", "two", "to ")
    assert await follow(pair.second.current, is_changed=False) == "same"
    pair.server.holds["two"].release()
    await pair.until_seen("one", "to one", "two", "to two")
    assert pair.second.current.reply is None
    # The same holds again, as if this program had asked.
    await pair.second.send("three")
    await pair.until_answered("three")
    assert pair.server.requests["three"] == ["one", "to one", "two", "to two", "three"]


async def test_a_conversation_is_opened_in_the_middle_of_anothers_reply(pair: Pair) -> None:
    await pair.ask_and_hold("one")
    await wait_until(lambda: on_disk(pair.history, "SELECT 1 FROM journal"))
    await pair.open()
    assert pair.seen == ["one", "to "]
    await pair.second.send("two")
    assert pair.queued == ("two",)
    pair.server.holds["one"].release()
    await pair.until_answered("one", "two")
    await pair.until_seen("one", "to one", "two", "to two")


async def test_after_anothers_reply_that_was_stopped_the_queue_waits_for_a_person(
    pair: Pair,
) -> None:
    await pair.converse()
    await pair.ask_and_hold("two")
    await pair.second.send("three")
    pair.first.session.scheduler.stop(pair.first.open_id)
    await wait_until(
        lambda: not pair.second.session.scheduler.will_send_queue(pair.second.open_id)
    )
    assert pair.queued == ("three",)
    await pair.until_seen("one", "to one", "two", "to ")
    assert list(pair.server.requests) == ["one", "two"]
    # Enter in the empty composer.
    await question_commands.submit_queued(pair.second.session, pair.second.open_id)
    await pair.until_answered("three")
    assert pair.server.requests["three"] == ["one", "to one", "two", "to ", "three"]


async def test_a_queue_that_is_not_sent_after_anothers_reply_is_announced(pair: Pair) -> None:
    await pair.converse()
    session = pair.second.session
    going_on: list[bool] = []

    def hear(change: Change) -> None:
        if isinstance(change, QueueChanged):
            going_on.append(session.scheduler.will_send_queue(change.conversation_id))

    session.subscribe(hear)
    await pair.ask_and_hold("two")
    await pair.second.send("three")
    await wait_until(lambda: session.scheduler.will_send_queue(session.open_id))
    await pair.second.other_windows.poll()
    assert going_on[-1]
    pair.first.session.scheduler.stop(pair.first.open_id)
    # Its end is shown before its effect on the queue is known.
    await pair.until_seen("one", "to one", "two", "to ")
    await wait_until(lambda: not session.scheduler.will_send_queue(session.open_id))
    await pair.second.other_windows.poll()
    assert not going_on[-1]
    assert pair.queued == ("three",)


async def test_parameters_that_another_window_chose_are_shown(pair: Pair) -> None:
    """The heading names the model, and is drawn when something is published."""
    heard: list[Change] = []
    await pair.converse()
    pair.second.session.subscribe(heard.append)
    await parameter_commands.set_parameters(
        pair.first.session, pair.first.open_id, Parameters("another-model")
    )
    await pair.second.other_windows.poll()
    assert pair.second.current.conversation.parameters.model == "another-model"
    assert PathChanged(pair.second.open_id, is_kept_in_place=True) in heard


async def test_a_question_takes_what_another_window_has_just_chosen(
    pair: Pair, server: Scripted
) -> None:
    """Nothing is overwritten before the next poll shows it, however Claude is asked."""
    await pair.converse()
    first, second = pair.first.session, pair.second.session
    question_id, reply_id = (message.id for message in second.current.path)
    ways: dict[str, Callable[[], Awaitable[object]]] = {
        "send": lambda: question_commands.submit(second, second.open_id, "two"),
        "edit": lambda: message_commands.edit(second, second.open_id, question_id, "three"),
        "regenerate": lambda: message_commands.regenerate(second, second.open_id, reply_id),
    }
    for way, ask in ways.items():
        chosen = Parameters(f"model-for-{way}", f"Be {way}.", effort="low")
        await parameter_commands.set_parameters(first, first.open_id, chosen)
        assert second.current.conversation.parameters != chosen
        pair.server.requests.pop("one", None)
        if way == "regenerate":
            await message_commands.go_to(second, second.open_id, reply_id)
        await ask()
        await wait_until(lambda: not pair.second.works)
        sent = server.asked[-1].json
        assert (sent["model"], sent["system"]) == (chosen.model, chosen.system)
        assert second.current.conversation.parameters == chosen
        found = await pair.first.store.conversation(first.open_id)
        assert found is not None
        assert found.parameters == chosen


async def test_a_question_saves_only_what_its_own_window_chose(
    pair: Pair, server: Scripted
) -> None:
    await pair.converse()
    first, second = pair.first.session, pair.second.session
    # As `--model` in the second window does.
    second.current._is_model_asked_for = True
    second.current._parameters = Parameters("of-the-second")
    await second.open(first.open_id)
    await parameter_commands.set_parameters(
        first, first.open_id, Parameters("of-the-first", "Be brief.", effort="low")
    )
    await pair.second.send("two")
    await pair.until_answered("two")
    sent = server.asked[-1].json
    assert (sent["model"], sent["system"]) == ("of-the-second", "Be brief.")
    found = await pair.first.store.conversation(first.open_id)
    assert found is not None
    assert found.parameters == Parameters("of-the-second", "Be brief.", effort="low")
    # From here on it is the conversation's: a queued question follows another choice, too.
    pair.server.is_held = True
    await pair.second.send("three")
    await wait_until(lambda: "three" in pair.server.requests)
    pair.server.is_held = False
    await pair.second.send("four")
    await parameter_commands.set_parameters(first, first.open_id, Parameters("the-newest"))
    pair.server.holds["three"].release()
    await pair.until_answered("three", "four")
    assert server.asked[-1].json["model"] == "the-newest"


async def test_another_branch_runs_at_the_same_time(pair: Pair) -> None:
    await pair.converse()
    await pair.ask_and_hold("two")
    await pair.until_seen("one", "to one", "two", "to ")
    current = pair.second.current
    await asking.edit(current, current.path[2].id, "two, better")
    await pair.until_answered("two, better")
    assert pair.server.requests["two, better"] == ["one", "to one", "two, better"]
    # The first program's reply continues meanwhile, on the other branch.
    assert pair.replies("streaming") == [""]
    await pair.second.send("three")
    await pair.until_answered("three")
    assert pair.server.requests["three"][2:] == ["two, better", "to two, better", "three"]
    pair.server.holds["two"].release()
    await pair.until_answered("two")


async def test_nothing_is_done_with_a_reply_that_another_program_writes(pair: Pair) -> None:
    await pair.converse()
    await pair.ask_and_hold("two")
    await pair.until_seen("one", "to one", "two", "to ")
    current = pair.second.current
    assert current.reply is not None
    question_id, reply_id = current.path[2].id, current.reply.id
    for refused in (
        asking.regenerate(current, reply_id),
        asking.continue_reply(current, reply_id),
        path_commands.fork(current, reply_id),
        path_commands.delete(current, pair.second.session.undo_stack, reply_id),
        path_commands.delete(current, pair.second.session.undo_stack, question_id),
    ):
        with pytest.raises(Refused, match=ANSWERING_ELSEWHERE):
            await refused
    assert pair.seen == ["one", "to one", "two", "to "]
    assert list(pair.server.requests) == ["one", "two"]


async def test_an_attempt_that_starts_over_starts_over_everywhere(
    pair: Pair, server: Scripted
) -> None:
    await pair.converse()
    hold, opening = Hold(), text(0, "lost")[0]
    overloaded = Event({"type": "error", "error": {"type": "overloaded_error", "message": "x"}})
    later = Hold()
    server.answer = None
    server.will(
        Reply([start("another-model"), opening, hold, overloaded]),
        Reply([start(), *text(0, "second")[:2], later, *says("second").steps[3:]]),
    )
    await pair.first.send("two")
    await wait_until(lambda: on_disk(pair.history, "SELECT 1 FROM journal"))
    await pair.until_seen("one", "to one", "two", "")
    draft = pair.second.current.reply
    assert draft is not None
    assert draft.model == "another-model"
    hold.release()
    await pair.until_seen("one", "to one", "two", "second")
    assert pair.second.current.reply is draft
    assert draft.model == MODEL
    later.release()
    await pair.until_seen("one", "to one", "two", "second")
    await wait_until(lambda: not pair.first.works)


async def test_if_two_ask_in_the_same_moment_one_waits_for_the_other(pair: Pair) -> None:
    await pair.converse()
    await asyncio.gather(pair.first.send("two"), pair.second.send("three"))
    await pair.until_answered("two", "three")
    first, later = sorted(("two", "three"), key=lambda each: len(pair.server.requests[each]))
    assert pair.server.requests[later] == ["one", "to one", first, f"to {first}", later]


@pytest.mark.parametrize("seed", range(4))
async def test_every_question_is_sent_once_with_everything_before_it(
    pair: Pair, seed: int
) -> None:
    chance = random.Random(seed)
    await pair.converse()

    async def ask_on(program: Headless, name: str) -> list[str]:
        asked = []
        for number in range(5):
            await asyncio.sleep(chance.choice((0, 0, 0.001, 0.01, 0.1)))
            if chance.random() < 0.5:
                await program.other_windows.poll()
            asked.append(f"{name}{number}")
            await program.send(asked[-1])
        return asked

    async def look() -> None:
        while True:
            for program in pair.both:
                await program.other_windows.poll()
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    asked = await asyncio.gather(ask_on(pair.first, "a"), ask_on(pair.second, "b"))
    await pair.until_answered(*asked[0], *asked[1])
    looking.cancel()
    # Everything is on one path: no branch was made by accident.
    longest = max(pair.server.requests.values(), key=len)
    assert sorted(longest[::2]) == sorted(["one", *asked[0], *asked[1]])
    for each in asked:
        assert [question for question in longest if question in each] == each
    await pair.until_seen(*longest, f"to {longest[-1]}")
