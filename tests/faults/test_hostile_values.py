"""Values that SQLite, UTF-8 or JSON cannot hold, anywhere in an endpoint's response."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.faults.test_careless import HALF, HI, begins
from tests.scripted import (
    USAGE,
    Event,
    Raw,
    Reply,
    Scripted,
    block,
    delta,
    end,
    start,
)
from tests.turns import SetClock, converse, kept, on_disk
from tui.claude import Claude
from tui.store import Store, open_store
from tui.text.formatting import end_reason, reply_stats

HOSTILE: dict[str, Any] = {
    "a number beyond 64 bits": 2**70,
    "a number of 5,000 digits": 10**499 * 10**501,
    "a negative number": -5,
    "half a character": "\ud83d",
    "no number": float("nan"),
    "infinity": float("inf"),
    "a list": ["x", {"y": "\ude00"}],
    "an object": {"\ud83d": [float("-inf"), 2**80]},
    "true": True,
    "NUL": "a\0b",
    "a long text": "x" * 100_000,
    "a fraction": 1.5,
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_values_that_sqlite_cannot_hold_break_no_reply(
    store: Store, server: Scripted, claude: Claude, name: str
) -> None:
    value = HOSTILE[name]
    usage = dict.fromkeys((*USAGE, "output_tokens_details", "joules"), value)
    stop = {"stop_reason": value, "stop_sequence": value, "stop_details": value}
    server.will(
        Reply(
            [
                begins(id=value, model=value, role=value, usage=usage, stop_reason=value),
                *block(0, {"type": "hologram", "at": value}),
                *block(1, {"type": "tool_use", "id": value, "name": value, "input": value}),
                *block(2, {"type": "thinking", "thinking": value, "signature": value}),
                *block(3, {"type": "text", "text": "", "citations": value})[:1],
                delta(3, "citations_delta", citation=value),
                delta(3, "signature_delta", signature=value),
                delta(1, "input_json_delta", partial_json=value),
                delta(3, "text_delta", text="Hi"),
                Event({"type": "message_delta", "delta": stop, "usage": usage}),
                Event({"type": "message_stop"}),
            ]
        )
    )
    reply = await converse(store, claude)
    assert (reply.state, reply.text) == ("complete", "Hi")
    found = await kept(store, reply)
    assert (found.state, found.text, found.stop_reason) == ("complete", "Hi", reply.stop_reason)
    assert end_reason(found) == end_reason(reply)
    assert reply_stats(found) == reply_stats(reply)
    assert await store.recover() == 0


async def test_the_saved_blocks_of_a_hostile_reply_can_be_sent_back(
    store: Store, server: Scripted, claude: Claude
) -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    odd = {"type": "text", "text": "Hi", "citations": [{"type": "x", "nan": float("nan")}]}
    server.will(Reply([start(), *block(0, odd | {"deep": deep, "n": 2**70}), *end()]))
    reply = await converse(store, claude)
    assert (reply.state, reply.text) == ("complete", "Hi")
    second = await converse(store, claude, after=await kept(store, reply))
    assert second.state == "complete"
    assert "NaN" not in server.asked[1].body.decode()


async def test_an_id_or_a_model_of_any_length_takes_little_room(
    store: Store, server: Scripted, claude: Claude
) -> None:
    server.will(Reply([begins(id="i" * 50_000, model="m" * 50_000), *HI]))
    await converse(store, claude)
    (row,) = on_disk(store.path, "SELECT length(model) AS n, api_message_id FROM requests")
    assert (row["n"], len(row["api_message_id"])) == (500, 500)


def refused(body: object, status: int = 400, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = Raw(json.dumps(body).encode())
    return Reply([sent], status, {"content-type": "application/json"} | named, is_stream=False)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("status", [400, 200])
async def test_an_error_of_any_shape_ends_in_words(
    store: Store, server: Scripted, claude: Claude, name: str, status: int
) -> None:
    value = HOSTILE[name]
    error = {"type": value, "message": value, "details": {"error_code": value}}
    whole = {"type": "error", "error": error, "request_id": value}
    server.will(
        Reply([start(), *HALF[1:], Event(whole)]) if status == 200 else refused(whole, status)
    )
    reply = await converse(store, claude)
    assert (reply.state, reply.text) == ("failed", "Half" if status == 200 else "")
    found = await kept(store, reply)
    assert found.failure == reply.failure
    assert found.failure is not None
    assert 0 < len(found.failure.message) < 1_100
    assert "cannot be read" not in found.failure.message


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        ("9" * 300, "86400 seconds"),
        ("inf", "overloaded"),
        ("1e999", "overloaded"),
        ("9" * 5_000, "overloaded"),
        ("nan", "overloaded"),
        ("-1e999", "overloaded"),
        ("Mon, 1 Jan 2026 00:00:00 +" + "9" * 40, "overloaded"),
    ],
)
async def test_a_wait_without_end_is_bounded(
    history: Path, server: Scripted, claude: Claude, wait: str, words: str
) -> None:
    clock = SetClock()
    server.will(*[refused({}, 529, retry_after=wait)] * 4)
    with open_store(history, clock) as store:
        reply = await converse(store, claude)
        assert reply.state == "failed"
        assert words in end_reason(await kept(store, reply))
    assert all(0 <= waited < 10 for waited in clock.waits)


async def test_a_header_of_any_kind_breaks_no_reply(
    store: Store, server: Scripted, claude: Claude
) -> None:
    for value in ("é" * 20_000, "\x80\xff", " ", "[]"):
        server.will(Reply([start(), *HI], headers={"request-id": value}))
        reply = await converse(store, claude)
        assert (reply.state, reply.text) == ("complete", "Hi")
        assert (await kept(store, reply)).figures == reply.figures
