"""Records the bytes of one response, with their times, and limits their size.

The SDK joins the pieces of an event with `+=`, in quadratic time. One very long line, or one
event with many short lines, blocks it for minutes. So the recorder passes only complete
events that the SDK can read quickly, in a form that it can read; see `event_stream`.
"""

from __future__ import annotations

import contextlib
import re
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING

from tui.claude.event_stream import EventStream
from tui.domain.recording import Recording

if TYPE_CHECKING:
    import httpx2

    from tui.claude.aws_frames import FrameReader

REPLY_LIMIT = 128 * 1024 * 1024
"""The longest body of a reply, in bytes after decompression."""

LINE_LIMIT = 16 * 1024 * 1024
"""The longest line of a stream, and the longest event, in bytes."""

ERROR_LIMIT = 1024 * 1024
"""The longest body of an HTTP error, in bytes. The SDK reads all of it first."""

ENCODING = {"accept-encoding": "gzip"}
"""Asks for the one compression that the recorder can decompress."""

_COPY_LIMIT = 1024 * 1024 * 1024
"""The most bytes that the SDK may copy to join the lines of one event, in 0.1 s."""

_PIECE = 64 * 1024
"""How many bytes are decompressed at once: a body may grow a thousandfold."""

_AWS_FRAMES = "application/vnd.amazon.eventstream"

_EVENT_END = re.compile(rb"\n\r?\n|\r\r")


class Unreadable(Exception):
    """A response cannot be read. The text completes "The endpoint sent …"."""


