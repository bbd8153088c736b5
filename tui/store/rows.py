"""Converts values into rows, and rows into values.

Reading a row never fails. A part of it that no program of ours wrote is shown as
unreadable, and the rest is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tui.domain.cjk import bigrams
from tui.domain.conversation import (
    READABLE,
    Block,
    ComposerDraft,
    Conversation,
    FirstParameters,
    Message,
    ScrollAnchor,
)
from tui.domain.failure import Failure
from tui.domain.model import Model
from tui.domain.money import Price, combined
from tui.domain.normalise import normalise
from tui.domain.parameters import EFFORTS, MOST_TOKENS, THINKING_DISPLAYS, Parameters
from tui.domain.reply import StreamingReply
from tui.domain.request import Request
from tui.domain.usage import ReplyStats, Timing, Usage
from tui.domain.wire import Json
from tui.text.sanitise import fix_surrogates

Row = Mapping[str, Any]

UNREADABLE = "(This part of the message cannot be read.)"
"""Replaces a block that no program of ours wrote."""


def dumps(value: object) -> str:
    """Return compact JSON with the keys in their order."""
    return json.dumps(_storable(value), ensure_ascii=False, separators=(",", ":"))


def conversation_from(row: Row) -> Conversation:
    """Read a row of `conversations` that also has the state of its tip."""
    parameters = parameters_from(row)
    return Conversation(
        id=row["id"],
        parameters=parameters,
        saved_parameters=parameters,
        title=row["title"],
        tip_id=row["tip_id"],
        is_pinned=bool(row["is_pinned"]),
        created_ms=row["created_ms"],
        updated_ms=row["updated_ms"],
        tip_state=row["tip_state"],
        title_by=row["title_by"],
        is_archived=row["archived_ms"] is not None,
        forked_from=row["forked_from"],
    )


def parameters_from(row: Row) -> Parameters:
    """Read the columns of `conversations` that say how Claude is asked."""
    max_tokens, shown, effort = row["max_tokens"], row["thinking_display"], row["effort"]
    return Parameters(
        row["model"],
        row["system"],
        max_tokens=max_tokens if 0 < (max_tokens or 0) <= MOST_TOKENS else None,
        thinking_display=shown if shown in THINKING_DISPLAYS else None,
        effort=effort if effort in EFFORTS else None,
    )


def row_of_conversation(conversation: Conversation) -> dict[str, Any]:
    """Return the row of a new conversation."""
    title = fix_surrogates(conversation.title)
    return {
        "id": conversation.id,
        "title": title,
        "folded_title": normalise(title),
        "title_by": conversation.title_by,
        **row_of_parameters(conversation.parameters),
        "created_ms": conversation.created_ms,
        "updated_ms": conversation.updated_ms,
    }


def row_of_parameters(parameters: Parameters) -> dict[str, Any]:
    """Return the columns of `conversations` that say how Claude is asked."""
    return {
        "model": fix_surrogates(parameters.model),
        "system": fix_surrogates(parameters.system),
        "effort": parameters.effort,
        "max_tokens": parameters.max_tokens,
        "thinking_display": parameters.thinking_display,
    }


def assignments(row: Row) -> str:
    """Return the SET clause of an UPDATE whose named parameters are the row."""
    return ", ".join(f"{name} = :{name}" for name in row)


def row_of_message(message: Message) -> dict[str, Any]:
    """Return the row of `messages`, without its blocks, which have rows of their own."""
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "parent_id": message.parent_id,
        "role": message.role,
        "created_ms": message.created_ms,
        "is_continuation": int(message.is_continuation),
        **end_columns(message),
    }


def end_columns(message: Message) -> dict[str, Any]:
    """Return the columns of `messages` that are known when a message is complete."""
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
    """Return a failure as its column stores it."""
    return dumps(asdict(failure))


def message_from(row: Row, blocks: Iterable[Row], requests: Sequence[Row]) -> Message:
    """Read a row of `messages` with the rows of its blocks and of its requests, in order."""
    request = requests[-1] if requests else None
    prices = [price_from(each) for each in requests]
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
        figures=None if request is None else reply_stats_from(request, combined(prices)),
        effort=None if request is None else _text(request["effort"]),
        is_continuation=bool(row["is_continuation"]),
    )


def row_of_block(message_id: str, seq: int, block: Block) -> dict[str, Any]:
    """Return the row of a block.

    Its long text has a column of its own, so that it can be searched. The rest of the JSON
    has null in its place, which keeps the order of the keys.
    """
    wire: Json = _storable(block.wire)
    name = READABLE.get(block.type)
    words = wire.get(name) if name else None
    if not isinstance(words, str):
        name, words = None, None
    return {
        "message_id": message_id,
        "seq": seq,
        "type": fix_surrogates(block.type),
        "text": words,
        "pairs": bigrams(words) if words else None,
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
    """Parse a JSON object; None if the text is not one."""
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
    message, status = found.get("message"), found.get("status")
    return Failure(
        message if isinstance(message, str) else "The reason cannot be read.",
        type=_text(found.get("type")),
        code=_text(found.get("code")),
        status=status if isinstance(status, int) else None,
        request_id=_text(found.get("request_id")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _list(text: str) -> list[Any]:
    """Parse a JSON array; an empty list if the text is not one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return value if isinstance(value, list) else []


