"""Repairs an endpoint's stream of events, so that the SDK can read it.

The SDK adds each event to a message of its own. It ignores an event without a name. A gap in
the block numbers, a null instead of an object, or a delta for a block that was never started
makes it raise an IndexError or an AttributeError, which ends the reply. So this module reads
every event first, by the type in its data. It passes the event on with a name, with blocks
numbered in the order of arrival, and with missing fields filled in. It drops unknown events.
The recording has the original bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tui.claude.storable import integer, name, storable, text_piece
from tui.domain.conversation import READABLE
from tui.domain.wire import Json

_EVENTS = (
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "error",
)
_FIELDS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
    "signature_delta": "signature",
    "citations_delta": "citation",
}
"""The types of deltas that the SDK can add to a block, each with its field."""

_BLOCK_OF = {"text_delta": "text", "thinking_delta": "thinking"}
"""The block type for each delta with text. A missing block is started."""

_REQUIRED_BLOCK = {"signature_delta": "thinking", "citations_delta": "text"}
"""The block type that other deltas require. Without it, they are dropped."""

_LINE_END = re.compile("\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class _OpenBlock:
    """A content block that has started and not stopped."""

    index: int
    """Its number in the order of arrival."""
    type: str
    input: bytearray = field(default_factory=bytearray)
    """The part of a tool's input that has arrived: the beginning of a JSON text."""


class EventStream:
    """Repairs the events of one response, one after another in their order."""

    def __init__(self) -> None:
        self._is_first = True
        self._has_started = False
        self._count = 0
        """How many blocks have started."""
        self._open: dict[str, _OpenBlock] = {}
        """The open blocks by the endpoint's index, which may be any value."""
        self._newest = ""
        """The endpoint's index of the newest block."""

    def frames(self, received: bytes) -> Iterator[bytes]:
        """Yield the frames that replace one received event: often one, or none.

        Raises `ValueError` if the event is not JSON.
        """
        if self._is_first:
            self._is_first, received = False, received.removeprefix(_BOM)
        event = _event(*_name_and_data(received))
        for repaired in () if event is None else self._repaired(event):
            yield f"event: {repaired['type']}\ndata: {json.dumps(repaired)}\n\n".encode("ascii")

    def _repaired(self, event: Json) -> Iterator[Json]:
        at = event.get("index")
        match event["type"]:
            case "error":
                yield _error(event)
            case "message_start" if not self._has_started:
                yield from self._message_start(event.get("message"))
            case "content_block_start":
                yield from self._block_start(at, event.get("content_block"))
            case "content_block_delta":
                yield from self._block_delta(at, _object(event.get("delta")))
            case "content_block_stop":
                yield from self._block_stop(at)
            case "message_delta" if self._has_started:
                yield _message_delta(event)
            case "message_stop" if self._has_started:
                yield {"type": "message_stop"}
            case _:
                pass

    def _message_start(self, sent: object) -> Iterator[Json]:
        message = _object(sent)
        self._has_started = True
        yield {
            "type": "message_start",
            "message": {
                "id": name(message.get("id")) or "",
                "type": "message",
                "role": "assistant",
                "model": name(message.get("model")) or "",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": storable(_object(message.get("usage"))),
            },
        }
        content = message.get("content")
        for wire in content if isinstance(content, list) else ():
            yield from self._block_start(None, wire)
            yield from self._block_stop(None)

    def _block_start(self, at: object, wire: object) -> Iterator[Json]:
        kind = _object(wire).get("type")
        if isinstance(kind, str):
            yield from self._opened(at, _object(wire))
        else:
            # The first delta shows the type of the block.
            self._open.pop(self._key(at), None)

    def _opened(self, at: object, wire: Json) -> Iterator[Json]:
        if not self._has_started:
            yield from self._message_start(None)
        block = _OpenBlock(self._count, wire["type"])
        self._count += 1
        self._newest = f"new {block.index}" if at is None else str(at)
        self._open[self._newest] = block
        yield {
            "type": "content_block_start",
            "index": block.index,
            "content_block": block_of(wire),
        }

    def _block_delta(self, at: object, delta: Json) -> Iterator[Json]:
        kind, repaired = _delta(delta)
        if repaired is None:
            return
        block = self._open.get(self._key(at))
        block_type = _BLOCK_OF.get(kind)
        if block_type is not None and (block is None or block.type != block_type):
            yield from self._opened(at, {"type": block_type})
            block = self._open[self._newest]
        if block is not None and _can_add(kind, repaired, block):
            yield {"type": "content_block_delta", "index": block.index, "delta": repaired}

    def _block_stop(self, at: object) -> Iterator[Json]:
        # A later delta starts another block, because the SDK has completed this one.
        block = self._open.pop(self._key(at), None)
        if block is not None:
            yield {"type": "content_block_stop", "index": block.index}

    def _key(self, at: object) -> str:
        return self._newest if at is None else str(at)


