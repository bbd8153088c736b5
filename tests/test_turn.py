from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import anthropic
import pytest

from tests.conftest import wait_until
from tests.scripted import (
    FINAL_USAGE,
    USAGE,
    Close,
    Event,
    Hold,
    Json,
    Reply,
    Reset,
    Scripted,
    Step,
    block,
    delta,
    end,
    refuses,
    says,
    start,
    text,
    thinking,
)
from tests.turns import MODEL, SetClock, ask, converse, kept, on_disk, reply_to
from tui.chat import known_models, turn
from tui.chat.attempts import RETRY_WAITS
from tui.claude import Claude
from tui.domain.conversation import Block, Message, State
from tui.domain.endpoint import Endpoint
from tui.domain.parameters import Parameters
from tui.domain.reply import StreamingReply
from tui.domain.usage import Usage
from tui.store import HistoryError, Store, open_store

OVERLOADED = refuses(529, "overloaded_error")
BREAKS = Event({"type": "error", "error": {"type": "overloaded_error", "message": "no"}})
THOUGHT: Json = {"type": "thinking", "thinking": "Hm", "signature": "c2lnbmF0dXJl"}


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(history: Path, clock: SetClock) -> Iterator[Store]:
    with open_store(history, clock) as store:
        yield store


def said(words: str) -> Json:
    return {"type": "text", "text": words}


def sent(server: Scripted, request: int) -> list[Json]:
    """Return the messages of a request."""
    messages: list[Json] = server.asked[request].json["messages"]
    return messages


def attempts(history: Path) -> list[tuple[object, ...]]:
    """Return the request log: attempt, state, HTTP status, error type."""
    sql = "SELECT attempt, state, http_status, error_type FROM requests ORDER BY rowid"
    return [tuple(row) for row in on_disk(history, sql)]


def delete_all(history: Path) -> None:
    """Delete every conversation, as another program does."""
    with closing(sqlite3.connect(history, isolation_level=None)) as other:
        other.execute("PRAGMA foreign_keys = on")
        other.execute("DELETE FROM conversations")


class Stopped:
    """A reply that runs until the test stops it."""

    def __init__(self, store: Store, claude: Claude, question: Message) -> None:
        self.drafts: list[StreamingReply] = []
        self.task = asyncio.create_task(
            reply_to(store, claude, question, show=self.drafts.append)
        )

    @property
    def deltas_shown(self) -> int:
        parts = self.drafts[-1].parts.values() if self.drafts else ()
        return sum(len(part.words) for part in parts)

    async def stop(self) -> None:
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task


async def stopped_after(
    store: Store, claude: Claude, server: Scripted, *steps: Step
) -> Message:
    """Return a reply that was stopped when the text of all `steps` had arrived."""
    hold = Hold()
    server.will(Reply([*steps, hold]))
    question = await ask(store)
    reply = Stopped(store, claude, question)
    deltas = [
        step.data["delta"] for step in steps if isinstance(step, Event) and "delta" in step.data
    ]
    expected = sum(delta["type"] != "signature_delta" for delta in deltas)
    await wait_until(lambda: reply.deltas_shown == expected)
    await reply.stop()
    conversation = await store.conversation(question.conversation_id)
    assert conversation is not None
    return (await store.read_path(conversation.tip_id))[-1]


