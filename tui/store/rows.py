"""Values into rows, and rows into values.

Whatever a row holds, it is read: a part of it that no program of ours wrote is shown as
unreadable, and holds up nothing beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from tui.conversation import (
    READABLE,
    Block,
    Conversation,
    Failure,
    Figures,
    Json,
    Message,
    Model,
    Place,
    Request,
    Timing,
    Unsent,
    Usage,
)
from tui.draft import Draft
from tui.folding import folded
from tui.pairs import spaced
from tui.sanitise import whole

Row = Mapping[str, Any]

UNREADABLE = "(This part of the message cannot be read.)"
"""What stands for a block that no program of ours wrote."""


def dumps(value: object) -> str:
    """Return compact JSON with its keys in the order they came."""
    return json.dumps(_whole(value), ensure_ascii=False, separators=(",", ":"))


def conversation_from(row: Row) -> Conversation:
    """Read a row of `conversations`, with the tip's state beside it."""
    return Conversation(
        id=row["id"],
        model=row["model"],
        title=row["title"],
        system=row["system"],
        tip_id=row["tip_id"],
        is_pinned=bool(row["is_pinned"]),
        created_ms=row["created_ms"],
        updated_ms=row["updated_ms"],
        tip_state=row["tip_state"],
        title_by=row["title_by"],
        is_archived=row["archived_ms"] is not None,
        forked_from=row["forked_from"],
    )


def row_of_conversation(conversation: Conversation) -> dict[str, Any]:
    """Return the row of a new conversation."""
    title = whole(conversation.title)
    return {
        "id": conversation.id,
        "title": title,
        "folded_title": folded(title),
        "title_by": conversation.title_by,
        "model": conversation.model,
        "system": whole(conversation.system),
        "created_ms": conversation.created_ms,
        "updated_ms": conversation.updated_ms,
    }


def row_of_message(message: Message) -> dict[str, Any]:
    """Return the row of `messages`; its blocks have rows of their own."""
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "parent_id": message.parent_id,
        "role": message.role,
        "created_ms": message.created_ms,
        "is_continuation": int(message.is_continuation),
        **row_of_ending(message),
    }


def row_of_ending(message: Message) -> dict[str, Any]:
    """Return the columns of `messages` that are known when a message has ended."""
    return {
        "state": message.state,
        "finished_ms": message.finished_ms,
        "model": message.model,
        "stop_reason": message.stop_reason,
        "stop_details": dumps(message.stop_details) if message.stop_details else None,
        "failure": failure_text(message.failure) if message.failure else None,
        "endpoint": message.endpoint,
        "context": message.context,
    }


def failure_text(failure: Failure) -> str:
    """Return why a reply failed, as its column holds it."""
    return dumps(asdict(failure))


def message_from(row: Row, blocks: Iterable[Row], request: Row | None) -> Message:
    """Read a row of `messages`, with its blocks' rows and its last request's."""
    return Message(
        id=row["id"],
        conversation_id=row["conversation_id"],
        role=row["role"],
        blocks=tuple(block_from(block) for block in blocks),
        created_ms=row["created_ms"],
        parent_id=row["parent_id"],
        state=row["state"],
        finished_ms=row["finished_ms"],
        model=row["model"],
        stop_reason=row["stop_reason"],
        stop_details=_object(row["stop_details"]),
        failure=_failure_from(row["failure"]),
        endpoint=row["endpoint"],
        context=row["context"],
        figures=None if request is None else figures_from(request),
        is_continuation=bool(row["is_continuation"]),
    )


def row_of_block(message_id: str, seq: int, block: Block) -> dict[str, Any]:
    """Return the row of a block.

    Its long string stands in a column of its own, where it can be searched; the
    rest of the JSON keeps its place with null in it, and with it the key order.
    """
    wire: Json = _whole(block.wire)
    name = READABLE.get(block.type)
    words = wire.get(name) if name else None
    if not isinstance(words, str):
        name, words = None, None
    return {
        "message_id": message_id,
        "seq": seq,
        "type": whole(block.type),
        "text": words,
        "pairs": spaced(words) if words else None,
        "data": dumps(wire | {name: None} if name else wire),
        "is_sendable": int(block.is_sendable),
    }


