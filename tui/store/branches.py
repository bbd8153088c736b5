"""The tree of a conversation's messages: reading it, moving its tip, forking, deleting.

A saved message is never changed. A deleted message keeps its place in the tree, so that
it can be restored and the messages below it stay where they are.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tui.domain.clock import Clock
from tui.domain.conversation import Conversation, Message
from tui.domain.reply import StreamingReply
from tui.domain.tree import Node
from tui.store import paths, rows, writing
from tui.store.claims import Claims
from tui.store.connection import HistoryError
from tui.store.paths import PATH, in_order
from tui.store.threads import Threads, reads, writes

if TYPE_CHECKING:
    from sqlite_utils import Database

_BELOW = """
    WITH RECURSIVE below (n, id, deleted_ms) AS (
        SELECT n, id, deleted_ms FROM messages WHERE id = :id
        UNION
        SELECT m.n, m.id, m.deleted_ms FROM messages AS m JOIN below
        ON m.conversation_id = :conversation_id AND m.parent_id = below.id
    )
"""


class Branches:
    """The message trees of one history."""

    def __init__(self, threads: Threads, clock: Clock, claims: Claims) -> None:
        self.threads = threads
        self._clock = clock
        self._claims = claims

    @reads
    def versions(
        self,
        connection: sqlite3.Connection,
        tip_id: str | None,
        reply: StreamingReply | None = None,
    ) -> dict[str, tuple[str, ...]]:
        """Return the versions of each message of a path that has more than one.

        The versions are in order of age and include the message itself. `reply` is a reply
        that is being written at the end of the path.
        """
        return paths.versions(connection, tip_id, reply)

    @reads
    def end_of(self, connection: sqlite3.Connection, message: Message) -> str:
        """Return the tip of the newest path that goes through a message."""
        row = connection.execute(
            f"{_BELOW} SELECT id FROM below ORDER BY deleted_ms IS NOT NULL, n DESC LIMIT 1",
            {"id": message.id, "conversation_id": message.conversation_id},
        ).fetchone()
        return message.id if row is None else str(row[0])

    @reads
    def message(self, connection: sqlite3.Connection, message_id: str) -> Message | None:
        """Return one message, without its `ReplyStats`; None if it is missing or deleted."""
        row = connection.execute(
            "SELECT * FROM messages WHERE id = ? AND deleted_ms IS NULL", [message_id]
        ).fetchone()
        if row is None:
            return None
        blocks = connection.execute(
            "SELECT * FROM blocks WHERE message_id = ? ORDER BY seq", [message_id]
        )
        return rows.message_from(row, blocks, ())

    @reads
    def tree(self, connection: sqlite3.Connection, conversation_id: str) -> list[Node]:
        """Return all messages of a conversation, each after its parent."""
        found = connection.execute(
            "SELECT m.*, (SELECT substr(text, 1, 200) FROM blocks"
            "  WHERE message_id = m.id AND type = 'text' ORDER BY seq LIMIT 1) AS words"
            " FROM messages AS m WHERE m.conversation_id = ? ORDER BY m.n",
            [conversation_id],
        )
        return [
            Node(
                id=row["id"],
                parent_id=row["parent_id"],
                role=row["role"],
                state=row["state"],
                created_ms=row["created_ms"],
                model=row["model"],
                words="" if row["deleted_ms"] is not None else row["words"] or "",
                is_deleted=row["deleted_ms"] is not None,
                is_continuation=bool(row["is_continuation"]),
            )
            for row in found
        ]

    @writes
    def move_tip(self, db: Database, conversation_id: str, tip_id: str | None) -> None:
        """Open another path of a conversation; None means before its first message."""
        writing.move_tip(db, conversation_id, tip_id)

    @writes
    def ask_again(
        self, db: Database, conversation: Conversation, question_id: str
    ) -> Conversation:
        """Open the path up to a question, to ask it again; return the conversation as saved.

        Saves the parameters that this window has changed. Raises `BranchBusy` if another
        program has just asked it.
        """
        self._claims.claim_again(db, question_id)
        writing.move_tip(db, conversation.id, question_id)
        return replace(writing.save_parameters(db, conversation), tip_id=question_id)

    @writes
    def fork(self, db: Database, conversation: Conversation, message_id: str) -> None:
        """Save a new conversation with a copy of the path that ends at a message.

        The copied messages have equal blocks, so that a request sends for them what was
        sent before. Their costs stay with the originals in the request log. Raises
        `HistoryError` if the message is deleted or not complete.
        """
        found = db.execute(
            f"{PATH} SELECT m.* FROM path JOIN messages AS m ON m.id = path.id", [message_id]
        )
        names = [column[0] for column in found.description]
        path = in_order((dict(zip(names, row, strict=True)) for row in found), message_id)
        originals = [
            row for row in path if row["deleted_ms"] is None and row["state"] != "streaming"
        ]
        if not originals or originals[-1]["id"] != message_id:
            raise HistoryError(
                "This message cannot be forked: it was deleted, or is not complete yet."
            )
        db.table("conversations").insert(
            rows.row_of_conversation(conversation) | {"forked_from": message_id}
        )
        parent_id: str | None = None
        for original in originals:
            parent_id = self._copy(db, original, conversation.id, parent_id)
        writing.move_tip(db, conversation.id, parent_id)

    def _copy(
        self,
        db: Database,
        original: dict[str, Any],
        conversation_id: str,
        parent_id: str | None,
    ) -> str:
        copy_id = self._clock.new_id()
        changed = {
            "n": None,
            "id": copy_id,
            "conversation_id": conversation_id,
            "parent_id": parent_id,
            "copied_from": original["copied_from"] or original["id"],
        }
        db.table("messages").insert(original | changed)
        # A question that continues a reply quotes it. If the reply is deleted, it is not
        # copied, and neither is the quote.
        if original["is_continuation"] and not _exists(db, original["parent_id"]):
            return copy_id
        db.execute(
            "INSERT INTO blocks (message_id, seq, type, text, pairs, data, is_sendable)"
            " SELECT ?, seq, type, text, pairs, data, is_sendable FROM blocks"
            " WHERE message_id = ? ORDER BY seq",
            [copy_id, original["id"]],
        )
        return copy_id

    @writes
    def delete(self, db: Database, message_id: str) -> None:
        """Mark a message as deleted. It can be restored until it is purged."""
        db.execute(
            "UPDATE messages SET deleted_ms = ? WHERE id = ? AND state != 'streaming'"
            " AND deleted_ms IS NOT 0",
            [self._clock.now_ms(), message_id],
        )

    @writes
    def restore(self, db: Database, message_id: str, tip_id: str | None) -> None:
        """Restore a deleted message in its place.

        Moves the tip to `tip_id`, or to the reply that is being written to it, unless the
        open path contains the message already: what was added to that path since the
        deletion stays visible.
        """
        restored = db.execute(
            "UPDATE messages SET deleted_ms = NULL WHERE id = ? AND purged_ms IS NULL"
            " AND deleted_ms IS NOT 0 RETURNING conversation_id",
            [message_id],
        ).fetchone()
        if restored is None:
            return
        is_on_path = db.execute(
            f"{PATH} SELECT 1 FROM path WHERE id = ?",
            [_tip_of(db, *restored), message_id],
        ).fetchone()
        if is_on_path is None:
            reply_id = _streaming_reply(db, restored[0], tip_id)
            writing.move_tip(db, restored[0], reply_id or tip_id)


def _exists(db: Database, message_id: str) -> bool:
    found = db.execute(
        "SELECT 1 FROM messages WHERE id = ? AND deleted_ms IS NULL", [message_id]
    )
    return found.fetchone() is not None


def _streaming_reply(db: Database, conversation_id: str, question_id: str | None) -> str | None:
    """Return the reply that is being written to a question; None if there is none."""
    found = db.execute(
        "SELECT id FROM messages WHERE conversation_id = ? AND parent_id = ?"
        " AND state = 'streaming' ORDER BY n DESC LIMIT 1",
        [conversation_id, question_id],
    ).fetchone()
    return None if found is None else str(found[0])


def _tip_of(db: Database, conversation_id: str) -> str | None:
    (tip_id,) = db.execute(
        "SELECT tip_id FROM conversations WHERE id = ?", [conversation_id]
    ).fetchone()
    return None if tip_id is None else str(tip_id)