async def stopped_at_once(store: Store, claude: Claude, history: Path) -> Stopped:
    """Return a reply that is stopped while another program's lock delays its beginning."""
    question = await ask(store)
    with closing(sqlite3.connect(history, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        reply = Stopped(store, claude, question)
        await asyncio.sleep(0)
        reply.task.cancel()
        await asyncio.sleep(0)
    return reply


# Ends of replies


async def test_a_reply_with_message_stop_is_complete(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    server.will(Reply([start("claude-other"), *thinking(0, "Hm"), *text(1, "Hi"), *end()]))
    message = await converse(store, claude, "Hello?")
    assert message.state == "complete"
    assert (message.text, message.thinking) == ("Hi", "Hm")
    assert message.model == "claude-other"
    assert message.stop_reason == "end_turn"
    assert message == await kept(store, message)
    (question, _) = await store.read_path(message.id)
    assert (question.role, question.text, question.id) == ("user", "Hello?", message.parent_id)
    assert attempts(history) == [(1, "complete", None, None)]


async def test_the_figures_are_what_was_reported(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    message = await converse(store, claude)
    figures = message.figures
    assert figures is not None
    assert figures.usage == Usage(USAGE | FINAL_USAGE)
    assert figures.usage.thinking_tokens == 11
    assert (figures.attempts, figures.request_id) == (1, "req_scripted")
    timing = figures.timing
    assert timing.first_byte_ms is not None
    assert timing.first_text_ms is not None
    assert timing.duration_ms is not None
    assert 0 <= timing.first_byte_ms <= timing.first_text_ms <= timing.duration_ms
    assert timing.first_thinking_ms is None
    (row,) = on_disk(history, "SELECT * FROM requests")
    assert (row["model_requested"], row["model"]) == (MODEL, MODEL)
    assert (row["api_message_id"], row["stop_reason"]) == ("msg_scripted", "end_turn")
    assert json.loads(row["usage"]) == USAGE | FINAL_USAGE
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("stop_reason", "state"),
    [
        ("max_tokens", "max_tokens"),
        ("model_context_window_exceeded", "context_full"),
        ("tool_use", "tool_use"),
        ("refusal", "refused"),
        ("stop_sequence", "complete"),
        ("tea_time", "complete"),
    ],
)
async def test_why_the_model_stopped_decides_how_the_reply_ended(
    server: Scripted, claude: Claude, store: Store, stop_reason: str, state: State
) -> None:
    server.will(says("Hi", stop_reason=stop_reason))
    message = await kept(store, await converse(store, claude))
    assert (message.state, message.stop_reason) == (state, stop_reason)
    assert message.text == "Hi"


async def test_a_reply_without_streaming_is_saved_the_same(
    server: Scripted, claude: Claude, store: Store
) -> None:
    reply = Reply([start(), *thinking(0, "Hm"), *text(1, "Hi"), *end()])
    server.will(reply, reply)
    streamed = await converse(store, claude)
    whole = await converse(store, claude, is_streamed=False)
    assert server.asked[1].json.get("stream", False) is False
    assert whole.blocks == streamed.blocks
    assert whole.state == streamed.state
    assert whole.figures is not None
    assert streamed.figures is not None
    assert whole.figures.usage == streamed.figures.usage
    assert whole.figures.timing.first_text_ms is not None


async def test_a_stopped_reply_keeps_what_has_come(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    *opening, _ = text(0, "Half", " a word")
    message = await stopped_after(store, claude, server, start(), *opening)
    assert message.state == "stopped"
    assert message.text == "Half a word"
    assert message.failure is None
    assert message.stop_reason is None
    assert message.finished_ms is not None
    await wait_until(server.asked[0].closed_by_client.is_set)
    assert attempts(history) == [(1, "stopped", None, None)]
    assert on_disk(history, "SELECT * FROM streams") == []


async def test_a_reply_stopped_after_its_end_is_complete(
    server: Scripted, claude: Claude, store: Store
) -> None:
    hold = Hold()
    server.will(Reply([*says("Hi").steps, hold]))
    question = await ask(store)
    reply = Stopped(store, claude, question)
    await wait_until(lambda: reply.drafts and reply.drafts[-1].finished)
    await reply.stop()
    (row,) = on_disk(store.path, "SELECT state, text FROM transcript WHERE role = 'assistant'")
    assert dict(row) == {"state": "complete", "text": "Hi"}


async def test_a_reply_stopped_before_the_request_was_made_is_stopped(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    reply = await stopped_at_once(store, claude, history)
    with pytest.raises(asyncio.CancelledError):
        await reply.task
    assert attempts(history) == [(1, "stopped", None, None)]
    (row,) = on_disk(history, "SELECT state FROM messages WHERE role = 'assistant'")
    assert row["state"] == "stopped"
    assert server.seen == []


async def test_a_reply_that_is_stopped_twice_is_still_saved(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    reply = await stopped_at_once(store, claude, history)
    await reply.stop()
    await wait_until(lambda: attempts(history) == [(1, "stopped", None, None)])
    assert on_disk(history, "SELECT * FROM streams") == []
    assert server.seen == []


async def test_a_reply_stopped_while_it_waits_to_try_again_is_stopped(
    server: Scripted, claude: Claude, history: Path
) -> None:
    server.will(refuses(529, "overloaded_error", retry_after="50"))
    with open_store(history) as store:
        reply = Stopped(store, claude, await ask(store))
        await wait_until(lambda: reply.drafts and reply.drafts[-1].activity == "retrying")
        await reply.stop()
    assert attempts(history) == [(1, "stopped", None, None)]
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([start(), *text(0, "Half")], "Half"),
        ([start(), *text(0, "Half")[:-1]], "Half"),
        ([start(), *text(0, "Half"), end()[0]], "Half"),
        ([start(), *text(0, "Half"), Reset()], "Half"),
        ([start(), *text(0, "Half"), Close()], "Half"),
        ([start()], ""),
    ],
)
async def test_a_reply_whose_end_never_came_is_cut_off(
    server: Scripted, claude: Claude, store: Store, steps: list[Step], words: str
) -> None:
    server.will(Reply(steps))
    message = await kept(store, await converse(store, claude))
    assert message.state == "cut_off"
    assert message.text == words
    assert message.failure is not None
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "error_type"), [(401, "authentication_error"), (404, "not_found_error")]
)
async def test_a_refused_request_fails_at_once(
    server: Scripted, claude: Claude, store: Store, status: int, error_type: str
) -> None:
    server.will(refuses(status, error_type))
    message = await kept(store, await converse(store, claude))
    assert message.state == "failed"
    assert message.blocks == ()
    assert message.failure is not None
    assert (message.failure.status, message.failure.type) == (status, error_type)
    assert attempts(store.path) == [(1, "failed", status, error_type)]


async def test_an_empty_answer_is_a_failure(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.will(Reply([]))
    message = await converse(store, claude)
    assert message.state == "failed"
    assert message.failure is not None
    assert message.failure.message == "The endpoint sent an empty answer."


async def test_an_error_in_the_reply_keeps_what_has_come(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.will(Reply([start(), *text(0, "Half"), BREAKS]))
    message = await kept(store, await converse(store, claude))
    assert message.state == "failed"
    assert message.text == "Half"
    assert message.failure is not None
    assert message.failure.type == "overloaded_error"


async def test_deltas_of_a_block_never_opened_do_not_break_the_turn(
    server: Scripted, claude: Claude, store: Store
) -> None:
    opening, *rest = text(0, "Hi")
    assert isinstance(opening, Event)
    misnumbered = Event(opening.data | {"index": 4})
    server.will(
        Reply([start(), misnumbered, *rest, *end()]),
        Reply([delta(0, "text_delta", text="of nothing")]),
    )
    assert (await converse(store, claude)).text == "Hi"
    alone = await converse(store, claude)
    assert (alone.state, alone.text) == ("cut_off", "of nothing")


async def test_an_error_of_show_is_raised_and_the_reply_is_saved(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.will(Reply([start(), *text(0, "Half"), Hold()]))

    def show(reply: StreamingReply) -> None:
        if reply.words("text"):
            raise RuntimeError("no screen")

    with pytest.raises(RuntimeError, match="no screen"):
        await converse(store, claude, show=show)
    (row,) = on_disk(store.path, "SELECT state, text FROM transcript WHERE role = 'assistant'")
    assert dict(row) == {"state": "failed", "text": "Half"}
    await wait_until(server.asked[0].closed_by_client.is_set)


async def test_a_reply_shows_what_it_is_doing(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.will(OVERLOADED, Reply([start(), *thinking(0, "Hm"), *text(1, "Hel", "lo"), *end()]))
    shown: list[str] = []

    def show(reply: StreamingReply) -> None:
        shown.append(f"{reply.activity} {reply.words('thinking')}|{reply.words('text')}")

    await converse(store, claude, show=show)
    assert list(dict.fromkeys(shown)) == [
        "retrying |",
        "waiting |",
        "thinking |",
        "thinking Hm|",
        "streaming Hm|Hel",
        "streaming Hm|Hello",
    ]


async def test_two_replies_at_once_are_both_complete(
    server: Scripted, claude: Claude, store: Store
) -> None:
    holds = [Hold(), Hold()]
    for hold, word in zip(holds, ("one", "two"), strict=True):
        head, *rest = text(0, word, f" {word}")
        server.will(Reply([start(), head, rest[0], hold, *rest[1:], *end()]))
    # Started one after another, so that each gets its own reply.
    tasks = []
    for hold in holds:
        tasks.append(asyncio.create_task(converse(store, claude)))
        await wait_until(hold.reached.is_set)
    for hold in reversed(holds):
        hold.release()
    replies = await asyncio.gather(*tasks)
    assert [reply.text for reply in replies] == ["one one", "two two"]
    assert {reply.state for reply in replies} == {"complete"}
    assert len({reply.conversation_id for reply in replies}) == 2


# Retries


async def test_an_overloaded_endpoint_is_tried_four_times(
    server: Scripted, claude: Claude, store: Store, history: Path, clock: SetClock
) -> None:
    server.will(*[OVERLOADED] * 5)
    message = await converse(store, claude)
    assert message.state == "failed"
    assert message.figures is not None
    assert message.figures.attempts == 4
    assert attempts(history) == [(n, "failed", 529, "overloaded_error") for n in (1, 2, 3, 4)]
    assert len(server.asked) == 4
    assert len({seen.body for seen in server.asked}) == 1
    for wait, least in zip(clock.waits, RETRY_WAITS, strict=True):
        assert least <= wait <= least * 1.25


async def test_a_second_try_may_succeed(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    server.will(Reply([start(), BREAKS]), Reply([Reset()]), says("Hi"))
    message = await converse(store, claude)
    assert (message.state, message.text, message.failure) == ("complete", "Hi", None)
    assert message.figures is not None
    assert message.figures.attempts == 3
    assert [row[1] for row in attempts(history)] == ["failed", "failed", "complete"]


async def test_the_events_of_a_failed_attempt_are_forgotten(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    opening = block(0, {"type": "redacted_thinking", "data": "b3BhcXVl"})
    server.will(Reply([start(), *opening, BREAKS]), refuses(401, "authentication_error"))
    message = await converse(store, claude)
    assert message.blocks == ()
    assert message.figures is not None
    assert message.figures.usage == Usage()
    first, second = on_disk(history, "SELECT * FROM requests ORDER BY attempt")
    assert (first["api_message_id"], first["input_tokens"]) == ("msg_scripted", 25)
    assert (second["api_message_id"], second["input_tokens"]) == (None, None)


async def test_a_retry_says_which_when_and_why(
    server: Scripted, claude: Claude, store: Store, clock: SetClock
) -> None:
    server.will(refuses(529, "overloaded_error", retry_after="7"))
    before = clock.monotonic()
    retries = []

    def show(reply: StreamingReply) -> None:
        if reply.retry is not None:
            retries.append(reply.retry)

    await converse(store, claude, show=show)
    (retry,) = retries
    assert retry.attempt == 2
    assert before + 7 <= retry.at <= clock.monotonic() + 7
    assert retry.reason == "Claude is overloaded."


@pytest.mark.parametrize("seconds", [0, 60])
async def test_the_endpoint_says_how_long_to_wait(
    server: Scripted, claude: Claude, store: Store, clock: SetClock, seconds: int
) -> None:
    server.will(refuses(429, "rate_limit_error", retry_after=str(seconds)))
    assert (await converse(store, claude)).state == "complete"
    assert clock.waits == [seconds]


async def test_a_long_wait_is_waited_for_if_a_person_says_so(
    server: Scripted, claude: Claude, store: Store, clock: SetClock
) -> None:
    server.will(refuses(429, "rate_limit_error", retry_after="3600"))
    asked: list[bool] = []

    async def may_wait(reply: StreamingReply) -> bool:
        assert reply.retry is not None
        asked.append(reply.retry.is_asking)
        return True

    question = await ask(store)
    draft = turn.empty_reply(store, question, Parameters(MODEL))
    message = await turn.reply(
        store,
        claude,
        question,
        draft,
        lambda _: None,
        parameters=Parameters(MODEL),
        tip_id=question.id,
        may_wait=may_wait,
    )
    assert asked == [True]
    assert message.state == "complete"
    assert [round(wait) for wait in clock.waits] == [3600]


async def test_a_long_wait_that_nobody_wants_fails_with_its_seconds(
    server: Scripted, claude: Claude, store: Store, clock: SetClock
) -> None:
    server.will(refuses(429, "rate_limit_error", "slow down", retry_after="3600"))
    message = await reply_to(store, claude, await ask(store))
    assert message.state == "failed"
    assert message.failure is not None
    assert "3600 seconds" in message.failure.message
    assert (len(server.asked), clock.waits) == (1, [])


async def test_a_limit_that_names_no_time_is_tried_once_more_only(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    server.will(*[refuses(429, "rate_limit_error")] * 3)
    assert (await converse(store, claude)).state == "failed"
    assert [row[:3] for row in attempts(history)] == [(1, "failed", 429), (2, "failed", 429)]


@pytest.mark.parametrize(
    "arrived",
    [
        text(0, "Half")[:2],
        thinking(0, "Hm")[:2],
        block(
            0,
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}},
            delta(0, "input_json_delta", partial_json='{"a'),
        )[:2],
    ],
)
@pytest.mark.parametrize("breaks", [BREAKS, Reset()])
async def test_nothing_is_tried_again_once_anything_has_arrived(
    server: Scripted, claude: Claude, store: Store, arrived: list[Step], breaks: Step
) -> None:
    server.will(Reply([start(), *arrived, breaks]))
    message = await converse(store, claude)
    assert message.state == ("failed" if breaks is BREAKS else "cut_off")
    assert len(server.asked) == 1


async def test_times_count_from_the_first_try(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    server.will(OVERLOADED)
    message = await converse(store, claude)
    first, second = on_disk(history, "SELECT * FROM requests ORDER BY attempt")
    assert first["since_first_ms"] == 0
    assert second["since_first_ms"] >= first["duration_ms"]
    assert message.figures is not None
    timing = message.figures.timing
    assert timing.duration_ms == second["since_first_ms"] + second["duration_ms"]
    assert timing.first_text_ms == second["since_first_ms"] + second["first_text_ms"]


# What is saved and what is sent back


async def test_a_reply_is_sent_back_as_the_sdk_gave_it(
    server: Scripted, claude: Claude, store: Store
) -> None:
    hologram = {"type": "hologram", "z": 1, "a": {"y": None, "b": ["ü", 0.5]}}
    reply = Reply(
        [
            start(),
            *thinking(0, "Hm", " so", signature="c2ln/+bmF0dXJl=="),
            *text(1, "Hel", "lo \u00fc\u6771\U0001f600"),
            *block(2, hologram),
            *text(3, "Bye"),
            *end(),
        ]
    )
    server.will(reply, reply)
    async with (
        anthropic.AsyncAnthropic(api_key="sk-test", base_url=server.url) as client,
        client.messages.stream(
            model=MODEL, max_tokens=1, messages=[{"role": "user", "content": "Hi"}]
        ) as stream,
    ):
        given = [block.to_dict() for block in (await stream.get_final_message()).content]

    first = await converse(store, claude, "One")
    await converse(store, claude, "Two", after=first)

    question, answer, next_question = sent(server, -1)
    assert question == {"role": "user", "content": [said("One")]}
    assert next_question == {"role": "user", "content": [said("Two")]}
    assert answer["role"] == "assistant"
    assert json.dumps(answer["content"]) == json.dumps(given)
    stored = [block.wire for block in (await kept(store, first)).blocks]
    assert json.dumps(stored) == json.dumps(given)
    assert b"c2ln/+bmF0dXJl==" in server.asked[-1].body


async def test_unfinished_thinking_is_kept_but_not_sent_back(
    server: Scripted, claude: Claude, store: Store
) -> None:
    stopped = await stopped_after(store, claude, server, start(), *thinking(0, "Hm")[:2])
    assert stopped.state == "stopped"
    assert stopped.thinking == "Hm"
    await converse(store, claude, "Go on", after=stopped)
    assert [message["role"] for message in sent(server, -1)] == ["user", "user"]


async def test_a_finished_thought_of_a_stopped_reply_is_sent_back(
    server: Scripted, claude: Claude, store: Store
) -> None:
    steps = [start(), *thinking(0, "Hm"), *text(1, "Half")[:2]]
    stopped = await stopped_after(store, claude, server, *steps)
    await converse(store, claude, "Go on", after=stopped)
    assert sent(server, -1)[1]["content"] == [THOUGHT, said("Half")]


async def test_a_reply_of_thinking_alone_is_kept_but_not_sent_back(
    server: Scripted, claude: Claude, store: Store
) -> None:
    stopped = await stopped_after(store, claude, server, start(), *thinking(0, "Hm"))
    assert stopped.thinking == "Hm"
    await converse(store, claude, "Go on", after=stopped)
    assert [message["role"] for message in sent(server, -1)] == ["user", "user"]


async def test_unsigned_thinking_is_kept_but_not_sent_back(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.will(Reply([start(), *thinking(0, "Hm", signature=""), *text(1, "Hi"), *end()]))
    first = await converse(store, claude)
    assert first.thinking == "Hm"
    await converse(store, claude, "Go on", after=first)
    assert sent(server, -1)[1]["content"] == [said("Hi")]


async def test_a_refused_reply_whose_end_never_came_is_not_sent_back(
    server: Scripted, claude: Claude, store: Store
) -> None:
    (refusal, _) = end("refusal")
    server.will(Reply([start(), *text(0, "Hi"), refusal, Close()]))
    refused = await converse(store, claude)
    assert (refused.state, refused.text) == ("cut_off", "Hi")
    await converse(store, claude, "Go on", after=refused)
    assert [message["role"] for message in sent(server, -1)] == ["user", "user"]


async def test_a_tool_call_is_kept_but_not_sent_back(
    server: Scripted, claude: Claude, store: Store
) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    piece = delta(1, "input_json_delta", partial_json='{"at": 1}')
    server.will(Reply([start(), *text(0, "See"), *block(1, call, piece), *end("tool_use")]))
    first = await converse(store, claude)
    assert (await kept(store, first)).blocks[1].wire == call | {"input": {"at": 1}}
    await converse(store, claude, "Go on", after=first)
    assert sent(server, -1)[1]["content"] == [said("See")]


async def test_a_refused_reply_is_kept_but_not_sent_back(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.will(says("Hi", stop_reason="refusal"))
    refused = await converse(store, claude)
    await converse(store, claude, "Go on", after=refused)
    assert (await kept(store, refused)).text == "Hi"
    assert [message["role"] for message in sent(server, -1)] == ["user", "user"]


async def test_text_of_nothing_but_white_space_is_left_out(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.will(Reply([start(), *text(0, " \n"), *text(1, " Hi\n"), *text(2), *end()]))
    first = await converse(store, claude)
    stopped = await stopped_after(store, claude, server, start(), *text(0, " ", "\n")[:3])
    assert first.blocks == (Block(said(" Hi\n")),)
    assert stopped.blocks == ()


async def test_the_halves_of_a_character_in_two_deltas_are_joined(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.will(Reply([start(), *text(0, "a\ud83d", "\ude00b", "\ud83d c"), *end()]))
    first = await converse(store, claude)
    assert (await kept(store, first)).text == "a\U0001f600b\ufffd c"
    await converse(store, claude, "Go on", after=first)
    assert sent(server, -1)[1]["content"] == [said("a\U0001f600b\ufffd c")]


async def test_half_a_character_at_the_end_of_a_stopped_reply_is_replaced(
    server: Scripted, claude: Claude, store: Store
) -> None:
    stopped = await stopped_after(
        store, claude, server, start(), *text(0, "a\ud83d", "\ude00", "\ud83d")[:4]
    )
    assert stopped.text == "a\U0001f600\ufffd"


async def test_the_question_is_on_disk_before_it_is_sent(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    hold = Hold()
    server.will(Reply([hold, *says("Hi").steps]))
    task = asyncio.create_task(converse(store, claude, "Is it safe?"))
    await wait_until(hold.reached.is_set)
    rows = on_disk(history, "SELECT role, state, text FROM transcript ORDER BY message_id")
    assert [tuple(row) for row in rows] == [
        ("user", "complete", "Is it safe?"),
        ("assistant", "streaming", ""),
    ]
    assert attempts(history) == [(1, "streaming", None, None)]
    assert len(on_disk(history, "SELECT * FROM streams")) == 1
    hold.release()
    assert (await task).state == "complete"


async def test_a_failed_reply_of_nothing_is_left_out_of_what_is_sent(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.will(refuses(400, "invalid_request_error"))
    failed = await converse(store, claude, "One")
    await converse(store, claude, "Two", after=failed)
    assert sent(server, -1) == [
        {"role": "user", "content": [said("One")]},
        {"role": "user", "content": [said("Two")]},
    ]


async def test_thinking_under_another_system_prompt_is_not_sent(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.will(*[Reply([start(), *thinking(0, "Hm"), *text(1, "Hi"), *end()])] * 3)
    first = await converse(store, claude, system="Be brief.")
    second = await converse(store, claude, after=first, system="Be brief.")
    assert sent(server, 1)[1]["content"] == [THOUGHT, said("Hi")]
    await converse(store, claude, after=second, system="Be kind.")
    assert [message["content"] for message in sent(server, 2)[1::2]] == [[said("Hi")]] * 2


async def test_thinking_of_another_accounts_reply_is_not_sent(
    server: Scripted, claude: Claude, store: Store
) -> None:
    other = Claude(Endpoint(server.url, api_key="sk-other"))
    server.will(*[Reply([start(), *thinking(0, "Hm"), *text(1, "Hi"), *end()])] * 4)
    mine = await converse(store, claude)
    others = await converse(store, other, after=mine)
    assert sent(server, 1)[1]["content"] == [said("Hi")]
    after = await converse(store, claude, after=others)
    await converse(store, claude, after=after)
    answers = [message["content"] for message in sent(server, 3)[1::2]]
    # The context of the third is what is sent now, so its thinking is sent back.
    assert answers == [[THOUGHT, said("Hi")], [said("Hi")], [THOUGHT, said("Hi")]]


# The tree


async def test_a_second_reply_is_a_version_of_the_first_and_takes_the_tip(
    server: Scripted, claude: Claude, store: Store
) -> None:
    question = await ask(store)
    first = await reply_to(store, claude, question)
    second = await reply_to(store, claude, question, tip_id=first.id)
    assert first.parent_id == second.parent_id == question.id
    assert sent(server, 0) == sent(server, 1)
    conversation = await store.conversation(question.conversation_id)
    assert conversation is not None
    assert conversation.tip_id == second.id
    assert conversation.tip_state == "complete"
    assert (await kept(store, first)).text == first.text


async def test_a_reply_leaves_a_tip_that_has_moved_elsewhere(
    server: Scripted, claude: Claude, store: Store
) -> None:
    question = await ask(store)
    first = await reply_to(store, claude, question)
    late = await reply_to(store, claude, question)
    conversation = await store.conversation(question.conversation_id)
    assert conversation is not None
    assert conversation.tip_id == first.id
    assert (await kept(store, late)).state == "complete"
    assert len(server.asked) == 2


async def test_a_reply_in_a_conversation_deleted_meanwhile_is_an_error(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    question = await ask(store)
    delete_all(history)
    with pytest.raises(HistoryError):
        await reply_to(store, claude, question)
    assert server.asked == []


async def test_the_request_log_of_a_reply_deleted_while_it_ran_stays(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    hold = Hold()
    server.will(Reply([hold, *says("Hi").steps]))
    task = asyncio.create_task(converse(store, claude))
    await wait_until(hold.reached.is_set)
    delete_all(history)
    hold.release()
    assert (await task).state == "complete"
    assert on_disk(history, "SELECT * FROM messages") == []
    (row,) = on_disk(history, "SELECT state, output_tokens FROM requests")
    assert tuple(row) == ("complete", 42)


# Models


def model_requests(server: Scripted) -> int:
    return len(server.seen) - len(server.asked)


async def test_the_models_are_asked_for_once_a_day(
    server: Scripted, claude: Claude, store: Store, clock: SetClock
) -> None:
    first = await converse(store, claude)
    await converse(store, claude, after=first)
    await known_models.refresh_models(store, claude)
    assert model_requests(server) == 1
    assert all("thinking" in seen.json for seen in server.asked)
    clock.ahead_ms += known_models.MODELS_FRESH_MS + 1
    await converse(store, claude)
    assert model_requests(server) == 1
    await known_models.refresh_models(store, claude)
    assert model_requests(server) == 2


async def test_that_a_host_has_no_models_api_is_remembered(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.models = None
    await converse(store, claude)
    await converse(store, claude)
    assert model_requests(server) == 1
    optional = {"thinking", "cache_control"}
    assert not any(optional & seen.json.keys() for seen in server.asked)


async def test_a_model_the_host_does_not_list_is_sent_nothing_optional(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.models = []
    await converse(store, claude)
    assert "thinking" not in server.asked[0].json


async def test_models_that_cannot_be_had_just_now_are_asked_for_another_time(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.models_reply = refuses(500, "api_error")
    assert (await converse(store, claude)).state == "complete"
    await known_models.refresh_models(store, claude)
    assert "thinking" not in server.asked[0].json
    server.models_reply = None
    await converse(store, claude)
    assert "thinking" in server.asked[1].json


async def test_a_slow_models_api_does_not_hold_up_the_question(
    server: Scripted, claude: Claude, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_models, "MODELS_WAIT", 0.05)
    server.models_reply = Reply([Hold()])
    async with asyncio.timeout(10):
        assert (await converse(store, claude)).state == "complete"
    assert "thinking" not in server.asked[0].json
    await wait_until(server.seen[0].closed_by_client.is_set)


async def test_the_time_for_the_models_is_not_counted_as_the_replys(
    server: Scripted,
    claude: Claude,
    store: Store,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known_models, "MODELS_WAIT", 0.3)
    server.models_reply = Reply([Hold()])
    began = clock.monotonic()
    message = await converse(store, claude)
    whole_ms = (clock.monotonic() - began) * 1000
    assert message.figures is not None
    assert message.figures.timing.duration_ms is not None
    assert message.figures.timing.duration_ms <= whole_ms - 299
