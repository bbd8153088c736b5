from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import wait_until
from tests.scripted import (
    FINAL_USAGE,
    SONNET,
    USAGE,
    Close,
    Event,
    Hold,
    Raw,
    Reply,
    Reset,
    Scripted,
    Step,
    Wait,
    block,
    body,
    delta,
    end,
    gzipped,
    refuses,
    says,
    start,
    text,
    thinking,
)
from tests.turns import MODEL
from tui.claude import LINE_LIMIT, REPLY_LIMIT, Claude, demo
from tui.claude.response_recorder import ResponseRecorder
from tui.claude.stall import StallDetector, StallTimeout
from tui.domain.endpoint import Endpoint
from tui.domain.failure import ReplyFailed
from tui.domain.limits import Limits
from tui.domain.model import Model
from tui.domain.parameters import Parameters
from tui.domain.recording import Recording, unpack
from tui.domain.reply_events import (
    BlockDelta,
    BlockStarted,
    BlockStopped,
    Finished,
    MessageDelta,
    ReplyEvent,
    Started,
)
from tui.domain.usage import Usage
from tui.domain.wire import Json

QUESTION: list[Json] = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
ROOT = Path(__file__).parent.parent
JSON_PIECES = ('{"at": "', *["x"] * 20, '"}')
HALF: list[Step] = [start(), *text(0, "Half")[:-1]]
ERROR = Event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})


PLAIN, BRIEF = Parameters(MODEL), Parameters(MODEL, system="Be brief.")


def ask(
    claude: Claude, parameters: Parameters = PLAIN, **more: Any
) -> AsyncGenerator[ReplyEvent, None]:
    return claude.stream(QUESTION, parameters, **more)


async def events_of(
    claude: Claude, parameters: Parameters = PLAIN, **more: Any
) -> list[ReplyEvent]:
    return [event async for event in ask(claude, parameters, **more)]


async def failure_of(events: AsyncGenerator[ReplyEvent, None]) -> ReplyFailed:
    with pytest.raises(ReplyFailed) as caught:
        async for _ in events:
            pass
    assert str(caught.value).splitlines() == [str(caught.value)]
    return caught.value


# Requests


async def test_a_described_model_is_asked_for_what_it_can_do(
    server: Scripted, claude: Claude
) -> None:
    await events_of(claude, described=Model(SONNET))
    assert server.asked[0].json == {
        "model": MODEL,
        "max_tokens": 16_000,
        "messages": QUESTION,
        "cache_control": {"type": "ephemeral"},
        "thinking": {"type": "adaptive", "display": "summarized"},
        "stream": True,
    }


@pytest.mark.parametrize("described", [None, Model({"id": MODEL, "type": "model"})])
async def test_a_model_that_is_not_described_is_sent_nothing_optional(
    server: Scripted, claude: Claude, described: Model | None
) -> None:
    await events_of(claude, described=described)
    assert server.asked[0].json == {
        "model": MODEL,
        "max_tokens": 16_000,
        "messages": QUESTION,
        "stream": True,
    }


async def test_a_model_without_adaptive_thinking_is_not_asked_for_it(
    server: Scripted, claude: Claude
) -> None:
    types = {"adaptive": {"supported": False}, "enabled": {"supported": True}}
    capabilities = {"thinking": {"supported": True, "types": types}}
    await events_of(claude, described=Model(SONNET | {"capabilities": capabilities}))
    assert "thinking" not in server.asked[0].json
    assert "cache_control" in server.asked[0].json


async def test_the_parameters_are_sent(server: Scripted, claude: Claude) -> None:
    efforts = {level: {"supported": level != "max"} for level in ("low", "high", "max")}
    capabilities = SONNET["capabilities"] | {"effort": {"supported": True} | efforts}
    described = Model(SONNET | {"capabilities": capabilities})
    parameters = Parameters(
        MODEL, "Be brief.", max_tokens=2_000, thinking_display="omitted", effort="low"
    )
    await events_of(claude, parameters, described=described)
    assert server.asked[0].json == {
        "model": MODEL,
        "system": "Be brief.",
        "max_tokens": 2_000,
        "messages": QUESTION,
        "cache_control": {"type": "ephemeral"},
        "thinking": {"type": "adaptive", "display": "omitted"},
        "output_config": {"effort": "low"},
        "stream": True,
    }
    # Parameters that the model does not support are left out.
    most = replace(parameters, effort="max")
    for asked, known in ((parameters, Model(SONNET)), (parameters, None), (most, described)):
        await events_of(claude, asked, described=known)
    assert not any("output_config" in seen.json for seen in server.asked[1:])


