"""Read paths of a conversation's tree: the messages from the first one to a tip.

A caller that needs several of these functions to agree calls them in one transaction.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from tui.domain.conversation import Conversation, Message
from tui.domain.reply import StreamingReply
from tui.store import conversation_list, rows

R = TypeVar("R", bound=rows.Row)

PATH = """
    WITH RECURSIVE path (id, parent_id, copied_from) AS (
        SELECT id, parent_id, copied_from FROM messages WHERE id = ?
        UNION
        SELECT m.id, m.parent_id, m.copied_from FROM messages AS m
        JOIN path ON m.id = path.parent_id
    )
"""
"""With UNION, the recursion ends even if damaged rows form a cycle."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A conversation at one moment: its row, the path to its tip, and the path's versions."""

    conversation: Conversation
    path: list[Message]
    versions: dict[str, tuple[str, ...]]


def snapshot(
    connection: sqlite3.Connection, conversation: Conversation, reply: StreamingReply | None
) -> Snapshot:
    """Return a conversation as it is now; the given one if it is not saved."""
    found = conversation_list.by_id(connection, conversation.id) or conversation
    return Snapshot(
        found,
        messages(connection, found.tip_id),
        versions(connection, found.tip_id, reply),
    )


def messages(connection: sqlite3.Connection, tip_id: str | None) -> list[Message]:
    """Return the messages of a path, without deleted ones; none for an unknown tip.

    A question that continues a reply quotes that reply. If the reply is deleted, the
    question has no blocks, as it will be when the reply is purged.
    """
    blocks = defaultdict(list)
    for row in connection.execute(
        f"{PATH} SELECT b.* FROM path JOIN blocks AS b ON b.message_id = path.id"
        " ORDER BY b.message_id, b.seq",
        [tip_id],
    ):
        blocks[row["message_id"]].append(row)
    requests = defaultdict(list)
    for row in connection.execute(
        f"{PATH} SELECT r.*, path.id AS path_id FROM path JOIN requests AS r"
        " ON r.message_id = coalesce(path.copied_from, path.id)"
        " WHERE r.purpose = 'reply' ORDER BY r.attempt",
        [tip_id],
    ):
        requests[row["path_id"]].append(row)
    found = connection.execute(
        f"{PATH} SELECT m.* FROM path JOIN messages AS m ON m.id = path.id", [tip_id]
    )
    path = in_order(found, tip_id)
    deleted = {row["id"] for row in path if row["deleted_ms"] is not None}
    for row in path:
        if row["is_continuation"] and row["parent_id"] in deleted:
            blocks[row["id"]].clear()
    return [
        rows.message_from(row, blocks[row["id"]], requests[row["id"]])
        for row in path
        if row["id"] not in deleted
    ]


def in_order(found: Iterable[R], tip_id: str | None) -> list[R]:
    """Return the rows of a path from its first message to its tip, each once."""
    by_id = {row["id"]: row for row in found}
    path = []
    while tip_id is not None and (row := by_id.pop(tip_id, None)) is not None:
        path.append(row)
        tip_id = row["parent_id"]
    return path[::-1]


def versions(
    connection: sqlite3.Connection, tip_id: str | None, reply: StreamingReply | None = None
) -> dict[str, tuple[str, ...]]:
    """Return the versions of each message of a path that has more than one.

    The versions are in order of age and include the message itself. `reply` is a reply
    that is being written in the conversation, on the path or not; it may not be on disk yet.
    """
    found = defaultdict[str, list[str]](list)
    for message_id, version_id in connection.execute(
        f"{PATH} SELECT path.id, other.id FROM path"
        " JOIN messages AS m ON m.id = path.id"
        " JOIN messages AS other ON other.conversation_id = m.conversation_id"
        " AND other.parent_id IS m.parent_id"
        " WHERE other.deleted_ms IS NULL AND other.role = m.role ORDER BY other.n",
        [tip_id],
    ):
        found[message_id].append(version_id)
    if reply is not None:
        before = _other_replies(connection, reply)
        is_here = tip_id in (reply.id, reply.parent_id)
        for each in [*(found.keys() & before), *([reply.id] if is_here else ())]:
            found[each] = [*before, reply.id]
    return {each: tuple(ids) for each, ids in found.items() if len(ids) > 1}


def _other_replies(connection: sqlite3.Connection, reply: StreamingReply) -> list[str]:
    """Return the other replies to a reply's question, oldest first."""
    found = connection.execute(
        "SELECT id FROM messages WHERE conversation_id = ? AND parent_id IS ?"
        " AND role = 'assistant' AND deleted_ms IS NULL AND id != ? ORDER BY n",
        [reply.conversation_id, reply.parent_id, reply.id],
    )
    return [message_id for (message_id,) in found]
