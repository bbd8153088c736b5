"""The bytes of a reply, on their way from the HTTP client to the SDK.

They are counted here, because the SDK takes in a line of any length, at a cost that
grows with its square.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from tui.recording import Recording

if TYPE_CHECKING:
    import httpx2

REPLY_LIMIT = 128 * 1024 * 1024
"""How many bytes a reply may have: thirty times what the longest one needs."""

LINE_LIMIT = 8 * 1024 * 1024
"""How many bytes a line may have: one event is a line."""

_NAME = "tui.wire"


class TooMuch(Exception):
    """An endpoint sends more than any reply has. The text says what."""


class Wire:
    """What comes for one request."""

    def __init__(self, encoding: str) -> None:
        self.recording: Recording | None = None
        self.heard: Callable[[], None] | None = None
        """Called for every chunk."""
        self._asked_at = time.monotonic()
        self._size = self._line = 0
        # What is packed must be unpacked to be counted; 47: gzip or zlib.
        is_packed = encoding in ("gzip", "x-gzip", "deflate")
        self._unpacker = zlib.decompressobj(47) if is_packed else None

    @classmethod
    def of(cls, response: httpx2.Response) -> Wire | None:
        """Return the wire of a response; None if its transport has none."""
        found = response.extensions.get(_NAME)
        return found if isinstance(found, cls) else None

    def record(self, recording: Recording | None, asked_at: float) -> None:
        """Record what comes; `asked_at` is when the request was made, monotonic seconds."""
        self.recording, self._asked_at = recording, asked_at

    def take(self, chunk: bytes) -> None:
        """Note a chunk. Raises `TooMuch`."""
        if self.heard is not None:
            self.heard()
        if self.recording is not None:
            self.recording.note(chunk, round((time.monotonic() - self._asked_at) * 1000))
        for piece in self._pieces(chunk):
            self._count(piece)

    def _pieces(self, chunk: bytes) -> list[bytes]:
        if self._unpacker is None:
            return [chunk]
        pieces: list[bytes] = []
        try:
            # More than a line may have is enough to know.
            while chunk and len(pieces) <= LINE_LIMIT >> 20:
                pieces.append(self._unpacker.decompress(chunk, 1 << 20))
                chunk = self._unpacker.unconsumed_tail
        except zlib.error:
            # The HTTP client says so too, in its own way.
            self._unpacker = None
        return pieces

    def _count(self, piece: bytes) -> None:
        self._size += len(piece)
        ended = piece.rfind(b"\n")
        self._line = self._line + len(piece) if ended < 0 else len(piece) - ended - 1
        if self._line > LINE_LIMIT:
            raise TooMuch(f"a line of more than {LINE_LIMIT >> 20} MiB")
        if self._size > REPLY_LIMIT:
            raise TooMuch(f"more than {REPLY_LIMIT >> 20} MiB for one reply")


async def tap(response: httpx2.Response) -> None:
    """Give a response its `Wire`. An event hook of the HTTP client.

    A hook, and not a transport around the client's, which would lose its proxies.
    """
    import httpx2

    class Body(httpx2.AsyncByteStream):
        def __init__(self, body: httpx2.AsyncByteStream, wire: Wire) -> None:
            self._body, self._wire = body, wire

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for chunk in self._body:
                self._wire.take(chunk)
                yield chunk

        async def aclose(self) -> None:
            await self._body.aclose()

    if isinstance(response.stream, httpx2.AsyncByteStream):
        wire = Wire(response.headers.get("content-encoding", "").lower())
        response.extensions[_NAME] = wire
        response.stream = Body(response.stream, wire)