async def test_no_longer_reply_is_asked_for_than_the_model_can_give(
    server: Scripted, claude: Claude
) -> None:
    await events_of(claude, described=Model(SONNET | {"max_tokens": 4096}))
    assert server.asked[0].json["max_tokens"] == 4096


async def test_a_system_prompt_is_sent_when_there_is_one(
    server: Scripted, claude: Claude
) -> None:
    await events_of(claude, BRIEF)
    await events_of(claude)
    assert server.asked[0].json["system"] == "Be brief."
    assert "system" not in server.asked[1].json


@pytest.mark.parametrize(
    ("api_key", "auth_token", "sent"),
    [
        ("sk-test", None, "Bearer sk-test"),
        (None, "token", "Bearer token"),
        (None, None, "Bearer none"),
    ],
)
async def test_the_credential_is_a_bearer_and_the_only_one(
    server: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    api_key: str | None,
    auth_token: str | None,
    sent: str,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-of-the-environment")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-of-the-environment")
    await events_of(Claude(Endpoint(server.url, api_key, auth_token)))
    headers = server.asked[0].headers
    assert headers["authorization"] == sent
    assert "x-api-key" not in headers
    assert "of-the-environment" not in json.dumps(headers)


@pytest.mark.parametrize(("api_key", "auth_token"), [("sk-1", None), (None, "sk-1")])
async def test_a_gateway_is_shown_the_key_and_the_version_that_its_profile_says(
    server: Scripted, api_key: str | None, auth_token: str | None
) -> None:
    endpoint = Endpoint(
        server.url, api_key, auth_token, is_key_in_own_header=True, version="2023-06-01"
    )
    claude = Claude(endpoint)
    await events_of(claude)
    await claude.models()
    assert len(server.seen) == 2
    for seen in server.seen:
        assert seen.headers["x-api-key"] == "sk-1"
        assert "authorization" not in seen.headers
        assert seen.headers["anthropic-version"] == "2023-06-01"


async def test_a_reply_that_is_not_streamed_is_asked_for_alike(
    server: Scripted, claude: Claude
) -> None:
    await events_of(claude, BRIEF, described=Model(SONNET))
    events = claude.create(QUESTION, BRIEF, described=Model(SONNET))
    _ = [event async for event in events]
    streamed, whole = (seen.json for seen in server.asked)
    assert streamed.pop("stream") is True
    assert whole.pop("stream", False) is False
    assert whole == streamed


async def test_warming_up_sends_nothing(server: Scripted, claude: Claude) -> None:
    await claude.warm_up()
    assert server.seen == []


# Replies


async def test_every_kind_of_event_is_yielded_in_order(
    server: Scripted, claude: Claude
) -> None:
    server.will(Reply([start(), *thinking(0, "Hm"), *text(1, "Hel", "lo"), *end()]))
    thought = {"type": "thinking", "thinking": "Hm", "signature": "c2lnbmF0dXJl"}
    said = {"type": "text", "text": "Hello"}
    usage = Usage(USAGE | FINAL_USAGE)
    assert await events_of(claude) == [
        Started("msg_scripted", MODEL, Usage(USAGE), "req_scripted"),
        BlockStarted(0, {"type": "thinking", "thinking": "", "signature": ""}),
        BlockDelta(0, "thinking_delta", "Hm"),
        BlockStopped(0, thought),
        BlockStarted(1, {"type": "text", "text": ""}),
        BlockDelta(1, "text_delta", "Hel"),
        BlockDelta(1, "text_delta", "lo"),
        BlockStopped(1, said),
        MessageDelta("end_turn", None, usage),
        Finished((thought, said), "end_turn", None, usage),
    ]


