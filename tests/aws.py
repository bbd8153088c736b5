"""Replies as Bedrock sends them: in AWS's binary frames."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from dataclasses import replace

from tests.scripted import Event, Json, Raw, Reply, Step

FRAMES = "application/vnd.amazon.eventstream"


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """Return a frame whose headers are all strings."""
    packed = b"".join(
        struct.pack(">B", len(name)) + name.encode() + b"\x07"
        + struct.pack(">H", len(value.encode())) + value.encode()
        for name, value in headers.items()
    )  # fmt: skip
    lengths = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    body = lengths + struct.pack(">I", zlib.crc32(lengths)) + packed + payload
    return body + struct.pack(">I", zlib.crc32(body))


def chunk(data: Json | bytes) -> bytes:
    """Return the frame of one event; `data` may also be any bytes."""
    event = data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode()
    payload = {"bytes": base64.b64encode(event).decode(), "p": "abcdefgh"}
    headers = {
        ":event-type": "chunk",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return frame(headers, json.dumps(payload).encode())


def fault(kind: str, message: str) -> Raw:
    """Return an exception in the middle of a stream."""
    headers = {":exception-type": kind, ":message-type": "exception"}
    return Raw(frame(headers, json.dumps({"message": message}).encode()))


def framed(reply: Reply) -> Reply:
    """Return the same reply in frames."""
    headers = reply.headers | {"content-type": FRAMES, "x-amzn-requestid": "aws-1"}
    steps = [_framed(step) for step in reply.steps]
    return replace(reply, steps=steps, headers=headers, is_stream=False)


def refusal(status: int, kind: str, message: str) -> Reply:
    """Return an HTTP error as AWS sends it."""
    headers = {"content-type": "application/json", "x-amzn-errortype": kind}
    body = json.dumps({"message": message}).encode()
    return Reply([Raw(body)], status=status, headers=headers, is_stream=False)


def _framed(step: Step) -> Step:
    return Raw(chunk(step.data)) if isinstance(step, Event) else step
