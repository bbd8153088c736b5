"""Everything that an endpoint can do wrong, and how the reply ends."""

from __future__ import annotations

import gzip
import socket
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.screens.conftest import Open
from tests.scripted import (
    FINAL_USAGE,
    Close,
    Event,
    Hold,
    Json,
    Raw,
    Reply,
    Reset,
    Scripted,
    Step,
    Wait,
    block,
    body,
    byte_by_byte,
    delta,
    end,
    gzipped,
    refuses,
    says,
    scripted,
    start,
    text,
    with_crlf,
)
from tests.turns import SetClock, converse, kept, on_disk
from tui.claude import Claude
from tui.domain.conversation import State
from tui.domain.endpoint import Endpoint
from tui.domain.limits import Limits
from tui.domain.reply import StreamingReply
from tui.store import Store, open_store
from tui.text.formatting import end_reason


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(history: Path, clock: SetClock) -> Iterator[Store]:
    with open_store(history, clock) as store:
        yield store


@pytest.fixture
def elsewhere() -> Iterator[Scripted]:
    """A server that must not get any request."""
    with scripted() as server:
        yield server


ELSEWHERE = "an address that the test knows"
MIB = 1024 * 1024

PING = Event({"type": "ping"})
HALF: list[Step] = [start(), *text(0, "Ha", "lf")[:-1]]
"""The beginning of a reply."""
WHOLE = says("Hel", "lo")

SILENT_AT_FIRST = Limits(first=0.3)
SILENT = Limits(silence=1, first=30)
WORDLESS = Limits(content=0.8)
PINGS: list[Step] = [PING, Wait(0.05)] * 200


@dataclass(frozen=True)
class Fault:
    """What an endpoint does, and how the reply must end."""

    replies: Reply | Sequence[Reply]
    state: State
    text: str = ""
    requests: int = 1
    shown: str = ""
    """Words in the line below the reply."""
    seconds: float = 8.0
    """Most seconds that it may take."""
    limits: Limits = field(default_factory=Limits)


def sends(*steps: Step, **more: Any) -> Reply:
    return Reply(steps, **more)


def event(name: str, data: str) -> Raw:
    return Raw(f"event: {name}\ndata: {data}\n\n".encode())


def breaks(error_type: str) -> Event:
    return Event({"type": "error", "error": {"type": error_type, "message": "the words"}})