async def test_a_reply_that_is_not_streamed_comes_at_once(
    server: Scripted, claude: Claude
) -> None:
    server.will(says("Hel", "lo"))
    events = [event async for event in claude.create(QUESTION, Parameters(MODEL))]
    usage = Usage(USAGE | FINAL_USAGE)
    assert events == [
        Started("msg_scripted", MODEL, usage, "req_scripted"),
        Finished(({"type": "text", "text": "Hello"},), "end_turn", None, usage),
    ]


async def test_the_input_of_a_tool_arrives_in_pieces_and_complete(
    server: Scripted, claude: Claude
) -> None:
    opening = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    pieces = ('{"at": ', '"home"}')
    deltas = (delta(0, "input_json_delta", partial_json=piece) for piece in pieces)
    server.will(Reply([start(), *block(0, opening, *deltas), *end("tool_use")]))
    events = await events_of(claude)
    assert [e.words for e in events if isinstance(e, BlockDelta)] == list(pieces)
    assert BlockStopped(0, opening | {"input": {"at": "home"}}) in events


async def test_citations_are_in_the_block_that_cites(server: Scripted, claude: Claude) -> None:
    citation = {
        "type": "char_location",
        "cited_text": "so",
        "document_index": 0,
        "document_title": None,
        "start_char_index": 0,
        "end_char_index": 2,
    }
    opening = {"type": "text", "text": "", "citations": []}
    deltas = (delta(0, "text_delta", text="So"), delta(0, "citations_delta", citation=citation))
    server.will(Reply([start(), *block(0, opening, *deltas), *end()]))
    finished = (await events_of(claude))[-1]
    assert isinstance(finished, Finished)
    assert finished.blocks == ({"type": "text", "text": "So", "citations": [citation]},)


async def test_the_reason_of_a_refusal_is_reported(server: Scripted, claude: Claude) -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    server.will(Reply([start(), *text(0, "I"), *end("refusal", stop_details=details)]))
    *_, stopping, finished = await events_of(claude)
    assert isinstance(stopping, MessageDelta)
    assert isinstance(finished, Finished)
    assert stopping.stop_details == finished.stop_details == details
    assert stopping.stop_reason == finished.stop_reason == "refusal"


async def test_usage_is_what_was_said_last_of_each_figure(
    server: Scripted, claude: Claude
) -> None:
    final = {"output_tokens": 9, "input_tokens": 31, "cache_read_input_tokens": None}
    server.will(Reply([start(), *text(0, "Hi"), *end(usage=final)]))
    finished = (await events_of(claude))[-1]
    assert isinstance(finished, Finished)
    assert finished.usage == Usage(USAGE | {"output_tokens": 9, "input_tokens": 31})
    assert finished.usage.prompt_tokens == 31 + 68 + 7


async def test_unknown_blocks_are_kept_unchanged(server: Scripted, claude: Claude) -> None:
    hologram = {"type": "hologram", "data": {"z": 1, "a": [None, {"b": 2}]}, "at": 5}
    redacted = {"type": "redacted_thinking", "data": "b3BhcXVl"}
    server.will(
        Reply([start(), *block(0, hologram), *block(1, redacted), *text(2, "Hi"), *end()])
    )
    events = await events_of(claude)
    assert BlockStarted(0, hologram) in events
    finished = events[-1]
    assert isinstance(finished, Finished)
    said = {"type": "text", "text": "Hi"}
    assert finished.blocks == (hologram, redacted, said)
    assert json.dumps(finished.blocks[0]) == json.dumps(hologram)


async def test_events_and_deltas_nobody_knows_are_passed_over(
    server: Scripted, claude: Claude
) -> None:
    opening = {"type": "text", "text": ""}
    deltas = [
        delta(0, "mood_delta", mood="bright"),
        delta(0, "text_delta", text="Hi"),
        delta(0, "signature_delta", signature="c2ln"),
    ]
    steps = [
        Event({"type": "ping"}),
        Event({"type": "weather", "sky": "clear"}),
        start(),
        Event({"type": "ping"}),
        Event({"type": "weather", "sky": "clear"}),
        *block(0, opening, *deltas),
        *end("tea_time"),
    ]
    server.will(Reply(steps))
    assert await events_of(claude) == [
        Started("msg_scripted", MODEL, Usage(USAGE), "req_scripted"),
        BlockStarted(0, opening),
        BlockDelta(0, "text_delta", "Hi"),
        BlockStopped(0, opening | {"text": "Hi"}),
        MessageDelta("tea_time", None, Usage(USAGE | FINAL_USAGE)),
        Finished((opening | {"text": "Hi"},), "tea_time", None, Usage(USAGE | FINAL_USAGE)),
    ]