def block_of(wire: Json) -> Json:
    """Return a content block with the field types that the SDK needs to add deltas."""
    block: Json = storable(wire)
    if (text_field := READABLE.get(wire["type"])) is not None:
        block[text_field] = text_piece(wire.get(text_field)) or ""
    if wire["type"] == "thinking":
        signature = block.get("signature")
        block["signature"] = signature if isinstance(signature, str) else ""
    if wire["type"] == "text" and not _is_list_of_objects(block.get("citations")):
        block.pop("citations", None)
    return block


def _can_add(kind: str, delta: Json, block: _OpenBlock) -> bool:
    """Return whether the SDK can add a delta to a block."""
    if kind == "input_json_delta":
        return _add_input(block, delta["partial_json"].encode())
    return _REQUIRED_BLOCK.get(kind) in (None, block.type)


def _add_input(block: _OpenBlock, more: bytes) -> bool:
    """Add to a tool's input; return False if it would not be JSON any more.

    Bad JSON makes the SDK raise, which ends the reply.
    """
    from jiter import from_json

    try:
        from_json(bytes(block.input) + more or b"{", partial_mode=True)
    except ValueError:
        return False
    block.input.extend(more)
    return True


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(found, dict) for found in value)


def _delta(delta: Json) -> tuple[str, Json | None]:
    """Return the type of a delta, and the repaired delta; None if it has no content."""
    kind = delta.get("type")
    if not isinstance(kind, str):
        kind = next((kind for kind, name in _FIELDS.items() if name in delta), "")
    field_name = _FIELDS.get(kind)
    if field_name is None:
        return kind, storable(delta) if kind else None
    value: Any = delta.get(field_name)
    if kind == "citations_delta":
        value = storable(value) if isinstance(value, dict) else None
    elif kind in _BLOCK_OF:
        value = text_piece(value)
    else:
        value = storable(value) if isinstance(value, str) else None
    return kind, None if value is None else {"type": kind, field_name: value}


def _message_delta(event: Json) -> Json:
    delta = _object(event.get("delta"))
    details = delta.get("stop_details")
    return {
        "type": "message_delta",
        "delta": {
            "stop_reason": name(delta.get("stop_reason")),
            "stop_sequence": name(delta.get("stop_sequence")),
            "stop_details": storable(details) if isinstance(details, dict) else None,
        },
        "usage": {"output_tokens": None} | storable(_object(event.get("usage"))),
    }


def _error(event: Json) -> Json:
    """Return an error event in the API's format, whatever its own format."""
    sent = event.get("error")
    error = _object(sent)
    texts = (sent, error.get("message"), error.get("detail"), event.get("message"))
    message = next((text for text in texts if isinstance(text, str) and text.strip()), None)
    code = _object(error.get("details")).get("error_code")
    return {
        "type": "error",
        "error": {
            "type": name(error.get("type")),
            "message": storable(message) or "The endpoint stopped and did not say why.",
            "details": {"error_code": name(code)},
        },
    }


def _name_and_data(received: bytes) -> tuple[str, str | None]:
    """Return the name and the data of an event, parsed as the HTML standard says."""
    event, data = "", []
    for line in _LINE_END.split(received.decode()):
        label, _, value = line.partition(":")
        if label == "event":
            event = value.removeprefix(" ")
        elif label == "data":
            data.append(value.removeprefix(" "))
    return event, "\n".join(data) if data else None


def _event(event_name: str, data: str | None) -> Json | None:
    """Return an event with a known type; None if the event is to be dropped."""
    event = _parsed(event_name, data or "")
    kind = event.get("type")
    if kind in _EVENTS:
        return event
    if event_name == "error" or (event.get("error") and event_name not in _EVENTS):
        return {"type": "error", "error": event.get("error") or event}
    return event | {"type": event_name} if event_name in _EVENTS else None


def _parsed(event_name: str, data: str) -> Json:
    """Return the data of an event; an empty object for a ping or a comment."""
    try:
        found = json.loads(data, parse_int=integer) if data.strip() else {}
    except RecursionError:
        raise ValueError("the event is nested too deeply") from None
    except ValueError:
        if event_name == "error":
            return {"error": data}
        # For example [DONE], which ends the streams of other protocols.
        if event_name not in _EVENTS and not data.lstrip().startswith("{"):
            return {}
        raise
    if isinstance(found, dict):
        return found
    if event_name in _EVENTS and event_name != "error":
        raise ValueError("the event is not an object")
    return {"error": found} if event_name == "error" else {}


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}