class ResponseRecorder:
    """Records, limits and repairs the body of one response.

    `recording` gets the bytes, with `secret` masked. `limit` is for a response with the
    status 200, in bytes.
    """

    def __init__(
        self,
        recording: Recording | None = None,
        *,
        secret: str | None = None,
        limit: int = REPLY_LIMIT,
    ) -> None:
        self.size = 0
        """How many bytes have arrived, after decompression."""
        self.event_received: float | None = None
        """When something last arrived, on the monotonic clock; None if nothing has."""
        self._recording = recording
        self._limit = limit
        self._secret = secret
        self._mask = _Mask(secret)
        self._began = time.monotonic()
        self._tail = bytearray()
        """The beginning of an event that has not ended."""
        self._tail_lines = 0
        self._stream = EventStream()
        self._frames: FrameReader | None = None

    def attach(self, response: httpx2.Response) -> None:
        """Make the body of `response` pass through this recorder. Raises `Unreadable`."""
        import httpx2

        self.event_received = time.monotonic()
        # A cloud's credential is known only now.
        self._mask = _Mask(self._secret or sent_credential(response.request.headers))
        body = response.stream
        if not isinstance(body, httpx2.AsyncByteStream):
            return
        # Decompress here: the HTTP client decompresses a chunk at once, without a limit.
        encoding = response.headers.pop("content-encoding", "identity").lower()
        if encoding not in ("gzip", "identity"):
            raise Unreadable(f"an answer compressed with {encoding}, which was not requested")
        if response.headers.get("content-type", "").startswith(_AWS_FRAMES):
            from tui.claude.aws_frames import FrameReader

            self._frames = FrameReader(LINE_LIMIT)
            response.headers["content-type"] = "text/event-stream"
        chunks = self._passed(
            body,
            is_compressed=encoding == "gzip",
            is_stream=response.status_code == 200
            and response.headers.get("content-type", "").startswith("text/event-stream"),
            limit=self._limit if response.status_code == 200 else ERROR_LIMIT,
        )
        response.stream = _body(chunks, body)

    async def _passed(
        self,
        body: httpx2.AsyncByteStream,
        *,
        is_compressed: bool,
        is_stream: bool,
        limit: int,
    ) -> AsyncGenerator[bytes, None]:
        decompressor = zlib.decompressobj(wbits=31) if is_compressed else None
        received = aiter(body)
        try:
            async for sent in received:
                self.event_received = time.monotonic()
                pieces = (sent,) if decompressor is None else _pieces(decompressor, sent)
                for chunk in self._plain(pieces):
                    self._record(chunk)
                    for passed in self._events(chunk) if is_stream else (chunk,):
                        yield passed
                    # Check last, so that the caller reads everything up to the limit.
                    if self.size > limit:
                        raise Unreadable(f"more than {limit // 1024**2} MiB")
            for passed in self._last_event() if is_stream else ():
                yield passed
        finally:
            if self._recording is not None and (rest := self._mask.rest()):
                self._recording.note(rest, round((time.monotonic() - self._began) * 1000))
            if isinstance(received, AsyncGenerator):
                await received.aclose()

    def _plain(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks as text, also if AWS's frames arrived."""
        for chunk in chunks:
            if self._frames is None:
                yield chunk
                continue
            try:
                yield from self._frames.events(chunk)
            except ValueError as error:
                raise Unreadable(f"a damaged stream: {error}") from error

    def _record(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self._recording is not None:
            masked = self._mask.apply(chunk)
            self._recording.note(masked, round((time.monotonic() - self._began) * 1000))

    def _events(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the events that end in `chunk`, well-formed; keep the rest for the next one.

        The SDK never gets an incomplete event: it would fail for a part of a character.
        """
        tail = self._tail
        # An end of an event may be split between two chunks.
        since = max(0, len(tail) - 2)
        tail += chunk
        end = max(
            at + len(sign) if (at := tail.rfind(sign, since)) >= 0 else 0
            for sign in (b"\n\n", b"\n\r\n", b"\r\r")
        )
        if end:
            complete = bytes(tail[:end])
            del tail[:end]
            self._tail_lines = _lines(tail)
            for event in self._split(complete):
                yield from self._stream.frames(event)
        else:
            self._tail_lines += _lines(chunk)
        self._check(len(tail), self._tail_lines)

    def _last_event(self) -> Iterator[bytes]:
        """Yield the last event of a body, if only its blank line is missing."""
        # Ignore an incomplete event: the missing `message_stop` shows that it was cut off.
        with contextlib.suppress(ValueError):
            yield from self._stream.frames(bytes(self._tail))

    def _split(self, events: bytes) -> Iterator[bytes]:
        """Yield several events one by one. Raises `Unreadable` at one that is too large."""
        since = 0
        for found in _EVENT_END.finditer(events):
            event = events[since : found.end()]
            self._check(len(event), _lines(event))
            yield event
            since = found.end()

    def _check(self, size: int, lines: int) -> None:
        if size > LINE_LIMIT:
            raise Unreadable(f"more than {LINE_LIMIT // 1024**2} MiB in one piece")
        if lines * size > _COPY_LIMIT:
            raise Unreadable("one event with too many lines")


class _Mask:
    """Replaces the credential by `[key]`, even if it is split between two chunks.

    An endpoint may repeat it.
    """

    def __init__(self, secret: str | None) -> None:
        self._secret = (secret or "").encode()
        self._held = b""

    def apply(self, chunk: bytes) -> bytes:
        """Return the masked bytes; hold back an end that may be a part of the credential."""
        if not self._secret:
            return chunk
        masked = (self._held + chunk).replace(self._secret, b"[key]")
        longest = min(len(self._secret) - 1, len(masked))
        partial = (n for n in range(longest, 0, -1) if masked.endswith(self._secret[:n]))
        end = len(masked) - next(partial, 0)
        self._held = masked[end:]
        return masked[:end]

    def rest(self) -> bytes:
        """Return the bytes that were held back."""
        rest, self._held = self._held, b""
        return rest


current: ContextVar[ResponseRecorder | None] = ContextVar("current", default=None)
"""The recorder of the current request, for the hook that gets its response."""


_PATHS = (
    *("/v1/messages", "/v1/models"),
    *("/invoke", "/invoke-with-response-stream", ":rawPredict", ":streamRawPredict"),
)
"""The ends of the paths that replies and lists of models come from; those of clouds too."""


_SHORTEST_TOKEN = 16


def sent_credential(headers: Mapping[str, str]) -> str | None:
    """Return the token in the headers of a request; None if there is none.

    A refusal of AWS may quote the whole request. Its signature is worth nothing afterwards.
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    found = headers.get("x-amz-security-token") or bearer
    # Without a key, the client sends a word.
    return found if len(found) >= _SHORTEST_TOKEN else None


@contextlib.contextmanager
def recorded(recorder: ResponseRecorder) -> Iterator[None]:
    """Make the response to the block's request pass through `recorder`."""
    token = current.set(recorder)
    try:
        yield
    finally:
        current.reset(token)


async def on_response(response: httpx2.Response) -> None:
    """Attach the recorder of the current request, if it has one. A hook of the HTTP client."""
    recorder = current.get()
    # The SDK may renew a login with a request of its own, which must not be recorded.
    if recorder is not None and response.request.url.path.endswith(_PATHS):
        recorder.attach(response)


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


def _pieces(decompressor: zlib._Decompress, compressed: bytes) -> Iterator[bytes]:
    """Yield the decompressed bytes in pieces of limited size."""
    piece = b""
    # After a full piece, the decompressor may have more output without more input.
    while compressed or len(piece) == _PIECE:
        if piece := decompressor.decompress(compressed, _PIECE):
            yield piece
        compressed = decompressor.unconsumed_tail


def _lines(data: bytes | bytearray) -> int:
    return data.count(b"\n") + data.count(b"\r")