async def test_a_stream_that_just_ends_is_not_called_finished(
    server: Scripted, claude: Claude
) -> None:
    server.will(Reply([start(), *text(0, "Half"), end()[0]]))
    events = await events_of(claude)
    assert isinstance(events[-1], MessageDelta)


async def test_a_reply_of_nothing_has_no_events(server: Scripted, claude: Claude) -> None:
    server.will(Reply([]))
    assert await events_of(claude) == []


async def test_a_socket_held_open_after_the_end_does_not_hold_up_the_reply(
    server: Scripted, claude: Claude
) -> None:
    server.will(Reply([*says("Hi").steps, Hold()]))
    began = time.monotonic()
    events = await events_of(claude)
    assert isinstance(events[-1], Finished)
    assert time.monotonic() - began < 5
    await wait_until(server.asked[0].closed_by_client.is_set)


async def test_no_word_waits_for_the_next(server: Scripted, claude: Claude) -> None:
    holds = [Hold(), Hold(), Hold()]
    first, *others = says("Hi").steps
    server.will(Reply([first, holds[0], *others[:2], holds[1], *others[2:], holds[2]]))
    seen: list[ReplyEvent] = []
    async with aclosing(ask(claude)) as events:
        seen.append(await anext(events))
        holds[0].release()
        seen += [await anext(events), await anext(events)]
    assert [type(event) for event in seen] == [Started, BlockStarted, BlockDelta]


async def test_leaving_a_reply_closes_its_socket(server: Scripted, claude: Claude) -> None:
    server.will(Reply([start(), *text(0, "Hi"), Hold()]))
    async with aclosing(ask(claude)) as events:
        async for event in events:
            if isinstance(event, BlockStopped):
                break
    await wait_until(server.asked[0].closed_by_client.is_set)


async def test_replies_one_after_another_share_a_connection(
    server: Scripted, claude: Claude
) -> None:
    await events_of(claude)
    await events_of(claude)
    first, second = server.asked
    assert first.connection == second.connection


async def test_closing_closes_the_connections(server: Scripted) -> None:
    claude = Claude(Endpoint(server.url, api_key="sk-test"))
    await events_of(claude)
    await claude.close()
    assert (await claude.ready()).is_closed()


# Errors


@pytest.mark.parametrize(
    ("status", "error_type", "words"),
    [
        (400, "invalid_request_error", "the words of the API"),
        (401, "authentication_error", "The API key was refused"),
        (402, "billing_error", "billing: the words of the API"),
        (403, "permission_error", "may not do that: the words of the API"),
        (404, "not_found_error", "Not found: the words of the API"),
        (408, "timeout_error", "the words of the API"),
        (413, "request_too_large", "too large for the endpoint"),
        (429, "rate_limit_error", "Too many requests: the words of the API"),
        (500, "api_error", "the words of the API"),
        (504, "timeout_error", "the words of the API"),
        (529, "overloaded_error", "overloaded"),
    ],
)
async def test_an_error_status_is_reported_in_words(
    server: Scripted,
    claude: Claude,
    status: int,
    error_type: str,
    words: str,
) -> None:
    server.will(refuses(status, error_type, "the words of the API"))
    error = await failure_of(ask(claude))
    assert words in str(error)
    assert error.is_retryable is (status in (408, 429, 500, 504, 529))
    assert not error.is_truncated
    assert error.retry_after is None
    failure = error.failure
    assert (failure.status, failure.type) == (status, error_type)
    assert failure.request_id == "req_scripted"
    assert len(server.asked) == 1


async def test_an_error_status_is_reported_the_same_without_streaming(
    server: Scripted, claude: Claude
) -> None:
    server.will(refuses(529, "overloaded_error", retry_after="3"))
    error = await failure_of(claude.create(QUESTION, Parameters(MODEL)))
    assert str(error) == "Claude is overloaded."
    assert (error.is_retryable, error.retry_after) == (True, 3.0)


