"""The statements that several writes share; each runs inside its caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tui.conversation import Block, Message, Request
from tui.store import removal, rows

if TYPE_CHECKING:
    from sqlite_utils import Database

Recorded = bytes | None
"""What came over the wire for a request, packed by `recording`; None: nothing did."""


def insert_message(db: Database, message: Message) -> None:
    """Write a message with its blocks."""
    db.table("messages").insert(rows.row_of_message(message))
    insert_blocks(db, message.id, message.blocks)


def replace_blocks(db: Database, message_id: str, blocks: Sequence[Block]) -> None:
    """Write the blocks of a message in the place of those it may have.

    Another program that took its writer for dead has written what it found of it.
    """
    db.execute("DELETE FROM blocks WHERE message_id = ?", [message_id])
    insert_blocks(db, message_id, blocks)


def insert_blocks(db: Database, message_id: str, blocks: Sequence[Block]) -> None:
    """Write the blocks of a message that has none yet."""
    db.table("blocks").insert_all(
        rows.row_of_block(message_id, seq, block) for seq, block in enumerate(blocks)
    )


def insert_recording(db: Database, request: Request, recording: Recorded) -> None:
    """Keep what came for a request, unless its message is gone."""
    if recording is not None and not _is_late_error(db, request):
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
    """Bring a row of the ledger up to date."""
    # In plain SQL, because a row that was never written is no error: its
    # reply could not be begun, and that is what is reported.
    row = rows.row_of_request(request)
    if _is_late_error(db, request):
        row["error_message"] = None
    columns = ", ".join(f"{name} = :{name}" for name in row)
    db.execute(f"UPDATE requests SET {columns} WHERE id = :id", row)


def without_late_words(db: Database, message: Message) -> Message:
    """Return a reply without an error's text that may repeat what was removed meanwhile."""
    if message.failure is None or not removal.may_quote_removed(
        db.conn, message.conversation_id, message.id
    ):
        return message
    return replace(message, failure=replace(message.failure, message=removal.ERROR_REMOVED))


def _is_late_error(db: Database, request: Request) -> bool:
    return request.failure is not None and removal.may_quote_removed(
        db.conn, request.conversation_id, request.message_id
    )


def close_stream(db: Database, message_id: str) -> None:
    """Note that a reply is no longer running."""
    db.execute("DELETE FROM journal WHERE message_id = ?", [message_id])
    db.execute("DELETE FROM streams WHERE message_id = ?", [message_id])
