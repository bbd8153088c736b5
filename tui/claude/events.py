"""Translates the SDK's events into `ReplyEvent`s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.claude.event_stream import block_of
from tui.claude.storable import name, storable
from tui.domain.reply_events import (
    BlockDelta,
    BlockStarted,
    BlockStopped,
    Finished,
    MessageDelta,
    ReplyEvent,
    Started,
)
from tui.domain.usage import Usage
from tui.domain.wire import Json

if TYPE_CHECKING:
    from anthropic.lib.streaming import ParsedMessageStreamEvent


def translated(
    event: ParsedMessageStreamEvent[None], usage: Usage, request_id: str | None
) -> list[ReplyEvent]:
    """Return the `ReplyEvent`s for an event of the SDK.

    Reads the event's `type`, never its class: an unknown event arrives as the first class
    of the union. Reads the raw events, because the derived ones (`text`, `thinking`) have
    no block index.
    """
    match event.type:
        case "message_start":
            return [started(event.message, request_id)]
        case "content_block_start":
            return [BlockStarted(event.index, json_of(event.content_block))]
        case "content_block_delta":
            return _delta(event.index, event.delta)
        case "content_block_stop":
            return [BlockStopped(event.index, json_of(event.content_block))]
        case "message_delta":
            delta = event.delta
            return [
                MessageDelta(
                    name(delta.stop_reason),
                    json_of(delta.stop_details) or None,
                    usage.merged(json_of(event.usage)),
                )
            ]
        case "message_stop":
            return [finished(event.message, usage)]
        case _:
            return []


def _delta(index: int, delta: Any) -> list[ReplyEvent]:
    match delta.type:
        case "text_delta":
            return [BlockDelta(index, "text_delta", delta.text)]
        case "thinking_delta":
            return [BlockDelta(index, "thinking_delta", delta.thinking)]
        case "input_json_delta":
            return [BlockDelta(index, "input_json_delta", delta.partial_json)]
        case _:
            return []


def started(message: Any, request_id: str | None) -> Started:
    """Return the start of a reply from the SDK's message."""
    return Started(
        name(getattr(message, "id", None)) or "",
        name(getattr(message, "model", None)) or "",
        Usage(json_of(getattr(message, "usage", None))),
        name(request_id),
    )


def finished(message: Any, usage: Usage) -> Finished:
    """Return the end of a reply, with all blocks of the SDK's message.

    Raises `ValueError` if `message` is not a message.
    """
    content = getattr(message, "content", None)
    if content is None:
        raise ValueError("not a message")
    found = [{"type": "text", "text": content}] if isinstance(content, str) else content
    blocks = [json_of(block) for block in (found if isinstance(found, list) else [])]
    return Finished(
        tuple(block_of(block) for block in blocks if isinstance(block.get("type"), str)),
        name(getattr(message, "stop_reason", None)),
        json_of(getattr(message, "stop_details", None)) or None,
        usage,
    )


def json_of(value: Any) -> Json:
    """Return a value of the SDK as the JSON to send back, with only the fields that were set.

    Returns an empty object if the value is not an object.
    """
    to_dict = getattr(value, "to_dict", None)
    wire = value if to_dict is None else to_dict(mode="json", warnings=False)
    return storable(wire) if isinstance(wire, dict) else {}