async def test_an_error_page_of_a_gateway_is_not_quoted(
    server: Scripted, claude: Claude
) -> None:
    page = Raw(b"<html>\n<head><title>502 Bad Gateway</title></head>\n<hr>nginx</html>")
    headers = {"content-type": "text/html"}
    server.will(Reply([page], status=502, headers=headers, is_stream=False))
    error = await failure_of(ask(claude))
    assert str(error) == "The endpoint answered with HTTP status 502."
    assert error.is_retryable


async def test_an_error_of_several_lines_is_reported_in_one(
    server: Scripted, claude: Claude
) -> None:
    server.will(refuses(400, "invalid_request_error", "one\n\n  two\r\n"))
    assert str(await failure_of(ask(claude))) == "one two"


async def test_a_redirect_is_not_followed(server: Scripted, claude: Claude) -> None:
    headers = {"location": f"{server.url}/elsewhere"}
    server.will(Reply([], status=302, headers=headers, is_stream=False))
    error = await failure_of(ask(claude))
    assert "redirects to another address (302)" in str(error)
    assert not error.is_retryable
    assert [seen.path for seen in server.seen] == ["/v1/messages"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after": "-3"}, 0.0),
        ({"retry_after": "3600"}, 3600.0),
        ({"retry_after_ms": "1500", "retry_after": "9"}, 1.5),
        ({"retry_after": "soon"}, None),
        (
            {
                "date": "Sun, 22 Nov 2026 10:00:00 GMT",
                "retry_after": "Sun, 22 Nov 2026 10:00:20 GMT",
            },
            20.0,
        ),
        (
            {
                "date": "Sun, 22 Nov 2026 10:00:00 GMT",
                "retry_after": "Sun, 22 Nov 2026 10:00:20 -0000",
            },
            None,
        ),
        ({"retry_after": "Sun, 22 Nov 2026 10:00:20 GMT"}, None),
        ({}, None),
    ],
)
async def test_how_long_the_endpoint_asks_to_be_left_alone(
    server: Scripted, claude: Claude, headers: dict[str, str], seconds: float | None
) -> None:
    server.will(refuses(429, "rate_limit_error", **headers))
    error = await failure_of(ask(claude))
    assert error.is_retryable
    assert error.retry_after == seconds


async def test_an_endpoint_may_forbid_another_try(server: Scripted, claude: Claude) -> None:
    server.will(refuses(529, "overloaded_error", x_should_retry="false"))
    assert not (await failure_of(ask(claude))).is_retryable


@pytest.mark.parametrize("before", [[], [start()], [start(), *text(0, "Half")]])
async def test_an_error_in_the_stream_is_reported_by_its_type(
    server: Scripted, claude: Claude, before: list[Event]
) -> None:
    server.will(Reply([*before, ERROR]))
    error = await failure_of(ask(claude))
    assert str(error) == "Claude is overloaded."
    assert (error.failure.type, error.failure.status) == ("overloaded_error", 200)
    assert error.is_retryable
    assert not error.is_truncated


async def test_a_connection_torn_down_in_the_reply_is_a_cut(
    server: Scripted, claude: Claude
) -> None:
    server.will(Reply([start(), *text(0, "Half"), Reset()]))
    error = await failure_of(ask(claude))
    assert error.is_truncated
    assert "was lost" in str(error)


async def test_a_body_that_breaks_off_is_a_cut(server: Scripted, claude: Claude) -> None:
    server.will(Reply([start(), *text(0, "Half"), Close()]))
    assert (await failure_of(ask(claude))).is_truncated


async def test_a_connection_torn_down_before_the_reply_is_no_cut(
    server: Scripted, claude: Claude
) -> None:
    server.will(Reply([Reset()]))
    error = await failure_of(ask(claude))
    assert error.is_retryable
    assert not error.is_truncated


