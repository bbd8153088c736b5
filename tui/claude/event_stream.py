"""What an endpoint streams, put into the form that the SDK reads without stumbling.

The SDK folds events into a message of its own. A frame without a name it passes over;
a gap in the numbers of the blocks, a null where it expects an object, or a piece of a
block that was never opened ends it with an IndexError or an AttributeError, and with
it the reply. So every event is read here first, by the type in its data, and handed on
with its name, with blocks numbered as they came, and with what is missing filled in.
What no event known here says is left out. The recording has the bytes as they came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tui.claude.storable import integer, name, storable, words
from tui.conversation import READABLE, Json

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
"""The kinds of pieces that the SDK folds in, and the field that each is about."""

_BLOCK_OF = {"text_delta": "text", "thinking_delta": "thinking"}
"""The kind of block that pieces with words belong to."""

_HELD_BY = {"signature_delta": "thinking", "citations_delta": "text"}
"""The kind of block that other pieces need, if any."""

_LINE_END = re.compile("\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class _OpenBlock:
    """A block that may get more."""

    index: int
    """Its number, counted in the order of arrival."""
    type: str
    input: bytearray = field(default_factory=bytearray)
    """What has come of a tool's input: JSON, as far as it goes."""


class EventStream:
    """The events of one response. Used for one event after the other, in their order."""

    def __init__(self) -> None:
        self._is_first = True
        self._has_started = False
        self._count = 0
        """How many blocks were opened."""
        self._open: dict[str, _OpenBlock] = {}
        """By the endpoint's number, whatever that is."""
        self._newest = ""
        """The endpoint's number of the block that was opened last."""

    def frames(self, received: bytes) -> Iterator[bytes]:
        """Yield what the SDK is to read in place of one event; often one, or none.

        Raises `ValueError` for what is no event of JSON.
        """
        if self._is_first:
            self._is_first, received = False, received.removeprefix(_BOM)
        event = _event(*_lines_of(received))
        for whole in () if event is None else self._whole(event):
            yield f"event: {whole['type']}\ndata: {json.dumps(whole)}\n\n".encode("ascii")

    def _whole(self, event: Json) -> Iterator[Json]:
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
            # What it is its first piece tells.
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
        kind, piece = _piece(delta)
        if piece is None:
            return
        block = self._open.get(self._key(at))
        wanted = _BLOCK_OF.get(kind)
        if wanted is not None and (block is None or block.type != wanted):
            yield from self._opened(at, {"type": wanted})
            block = self._open[self._newest]
        if block is not None and _fits(kind, piece, block):
            yield {"type": "content_block_delta", "index": block.index, "delta": piece}

    def _block_stop(self, at: object) -> Iterator[Json]:
        # What still comes for it opens another: the SDK has given this one out.
        block = self._open.pop(self._key(at), None)
        if block is not None:
            yield {"type": "content_block_stop", "index": block.index}

    def _key(self, at: object) -> str:
        return self._newest if at is None else str(at)


def block_of(wire: Json) -> Json:
    """Return a content block as the SDK can add to it: what must be text is text."""
    block: Json = storable(wire)
    if (held := READABLE.get(wire["type"])) is not None:
        block[held] = words(wire.get(held)) or ""
    if wire["type"] == "thinking":
        signature = block.get("signature")
        block["signature"] = signature if isinstance(signature, str) else ""
    if wire["type"] == "text" and not _is_list_of_objects(block.get("citations")):
        block.pop("citations", None)
    return block


def _fits(kind: str, piece: Json, block: _OpenBlock) -> bool:
    """Tell whether a block can have a piece added to it."""
    if kind == "input_json_delta":
        return _goes_on(block, piece["partial_json"].encode())
    return _HELD_BY.get(kind) in (None, block.type)


def _goes_on(block: _OpenBlock, more: bytes) -> bool:
    """Add to a tool's input, unless it is no JSON then: at that the SDK ends the reply."""
    from jiter import from_json

    try:
        from_json(bytes(block.input) + more or b"{", partial_mode=True)
    except ValueError:
        return False
    block.input.extend(more)
    return True


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(found, dict) for found in value)


def _piece(delta: Json) -> tuple[str, Json | None]:
    """Return the kind of a piece of a block and the piece; None if it says nothing."""
    kind = delta.get("type")
    if not isinstance(kind, str):
        kind = next((kind for kind, about in _FIELDS.items() if about in delta), "")
    about = _FIELDS.get(kind)
    if about is None:
        return kind, storable(delta) if kind else None
    value: Any = delta.get(about)
    if kind == "citations_delta":
        value = storable(value) if isinstance(value, dict) else None
    elif kind in _BLOCK_OF:
        value = words(value)
    else:
        value = storable(value) if isinstance(value, str) else None
    return kind, None if value is None else {"type": kind, about: value}


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
    """Return an error in the API's form, however it was told."""
    said = event.get("error")
    error = _object(said)
    told = (said, error.get("message"), error.get("detail"), event.get("message"))
    message = next((text for text in told if isinstance(text, str) and text.strip()), None)
    code = _object(error.get("details")).get("error_code")
    return {
        "type": "error",
        "error": {
            "type": name(error.get("type")),
            "message": storable(message) or "The endpoint broke off and did not say why.",
            "details": {"error_code": name(code)},
        },
    }


def _lines_of(received: bytes) -> tuple[str, str | None]:
    """Return the name and the data of an event, as HTML's standard reads its lines."""
    event, data = "", []
    for line in _LINE_END.split(received.decode()):
        label, _, value = line.partition(":")
        if label == "event":
            event = value.removeprefix(" ")
        elif label == "data":
            data.append(value.removeprefix(" "))
    return event, "\n".join(data) if data else None


def _event(named: str, data: str | None) -> Json | None:
    """Return an event, with a type known here; None for what says nothing."""
    event = _parsed(named, data or "")
    kind = event.get("type")
    if kind in _EVENTS:
        return event
    if named == "error" or (event.get("error") and named not in _EVENTS):
        return {"type": "error", "error": event.get("error") or event}
    return event | {"type": named} if named in _EVENTS else None


def _parsed(named: str, data: str) -> Json:
    """Return the data of an event; an empty object for what is only a sign of life."""
    try:
        found = json.loads(data, parse_int=integer) if data.strip() else {}
    except RecursionError:
        raise ValueError("an event that is nested too deeply") from None
    except ValueError:
        if named == "error":
            return {"error": data}
        # Such as [DONE], with which other protocols end.
        if named not in _EVENTS and not data.lstrip().startswith("{"):
            return {}
        raise
    if isinstance(found, dict):
        return found
    if named in _EVENTS and named != "error":
        raise ValueError("an event that is no object")
    return {"error": found} if named == "error" else {}


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}
