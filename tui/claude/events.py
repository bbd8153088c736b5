"""The SDK's events, in the words of the conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.conversation import (
    BlockDelta,
    BlockStarted,
    BlockStopped,
    Finished,
    Json,
    ReplyEvent,
    Started,
    Stopping,
    Usage,
)

if TYPE_CHECKING:
    from anthropic.lib.streaming import ParsedMessageStreamEvent


def translated(
    event: ParsedMessageStreamEvent[None], usage: Usage, request_id: str | None
) -> list[ReplyEvent]:
    """Return what an SDK event says, in our words.

    By `type`, never by class: an unknown event arrives as the first class of the
    union. The derived events (`text`, `thinking`) lack the block's index, so the
    raw ones are read.
    """
    match event.type:
        case "message_start":
            message = event.message
            return [
                Started(message.id, message.model, Usage(json_of(message.usage)), request_id)
            ]
        case "content_block_start":
            return [BlockStarted(event.index, json_of(event.content_block))]
        case "content_block_delta":
            return _delta(event.index, event.delta)
        case "content_block_stop":
            return [BlockStopped(event.index, json_of(event.content_block))]
        case "message_delta":
            delta = event.delta
            details = json_of(delta.stop_details) if delta.stop_details else None
            return [Stopping(delta.stop_reason, details, usage.merged(json_of(event.usage)))]
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


def finished(message: Any, usage: Usage) -> Finished:
    """Return the end of a reply: the SDK's message as a whole."""
    details = getattr(message, "stop_details", None)
    return Finished(
        tuple(json_of(block) for block in message.content),
        message.stop_reason,
        json_of(details) if details else None,
        usage,
    )


def json_of(value: Any) -> Json:
    """Return a value of the SDK as the JSON to send back: fields that were set, no more."""
    wire: Json = value.to_dict(mode="json", warnings=False)
    return wire