async def test_an_endpoint_that_is_not_there_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        error = await failure_of(ask(Claude(Endpoint(f"http://{host}", api_key="sk-test"))))
    assert f"Could not reach {host}" in str(error)
    assert error.is_retryable


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/json", ""])
async def test_an_answer_that_is_not_a_stream_is_reported(
    server: Scripted, claude: Claude, content_type: str
) -> None:
    page = Raw(b"<html>Sign in to the hotel</html>")
    headers = {"content-type": content_type} if content_type else {}
    server.will(Reply([page], headers=headers, is_stream=False))
    error = await failure_of(ask(claude))
    assert f"answered with {content_type.partition(';')[0] or 'nothing'}, not a" in str(error)
    assert not error.is_retryable


@pytest.mark.parametrize("page", [b"<html>Sign in</html>", b"", b"{", b"[]"])
async def test_an_answer_that_is_not_a_message_is_reported(
    server: Scripted, claude: Claude, page: bytes
) -> None:
    headers = {"content-type": "text/html" if page.startswith(b"<") else "application/json"}
    server.will(Reply([Raw(page)] if page else [], headers=headers, is_stream=False))
    error = await failure_of(claude.create(QUESTION, Parameters(MODEL)))
    assert "not the Messages API" in str(error)


@pytest.mark.parametrize(
    "steps",
    [
        [Raw(b"event: message_start\ndata: {\n\n")],
        [start(), Raw(b"event: content_block_delta\ndata: {\xff\n\n")],
        [start(), Raw(b"event: content_block_delta\ndata: [1]\n\n")],
        [start(), Raw(b'data: {"type": "content_block_delta", "in\n\n')],
        [start(), Raw(b"data: " + b'{"a":' * 100_000 + b"\n\n")],
    ],
)
async def test_senseless_events_are_reported(
    server: Scripted, claude: Claude, steps: list[Step]
) -> None:
    server.will(Reply(steps))
    error = await failure_of(ask(claude))
    assert "not the Messages API" in str(error)
    assert not error.is_retryable


# Models


async def test_the_models_are_returned_as_the_endpoint_describes_them(
    server: Scripted, claude: Claude
) -> None:
    assert await claude.models() == [Model(SONNET)]
    (model,) = await claude.models()
    assert model.has_adaptive_thinking
    assert server.asked == []


async def test_an_endpoint_without_a_models_api_has_no_models(
    server: Scripted, claude: Claude
) -> None:
    server.models = None
    assert await claude.models() == []


async def test_models_that_cannot_be_had_just_now_are_an_error(
    server: Scripted, claude: Claude
) -> None:
    server.models_reply = refuses(500, "api_error")
    with pytest.raises(ReplyFailed):
        await claude.models()


async def test_a_reply_stopped_while_the_client_loads_does_not_stop_the_others(
    server: Scripted, claude: Claude
) -> None:
    server.will(says("Hi"))
    stopped = asyncio.create_task(events_of(claude))
    other = asyncio.create_task(events_of(claude))
    await asyncio.sleep(0)
    stopped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopped
    assert isinstance((await other)[-1], Finished)
    assert len(server.asked) == 1


# Recordings


def wire_of(recording: Recording) -> bytes:
    return b"".join(chunk for _, chunk in unpack(recording.packed()))


async def test_everything_on_the_wire_is_recorded_with_its_time(
    server: Scripted, claude: Claude
) -> None:
    hold = Hold()
    first, *others = says("Hel", "lo").steps
    server.will(Reply([first, hold, *others, Raw(b": the end\n\n")]))
    recording = Recording()
    async with aclosing(ask(claude, recording=recording)) as events:
        await anext(events)
        before = unpack(recording.packed())
        await asyncio.sleep(0.1)
        hold.release()
        async for _ in events:
            pass
    chunks = unpack(recording.packed())
    assert wire_of(recording) == body(Reply([first, *others, Raw(b": the end\n\n")]))
    assert recording.size == len(wire_of(recording))
    times = [ms for ms, _ in chunks]
    assert times == sorted(times)
    assert times[len(before)] - times[len(before) - 1] >= 100