def block_from(row: Row) -> Block:
    """Read a block, equal to what was stored, key order included."""
    wire = _object(row["data"])
    name = READABLE.get(row["type"])
    if wire is None or (row["text"] is not None and name is None):
        return Block({"type": "text", "text": row["text"] or UNREADABLE}, is_sendable=False)
    if name is not None and row["text"] is not None:
        wire[name] = row["text"]
    return Block(wire, is_sendable=bool(row["is_sendable"]))


def _object(text: str | None) -> Json | None:
    """Return a JSON object; None for what is not one."""
    if not text:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _failure_from(text: str | None) -> Failure | None:
    found = _object(text)
    if found is None:
        return Failure("The reason cannot be read.") if text else None
    said, status = found.get("message"), found.get("status")
    return Failure(
        said if isinstance(said, str) else "The reason cannot be read.",
        type=_text(found.get("type")),
        code=_text(found.get("code")),
        status=status if isinstance(status, int) else None,
        request_id=_text(found.get("request_id")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _list(text: str) -> list[Any]:
    """Return a JSON array; an empty one for what is not one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return value if isinstance(value, list) else []


def row_of_request(request: Request) -> dict[str, Any]:
    """Return the row of the ledger."""
    failure = request.failure
    return {
        "id": request.id,
        "conversation_id": request.conversation_id,
        "message_id": request.message_id,
        "purpose": request.purpose,
        "attempt": request.attempt,
        "endpoint": request.endpoint,
        "state": request.state,
        "model_requested": request.model_requested,
        "model": request.model,
        "api_message_id": request.api_message_id,
        "request_id": request.request_id,
        "started_ms": request.started_ms,
        "since_first_ms": request.since_first_ms,
        **asdict(request.timing),
        "http_status": failure.status if failure else None,
        "error_type": failure.type if failure else None,
        "error_code": failure.code if failure else None,
        "error_message": failure.message if failure else None,
        "stop_reason": request.stop_reason,
        **_usage_columns(request.usage),
    }


def row_of_interrupted(draft: Draft) -> dict[str, Any]:
    """Return the columns of the ledger that a reply's journal tells."""
    return {
        "state": "interrupted",
        "model": text_of(draft.model) if draft.api_message_id else None,
        "api_message_id": text_of(draft.api_message_id),
        "request_id": text_of(draft.request_id),
        **_usage_columns(draft.usage),
    }


def text_of(value: object) -> str | None:
    """Return a value of a journal as text that can be stored; None if it is none."""
    return whole(value) if isinstance(value, str) else None


def _usage_columns(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_input_tokens": usage.cache_read_input_tokens,
        "cache_creation_input_tokens": usage.cache_creation_input_tokens,
        "thinking_tokens": usage.thinking_tokens,
        "usage": dumps(usage.wire),
    }


def figures_from(row: Row) -> Figures:
    """Read what a reply took from the row of its last attempt."""
    timing = Timing(
        first_byte_ms=row["first_byte_ms"],
        first_thinking_ms=row["first_thinking_ms"],
        first_text_ms=row["first_text_ms"],
        duration_ms=row["duration_ms"],
        longest_gap_ms=row["longest_gap_ms"],
    )
    return Figures(
        usage=Usage(_object(row["usage"]) or {}),
        timing=timing.later(row["since_first_ms"]),
        attempts=row["attempt"],
        request_id=row["request_id"],
    )


def models_from(text: str) -> list[Model]:
    """Read a kept list of models."""
    return [Model(wire) for wire in _list(text) if isinstance(wire, dict)]


def _whole(value: Any) -> Any:
    """Return a JSON value in which every string can be stored."""
    match value:
        case str():
            return whole(value)
        case dict():
            return {_whole(name): _whole(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_whole(inner) for inner in value]
        case _:
            return value


def unsent_from(row: Row) -> Unsent:
    """Read a row of `drafts`."""
    queued = tuple(each for each in _list(row["queued"]) if isinstance(each, str))
    return Unsent(row["text"], queued, row["edited_id"], row["edit"])


def place_from(row: Row) -> Place:
    """Read a row of `places`."""
    numbers = (row["leaf"], row["line"], row["position"])
    if not all(0 <= number < 2**31 for number in numbers):
        return Place()
    return Place(row["message_id"], *numbers)
