"""Events with any value in any field: the reply ends in a named state with its text."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tui
from tests.scripted import Event, Json, Step, end, start
from tests.turns import SetClock, converse, kept, on_disk
from tui.claude import Claude
from tui.domain.conversation import State
from tui.domain.endpoint import Endpoint
from tui.domain.reply import StreamingReply
from tui.store import Store, open_store
from tui.text.formatting import end_reason, reply_stats
from tui.text.sanitise import fix_surrogates

EXAMPLES = 20_000 if os.environ.get("FAULTS") == "full" else 150

anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([2**63, -(2**63) - 1, 2**70, 10**600, 1e999, -0.0]),
        st.floats(),
        st.text(st.characters(exclude_categories=()), max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=4), inner, max_size=3),
    ),
    max_leaves=6,
)


def odd(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(usual, usual, usual, anything)


def an_object(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Draw an object that may lack any of its fields."""
    return st.fixed_dictionaries({}, optional=fields)


def an_event(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"type": st.just(kind)}, optional=fields)


texts = st.text(st.characters(exclude_categories=()), max_size=4)
names = odd(st.sampled_from(["msg_1", "claude-sonnet-5-5"]))
counts = odd(st.integers(0, 100))
usages = odd(
    an_object(
        input_tokens=counts,
        output_tokens=counts,
        cache_read_input_tokens=counts,
        cache_creation_input_tokens=counts,
        cache_creation=anything,
        output_tokens_details=odd(an_object(thinking_tokens=counts)),
        server_tool_use=anything,
        service_tier=anything,
    )
)
numbers = odd(st.integers(0, 3))
blocks = odd(
    an_object(
        type=odd(st.sampled_from(["text", "thinking", "redacted_thinking", "tool_use", "new"])),
        text=odd(st.just("")),
        thinking=odd(texts),
        signature=names,
        citations=odd(st.just([])),
        id=names,
        name=names,
        input=odd(st.just({})),
        data=names,
    )
)
said = st.fixed_dictionaries({"type": st.just("text_delta"), "text": texts})
pieces = st.one_of(
    said,
    said,
    an_object(type=st.just("text_delta"), text=anything),
    an_object(type=st.just("thinking_delta"), thinking=odd(texts)),
    an_object(type=st.just("signature_delta"), signature=odd(texts)),
    an_object(type=st.just("citations_delta"), citation=odd(an_object(type=names))),
    an_object(
        type=st.just("input_json_delta"),
        partial_json=odd(st.sampled_from(['{"a": ', "1", "}", "]", '"\\ud83d'])),
    ),
    anything,
)
events = st.one_of(
    an_event(
        "message_start",
        message=odd(
            an_object(
                id=names, model=names, role=names, content=odd(st.just([])), usage=usages,
                stop_reason=names, type=names,
            )
        ),
    ),
    an_event("content_block_start", index=numbers, content_block=blocks),
    an_event("content_block_delta", index=numbers, delta=pieces),
    an_event("content_block_delta", index=numbers, delta=pieces),
    an_event("content_block_stop", index=numbers),
    an_event(
        "message_delta",
        delta=odd(
            an_object(
                stop_reason=odd(st.sampled_from(["end_turn", "max_tokens", "refusal"])),
                stop_sequence=names,
                stop_details=odd(an_object(explanation=names, category=names)),
                container=anything,
            )
        ),
        usage=usages,
    ),
    an_event("message_stop", message=anything),
    an_event("error", error=odd(an_object(type=names, message=odd(texts), details=anything))),
    an_event("ping"),
    st.dictionaries(st.text(max_size=4), anything, max_size=3),
)  # fmt: skip


@dataclass(frozen=True)
class Frame:
    """An event, and how it is sent."""

    data: Json
    named: str | None
    ends: str

    @property
    def wire(self) -> bytes:
        name = "" if self.named is None else f"event: {self.named}{self.ends}"
        return f"{name}data: {json.dumps(self.data)}{self.ends}{self.ends}".encode()


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    data = draw(events)
    named = draw(st.sampled_from([data.get("type"), data.get("type"), None, "message", ""]))
    return Frame(
        data,
        named if named is None or (isinstance(named, str) and named.isprintable()) else None,
        draw(st.sampled_from(["\n", "\n", "\r\n", "\r"])),
    )


def plain(*steps: Step) -> list[Frame]:
    """Return the usual frames of events."""
    return [
        Frame(step.data, step.data["type"], "\n") for step in steps if isinstance(step, Event)
    ]


