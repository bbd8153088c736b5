"""The offline demo: an HTTP transport in the process that answers like the real API.

It sends real server-sent events from scripts, so the rest of the program and the SDK run on
it unchanged. Its replies have the model `demo` and cost nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from tui.claude import Claude
from tui.domain.endpoint import Endpoint
from tui.domain.wire import Json

if TYPE_CHECKING:
    import httpx2

MODEL = "demo"

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Script:
    """One scripted reply. Its text is the Markdown file of the same name."""

    name: str
    thinking: str = ""
    first_wait: float = 0.4
    """Seconds before the first word."""
    pace: float = 0.014
    """Seconds between two words."""
    stop_reason: str = "end_turn"
    refusals: int = 0
    """How often the same request fails with 529 before it succeeds."""
    status: int = 200
    """The HTTP status of the response. Every status except 200 is an error."""
    share: float = 1.0
    """The share of the words that is sent."""
    is_truncated: bool = False
    """Whether the connection ends after these words, without `message_stop`."""
    after: str = ""
    """The words that were sent before, if this reply continues another one."""

    @property
    def full_text(self) -> str:
        """The text of the Markdown file."""
        reply = files("tui.claude.demo").joinpath("replies", f"{self.name}.md")
        return reply.read_text(encoding="utf-8").strip()

    @property
    def text(self) -> str:
        """The text that this script sends."""
        remaining = self.full_text[self.full_text.find(self.after) + len(self.after) :]
        words = _words(remaining)
        return "".join(words[: int(len(words) * self.share)])

    def rest(self, after: str) -> Script:
        """Return the script that continues this one after some of its words."""
        return Script(self.name, after=after)


_SCRIPTS = (
    Script("help"),
    Script("welcome"),
    Script("markdown"),
    Script("code"),
    Script("table"),
    Script("long", pace=0.006),
    Script("slow", first_wait=3.0, pace=0.25),
    Script("overloaded", refusals=2),
    Script("cut", share=0.6, is_truncated=True),
    Script("refuse", stop_reason="refusal"),
    Script("limit", share=0.35, stop_reason="max_tokens"),
    Script("key", status=401),
    Script(
        "thinking",
        pace=0.02,
        thinking=(
            "The question is how many weighings are needed at most. Each weighing has three"
            " outcomes: left heavy, right heavy, balanced. With two weighings that makes nine"
            " outcomes, and there are nine coins, one of which is heavier. So two may be"
            " enough, if every weighing splits what is left into three equal parts.\n\n"
            "Three against three first. Then one against one of the heavier three. That"
            " covers every case."
        ),
    ),
)
_NAMED = {script.name: script for script in _SCRIPTS}
_QUOTED = re.compile(r"<end>(.+)</end>", re.DOTALL)
"""The quote in a question that asks to continue a reply."""

_MODELS: Json = {
    "data": [
        {
            "id": MODEL,
            "type": "model",
            "display_name": "Offline demo",
            "created_at": "2026-01-01T00:00:00Z",
            "max_input_tokens": 200_000,
            "max_tokens": 64_000,
            "capabilities": {
                "thinking": {"supported": True, "types": {"adaptive": {"supported": True}}}
            },
        }
    ],
    "has_more": False,
    "first_id": MODEL,
    "last_id": MODEL,
}


def connect(sleep: Sleep = asyncio.sleep) -> Claude:
    """Return a client of the demo. It calls `sleep` with the seconds before each event."""
    endpoint = Endpoint(is_demo=True, api_key="demo")
    return Claude(endpoint, transport=Demo(sleep).transport)


def script_for(question: str) -> Script:
    """Return the script that a question names by its first word, or asks to continue."""
    if quoted := _QUOTED.search(question):
        for script in _SCRIPTS:
            if quoted[1] in script.full_text:
                return script.rest(quoted[1])
    words = re.findall(r"[a-z]+", question.lower())
    return _NAMED.get(words[0] if words else "", _NAMED["welcome"])


class Demo:
    """The server of the demo."""

    def __init__(self, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep
        self._refused: Counter[str] = Counter()

    def transport(self) -> httpx2.AsyncBaseTransport:
        """Return a transport that sends every request to this server."""
        import httpx2

        return httpx2.MockTransport(self._answer)

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        import httpx2

        if request.url.path == "/v1/models":
            return httpx2.Response(200, json=_MODELS)
        body: Json = json.loads(request.content)
        script = script_for(_question(body))
        digest = hashlib.blake2b(request.content, digest_size=6).hexdigest()
        headers = {"request-id": f"req_demo_{digest}"}
        if self._refused[digest] < script.refusals:
            self._refused[digest] += 1
            return _error(529, headers | {"retry-after": "2"})
        del self._refused[digest]
        if script.status != 200:
            return _error(script.status, headers)
        prompt_tokens = max(1, len(request.content) // 4)
        if not body.get("stream"):
            return httpx2.Response(200, headers=headers, json=_message(script, prompt_tokens))
        headers["content-type"] = "text/event-stream; charset=utf-8"
        timed = _timed_events(script, prompt_tokens)
        return httpx2.Response(200, headers=headers, stream=_body(timed, self._sleep))


def _question(body: Json) -> str:
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return " ".join(block["text"] for block in content if block["type"] == "text")


def _error(status: int, headers: dict[str, str]) -> httpx2.Response:
    import httpx2

    error = {
        401: {"type": "authentication_error", "message": "invalid API key"},
        529: {"type": "overloaded_error", "message": "Overloaded"},
    }[status]
    return httpx2.Response(status, headers=headers, json={"type": "error", "error": error})


def _timed_events(script: Script, prompt_tokens: int) -> Iterator[tuple[float, Json]]:
    """Yield the events of a reply, each with the seconds to wait before it."""
    yield script.first_wait, {"type": "message_start", "message": _opening(prompt_tokens)}
    index = 0
    if script.thinking:
        yield from _block(index, "thinking", script.thinking, script.pace)
        index += 1
    yield from _block(index, "text", script.text, script.pace)
    if script.is_truncated:
        return
    yield (
        0,
        {
            "type": "message_delta",
            "delta": {"stop_reason": script.stop_reason, "stop_sequence": None},
            "usage": _usage(script),
        },
    )
    yield 0, {"type": "message_stop"}


def _block(index: int, block_type: str, text: str, pace: float) -> Iterator[tuple[float, Json]]:
    opening = {"type": block_type, block_type: ""}
    if block_type == "thinking":
        opening["signature"] = ""
    yield 0, {"type": "content_block_start", "index": index, "content_block": opening}
    for word in _words(text):
        delta = {"type": f"{block_type}_delta", block_type: word}
        yield pace, {"type": "content_block_delta", "index": index, "delta": delta}
    if block_type == "thinking":
        delta = {"type": "signature_delta", "signature": "ZGVtbw=="}
        yield 0, {"type": "content_block_delta", "index": index, "delta": delta}
    yield 0, {"type": "content_block_stop", "index": index}


def _message(script: Script, prompt_tokens: int) -> Json:
    """Return the reply as one message, for a request that does not stream."""
    thinking = {"type": "thinking", "thinking": script.thinking, "signature": "ZGVtbw=="}
    message = _opening(prompt_tokens)
    return message | {
        "content": [
            *([thinking] if script.thinking else []),
            {"type": "text", "text": script.full_text if script.is_truncated else script.text},
        ],
        "stop_reason": script.stop_reason,
        "usage": message["usage"] | _usage(script),
    }


def _opening(prompt_tokens: int) -> Json:
    return {
        "id": "msg_demo",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": prompt_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 1,
        },
    }


def _usage(script: Script) -> Json:
    thinking_tokens = len(script.thinking) // 4
    return {
        "output_tokens": len(script.text) // 4 + thinking_tokens,
        "output_tokens_details": {"thinking_tokens": thinking_tokens},
    }


def _words(text: str) -> list[str]:
    """Split text into words, each with the white space before it."""
    return re.findall(r"\s*\S+", text)


def _body(timed: Iterator[tuple[float, Json]], sleep: Sleep) -> httpx2.AsyncByteStream:
    import httpx2

    class Body(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for wait, event in timed:
                if wait:
                    await sleep(wait)
                yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()

        async def aclose(self) -> None:
            pass

    return Body()
