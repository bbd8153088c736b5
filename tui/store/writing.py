"""Statements that several writes share. Each runs in its caller's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tui.domain.conversation import Block, Conversation, Message
from tui.domain.request import Request
from tui.store import removal, rows
from tui.text.sanitise import fix_surrogates

if TYPE_CHECKING:
    from sqlite_utils import Database

Recorded = bytes | None
"""The bytes that a request received, packed by `domain/recording`; None if it has none."""


def save_conversation(db: Database, conversation: Conversation, tip: Message) -> Conversation:
    """Add a conversation, or update an existing one; return it as saved.

    `tip` is its new question. See `save_parameters`.
    """
    row = rows.row_of_conversation(conversation)
    row |= {"updated_ms": tip.created_ms, "tip_id": tip.id}
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    db.execute(
        f"INSERT INTO conversations ({names}) VALUES ({marks})"
        " ON CONFLICT (id) DO UPDATE SET updated_ms = :updated_ms, tip_id = :tip_id",
        row,
    )
    return replace(save_parameters(db, conversation), tip_id=tip.id)


def save_parameters(db: Database, conversation: Conversation) -> Conversation:
    """Save the parameters that this window has changed; return the conversation as saved.

    The others keep what the history has: another window may have just chosen it.
    """
    row = rows.row_of_parameters(conversation.parameters)
    if conversation.saved_parameters is None:
        changed = {}
    else:
        before = rows.row_of_parameters(conversation.saved_parameters)
        changed = {name: value for name, value in row.items() if value != before[name]}
    if changed:
        db.execute(
            f"UPDATE conversations SET {rows.assignments(changed)}"
            # What is being removed gets no system prompt again.
            " WHERE id = :id AND deleted_ms IS NOT 0",
            {**changed, "id": conversation.id},
        )
    found = db.execute(
        f"SELECT {', '.join(row)} FROM conversations WHERE id = ?", [conversation.id]
    ).fetchone()
    if found is None:
        return conversation
    saved = rows.parameters_from(dict(zip(row, found, strict=True)))
    return replace(conversation, parameters=saved, saved_parameters=saved)


def at_tip(
    db: Database, conversation: Conversation, question: Message
) -> tuple[Conversation, Message]:
    """Return a conversation with its tip at this moment, and a question that follows the tip.

    A new conversation is returned unchanged.
    """
    found = db.execute(
        "SELECT tip_id FROM conversations WHERE id = ?", [conversation.id]
    ).fetchone()
    if found is not None:
        conversation = replace(conversation, tip_id=found[0])
    return conversation, replace(question, parent_id=conversation.tip_id)


def move_tip(db: Database, conversation_id: str, tip_id: str | None) -> None:
    """Make another message the tip of a conversation."""
    db.execute("UPDATE conversations SET tip_id = ? WHERE id = ?", [tip_id, conversation_id])


def insert_message(db: Database, message: Message) -> None:
    """Insert a message with its blocks."""
    db.table("messages").insert(rows.row_of_message(message))
    insert_blocks(db, message.id, message.blocks)


def note_system_prompt(db: Database, message_id: str, system: str) -> None:
    """Save the system prompt of a reply. Replies with the same prompt share one row."""
    if not system:
        return
    text = fix_surrogates(system)
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    db.execute(
        "INSERT INTO system_prompts (digest, text) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [digest, text],
    )
    db.execute("UPDATE messages SET system_digest = ? WHERE id = ?", [digest, message_id])


def replace_blocks(db: Database, message_id: str, blocks: Sequence[Block]) -> None:
    """Replace the blocks of a message.

    It has blocks already if another program took its writer for dead and recovered it.
    """
    db.execute("DELETE FROM blocks WHERE message_id = ?", [message_id])
    insert_blocks(db, message_id, blocks)


def insert_blocks(db: Database, message_id: str, blocks: Sequence[Block]) -> None:
    """Insert the blocks of a message that has none yet."""
    db.table("blocks").insert_all(
        rows.row_of_block(message_id, seq, block) for seq, block in enumerate(blocks)
    )


def insert_recording(db: Database, request: Request, recording: Recorded) -> None:
    """Save a request's recording, unless its message is gone."""
    if recording is not None and not _may_quote_purged(db, request):
        db.execute(
            "INSERT INTO recordings (request_id, message_id, started_ms, size, content)"
            " SELECT ?, id, ?, ?, ? FROM messages WHERE id = ?",
            [
                request.id,
                request.started_ms,
                len(recording),
                recording,
                request.message_id,
            ],
        )


def update_request(db: Database, request: Request) -> None:
    """Update a row of the request log; do nothing if it does not exist."""
    # sqlite_utils would raise for a missing row. It is missing if the reply could not
    # begin, and that error is reported already.
    row = rows.row_of_request(request)
    if _may_quote_purged(db, request):
        row["error_message"] = None
    columns = ", ".join(f"{name} = :{name}" for name in row)
    db.execute(f"UPDATE requests SET {columns} WHERE id = :id", row)


def without_purged_text(db: Database, message: Message) -> Message:
    """Return a reply without the text of an error that may quote a purged message."""
    if message.failure is None or not removal.may_quote_purged(
        db.conn, message.conversation_id, message.id
    ):
        return message
    return replace(message, failure=replace(message.failure, message=removal.ERROR_REMOVED))


def _may_quote_purged(db: Database, request: Request) -> bool:
    return request.failure is not None and removal.may_quote_purged(
        db.conn, request.conversation_id, request.message_id
    )


def close_stream(db: Database, message_id: str) -> None:
    """Delete the journal and the stream of a reply that is no longer running."""
    db.execute("DELETE FROM journal WHERE message_id = ?", [message_id])
    db.execute("DELETE FROM streams WHERE message_id = ?", [message_id])
