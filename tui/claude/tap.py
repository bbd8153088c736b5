"""A tap on the wire: what came of one response, when, and whether it is too much.

The SDK joins an event's pieces with `+=`, at a cost that grows with the square of
their number; one long line, or one event of many short ones, keeps it busy for
minutes. So it is handed whole events, only such as it can read quickly, and in the
form that it can read; see `event_stream`.
"""

from __future__ import annotations

import contextlib
import re
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING

from tui.claude.event_stream import EventStream
from tui.recording import Recording

if TYPE_CHECKING:
    import httpx2

REPLY_LIMIT = 128 * 1024 * 1024
"""The longest body of a reply, in bytes, unpacked."""

LINE_LIMIT = 16 * 1024 * 1024
"""The longest line of a stream, and the longest event, in bytes."""

ERROR_LIMIT = 1024 * 1024
"""The longest body of an HTTP error, in bytes: it is read whole before it is told."""

ENCODING = {"accept-encoding": "gzip"}
"""The header that asks for what the tap unpacks by itself."""

_EFFORT = 1024 * 1024 * 1024
"""The most bytes that joining the lines of one event may copy: a tenth of a second."""

_PIECE = 64 * 1024
"""How much is unpacked at once: a packed body grows up to a thousandfold."""

_EVENT_END = re.compile(rb"\n\r?\n|\r\r")


class Unreadable(Exception):
    """What came cannot be read. The text completes "The endpoint sent …"."""


