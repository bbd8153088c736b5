"""Endpoints that implement the API carelessly: all text that arrived is shown and saved."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.scripted import (
    USAGE,
    Event,
    Json,
    Raw,
    Reply,
    Scripted,
    Step,
    block,
    body,
    delta,
    end,
    says,
    start,
    text,
    thinking,
)
from tests.turns import MODEL, converse, kept, on_disk
from tui.claude import Claude
from tui.domain.conversation import State
from tui.domain.recording import unpack
from tui.store import Store
from tui.text.formatting import end_reason, reply_stats

WHOLE = says("Hel", "lo")


def nameless(*steps: Step) -> list[Step]:
    """Return the same events without their `event:` lines."""
    return [
        Raw(f"data: {json.dumps(step.data)}\n\n".encode()) if isinstance(step, Event) else step
        for step in steps
    ]


def numbered(steps: Sequence[Step], numbers: dict[int, Any]) -> list[Step]:
    """Return the same events with other block indexes; None removes an index."""

    def renumbered(data: Json) -> Json:
        number = numbers[data["index"]]
        rest = {name: value for name, value in data.items() if name != "index"}
        return rest if number is None else rest | {"index": number}

    return [
        Event(renumbered(step.data))
        if isinstance(step, Event) and "index" in step.data
        else step
        for step in steps
    ]


def begins(**fields: Any) -> Event:
    """Return a `message_start` with other fields; `...` removes one."""
    message = start().data["message"] | fields
    kept = {name: value for name, value in message.items() if value is not ...}
    return Event({"type": "message_start", "message": kept})


def line(data: str, event: str = "") -> Raw:
    return Raw((f"event: {event}\n" if event else "").encode() + f"data: {data}\n\n".encode())


HI = [*text(0, "Hi"), *end()]
HALF: list[Step] = [start(), *text(0, "Ha", "lf")[:-1]]
TWO = [start(), *thinking(0, "Hm"), *text(1, "Hi"), *end()]


@dataclass(frozen=True)
class Careless:
    """What an endpoint sends, and how the reply must end."""

    steps: Sequence[Step]
    text: str = "Hi"
    state: State = "complete"
    shown: str = ""
    """Words in the line that says how the reply ended."""


CARELESS: dict[str, Careless] = {
    # Names and bytes.
    "no names of events": Careless(nameless(*WHOLE.steps), "Hello"),
    "other names than the data says": Careless(
        [Raw(body(WHOLE).replace(b"event: content_block_delta", b"event: message"))], "Hello"
    ),
    "a mark of the order of bytes": Careless([Raw(b"\xef\xbb\xbf"), *WHOLE.steps], "Hello"),
    "line ends of two kinds": Careless([Raw(body(WHOLE).replace(b"\n\n", b"\n\r\n"))], "Hello"),
    "line ends of the old kind": Careless([Raw(body(WHOLE).replace(b"\n", b"\r"))], "Hello"),
    "no blank line at the end": Careless([Raw(body(WHOLE).rstrip(b"\n"))], "Hello"),
    "signs of life that nobody knows": Careless(
        [start(), line("still here"), line("[]"), line("{}"), *HI, line("[DONE]")]
    ),
    "types only in the names": Careless(
        [
            line(
                json.dumps({k: v for k, v in step.data.items() if k != "type"}),
                step.data["type"],
            )
            for step in (start(), *HI)
            if isinstance(step, Event)
        ]
    ),
    # What is missing, or null.
    "usage is null": Careless([begins(usage=None), *text(0, "Hi"), *end(usage={})]),
    "no usage": Careless(
        [
            begins(usage=...),
            *text(0, "Hi"),
            Event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
            Event({"type": "message_stop"}),
        ]
    ),
    "usage null at the end": Careless(
        [
            start(),
            *text(0, "Hi"),
            Event({"type": "message_delta", "delta": {}, "usage": None}),
            Event({"type": "message_stop"}),
        ]
    ),
    "no content at the beginning": Careless([begins(content=...), *HI]),
    "content is null": Careless([begins(content=None), *HI]),
    "words in the beginning": Careless(
        [begins(content=[{"type": "text", "text": "Oh. "}]), *HI], "Oh. Hi"
    ),
    "no message in the beginning": Careless([Event({"type": "message_start"}), *HI]),
    "no beginning": Careless(HI),
    "two beginnings": Careless([start(), start(), *HI]),
    "nothing but the end": Careless(end(), "", "failed", "empty answer"),
    "text is null": Careless(
        [
            start(),
            *block(0, {"type": "text", "text": None}, delta(0, "text_delta", text="Hi")),
            *end(),
        ]
    ),
    "a block of nothing": Careless(
        [start(), *block(0, {}, delta(0, "text_delta", text="Hi")), *end()]
    ),
    "pieces without a kind": Careless(
        [
            start(),
            Event({"type": "content_block_delta", "index": 0, "delta": {"text": "Hi"}}),
            *end(),
        ]
    ),
    # Blocks and their numbers.
    "a piece of no block": Careless(
        [start(), delta(0, "text_delta", text="H"), delta(0, "text_delta", text="i"), *end()]
    ),
    "pieces of no block after one": Careless(
        [start(), *text(0, "H"), delta(7, "text_delta", text="i"), *end()]
    ),
    "a piece after the end of its block": Careless(
        [start(), *text(0, "H"), delta(0, "text_delta", text="i"), *end()]
    ),
    "a gap in the numbers": Careless(numbered(TWO, {0: 0, 1: 2})),
    "numbers from 1 on": Careless(numbered(TWO, {0: 1, 1: 2})),
    "negative numbers": Careless(numbered(TWO, {0: -2, 1: -1})),
    "huge numbers": Careless(numbered(TWO, {0: 10**30, 1: 10**5000 // 10**4500})),
    "numbers that are text": Careless(numbered(TWO, {0: "0", 1: "one"})),
    "numbers that are objects": Careless(numbered(TWO, {0: [0], 1: {"n": 1}})),
    "no numbers": Careless(numbered(TWO, {0: None, 1: None})),
    "one number for two": Careless(numbered(TWO, {0: 0, 1: 0})),
    "ends of blocks never opened": Careless(
        [start(), Event({"type": "content_block_stop", "index": 4}), *HI]
    ),
    "words in a block of thought": Careless(
        [start(), *block(0, {"type": "thinking"}, delta(0, "text_delta", text="Hi")), *end()]
    ),
    "words in a block that nobody knows": Careless(
        [start(), *block(0, {"type": "output"}, delta(0, "text_delta", text="Hi")), *end()]
    ),
    "a tool's input that is no JSON": Careless(
        [
            start(),
            *block(
                0,
                {"type": "tool_use", "id": "t", "name": "clock", "input": {}},
                delta(0, "input_json_delta", partial_json='{"a": 1'),
                delta(0, "input_json_delta", partial_json="}}]"),
            ),
            *text(1, "Hi"),
            *end(),
        ]
    ),
    # Errors in the middle.
    "an error without a name": Careless(
        [*HALF, line('{"error": {"message": "upstream timed out"}}')],
        "Half",
        "failed",
        "upstream timed out",
    ),
    "an error that is a text": Careless(
        [*HALF, line('{"error": "upstream\\ntimed out"}')], "Half", "failed", "timed out"
    ),
    "an error that is no JSON": Careless(
        [*HALF, line("upstream timed out", "error")], "Half", "failed", "upstream timed out"
    ),
    "an error of no kind": Careless(
        [*HALF, line('{"message": "upstream timed out"}', "error")],
        "Half",
        "failed",
        "upstream timed out",
    ),
    "an error of a kind that is none": Careless(
        [*HALF, line('{"type": "error", "error": {"type": ["x"], "message": "timed out"}}')],
        "Half",
        "failed",
        "timed out",
    ),
    "an error that says nothing": Careless(
        [*HALF, line("", "error")], "Half", "failed", "did not say why"
    ),
}


@pytest.mark.parametrize("name", CARELESS)
async def test_every_word_of_a_careless_endpoint_is_shown_and_saved(
    store: Store, server: Scripted, claude: Claude, name: str
) -> None:
    careless = CARELESS[name]
    server.will(Reply(careless.steps))
    shown: set[str] = set()
    reply = await converse(store, claude, show=lambda draft: shown.add(draft.words("text")))
    assert (reply.state, reply.text) == (careless.state, careless.text)
    assert careless.shown in end_reason(reply)
    assert careless.text in shown | {""}
    found = await kept(store, reply)
    assert (found.state, found.text) == (careless.state, careless.text)
    assert found.thinking == ("Hm" if "Hm" in str(careless.steps) else "")
    assert found.model == MODEL
    (row,) = on_disk(store.path, "SELECT id FROM requests WHERE message_id = ?", reply.id)
    ((recorded,),) = on_disk(
        store.path, "SELECT content FROM recordings WHERE request_id = ?", row["id"]
    )
    assert recorded is not None
    assert b"".join(chunk for _, chunk in unpack(recorded)) == body(Reply(careless.steps))


async def test_figures_that_were_not_reported_are_left_out(
    store: Store, server: Scripted, claude: Claude
) -> None:
    server.will(*(Reply(CARELESS[name].steps) for name in ("usage is null", "no usage")))
    for _ in range(2):
        reply = await converse(store, claude)
        assert reply.figures is not None
        assert reply.figures.usage.output_tokens is None
        assert " in" not in reply_stats(reply)
        assert " out" not in reply_stats(reply)


async def test_the_figures_of_the_beginning_stay_if_the_end_has_none(
    store: Store, server: Scripted, claude: Claude
) -> None:
    server.will(Reply(CARELESS["usage null at the end"].steps))
    reply = await converse(store, claude)
    assert reply.figures is not None
    assert reply.figures.usage.wire == USAGE


NOT_STREAMED: dict[str, tuple[Json, str]] = {
    "usage is null": ({"content": [{"type": "text", "text": "Hi"}], "usage": None}, "Hi"),
    "nothing but content": ({"content": [{"type": "text", "text": "Hi"}]}, "Hi"),
    "content is a text": ({"content": "Hi", "usage": {}}, "Hi"),
    "text is null": ({"content": [{"type": "text", "text": None}, {"x": 1}, 5]}, ""),
    "names that are none": (
        {"id": [1], "model": {}, "stop_reason": 3, "content": [{"type": "text", "text": "Hi"}]},
        "Hi",
    ),
}


@pytest.mark.parametrize("name", NOT_STREAMED)
async def test_every_word_is_saved_without_streaming_too(
    store: Store, server: Scripted, claude: Claude, name: str
) -> None:
    message, said = NOT_STREAMED[name]
    headers = {"content-type": "application/json"}
    server.will(Reply([Raw(json.dumps(message).encode())], headers=headers, is_stream=False))
    reply = await kept(store, await converse(store, claude, is_streamed=False))
    assert (reply.state, reply.text, reply.model) == ("complete", said, MODEL)
