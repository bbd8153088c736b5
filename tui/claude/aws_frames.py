"""Translates AWS's binary event stream, which Bedrock sends, into server-sent events.

Everything behind it then sees the same events from every endpoint: the recorder, which can
mask a credential only in plain text, the repair of events, and the SDK. The format is
`application/vnd.amazon.eventstream`: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from collections.abc import Iterator

from tui.domain.wire import Json

_PRELUDE = struct.Struct(">III")
"""The length of the frame, that of its headers, and the checksum of these two numbers."""

_CHECKSUM = struct.Struct(">I")
_LENGTH = struct.Struct(">H")
_STRING = 7
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""The sizes of header values by type, in bytes. Types 6 and 7 begin with a length."""

_LINE_END = re.compile("\r\n|\n|\r")

_ERROR_TYPES = {
    "throttlingexception": "rate_limit_error",
    "serviceunavailableexception": "overloaded_error",
    "modeltimeoutexception": "timeout_error",
    "validationexception": "invalid_request_error",
    "internalserverexception": "api_error",
    "modelstreamerrorexception": "api_error",
}
"""The API's own types for the exceptions that Bedrock sends inside a stream."""


class BadFrame(ValueError):
    """A frame is damaged or too long."""


class FrameReader:
    """Reads the frames of one response. `longest` is the limit of one frame, in bytes."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._received = bytearray()

    def events(self, received: bytes) -> Iterator[bytes]:
        """Yield the server-sent events that end in `received`. Raises `BadFrame`."""
        self._received += received
        at = 0
        try:
            while (end := self._end(at)) is not None:
                yield from _event(bytes(self._received[at:end]))
                at = end
        finally:
            del self._received[:at]

    def _end(self, at: int) -> int | None:
        """Return where the frame ends that begins at `at`; None if it is not complete."""
        if len(self._received) - at < _PRELUDE.size:
            return None
        length, headers, checksum = _PRELUDE.unpack_from(self._received, at)
        if checksum != zlib.crc32(self._received[at : at + _PRELUDE.size - _CHECKSUM.size]):
            raise BadFrame("the beginning of a frame is damaged")
        if length > self._longest or length < _PRELUDE.size + headers + _CHECKSUM.size:
            raise BadFrame("a frame has an impossible length")
        return at + length if at + length <= len(self._received) else None


def _event(frame: bytes) -> Iterator[bytes]:
    body, (checksum,) = frame[: -_CHECKSUM.size], _CHECKSUM.unpack(frame[-_CHECKSUM.size :])
    if checksum != zlib.crc32(body):
        raise BadFrame("a frame is damaged")
    _, size, _ = _PRELUDE.unpack_from(body)
    start = _PRELUDE.size + size
    headers, payload = _headers(body[_PRELUDE.size : start]), body[start:]
    match headers.get(":message-type"):
        case "event" if headers.get(":event-type") == "chunk":
            yield _chunk(payload)
        case "exception":
            yield _error(headers.get(":exception-type", ""), _message(payload))
        case "error":
            text = headers.get(":error-message", "")
            yield _error(headers.get(":error-code", ""), text)
        case _:
            pass


def _headers(packed: bytes) -> dict[str, str]:
    """Return the headers that are strings; Bedrock sends no others that matter."""
    found, at = {}, 0
    try:
        while at < len(packed):
            name_end = at + 1 + packed[at]
            name, kind, at = packed[at + 1 : name_end].decode(), packed[name_end], name_end + 1
            if (size := _SIZES.get(kind)) is None:
                (size,), at = _LENGTH.unpack_from(packed, at), at + _LENGTH.size
            if kind == _STRING:
                found[name] = packed[at : at + size].decode()
            at += size
    except (IndexError, struct.error, UnicodeDecodeError):
        raise BadFrame("the headers of a frame are damaged") from None
    return found


def _chunk(payload: bytes) -> bytes:
    """Return the event of the Messages API that a frame carries."""
    try:
        event = base64.b64decode(json.loads(payload)["bytes"], validate=True).decode()
        kind = json.loads(event)["type"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadFrame("a frame does not carry an event") from None
    return _server_sent(str(kind), event)


def _message(payload: bytes) -> str:
    try:
        body = json.loads(payload)
        found = body.get("message") or body.get("Message") or body.get("originalMessage")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return str(found or "")


def _error(kind: str, message: str) -> bytes:
    found = _ERROR_TYPES.get(kind.lower(), kind)
    error: Json = {"type": found, "message": message or kind}
    return _server_sent("error", json.dumps({"type": "error", "error": error}))


def _server_sent(name: str, data: str) -> bytes:
    lines = "\n".join(f"data: {line}" for line in _LINE_END.split(data))
    # A name that is no word would begin a line of its own.
    return f"event: {name if name.isidentifier() else 'unknown'}\n{lines}\n\n".encode()
