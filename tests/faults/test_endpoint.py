"""Everything an endpoint can do wrong: each ends in its named state, with every word kept.

Through the real turn, the real SDK and real HTTP on the loopback. Waits between
attempts take no time; silences are shortened by the limits of the connection.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.screens.conftest import Open
from tests.scripted import (
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
    delta,
    end,
    refuses,
    says,
    scripted,
    start,
    text,
)
from tests.turns import SetClock, ask, kept, on_disk, reply_to
from tui.claude import Claude
from tui.claude.silence import Limits
from tui.conversation import Draft, State
from tui.endpoint import Endpoint
from tui.sanitise import whole as whole_text
from tui.store import Store, open_store

STALLS = Limits(silence=1, first=1)
PINGS = Limits(words=1)
USUAL = Limits()
HALF = [start(), *text(0, "Half of ", "it")[:-1]]
PINGING: list[Step] = [Event({"type": "ping"}), Wait(0.1)] * 50


def error_event(error_type: str, message: str = "no") -> Event:
    return Event({"type": "error", "error": {"type": error_type, "message": message}})


def raw(steps: list[Step]) -> bytes:
    """The bytes of a body that is made of events alone."""
    events = [step.data for step in steps if isinstance(step, Event)]
    lines = (f"event: {data['type']}\ndata: {json.dumps(data)}\n\n" for data in events)
    return "".join(lines).encode()


def squeezed(*bodies: bytes) -> list[bytes]:
    """Bodies packed one after the other, so that each can be unpacked once it is there."""
    packer = zlib.compressobj(wbits=31)
    return [packer.compress(body) + packer.flush(zlib.Z_SYNC_FLUSH) for body in bodies]


WHOLE = [*HALF, *text(0)[1:], *end()]
BODY = raw(WHOLE)
ACCENTED = raw([start(), *text(0, "caf")[:-1]]) + (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"\xc3'
)
BROKEN_JSON = b'event: content_block_delta\ndata: {"type": "content_block_delta", "ind\n\n'


@dataclass(frozen=True)
class Fault:
    name: str
    replies: list[Reply]
    state: State
    said: str
    """A part of the line that says why."""
    text: str = ""
    requests: int = 1
    limits: Limits = USUAL


def http(status: int, error_type: str, state: State, said: str, requests: int) -> Fault:
    replies = [refuses(status, error_type, "because")] * requests
    return Fault(f"http {status}", replies, state, said, requests=requests)


def cut(
    name: str,
    *steps: Step,
    said: str = "",
    text: str = "Half of it",
    limits: Limits = USUAL,
    **headers: str,
) -> Fault:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Fault(name, [Reply(steps, headers=named)], "cut_off", said, text, limits=limits)


def whole(name: str, *steps: Step, text: str = "Half of it", **headers: str) -> Fault:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Fault(name, [Reply(list(steps), headers=named)], "complete", "", text)


FAULTS = [
    http(400, "invalid_request_error", "failed", "because", 1),
    http(401, "authentication_error", "failed", "key was refused", 1),
    http(402, "billing_error", "failed", "billing", 1),
    http(403, "permission_error", "failed", "may not", 1),
    http(404, "not_found_error", "failed", "Not found", 1),
    http(408, "timeout_error", "failed", "because", 4),
    http(409, "conflict_error", "failed", "because", 4),
    http(413, "request_too_large", "failed", "larger", 1),
    http(429, "rate_limit_error", "failed", "Too many requests", 2),
    http(500, "api_error", "failed", "because", 4),
    http(529, "overloaded_error", "failed", "overloaded", 4),
    Fault(
        "429 with retry-after",
        [refuses(429, "rate_limit_error", retry_after="7"), says("Half of it")],
        "complete",
        "",
        "Half of it",
        requests=2,
    ),
    Fault(
        "429 with a retry-after of an hour",
        [refuses(429, "rate_limit_error", retry_after="3600")],
        "failed",
        "3600 seconds",
    ),
    Fault(
        "429 with an error code",
        [
            Reply(
                [
                    Raw(
                        b'{"type":"error","error":{"type":"rate_limit_error","message":"spent",'
                        b'"details":{"error_code":"credits_exhausted"}}}'
                    )
                ],
                status=429,
                headers={"content-type": "application/json", "retry-after": "1"},
                is_stream=False,
            )
        ],
        "failed",
        "spent",
    ),
    Fault(
        "502 with a page",
        [
            Reply(
                [Raw(b"<html><h1>Bad Gateway</h1></html>")],
                status=502,
                headers={"content-type": "text/html"},
                is_stream=False,
            )
        ]
        * 4,
        "failed",
        "",
        requests=4,
    ),
    Fault(
        "error event first",
        [Reply([error_event("overloaded_error")]), says("Half of it")],
        "complete",
        "",
        "Half of it",
        requests=2,
    ),
    Fault(
        "error event in the middle",
        [Reply([*HALF, error_event("overloaded_error")])],
        "failed",
        "overloaded",
        "Half of it",
    ),
    Fault(
        "unknown error event in the middle",
        [Reply([*HALF, error_event("brand_new_error", "something new")])],
        "failed",
        "something new",
        "Half of it",
    ),
    cut("clean end without message_stop", *HALF, said="ended before"),
    cut("clean end after message_delta", *WHOLE[:-1], said="ended before"),
    cut("cut inside a line", Raw(BODY[:-20]), Close()),
    cut("cut inside a character", Raw(ACCENTED), Close(), text="caf"),
    cut("connection reset", *HALF, Reset()),
    cut("connection closed", *HALF, Close()),
    cut("stall after the headers", *HALF, Hold(), said="silent for", limits=STALLS),
    Fault(
        "stall before the headers",
        [Reply(before=[Hold()]) for _ in range(4)],
        "failed",
        "silent for",
        requests=4,
        limits=STALLS,
    ),
    Fault(
        "reset before the headers",
        [Reply(before=[Reset()]), says("Half of it")],
        "complete",
        "",
        "Half of it",
        requests=2,
    ),
    Fault(
        "closed before the headers",
        [Reply(before=[Close()]) for _ in range(4)],
        "failed",
        "Could not reach",
        requests=4,
    ),
    cut("pings only", *HALF, *PINGING, said="no words", limits=PINGS),
    Fault(
        "hidden thinking for too long",
        [
            Reply(
                [
                    start(),
                    *block(0, {"type": "thinking", "thinking": "", "signature": ""})[:-1],
                    *PINGING,
                ]
            )
        ],
        "cut_off",
        "no words",
        limits=PINGS,
    ),
    whole("socket held open after message_stop", *WHOLE, Hold()),
    whole("unknown event", *HALF, Event({"type": "hologram", "x": 1}), *WHOLE[len(HALF) :]),
    whole(
        "unknown block",
        *HALF,
        *text(0)[1:],
        *block(1, {"type": "hologram", "light": [1, 2]}),
        *end(),
    ),
    whole("unknown delta", *HALF, delta(0, "hologram_delta", light=1), *WHOLE[len(HALF) :]),
    whole("unknown stop reason", *WHOLE[:-2], *end("bored")),
    whole("unknown usage", *WHOLE[:-2], *end(usage={"output_tokens": 3, "dreams": {"n": 1}})),
    whole("no usage", *WHOLE[:-2], *end(usage={})),
    Fault(
        "delta of a block never opened",
        [Reply([*HALF, delta(7, "text_delta", text="lost"), *WHOLE[len(HALF) :]])],
        "failed",
        "not the Messages API",
        "Half of it",
    ),
    Fault(
        "malformed JSON",
        [Reply([*HALF, Raw(BROKEN_JSON)])],
        "failed",
        "not the Messages API",
        "Half of it",
    ),
    Fault(
        "wrong content type",
        [Reply([Raw(BODY)], headers={"content-type": "text/html"})],
        "failed",
        "text/html",
    ),
    Fault("empty answer", [Reply([])], "failed", "empty answer"),
    Fault(
        "a message where a stream was asked for",
        [
            Reply(
                [Raw(b'{"id":"msg_1","type":"message","role":"assistant","content":[]}')],
                headers={"content-type": "application/json"},
                is_stream=False,
            )
        ],
        "failed",
        "application/json",
    ),
    whole("gzip", Raw(gzip.compress(BODY)), content_encoding="gzip"),
    whole("CRLF", Raw(BODY.replace(b"\n", b"\r\n"))),
    whole("segments of one byte", *[Raw(bytes([byte])) for byte in BODY]),
    whole(
        "a surrogate pair cut in two",
        start(),
        *text(0, "\ud83d", "\ude00"),
        *end(),
        text="😀",
    ),
    whole("half a surrogate pair", start(), *text(0, "a\ud83d"), *end(), text="a\ufffd"),
    cut(
        "a line of 50 MB",
        *HALF,
        *[Raw(b'data: {"x": "' + b"x" * 1_000_000)] * 50,
        Hold(),
        said="a line of more than",
    ),
    cut(
        "50 MB packed in a few kB",
        *map(Raw, squeezed(raw(HALF), b"data: " + b"x" * 50_000_000)),
        Hold(),
        said="a line of more than",
        content_encoding="gzip",
    ),
]


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(history: Path, clock: SetClock) -> Iterator[Store]:
    with open_store(history, clock) as store:
        yield store


def connect(server: Scripted, limits: Limits) -> Claude:
    return Claude(Endpoint(server.url, api_key="sk-test"), limits=limits)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_each_ends_in_its_state_with_every_word_kept(
    server: Scripted, store: Store, history: Path, fault: Fault
) -> None:
    server.will(*fault.replies)
    shown: list[str] = []
    retries: list[int] = []

    def show(draft: Draft) -> None:
        shown.append(draft.words("text"))
        if draft.retry is not None and draft.retry.attempt not in retries:
            retries.append(draft.retry.attempt)

    claude = connect(server, fault.limits)
    message = await reply_to(store, claude, await ask(store), show=show)
    on_file = await kept(store, message)
    for found in (message, on_file):
        assert (found.state, whole_text(found.text)) == (fault.state, fault.text)
    assert not shown or whole_text(shown[-1]) == fault.text
    why = message.failure.message if message.failure else ""
    assert fault.said in why
    assert bool(why) == (fault.state != "complete")
    assert "\n" not in why
    assert len(server.asked) == fault.requests
    # None that was not shown, and one row in the ledger for each.
    shown_retries = [attempt for attempt in retries if attempt <= fault.requests]
    assert shown_retries == list(range(2, fault.requests + 1))
    states = [row[0] for row in on_disk(history, "SELECT state FROM requests ORDER BY attempt")]
    assert states == ["failed"] * (fault.requests - 1) + [fault.state]


async def test_nobody_follows_a_redirect(
    server: Scripted, claude: Claude, store: Store
) -> None:
    with scripted() as elsewhere:
        for status in (301, 302, 307, 308):
            location = {"location": f"{elsewhere.url}/v1/messages"}
            server.will(Reply(status=status, headers=location, is_stream=False))
            message = await reply_to(store, claude, await ask(store))
            assert message.state == "failed"
            assert message.failure is not None
            assert "redirects elsewhere" in message.failure.message
        assert elsewhere.seen == []


async def test_an_endpoint_that_is_not_there_is_named(store: Store) -> None:
    with scripted() as gone:
        port = gone.port
    claude = Claude(Endpoint(f"http://127.0.0.1:{port}", api_key="sk-test"))
    message = await reply_to(store, claude, await ask(store))
    assert message.state == "failed"
    assert message.failure is not None
    assert f"Could not reach 127.0.0.1:{port}" in message.failure.message


async def test_what_an_endpoint_repeats_of_the_key_is_not_kept(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    server.will(refuses(400, "invalid_request_error", "you sent Bearer sk-test, why?"))
    message = await reply_to(store, claude, await ask(store))
    assert message.failure is not None
    assert message.failure.message == "you sent Bearer [key], why?"
    row = on_disk(history, "SELECT failure FROM messages WHERE failure IS NOT NULL")[0]
    assert "sk-test" not in row["failure"]


async def test_a_long_line_does_not_hold_up_anything_else(
    server: Scripted, claude: Claude, store: Store
) -> None:
    (fault,) = [fault for fault in FAULTS if fault.name == "a line of 50 MB"]
    server.will(*fault.replies)
    late: list[float] = []

    async def tick() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            late.append(time.monotonic() - before)

    ticking = asyncio.create_task(tick())
    await reply_to(store, claude, await ask(store))
    ticking.cancel()
    assert max(late) < 2


async def test_the_rhythm_of_a_reply_is_kept(
    server: Scripted, claude: Claude, store: Store
) -> None:
    from tui.recording import unpack

    server.will(Reply([*HALF, Wait(0.3), *WHOLE[len(HALF) :]]))
    message = await reply_to(store, claude, await ask(store))
    (row,) = await store.select("SELECT id FROM requests WHERE message_id = ?", [message.id])
    recorded = await store.recording(row["id"])
    assert recorded is not None
    chunks = unpack(recorded)
    assert b"".join(chunk for _, chunk in chunks) == BODY
    assert chunks[-1][0] - chunks[0][0] >= 290


async def test_a_pause_of_the_program_is_not_the_endpoints_silence(
    server: Scripted, claude: Claude, store: Store
) -> None:
    hold = Hold()
    server.will(Reply([*HALF, hold, *WHOLE[len(HALF) :]]))
    question = await ask(store)
    running = asyncio.create_task(reply_to(store, claude, question))
    await wait_until(hold.reached.is_set)
    # Nothing of this program runs meanwhile, as when it is suspended.
    time.sleep(2)  # noqa: ASYNC251
    asyncio.get_running_loop().call_later(0.3, hold.release)
    assert (await running).state == "complete"


SEEN = {
    "http 400": ("failed", ""),
    "clean end without message_stop": ("cut off", "Half of it"),
    "stall after the headers": ("cut off", "Half of it"),
    "malformed JSON": ("failed", "Half of it"),
    "a line of 50 MB": ("cut off", "Half of it"),
    "error event in the middle": ("failed", "Half of it"),
}
"""What stands on the screen: the word for the state, and the text."""


@pytest.mark.parametrize("name", SEEN)
async def test_on_the_screen_it_is_named_kept_and_one_key_tries_again(
    opened: Open, server: Scripted, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    (fault,) = [fault for fault in FAULTS if fault.name == name]
    word, words = SEEN[name]
    server.will(*fault.replies, says("At last"))
    async with opened(connect(server, fault.limits)) as journey:
        await journey.ask("Hi")
        await journey.until_done()
        await journey.until(lambda: word in journey.seen)
        assert journey.replies == [words]
        assert words in journey.seen
        assert "Traceback" not in journey.seen
        assert journey.composer == ""
        await journey.write("typed meanwhile")
        await journey.press("shift+tab", "r")
        await journey.until(lambda: journey.replies == ["At last"])
        assert journey.composer == "typed meanwhile"
    secrets = [record for record in caplog.records if "sk-test" in record.getMessage()]
    assert secrets == []
