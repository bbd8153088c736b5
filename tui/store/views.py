"""The views for other tools, and the rows that the commands print as JSON."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class View:
    """A view that other tools may read. Its columns stay the same when the tables change."""

    name: str
    rows: str
    """What one row is."""
    columns: tuple[tuple[str, str], ...]
    """The name of each column, and what it holds."""


VIEWS: tuple[View, ...] = (
    View(
        "transcript",
        "one row for each message",
        (
            ("conversation_id", "the conversation"),
            ("title", "its title"),
            ("message_id", "the message"),
            ("parent_id", "the message that it follows; NULL for the first one"),
            ("role", "`user` or `assistant`"),
            ("state", "`complete`, `streaming`, or how the reply ended"),
            ("text", "what the message says, as Markdown"),
            ("thinking", "what the model thought"),
            ("model", "the model that wrote the reply; NULL for a question"),
            ("stop_reason", "the API's reason for the end of the reply"),
            ("created_at", "the time, in ISO 8601 and UTC"),
        ),
    ),
    View(
        "replies",
        "one row for each reply, with the figures of its request",
        (
            ("message_id", "the reply"),
            ("conversation_id", "the conversation"),
            ("model", "the model that wrote it"),
            ("state", "`complete`, `streaming`, or how it ended"),
            ("stop_reason", "the API's reason for the end"),
            ("input_tokens", "tokens of the prompt that no cache held; of the last attempt"),
            ("output_tokens", "tokens that were written; of the last attempt"),
            ("cache_read_input_tokens", "tokens read from the cache; of the last attempt"),
            ("cache_creation_input_tokens", "tokens put in the cache; of the last attempt"),
            ("thinking_tokens", "the part of `output_tokens` that is thinking"),
            ("first_text_ms", "milliseconds from the start of the first attempt to the text"),
            ("duration_ms", "milliseconds from the start of the first attempt to the end"),
            ("attempts", "how many requests were sent"),
            ("request_id", "the API's name for the last request"),
            ("error_type", "the API's name for the error"),
            ("effort", "the effort in the request; NULL if it had none"),
            ("max_tokens", "the limit of the reply in the request, in tokens"),
            ("thinking_display", "`summarized` or `omitted`; NULL without thinking"),
            ("system", "the system prompt; NULL without one, and before history version 7"),
            ("price_usd", "what all its attempts cost, in US dollars; NULL if not known"),
            ("is_price_minimum", "1 if it may have cost more, because a part is not known"),
        ),
    ),
    View(
        "costs",
        "one row for each request, which stays when its words are deleted",
        (
            ("id", "the request"),
            ("conversation_id", "its conversation, which may be deleted"),
            ("message_id", "its reply, which may be deleted"),
            ("purpose", "`reply`; `retry` for its further attempts; `title`"),
            ("attempt", "1 for the first attempt"),
            ("model", "the model that answered; the requested one if none did"),
            ("host", "the host that answered; `demo` for the offline demo"),
            ("state", "`streaming`, or how the attempt ended"),
            ("input_tokens", "tokens of the prompt that no cache held"),
            ("output_tokens", "tokens that were written"),
            ("cache_read_input_tokens", "tokens read from the cache"),
            ("cache_creation_input_tokens", "tokens put in the cache"),
            ("price_usd", "the price in US dollars; NULL if not known"),
            ("price_nano_usd", "the same in whole billionths, for exact sums"),
            ("is_price_minimum", "1 if it may have cost more: the usage is incomplete"),
            ("price_table", "the version of the table of prices; NULL if not priced yet"),
            ("started_at", "the time, in ISO 8601 and UTC"),
        ),
    ),
)
"""The views that README describes."""

_REPLY = """
    SELECT t.*, r.* FROM transcript AS t JOIN replies AS r USING (message_id)
    WHERE message_id = ?
"""
_MESSAGES = """
    SELECT t.*, r.input_tokens, r.output_tokens, r.cache_read_input_tokens,
        r.cache_creation_input_tokens, r.thinking_tokens, r.first_text_ms, r.duration_ms,
        r.attempts, r.request_id, r.error_type, r.effort, r.max_tokens, r.thinking_display,
        r.system, r.price_usd, r.is_price_minimum
    FROM transcript AS t LEFT JOIN replies AS r USING (message_id)
    WHERE t.conversation_id = ? ORDER BY message_id
"""


def reply(connection: sqlite3.Connection, message_id: str) -> dict[str, Any]:
    """Return a reply with the figures of its request. Raises `IndexError` if not found."""
    return dict(connection.execute(_REPLY, [message_id]).fetchall()[0])


def messages(connection: sqlite3.Connection, conversation_id: str) -> list[dict[str, Any]]:
    """Return a conversation's messages, oldest first, with the figures of their requests."""
    return [dict(row) for row in connection.execute(_MESSAGES, [conversation_id])]
