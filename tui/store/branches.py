"""The tree that the messages of a conversation make, and moving about in it.

Nothing said is ever changed. A deleted message keeps its place in the tree, so that
bringing it back is one step and what follows it stays where it was.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from tui.clock import Clock
from tui.conversation import Conversation, Message
from tui.store import rows
from tui.store.connection import HistoryError
from tui.store.threads import Threads, reads, writes
from tui.tree import Node

if TYPE_CHECKING:
    from sqlite_utils import Database

R = TypeVar("R", bound=rows.Row)

# UNION, and no depth: of messages that follow each other in a circle, each comes once.
LINE = """
    WITH RECURSIVE line (id, parent_id, copied_from) AS (
        SELECT id, parent_id, copied_from FROM messages WHERE id = ?
        UNION
        SELECT m.id, m.parent_id, m.copied_from FROM messages AS m
        JOIN line ON m.id = line.parent_id
    )
"""
_BELOW = """
    WITH RECURSIVE below (n, id, deleted_ms) AS (
        SELECT n, id, deleted_ms FROM messages WHERE id = :id
        UNION
        SELECT m.n, m.id, m.deleted_ms FROM messages AS m JOIN below
        ON m.conversation_id = :conversation_id AND m.parent_id = below.id
    )
"""


def in_order(found: Iterable[R], tip_id: str | None) -> list[R]:
    """Return the rows of a line from its first message to its tip, each once."""
    by_id = {row["id"]: row for row in found}
    line = []
    while tip_id is not None and (row := by_id.pop(tip_id, None)) is not None:
        line.append(row)
        tip_id = row["parent_id"]
    return line[::-1]


class Branches:
    """The trees of one history."""

    def __init__(self, threads: Threads, clock: Clock) -> None:
        self.threads = threads
        self._clock = clock

    @reads
    def versions(
        self, connection: sqlite3.Connection, tip_id: str | None
    ) -> dict[str, tuple[str, ...]]:
        """Return which messages of a line have versions beside them, with all of these.

        Oldest first, the message itself among them.
        """
        found = defaultdict[str, list[str]](list)
        for message_id, version_id in connection.execute(
            f"{LINE} SELECT line.id, other.id FROM line"
            " JOIN messages AS m ON m.id = line.id"
            " JOIN messages AS other ON other.conversation_id = m.conversation_id"
            " AND other.parent_id IS m.parent_id"
            " WHERE other.deleted_ms IS NULL AND other.role = m.role ORDER BY other.n",
            [tip_id],
        ):
            found[message_id].append(version_id)
        return {each: tuple(ids) for each, ids in found.items() if len(ids) > 1}

    @reads
    def replies_to(
        self, connection: sqlite3.Connection, conversation_id: str, question_id: str | None
    ) -> list[str]:
        """Return the replies to a question, oldest first."""
        found = connection.execute(
            "SELECT id FROM messages WHERE conversation_id = ? AND parent_id IS ?"
            " AND role = 'assistant' AND deleted_ms IS NULL ORDER BY n",
            [conversation_id, question_id],
        )
        return [message_id for (message_id,) in found]

    @reads
    def end_of(self, connection: sqlite3.Connection, message: Message) -> str:
        """Return the tip of the newest line that goes through a message."""
        row = connection.execute(
            f"{_BELOW} SELECT id FROM below ORDER BY deleted_ms IS NOT NULL, n DESC LIMIT 1",
            {"id": message.id, "conversation_id": message.conversation_id},
        ).fetchone()
        return message.id if row is None else str(row[0])

    @reads
    def message(self, connection: sqlite3.Connection, message_id: str) -> Message | None:
        """Return one message, without what it took; None if it is not there."""
        row = connection.execute(
            "SELECT * FROM messages WHERE id = ? AND deleted_ms IS NULL", [message_id]
        ).fetchone()
        if row is None:
            return None
        blocks = connection.execute(
            "SELECT * FROM blocks WHERE message_id = ? ORDER BY seq", [message_id]
        )
        return rows.message_from(row, blocks, None)

    @reads
    def tree(self, connection: sqlite3.Connection, conversation_id: str) -> list[Node]:
        """Return the messages of a conversation, each after its parent."""
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
        """Read another line of a conversation; None: before its first message."""
        db.execute(
            "UPDATE conversations SET tip_id = ? WHERE id = ?", [tip_id, conversation_id]
        )

    @writes
    def fork(self, db: Database, conversation: Conversation, message_id: str) -> None:
        """Make a conversation of the line that ends at a message of another one.

        The copies are messages of their own, equal block for block, so that what is
        sent for them is what was sent before. What they took was taken once: it
        stays with the originals in the ledger. Raises `HistoryError` if the message is
        gone.
        """
        found = db.execute(
            f"{LINE} SELECT m.* FROM line JOIN messages AS m ON m.id = line.id", [message_id]
        )
        names = [column[0] for column in found.description]
        line = in_order((dict(zip(names, row, strict=True)) for row in found), message_id)
        originals = [
            row for row in line if row["deleted_ms"] is None and row["state"] != "streaming"
        ]
        if not originals or originals[-1]["id"] != message_id:
            raise HistoryError("This message cannot be forked: it is gone, or not whole yet.")
        db.table("conversations").insert(
            rows.row_of_conversation(conversation) | {"forked_from": message_id}
        )
        parent_id: str | None = None
        for original in originals:
            parent_id = self._copy(db, original, conversation.id, parent_id)
        db.execute(
            "UPDATE conversations SET tip_id = ? WHERE id = ?", [parent_id, conversation.id]
        )

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
        # The question that asked for the rest of a reply quotes it: not where the reply is
        # deleted, and not copied.
        if original["is_continuation"] and not _is_kept(db, original["parent_id"]):
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
        """Put a message out of sight. It can be restored until it is purged."""
        db.execute(
            "UPDATE messages SET deleted_ms = ? WHERE id = ? AND state != 'streaming'"
            " AND deleted_ms IS NOT 0",
            [self._clock.now_ms(), message_id],
        )

    @writes
    def restore(self, db: Database, message_id: str, tip_id: str | None) -> None:
        """Bring a deleted message back where it was.

        The line up to `tip_id` is read again, unless the one that is read has the message
        in it: what was said since stays in sight.
        """
        restored = db.execute(
            "UPDATE messages SET deleted_ms = NULL WHERE id = ? AND purged_ms IS NULL"
            " AND deleted_ms IS NOT 0 RETURNING conversation_id",
            [message_id],
        ).fetchone()
        if restored is None:
            return
        is_read = db.execute(
            f"{LINE} SELECT 1 FROM line WHERE id = ?",
            [_tip_of(db, *restored), message_id],
        ).fetchone()
        if is_read is None:
            db.execute("UPDATE conversations SET tip_id = ? WHERE id = ?", [tip_id, *restored])


def _is_kept(db: Database, message_id: str) -> bool:
    found = db.execute(
        "SELECT 1 FROM messages WHERE id = ? AND deleted_ms IS NULL", [message_id]
    )
    return found.fetchone() is not None


def _tip_of(db: Database, conversation_id: str) -> str | None:
    (tip_id,) = db.execute(
        "SELECT tip_id FROM conversations WHERE id = ?", [conversation_id]
    ).fetchone()
    return None if tip_id is None else str(tip_id)