@st.composite
def replies(draw: st.DrawFn) -> list[Frame]:
    """Draw a reply of odd events, mostly with a normal beginning and end."""
    usual = st.sampled_from([True, True, True, False])
    begin = plain(start()) if draw(usual) else []
    close = plain(*end()) if draw(usual) else []
    return [*begin, *draw(st.lists(frames(), max_size=8)), *close]


@dataclass
class Sent:
    """A reply, and the text in it that must not be lost."""

    frames: list[Frame]
    tokens: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        has_begun = is_over = False
        for number, frame in enumerate(self.frames):
            kind, delta = frame.data.get("type"), frame.data.get("delta")
            is_over = is_over or kind == "error" or (kind == "message_stop" and has_begun)
            has_begun = has_begun or kind in ("message_start", "content_block_start")
            if kind == "content_block_delta" and isinstance(delta, dict):
                if delta.get("type") == "text_delta" and isinstance(delta.get("text"), str):
                    has_begun = True
                    token = f"<{number}>"
                    delta["text"] += token
                    self.tokens += [] if is_over else [token]
                else:
                    # This event may have opened a block.
                    has_begun = True


@dataclass
class Fuzzed:
    """A history, and an endpoint that sends given frames."""

    store: Store
    loop: asyncio.AbstractEventLoop
    sent: Sent = field(default_factory=lambda: Sent([]))
    request_id: bytes = b""

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(404, json={})

        async def body() -> AsyncIterator[bytes]:
            for frame in self.sent.frames:
                yield frame.wire

        headers = {b"content-type": b"text/event-stream", b"request-id": self.request_id}
        return httpx2.Response(200, headers=headers, content=body())

    def connected(self) -> Claude:
        endpoint = Endpoint("http://127.0.0.1:9", api_key="sk-test")
        return Claude(endpoint, transport=lambda: httpx2.MockTransport(self.answer))


@contextmanager
def fuzzed(history: Path) -> Iterator[tuple[Fuzzed, Claude]]:
    loop = asyncio.new_event_loop()
    with open_store(history, SetClock()) as store:
        one = Fuzzed(store, loop)
        claude = one.connected()
        try:
            yield one, claude
        finally:
            loop.run_until_complete(claude.close())
            loop.close()


async def ends_well(one: Fuzzed, claude: Claude) -> None:
    shown = ""

    def show(reply: StreamingReply) -> None:
        nonlocal shown
        shown = reply.words("text")

    reply = await converse(one.store, claude, show=show)
    assert reply.state in get_args(State)
    assert reply.state != "streaming"
    assert reply.failure is None or reply.failure.type != "internal", reply
    for token in one.sent.tokens:
        assert token in reply.text, (token, reply)
    assert fix_surrogates(shown).strip() == fix_surrogates(reply.text).strip()
    found = await kept(one.store, reply)
    assert (found.state, found.text) == (reply.state, fix_surrogates(reply.text))
    assert end_reason(found) == fix_surrogates(end_reason(reply))
    assert reply_stats(found) == reply_stats(reply)


def logged(history: Path, *options: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "tui", "log", "--db", str(history), *options],
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path(tui.__file__).parent.parent)},
    )
    assert done.stderr == b""
    return done.stdout


@pytest.mark.timeout(3600)
def test_whatever_a_reply_is_made_of_it_ends_in_a_named_state_with_its_words(
    history: Path,
) -> None:
    with fuzzed(history) as (one, claude):

        @settings(
            max_examples=EXAMPLES,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(replies(), st.binary(max_size=8))
        def reply(sent: list[Frame], header: bytes) -> None:
            one.sent = Sent(sent)
            one.request_id = header.translate(None, b"\r\n\0")
            one.loop.run_until_complete(ends_well(one, claude))

        reply()
    with open_store(history) as store:
        assert asyncio.run(store.recover()) == 0
    assert on_disk(history, "SELECT 1 FROM messages WHERE state = 'streaming'") == []
    assert on_disk(history, "SELECT 1 FROM requests WHERE state = 'streaming'") == []
    assert on_disk(history, "SELECT 1 FROM streams UNION SELECT 1 FROM journal") == []
    assert on_disk(history, "PRAGMA integrity_check")[0][0] == "ok"
    # Every saved block must be valid JSON for other tools.
    broken = "SELECT 1 FROM blocks WHERE NOT json_valid(data)"
    assert on_disk(history, broken) == []
    assert on_disk(history, "SELECT 1 FROM requests WHERE NOT json_valid(usage)") == []
    newest = on_disk(history, "SELECT id FROM conversations ORDER BY id DESC LIMIT 3")
    for options in ([], *([row["id"]] for row in newest)):
        assert logged(history, *options)
        assert json.loads(logged(history, *options, "--json"))