class Tap:
    """What has come on the wire for one call."""

    def __init__(
        self,
        recording: Recording | None = None,
        *,
        secret: str | None = None,
        limit: int = REPLY_LIMIT,
    ) -> None:
        self.size = 0
        """How many bytes came, unpacked."""
        self.heard: float | None = None
        """When something last came, on the monotonic clock; None while nothing has."""
        self._recording = recording
        self._limit = limit
        self._mask = _Mask(secret)
        self._began = time.monotonic()
        self._tail = bytearray()
        """The beginning of an event whose end has not come."""
        self._tail_lines = 0
        self._stream = EventStream()

    def attach(self, response: httpx2.Response) -> None:
        """Let the body of `response` come through here."""
        import httpx2

        self.heard = time.monotonic()
        body = response.stream
        if not isinstance(body, httpx2.AsyncByteStream):
            return
        # The HTTP client unpacks each chunk whole, whatever it grows to.
        packing = response.headers.pop("content-encoding", "identity").lower()
        if packing not in ("gzip", "identity"):
            raise Unreadable(f"an answer packed with {packing}, which nobody asked for")
        chunks = self._taken(
            body,
            is_packed=packing == "gzip",
            is_stream=response.status_code == 200
            and response.headers.get("content-type", "").startswith("text/event-stream"),
            limit=self._limit if response.status_code == 200 else ERROR_LIMIT,
        )
        response.stream = _body(chunks, body)

    async def _taken(
        self,
        body: httpx2.AsyncByteStream,
        *,
        is_packed: bool,
        is_stream: bool,
        limit: int,
    ) -> AsyncGenerator[bytes, None]:
        unpacker = zlib.decompressobj(wbits=31) if is_packed else None
        received = aiter(body)
        try:
            async for wire in received:
                self.heard = time.monotonic()
                for chunk in (wire,) if unpacker is None else _unpacked(unpacker, wire):
                    self._note(chunk)
                    for whole in self._events(chunk) if is_stream else (chunk,):
                        yield whole
                    # Only now: what came before it was too much is to be read.
                    if self.size > limit:
                        raise Unreadable(f"more than {limit // 1024**2} MiB")
            for whole in self._rest() if is_stream else ():
                yield whole
        finally:
            if self._recording is not None and (rest := self._mask.rest()):
                self._recording.note(rest, round((time.monotonic() - self._began) * 1000))
            if isinstance(received, AsyncGenerator):
                await received.aclose()

    def _note(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self._recording is not None:
            shown = self._mask.over(chunk)
            self._recording.note(shown, round((time.monotonic() - self._began) * 1000))

    def _events(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the events that end with `chunk`, well-formed; keep the rest for the next.

        An event that is cut is none, so the SDK does not see it either: it would stumble
        over half a character.
        """
        tail = self._tail
        # The end of an event may be cut in two.
        since = max(0, len(tail) - 2)
        tail += chunk
        end = max(
            at + len(sign) if (at := tail.rfind(sign, since)) >= 0 else 0
            for sign in (b"\n\n", b"\n\r\n", b"\r\r")
        )
        if end:
            whole = bytes(tail[:end])
            del tail[:end]
            self._tail_lines = _lines(tail)
            for event in self._each(whole):
                yield from self._stream.frames(event)
        else:
            self._tail_lines += _lines(chunk)
        self._check(len(tail), self._tail_lines)

    def _rest(self) -> Iterator[bytes]:
        """Yield the last event of a body that ended, if only its blank line is missing."""
        # What is no whole event was cut off, which the end of the stream tells.
        with contextlib.suppress(ValueError):
            yield from self._stream.frames(bytes(self._tail))

    def _each(self, whole: bytes) -> Iterator[bytes]:
        """Yield several events one by one, until one is too much."""
        since = 0
        for found in _EVENT_END.finditer(whole):
            event = whole[since : found.end()]
            self._check(len(event), _lines(event))
            yield event
            since = found.end()

    def _check(self, size: int, lines: int) -> None:
        if size > LINE_LIMIT:
            raise Unreadable(f"more than {LINE_LIMIT // 1024**2} MiB in one piece")
        if lines * size > _EFFORT:
            raise Unreadable("one event in too many lines")


class _Mask:
    """Puts `[key]` for the credential, which an endpoint may repeat, cut in two or not."""

    def __init__(self, secret: str | None) -> None:
        self._secret = (secret or "").encode()
        self._held = b""

    def over(self, chunk: bytes) -> bytes:
        """Return what may be kept by now."""
        if not self._secret:
            return chunk
        found = (self._held + chunk).replace(self._secret, b"[key]")
        longest = min(len(self._secret) - 1, len(found))
        begun = (n for n in range(longest, 0, -1) if found.endswith(self._secret[:n]))
        kept = len(found) - next(begun, 0)
        self._held = found[kept:]
        return found[:kept]

    def rest(self) -> bytes:
        """Return what was held back, because it might have become the credential."""
        rest, self._held = self._held, b""
        return rest


current: ContextVar[Tap | None] = ContextVar("current", default=None)
"""The tap of the call that is being made, for the hook that sees its response."""


_PATHS = ("/v1/messages", "/v1/models")


@contextlib.contextmanager
def tapped(tap: Tap) -> Iterator[None]:
    """Let the answer to the request made meanwhile come through `tap`."""
    token = current.set(tap)
    try:
        yield
    finally:
        current.reset(token)


async def on_response(response: httpx2.Response) -> None:
    """Attach the tap of the call being made, if it has one. A hook of the HTTP client."""
    tap = current.get()
    # A login may be renewed on the way; what that says is nobody's to record.
    if tap is not None and response.request.url.path.endswith(_PATHS):
        tap.attach(response)


def _body(
    chunks: AsyncIterator[bytes], received: httpx2.AsyncByteStream
) -> httpx2.AsyncByteStream:
    import httpx2

    class Body(httpx2.AsyncByteStream):
        def __aiter__(self) -> AsyncIterator[bytes]:
            return chunks

        async def aclose(self) -> None:
            await received.aclose()

    return Body()


def _unpacked(unpacker: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    piece = b""
    # A full piece may leave words in the unpacker, with nothing packed behind them.
    while packed or len(piece) == _PIECE:
        if piece := unpacker.decompress(packed, _PIECE):
            yield piece
        packed = unpacker.unconsumed_tail


def _lines(data: bytes | bytearray) -> int:
    return data.count(b"\n") + data.count(b"\r")