def row_of_request(request: Request) -> dict[str, Any]:
    """Return the row of the request log."""
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
        "effort": request.effort,
        "max_tokens": request.max_tokens,
        "thinking_display": request.thinking_display,
        "started_ms": request.started_ms,
        "since_first_ms": request.since_first_ms,
        **asdict(request.timing),
        "http_status": failure.status if failure else None,
        "error_type": failure.type if failure else None,
        "error_code": failure.code if failure else None,
        "error_message": failure.message if failure else None,
        "stop_reason": request.stop_reason,
        **_usage_columns(request.usage),
        **price_columns(request.price, request.price_table),
    }


def price_columns(price: Price | None, table: str | None) -> dict[str, Any]:
    """Return the columns of a price, and of the table that it comes from."""
    return {
        "price_nano_usd": None if price is None else price.nano_usd,
        "is_price_minimum": int(price is not None and price.is_minimum),
        "price_table": table,
    }


def price_from(row: Row) -> Price | None:
    """Read the price of a request; None if it is not computed yet."""
    if row["price_table"] is None:
        return None
    return Price(row["price_nano_usd"], bool(row["is_price_minimum"]))


def interrupted_columns(reply: StreamingReply) -> dict[str, Any]:
    """Return the columns of the request log that are known from a reply's journal."""
    return {
        "state": "interrupted",
        "model": text_of(reply.model) if reply.api_message_id else None,
        "api_message_id": text_of(reply.api_message_id),
        "request_id": text_of(reply.request_id),
        **_usage_columns(reply.usage),
    }


def text_of(value: object) -> str | None:
    """Return a value of a journal as text that can be stored; None if it is not a text."""
    return fix_surrogates(value) if isinstance(value, str) else None


def _usage_columns(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_input_tokens": usage.cache_read_input_tokens,
        "cache_creation_input_tokens": usage.cache_creation_input_tokens,
        "thinking_tokens": usage.thinking_tokens,
        "usage": dumps(usage.wire),
    }


def reply_stats_from(row: Row, price: Price | None) -> ReplyStats:
    """Read a reply's stats from the row of its last attempt. `price` is that of all."""
    timing = Timing(
        first_byte_ms=row["first_byte_ms"],
        first_thinking_ms=row["first_thinking_ms"],
        first_text_ms=row["first_text_ms"],
        duration_ms=row["duration_ms"],
        longest_gap_ms=row["longest_gap_ms"],
    )
    return ReplyStats(
        usage=usage_from(row["usage"]),
        timing=timing.later(row["since_first_ms"]),
        attempts=row["attempt"],
        request_id=row["request_id"],
        price=price,
    )


def usage_from(text: str) -> Usage:
    """Read a usage as the endpoint reported it."""
    return Usage(_object(text) or {})


def models_from(text: str) -> list[Model]:
    """Read a saved list of models."""
    return [Model(wire) for wire in _list(text) if isinstance(wire, dict)]


def _storable(value: Any) -> Any:
    """Return a JSON value in which every string can be stored."""
    match value:
        case str():
            return fix_surrogates(value)
        case dict():
            return {_storable(name): _storable(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_storable(inner) for inner in value]
        case _:
            return value


def queue_text(draft: ComposerDraft) -> str:
    """Return a queue as its column stores it: a JSON array of texts.

    An object after them has the parameters for the first question. Programs that do not
    know it read the texts alone.
    """
    first = draft.first
    if first is None:
        return dumps(draft.queued)
    wire = {"host": first.host, **row_of_parameters(first.parameters)}
    return dumps([*draft.queued, wire])


def draft_from(row: Row) -> ComposerDraft:
    """Read a row of `drafts`."""
    waiting = _list(row["queued"])
    queued = tuple(each for each in waiting if isinstance(each, str))
    first = _first_from(waiting[-1]) if waiting else None
    return ComposerDraft(row["text"], queued, row["edited_id"], row["edit"], first)


def _first_from(wire: object) -> FirstParameters | None:
    if not isinstance(wire, dict):
        return None
    texts = [wire.get(name) for name in ("host", "model", "system")]
    max_tokens = wire.get("max_tokens")
    if not (
        all(isinstance(text, str) for text in texts) and isinstance(max_tokens, int | None)
    ):
        return None
    names = dict.fromkeys(("effort", "thinking_display"))
    return FirstParameters(
        parameters_from(names | wire | {"max_tokens": max_tokens}), wire["host"]
    )


def scroll_anchor_from(row: Row) -> ScrollAnchor:
    """Read a row of `places`; a row with impossible numbers becomes the end."""
    numbers = (row["leaf"], row["line"], row["position"])
    if not all(0 <= number < 2**31 for number in numbers):
        return ScrollAnchor()
    return ScrollAnchor(row["message_id"], *numbers)