async def test_a_packed_answer_is_recorded_unpacked(server: Scripted, claude: Claude) -> None:
    server.will(gzipped(says("Hi")))
    recording = Recording()
    await events_of(claude, recording=recording)
    assert wire_of(recording) == body(says("Hi"))
    assert server.asked[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("more", [-1, 0, 1, 200])
async def test_a_compressed_answer_is_complete_wherever_its_pieces_end(
    server: Scripted, claude: Claude, more: int
) -> None:
    # The SDK needs the end of the event, which is in the last bytes of the first piece.
    words = "x" * (64 * 1024 - len(body(says(""))) + more)
    server.will(gzipped(says(words)))
    finished = (await events_of(claude))[-1]
    assert isinstance(finished, Finished)
    assert finished.blocks == ({"type": "text", "text": words},)


async def test_a_response_that_is_not_a_reply_is_recorded_too(
    server: Scripted, claude: Claude
) -> None:
    broken = Reply([start(), Raw(b"data: {half")])
    refused = refuses(529, "overloaded_error")
    for reply in (broken, refused):
        server.will(reply)
        recording = Recording()
        with suppress(ReplyFailed):
            await events_of(claude, recording=recording)
        assert wire_of(recording) == body(reply)


async def test_each_reply_of_a_connection_has_its_own_recording(
    server: Scripted, claude: Claude
) -> None:
    server.will(says("one"), says("two"))
    recordings = [Recording(), Recording()]
    await asyncio.gather(*(events_of(claude, recording=each) for each in recordings))
    await events_of(claude)
    assert sorted(map(wire_of, recordings)) == sorted(body(says(w)) for w in ("one", "two"))


async def test_the_demo_is_recorded_too() -> None:
    recording = Recording()
    claude = demo.connect(lambda _: asyncio.sleep(0))
    _ = [
        event
        async for event in claude.stream(QUESTION, Parameters("demo"), recording=recording)
    ]
    assert wire_of(recording).startswith(b"event: message_start\n")
    assert wire_of(recording).endswith(b'data: {"type": "message_stop"}\n\n')


async def test_behind_a_proxy_the_wire_is_recorded_too(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTP_PROXY", server.url)
    server.will(says("Hi"))
    recording = Recording()
    await events_of(Claude(Endpoint("http://claude.test", "sk-test")), recording=recording)
    assert server.seen[0].path == "http://claude.test/v1/messages"
    assert wire_of(recording) == body(says("Hi"))


# Too much data


async def test_a_hostile_line_ends_quickly_and_the_loop_is_not_blocked(
    server: Scripted, claude: Claude
) -> None:
    server.will(Reply([start(), Raw(b"data: " + b"x" * 50_000_000)]))
    await claude.warm_up()
    longest, before = 0.0, time.monotonic()

    async def watch_the_loop() -> None:
        nonlocal longest, before
        while True:
            await asyncio.sleep(0.01)
            longest, before = max(longest, time.monotonic() - before), time.monotonic()

    watching = asyncio.create_task(watch_the_loop())
    began = time.monotonic()
    error = await failure_of(ask(claude))
    watching.cancel()
    assert (error.failure.type, error.is_truncated, error.is_retryable) == (
        "protocol",
        True,
        False,
    )
    # When the SDK got the line, it took a minute.
    assert time.monotonic() - began < 10
    assert longest < 5


async def test_a_long_line_is_no_fault(server: Scripted, claude: Claude) -> None:
    words = "x" * (LINE_LIMIT - 1000)
    server.will(says(words))
    deltas = [e.words for e in await events_of(claude) if isinstance(e, BlockDelta)]
    assert deltas == [words]


async def test_a_reply_that_is_not_streamed_has_a_limit_too(
    server: Scripted, claude: Claude
) -> None:
    page = Raw(b" " * (REPLY_LIMIT + 1))
    headers = {"content-type": "application/json"}
    server.will(gzipped(Reply([page], headers=headers, is_stream=False)))
    error = await failure_of(claude.create(QUESTION, Parameters(MODEL)))
    assert "more than 128 MiB" in str(error)


# Silence


def limited(server: Scripted, **limits: float) -> Claude:
    return Claude(Endpoint(server.url, api_key="sk-test"), limits=Limits(**limits))


async def test_this_machine_may_be_silent_for_long_before_the_first_event(
    server: Scripted,
) -> None:
    hold = Hold()
    server.will(Reply([hold, *says("Hi").steps]))
    reply = asyncio.create_task(events_of(limited(server, silence=0.2)))
    await wait_until(hold.reached.is_set)
    await asyncio.sleep(0.6)
    hold.release()
    assert isinstance((await reply)[-1], Finished)


@pytest.mark.parametrize("before", [[], [start()]], ids=["nothing", "a beginning"])
async def test_an_endpoint_that_falls_silent_is_left(
    server: Scripted, before: list[Event]
) -> None:
    server.will(Reply([*before, Hold()]))
    error = await failure_of(ask(limited(server, silence=0.3, first=0.3)))
    assert (error.failure.type, error.is_retryable) == ("timeout", True)
    assert error.is_truncated is bool(before)
    assert "silent for too long" in str(error)
    await wait_until(server.asked[0].closed_by_client.is_set)


@pytest.mark.parametrize(
    "steps",
    [
        text(0, *["x"] * 20),
        thinking(0, *["x"] * 20),
        block(
            0,
            {"type": "tool_use", "id": "t", "name": "n", "input": {}},
            *(delta(0, "input_json_delta", partial_json=each) for each in JSON_PIECES),
        ),
    ],
    ids=["text", "thinking", "tool"],
)
async def test_words_of_any_kind_are_words(server: Scripted, steps: list[Step]) -> None:
    slow = [each for step in steps for each in (step, Wait(0.05))]
    server.will(Reply([start(), *slow, *end()]))
    events = await events_of(limited(server, content=0.5))
    assert isinstance(events[-1], Finished)


async def test_thinking_without_words_is_no_word(server: Scripted) -> None:
    thought = {"type": "thinking", "thinking": "", "signature": ""}
    empty = delta(0, "thinking_delta", thinking="")
    steps: list[Step] = [empty, Event({"type": "ping"}), Wait(0.05)] * 40
    server.will(Reply([start(), block(0, thought)[0], *steps]))
    error = await failure_of(ask(limited(server, content=0.5)))
    assert "sent signs of life but no text" in str(error)
    assert (error.failure.type, error.is_truncated) == ("timeout", True)


async def test_events_in_step_with_the_ticks_do_not_outlast_the_watch() -> None:
    async def hear_nothing(watch: StallDetector) -> None:
        async with asyncio.timeout(5):
            while True:
                await watch.wait(asyncio.sleep(0))
                watch.event_received(is_content=False)

    with (
        StallDetector(ResponseRecorder(), Limits(content=0.2), is_loopback=False) as watch,
        pytest.raises(StallTimeout),
    ):
        await hear_nothing(watch)


async def test_a_reader_who_is_elsewhere_is_no_silence_of_the_endpoint(
    server: Scripted,
) -> None:
    server.will(says(*["x"] * 20))
    seen = []
    async with aclosing(ask(limited(server, silence=0.2, first=5, content=0.4))) as events:
        async for event in events:
            seen.append(event)
            if len(seen) == 3:
                await asyncio.sleep(0.8)
    assert isinstance(seen[-1], Finished)


async def test_a_process_that_was_stopped_counts_silence_from_its_continuation(
    server: Scripted,
) -> None:
    hold = Hold()
    server.will(Reply([*HALF, hold, *says(" a reply").steps[2:]]))
    code = (
        "import asyncio\n"
        "from tui.claude import Claude\nfrom tui.domain.limits import Limits\n"
        "from tui.domain.parameters import Parameters\n"
        "from tui.domain.endpoint import Endpoint\n"
        f"claude = Claude(Endpoint({server.url!r}, 'sk-test'),"
        " limits=Limits(silence=2, first=30, content=2.5))\n"
        f"events = claude.stream({QUESTION!r}, Parameters('m'))\n"
        "async def main():\n"
        "    async for event in events:\n"
        "        print(type(event).__name__, flush=True)\n"
        "asyncio.run(main())\n"
    )
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert program.stdout is not None
    async with asyncio.timeout(60):
        while await program.stdout.readline() != b"BlockDelta\n":
            pass
        program.send_signal(signal.SIGSTOP)
        await asyncio.sleep(4)
        program.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.5)
        hold.release()
        said = await program.stdout.read()
    assert said.split()[-1] == b"Finished"
    assert await program.wait() == 0