def page(status: int, words: bytes = b"", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply([Raw(words)] if words else [], status, named, is_stream=False)


def opens(wire: Json, *deltas: Event) -> Reply:
    """Return a reply that says Hi after a block of an unknown type."""
    return sends(start(), *block(0, wire, *deltas), *text(1, "Hi"), *end())


def half_packed(reply: Reply) -> Reply:
    """Return a compressed reply whose compressed data has no end."""
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(body(reply)) + packer.flush(zlib.Z_SYNC_FLUSH)
    return replace(gzipped(reply), steps=[Raw(packed)])


def in_full(words: str) -> str:
    """Return a text as UTF-8 can hold it: surrogate pairs joined, lone ones replaced."""
    return words.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def told(status: int, words: str, content_type: str = "application/json") -> Reply:
    """Return an error response with a body."""
    return page(status, words.encode(), content_type=content_type)


FAULTS: dict[str, Fault] = {
    # The request is refused.
    "400": Fault(
        refuses(400, "invalid_request_error", "the words"), "failed", shown="the words"
    ),
    "401": Fault(refuses(401, "authentication_error"), "failed", shown="key was refused"),
    "402": Fault(refuses(402, "billing_error"), "failed", shown="billing"),
    "403": Fault(refuses(403, "permission_error"), "failed", shown="may not do that"),
    "404": Fault(refuses(404, "not_found_error", "m"), "failed", shown="Not found: m"),
    "408, then a reply": Fault([refuses(408, "timeout_error"), WHOLE], "complete", "Hello", 2),
    "409, always": Fault(refuses(409, "conflict_error", "busy"), "failed", "", 4, "busy"),
    "413": Fault(refuses(413, "request_too_large"), "failed", shown="too large"),
    "429 with a wait, then a reply": Fault(
        [refuses(429, "rate_limit_error", retry_after="7"), WHOLE], "complete", "Hello", 2
    ),
    "429 without a wait, always": Fault(
        refuses(429, "rate_limit_error"), "failed", "", 2, "Too many requests"
    ),
    "429 of a spending limit": Fault(
        refuses(429, "rate_limit_error", "spent", error_code="enforced_spend_limit_reached"),
        "failed",
        shown="Too many requests: spent",
    ),
    "429 with a wait of an hour": Fault(
        refuses(429, "rate_limit_error", retry_after="3600"), "failed", shown="Too many"
    ),
    "500, always": Fault(refuses(500, "api_error", "Oops"), "failed", "", 4, "Oops"),
    "502 of a gateway": Fault(
        page(502, b"<html>\n<title>502 Bad Gateway</title>", content_type="text/html"),
        "failed",
        "",
        4,
        "HTTP status 502",
    ),
    "404 of a local server": Fault(
        told(404, """{"error":"model 'x' not found"}"""),
        "failed",
        shown="Not found: model 'x' not found",
    ),
    "422 with a detail": Fault(
        told(422, '{"detail":[{"loc":["body"],"msg":"the words"}]}'),
        "failed",
        shown="HTTP status 422: the words",
    ),
    "400 with a message": Fault(
        told(400, '{"message":"the\\nwords of sk-test"}'),
        "failed",
        shown="HTTP status 400: the words of [key]",
    ),
    "401 with a detail": Fault(
        told(401, '{"detail":"it expired"}'), "failed", shown="It says: it expired"
    ),
    "502 in plain text": Fault(
        told(502, "upstream\ntimed out", "text/plain"),
        "failed",
        "",
        4,
        "HTTP status 502: upstream timed out",
    ),
    "200 with an error": Fault(
        told(200, '{"error":"the words"}'), "failed", shown="an error: the words"
    ),
    "200 with an error of the API, then a reply": Fault(
        [told(200, '{"error":{"type":"overloaded_error","message":"Over"}}'), WHOLE],
        "complete",
        "Hello",
        2,
    ),
    "200 in plain text": Fault(
        told(200, "the words", "Text/Plain"), "failed", shown="It says: the words"
    ),
    "an error whose words are no words": Fault(
        told(400, '{"error":{"type":{"a":1},"message":5}}'), "failed", shown="HTTP status 400."
    ),
    "an error with half a character": Fault(
        refuses(400, "odd_\ud83d", "words \ud83d", error_code="\udc00"),
        "failed",
        shown="words \ufffd",
    ),
    "529, always": Fault(refuses(529, "overloaded_error"), "failed", "", 4, "overloaded"),
    "529 twice, then a reply": Fault(
        [refuses(529, "overloaded_error")] * 2 + [WHOLE], "complete", "Hello", 3
    ),
    "an error of 50 MB": Fault(
        page(400, b"x" * 50_000_000, content_type="text/plain"), "failed", shown="1 MiB"
    ),
    "a redirect": Fault(page(307, location=ELSEWHERE), "failed", shown="redirects to another"),
    # The stream has an error event.
    "error event first": Fault(
        sends(breaks("overloaded_error")), "failed", "", 4, "overloaded"
    ),
    "error event first, for good": Fault(
        sends(breaks("invalid_request_error")), "failed", shown="the words"
    ),
    "error event in the middle": Fault(
        sends(*HALF, breaks("overloaded_error")), "failed", "Half", shown="overloaded"
    ),
    # The stream ends too early.
    "clean end": Fault(sends(*HALF), "cut_off", "Half", shown="before the reply did"),
    "clean end after message_delta": Fault(
        sends(start(), *text(0, "Half"), end()[0]), "cut_off", "Half", shown="before the reply"
    ),
    "clean end inside a line": Fault(
        sends(*HALF, Raw(b'event: content_block_delta\ndata: {"type": "con')),
        "cut_off",
        "Half",
        shown="before the reply did",
    ),
    "clean end inside a character": Fault(
        sends(*HALF, Raw(b'event: content_block_delta\ndata: {"type": "\xf0\x9f')),
        "cut_off",
        "Half",
        shown="before the reply did",
    ),
    "cut inside a line": Fault(
        sends(*HALF, Raw(b'event: content_block_delta\ndata: {"type": "con'), Close()),
        "cut_off",
        "Half",
        shown="was lost",
    ),
    "cut inside a character": Fault(
        sends(*HALF, Raw(b'event: content_block_delta\ndata: {"type": "\xf0\x9f'), Close()),
        "cut_off",
        "Half",
        shown="was lost",
    ),
    "reset in the middle": Fault(sends(*HALF, Reset()), "cut_off", "Half", shown="was lost"),
    "reset after the headers": Fault(sends(Reset()), "failed", "", 4, "Could not reach"),
    "closed without an answer": Fault(
        sends(before=[Close()]), "failed", "", 4, "Could not reach"
    ),
    "reset without an answer": Fault(
        sends(before=[Reset()]), "failed", "", 4, "Could not reach"
    ),
    # It sends nothing, or nothing that counts as progress.
    "silent before the headers": Fault(
        sends(before=[Hold()]), "failed", "", 4, "silent for too long", limits=SILENT_AT_FIRST
    ),
    "silent after the headers": Fault(
        sends(Hold()), "failed", "", 4, "silent for too long", limits=SILENT_AT_FIRST
    ),
    "silent in the middle": Fault(
        sends(*HALF, Hold()), "cut_off", "Half", shown="silent for too long", limits=SILENT
    ),
    "silent inside a line": Fault(
        sends(*HALF, Raw(b"event: content_bl"), Hold()),
        "cut_off",
        "Half",
        shown="silent for too long",
        limits=SILENT,
    ),
    "pings and nothing else": Fault(
        sends(*PINGS), "failed", "", 1, "signs of life", limits=WORDLESS
    ),
    "pings after half a reply": Fault(
        sends(*HALF, *PINGS), "cut_off", "Half", shown="signs of life", limits=WORDLESS
    ),
    "held open after the end": Fault(
        sends(*WHOLE.steps, Hold()), "complete", "Hello", seconds=4.0
    ),
    "reset after the end": Fault(sends(*WHOLE.steps, Reset()), "complete", "Hello"),
    # It sends something unknown.
    "unknown event": Fault(
        sends(start(), Event({"type": "weather", "sky": 1}), *WHOLE.steps[1:]),
        "complete",
        "Hello",
    ),
    "unknown block": Fault(opens({"type": "hologram", "z": [1, None]}), "complete", "Hi"),
    "unknown delta": Fault(
        opens({"type": "text", "text": ""}, delta(0, "mood_delta", mood="bright")),
        "complete",
        "Hi",
    ),
    "unknown stop reason": Fault(
        says("Hel", "lo", stop_reason="tea_time"), "complete", "Hello"
    ),
    "unknown usage": Fault(
        sends(
            start(usage={"input_tokens": 1, "output_tokens": 1, "joules": {"spent": 3}}),
            *text(0, "Hi"),
            *end(usage=FINAL_USAGE | {"joules": 9}),
        ),
        "complete",
        "Hi",
    ),
    # It sends something that makes no sense.
    "delta of a block never opened": Fault(
        sends(*HALF, delta(7, "text_delta", text=" of nothing")),
        "cut_off",
        "Half of nothing",
        shown="before the reply did",
    ),
    "malformed JSON first": Fault(
        sends(event("message_start", "{")), "failed", shown="not the Messages API"
    ),
    "malformed JSON in the middle": Fault(
        sends(*HALF, event("content_block_delta", "{]")),
        "failed",
        "Half",
        shown="not the Messages API",
    ),
    "JSON that is no object": Fault(
        sends(*HALF, event("content_block_delta", "[1]")),
        "failed",
        "Half",
        shown="not the Messages API",
    ),
    "bytes that are no text": Fault(
        sends(*HALF, Raw(b"event: content_block_delta\ndata: \xff\n\n")),
        "failed",
        "Half",
        shown="not the Messages API",
    ),
    "a web page": Fault(
        page(200, b"<html>Sign in", content_type="text/html"),
        "failed",
        shown="answered with text/html",
    ),
    "an empty answer": Fault(page(200), "failed", shown="answered with nothing"),
    "an empty stream": Fault(sends(), "failed", shown="empty answer"),
    # It sends the same in another form.
    "gzip": Fault(gzipped(WHOLE), "complete", "Hello"),
    "gzip, damaged": Fault(
        sends(
            Raw(gzip.compress(b"x")[:10] + b"\xff" * 50), headers={"content-encoding": "gzip"}
        ),
        "failed",
        shown="not the Messages API",
    ),
    "gzip, cut": Fault(half_packed(sends(*HALF)), "cut_off", "Half", shown="before the reply"),
    "an encoding nobody asked for": Fault(
        sends(Raw(b"\x0b\x02\x80"), headers={"content-encoding": "br"}),
        "failed",
        shown="compressed with br",
    ),
    "a media type in other letters": Fault(
        replace(WHOLE, headers={"content-type": "Text/Event-Stream; Charset=UTF-8"}),
        "complete",
        "Hello",
    ),
    "CRLF": Fault(with_crlf(WHOLE), "complete", "Hello"),
    "byte by byte": Fault(byte_by_byte(WHOLE), "complete", "Hello"),
    "CRLF, byte by byte": Fault(byte_by_byte(with_crlf(WHOLE)), "complete", "Hello"),
    "a character in two halves": Fault(
        sends(start(), *text(0, "So ", "\ud83d", "\ude00"), *end()), "complete", "So \U0001f600"
    ),
    "half a character": Fault(
        sends(start(), *text(0, "So ", "\ud83d"), *end()), "complete", "So \ufffd"
    ),
    # It sends too much.
    "a line of 50 MB": Fault(
        sends(*HALF, Raw(b"data: " + b"x" * 50_000_000)), "cut_off", "Half", shown="16 MiB"
    ),
    "an event of a million lines": Fault(
        sends(*HALF, Raw(b"data: x\n" * 1_000_000)), "cut_off", "Half", shown="many lines"
    ),
    # Small enough to be decompressed in one piece, together with its end.
    "an event of many lines that ends": Fault(
        gzipped(sends(*HALF, Raw(b":\n" * 25_000 + b"\n"))),
        "cut_off",
        "Half",
        shown="many lines",
    ),
    "a line byte by byte": Fault(
        sends(*HALF, *[Raw(b"x")] * 20_000, Close()), "cut_off", "Half", shown="was lost"
    ),
    "a bomb": Fault(
        gzipped(sends(*HALF, Raw(b"data: " + b"x" * 50_000_000))),
        "cut_off",
        "Half",
        shown="16 MiB",
    ),
    "more than 128 MiB": Fault(
        gzipped(sends(*HALF, *[Raw(b": " + b"x" * MIB + b"\n\n")] * 130)),
        "cut_off",
        "Half",
        shown="128 MiB",
        # Decompressing so much takes CPU time that other tests use.
        seconds=60.0,
    ),
}


def connected(server: Scripted, fault: Fault) -> Claude:
    return Claude(Endpoint(server.url, api_key="sk-test"), limits=fault.limits)


def replies_of(fault: Fault, elsewhere: Scripted) -> list[Reply]:
    if not isinstance(fault.replies, Reply):
        return list(fault.replies)
    headers = {
        name: elsewhere.url if value == ELSEWHERE else value
        for name, value in fault.replies.headers.items()
    }
    return [replace(fault.replies, headers=headers)] * (fault.requests + 1)


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_ends_in_a_state_that_has_a_name_and_loses_no_text(
    store: Store, server: Scripted, elsewhere: Scripted, clock: SetClock, name: str
) -> None:
    fault = FAULTS[name]
    server.will(*replies_of(fault, elsewhere))
    retries = []

    def show(reply: StreamingReply) -> None:
        if reply.retry is not None:
            retries.append(reply.retry)

    claude = connected(server, fault)
    await claude.warm_up()
    began = time.monotonic()
    reply = await converse(store, claude, show=show)
    took = time.monotonic() - began
    assert (reply.state, in_full(reply.text)) == (fault.state, fault.text)
    assert fault.shown in end_reason(reply)
    assert (reply.failure is None) == (fault.state == "complete")
    on_disk = await kept(store, reply)
    assert (on_disk.state, on_disk.text) == (fault.state, fault.text)
    assert on_disk.failure == reply.failure
    assert len(server.asked) == fault.requests
    # Every attempt was shown, and waited as long as was shown.
    assert [retry.attempt for retry in retries] == [*range(2, fault.requests + 1)]
    assert len(clock.waits) == len(retries)
    assert elsewhere.seen == []
    assert took < fault.seconds
    await claude.close()


async def test_an_endpoint_that_is_not_there_is_asked_again_in_sight(
    store: Store, clock: SetClock
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        reply = await converse(store, Claude(Endpoint(f"http://{host}", api_key="sk-test")))
    assert reply.state == "failed"
    assert f"Could not reach {host}" in end_reason(reply)
    assert len(clock.waits) == 3
    assert await kept(store, reply) == reply


SEEN = {
    "refused": Fault(FAULTS["404"].replies, "failed", shown="failed: Not found: m"),
    "cut in mid-stream": Fault(FAULTS["cut inside a line"].replies, "cut_off", "Half"),
    "stalled": Fault(
        FAULTS["silent in the middle"].replies,
        "cut_off",
        "Half",
        limits=Limits(silence=2, first=30),
    ),
    "malformed": Fault(FAULTS["malformed JSON in the middle"].replies, "failed", "Half"),
    "hostile": Fault(FAULTS["a line of 50 MB"].replies, "cut_off", "Half"),
}


@pytest.mark.parametrize("name", SEEN)
async def test_after_a_fault_the_text_and_the_reason_stay_and_r_asks_again(
    opened: Open, server: Scripted, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    fault = SEEN[name]
    assert isinstance(fault.replies, Reply)
    server.will(fault.replies, says("all of it"))
    async with opened(connected(server, fault)) as journey:
        await journey.ask("What is this?")
        await journey.until_done()
        word = fault.state.replace("_", " ")
        assert word in journey.seen
        assert word in journey.figures[0]
        assert (journey.replies, journey.questions) == ([fault.text], ["What is this?"])
        assert fault.text in journey.seen
        assert "Traceback" not in journey.seen
        assert journey.composer == ""
        await journey.write("next")
        assert journey.composer == "next"
        await journey.press("ctrl+u", "shift+tab", "r")
        await journey.until(lambda: journey.replies == ["all of it"])
        await journey.until_done()
        assert "all of it" in journey.seen
        assert [message.state for message in await journey.line()] == ["complete"] * 2
    assert len(server.asked) == 2
    assert "Traceback" not in caplog.text


async def test_a_key_that_an_endpoint_repeats_is_not_saved(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    server.will(refuses(400, "invalid_request_error", "you sent Bearer sk-test, why?"))
    message = await converse(store, claude)
    assert message.failure is not None
    assert message.failure.message == "you sent Bearer [key], why?"
    row = on_disk(history, "SELECT failure FROM messages WHERE failure IS NOT NULL")[0]
    assert "sk-test" not in row["failure"]


async def test_the_rhythm_of_a_reply_is_kept(
    server: Scripted, claude: Claude, store: Store
) -> None:
    from tui.domain.recording import unpack

    rest = [*text(0)[1:], *end()]
    server.will(Reply([*HALF, Wait(0.3), *rest]))
    message = await converse(store, claude)
    (row,) = on_disk(store.path, "SELECT id FROM requests WHERE message_id = ?", message.id)
    ((recorded,),) = on_disk(
        store.path, "SELECT content FROM recordings WHERE request_id = ?", row["id"]
    )
    assert recorded is not None
    chunks = unpack(recorded)
    assert b"".join(chunk for _, chunk in chunks) == body(Reply([*HALF, *rest]))
    assert chunks[-1][0] - chunks[0][0] >= 290


async def test_no_recording_holds_the_key_cut_in_two_or_not(
    server: Scripted, claude: Claude, store: Store
) -> None:
    from tui.domain.recording import unpack

    pieces = [Raw(bytes([byte])) for byte in body(Reply([*text(0, "it is sk-test, sk-te")]))]
    server.will(Reply([start(), *pieces, *end()]))
    message = await converse(store, claude)
    (row,) = on_disk(store.path, "SELECT id FROM requests WHERE message_id = ?", message.id)
    ((recorded,),) = on_disk(
        store.path, "SELECT content FROM recordings WHERE request_id = ?", row["id"]
    )
    assert recorded is not None
    heard = b"".join(chunk for _, chunk in unpack(recorded))
    assert b"sk-test" not in heard
    assert b"it is [key], sk-te" in heard
