"""A loopback server that speaks the Messages API and gives the replies of a test.

It runs in its own thread, so that it also serves a program in another process. It knows
nothing about the code under test.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    data: Json


@dataclass(frozen=True)
class Raw:
    """Bytes of the body, as they are."""

    data: bytes


@dataclass(frozen=True)
class Wait:
    """Silence, in seconds."""

    seconds: float


class Hold:
    """Silence until the test calls `release`; `reached` is set when it begins."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()
        self._waiting: list[Callable[[], object]] = []

    def release(self) -> None:
        self.released.set()
        for wake in self._waiting:
            wake()

    async def wait(self) -> None:
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        self._waiting.append(lambda: loop.call_soon_threadsafe(woken.set))
        self.reached.set()
        if not self.released.is_set():
            await woken.wait()


@dataclass(frozen=True)
class Close:
    """The server closes the connection normally here, even inside the body."""


@dataclass(frozen=True)
class Reset:
    """The server aborts the connection here."""


Step = Event | Raw | Wait | Hold | Close | Reset


@dataclass
class Reply:
    """The server's answer to one request."""

    steps: Sequence[Step] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    is_stream: bool = True
    before: Sequence[Step] = ()
    """The steps before the headers are sent: silence, or the end."""


@dataclass
class Seen:
    """A request, as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """The client's port: requests on the same connection have the same one."""
    closed_by_client: threading.Event = field(default_factory=threading.Event)
    """Set when the client disconnected before the reply was complete."""
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when the reply is complete or the connection is gone."""

    @property
    def json(self) -> Json:
        parsed: Json = json.loads(self.body)
        return parsed


USAGE: Json = {
    "input_tokens": 25,
    "cache_creation_input_tokens": 7,
    "cache_read_input_tokens": 68,
    "cache_creation": {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 1,
    "service_tier": "standard",
}
FINAL_USAGE: Json = {"output_tokens": 42, "output_tokens_details": {"thinking_tokens": 11}}

SONNET: Json = {
    "id": "claude-sonnet-5-5",
    "type": "model",
    "display_name": "Claude Sonnet 5.5",
    "created_at": "2026-09-28T00:00:00Z",
    "max_input_tokens": 1_000_000,
    "max_tokens": 128_000,
    "capabilities": {
        "thinking": {
            "supported": True,
            "types": {
                "adaptive": {"supported": True},
                "between_tools": {"supported": True},
                "enabled": {"supported": False},
                "disabled": {"supported": False},
            },
        }
    },
}


def start(model: str = "claude-sonnet-5-5", usage: Json | None = None) -> Event:
    return Event(
        {
            "type": "message_start",
            "message": {
                "id": "msg_scripted",
                "type": "message",
                "role": "assistant",
                "model": model,
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": USAGE if usage is None else usage,
            },
        }
    )


def delta(index: int, kind: str, **fields: Any) -> Event:
    return Event(
        {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}
    )


def block(index: int, opening: Json, *deltas: Event) -> list[Step]:
    """Return the events of a complete block: its start, its deltas, its stop."""
    return [
        Event({"type": "content_block_start", "index": index, "content_block": opening}),
        *deltas,
        Event({"type": "content_block_stop", "index": index}),
    ]


def text(index: int, *words: str) -> list[Step]:
    deltas = (delta(index, "text_delta", text=word) for word in words)
    return block(index, {"type": "text", "text": ""}, *deltas)


def thinking(index: int, *words: str, signature: str = "c2lnbmF0dXJl") -> list[Step]:
    deltas = [delta(index, "thinking_delta", thinking=word) for word in words]
    deltas.append(delta(index, "signature_delta", signature=signature))
    return block(index, {"type": "thinking", "thinking": "", "signature": ""}, *deltas)


def end(stop_reason: str = "end_turn", usage: Json | None = None, **more: Any) -> list[Step]:
    return [
        Event(
            {
                "type": "message_delta",
                "delta": {"stop_reason": stop_reason, "stop_sequence": None, **more},
                "usage": FINAL_USAGE if usage is None else usage,
            }
        ),
        Event({"type": "message_stop"}),
    ]


def says(*words: str, stop_reason: str = "end_turn") -> Reply:
    """Return a complete reply of one text block, with a delta for each of `words`."""
    return Reply([start(), *text(0, *words), *end(stop_reason)])


def body(reply: Reply) -> bytes:
    """Return the body of a reply in one piece."""
    return b"".join(_wire(step) for step in reply.steps if isinstance(step, Event | Raw))


def gzipped(reply: Reply) -> Reply:
    """Return the same reply, compressed."""
    headers = reply.headers | {"content-encoding": "gzip"}
    return replace(reply, steps=[Raw(gzip.compress(body(reply)))], headers=headers)


def with_crlf(reply: Reply) -> Reply:
    """Return the same reply with CRLF line ends."""
    return replace(reply, steps=[Raw(body(reply).replace(b"\n", b"\r\n"))])


def byte_by_byte(reply: Reply) -> Reply:
    """Return the same reply, sent byte by byte."""
    return replace(reply, steps=[Raw(bytes([byte])) for byte in body(reply)])


def refuses(
    status: int,
    error_type: str,
    message: str = "no",
    *,
    error_code: str | None = None,
    **headers: str,
) -> Reply:
    """Return an HTTP error. A header named `retry_after` is sent as `retry-after`."""
    described: Json = {"type": error_type, "message": message}
    if error_code is not None:
        described["details"] = {"error_code": error_code}
    error = {"type": "error", "error": described}
    return Reply(
        [Raw(json.dumps(error).encode())],
        status=status,
        headers={"content-type": "application/json"}
        | {name.replace("_", "-"): value for name, value in headers.items()},
        is_stream=False,
    )


class Scripted:
    """The server. Give it replies in the order of the requests.

    With `tls` it speaks https.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._scheme = "http" if tls is None else "https"
        self.replies: deque[Reply] = deque()
        self.models: list[Json] | None = [SONNET]
        """The list of the Models API; None if there is no such API, as on many gateways."""
        self.models_reply: Reply | None = None
        """The reply of the Models API instead of that list."""
        self.answer: Callable[[Seen], Reply] | None = None
        """Makes the reply to a request, in the server's thread, instead of `replies`."""
        self.seen: list[Seen] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls))
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def asked(self) -> list[Seen]:
        """The requests, without those for the list of models."""
        return [seen for seen in self.seen if seen.path.partition("?")[0] == "/v1/messages"]

    def will(self, *replies: Reply) -> None:
        """Answer the next requests with these replies; after them, with "Hello there"."""
        self.replies.extend(replies)

    def close(self) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        for _ in range(5):
            # Let a connection that was just accepted start its task: a task that is cancelled
            # before it starts would leave its socket open.
            await asyncio.sleep(0)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while seen := await self._read_request(reader, writer):
                    self.seen.append(seen)
                    if not await self._answer(seen, reader, writer):
                        break
            with contextlib.suppress(ConnectionError):
                writer.close()
                await writer.wait_closed()
        except asyncio.CancelledError:
            # The server stops. If this were raised, it would be logged as an error.
            writer.transport.abort()

    async def _read_request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Seen | None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Seen(method, path, headers, body, writer.get_extra_info("peername")[1])

    async def _answer(
        self, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; return False if the connection ends with it."""
        if seen.path.startswith("/v1/models"):
            reply = self.models_reply or self._models()
        else:
            reply = self._reply_to(seen)
            if reply.is_stream and not seen.json.get("stream"):
                reply = _as_one_message(reply)
        headers = {"request-id": "req_scripted", "transfer-encoding": "chunked"}
        if reply.is_stream:
            headers["content-type"] = "text/event-stream; charset=utf-8"
        headers |= reply.headers
        lines = [
            f"HTTP/1.1 {reply.status} Scripted",
            *(f"{n}: {v}" for n, v in headers.items()),
        ]
        gone = asyncio.create_task(self._watch(seen, reader))
        try:
            if not await self._perform(reply.before, writer, gone):
                return False
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
            if not await self._perform(reply.steps, writer, gone):
                return False
            writer.write(b"0\r\n\r\n")
            await writer.drain()
            return True
        finally:
            gone.cancel()
            # Until the watcher is gone, nobody else can read the next request.
            await asyncio.wait([gone])
            seen.ended.set()

    def _reply_to(self, seen: Seen) -> Reply:
        if self.answer is not None:
            return self.answer(seen)
        return self.replies.popleft() if self.replies else says("Hello", " there")

    async def _watch(self, seen: Seen, reader: asyncio.StreamReader) -> None:
        """Notice that the client disconnects. It sends nothing during an answer."""
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                await reader.read(1)
        seen.closed_by_client.set()

    async def _perform(
        self, steps: Sequence[Step], writer: asyncio.StreamWriter, gone: asyncio.Task[None]
    ) -> bool:
        """Do one step after the other; return False if one of them ends the connection."""
        for step in steps:
            match step:
                case Event() | Raw():
                    data = _wire(step)
                    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                case Wait(seconds):
                    await writer.drain()
                    await asyncio.sleep(seconds)
                case Hold():
                    await writer.drain()
                    held = asyncio.create_task(step.wait())
                    await asyncio.wait({held, gone}, return_when=asyncio.FIRST_COMPLETED)
                    held.cancel()
                case Close():
                    await writer.drain()
                    return False
                case Reset():
                    await writer.drain()
                    sock: socket.socket = writer.get_extra_info("socket")
                    linger = struct.pack("ii", 1, 0)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    writer.transport.abort()
                    return False
            await writer.drain()
        return True

    def _models(self) -> Reply:
        if self.models is None:
            return refuses(404, "not_found_error")
        page = {"data": self.models, "has_more": False, "first_id": None, "last_id": None}
        headers = {"content-type": "application/json"}
        return Reply([Raw(json.dumps(page).encode())], headers=headers, is_stream=False)


def _wire(step: Event | Raw) -> bytes:
    match step:
        case Event(data):
            return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()
        case Raw(data):
            return data


def _as_one_message(reply: Reply) -> Reply:
    """Return the same reply without streaming: as one message."""
    message: Json = {}
    blocks: list[Json] = []
    for step in reply.steps:
        match step:
            case Event({"type": "message_start", "message": opening}):
                message = dict(opening)
            case Event({"type": "content_block_start", "content_block": opening}):
                blocks.append(dict(opening))
            case Event({"type": "content_block_delta", "delta": piece}):
                for name in ("text", "thinking", "signature"):
                    if name in piece:
                        blocks[-1][name] = blocks[-1].get(name, "") + piece[name]
            case Event({"type": "message_delta", "delta": ending, "usage": usage}):
                message |= ending
                message["usage"] = message["usage"] | usage
            case _:
                pass
    body = json.dumps(message | {"content": blocks}).encode()
    headers = {"content-type": "application/json"}
    return replace(reply, steps=[Raw(body)], headers=headers, is_stream=False)


@contextlib.contextmanager
def scripted(tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    server = Scripted(tls)
    try:
        yield server
    finally:
        server.close()
