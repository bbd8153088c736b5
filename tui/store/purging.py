"""Removing words for good, in steps that are short enough to be let in between others.

Deleting a row is not enough: the index keeps its words until its segments are merged,
and the write-ahead log keeps the pages as they were.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

PAGES = 50
"""How many pages of an index are merged in a step: 80 ms at worst, measured."""

MESSAGES = 50
"""How many messages are removed in a step."""


def remove_some(connection: sqlite3.Connection, conversation_id: str) -> bool:
    """Remove some of a conversation's messages; False when there were none left.

    Nothing of one that was brought back meanwhile.
    """
    if not _is_deleted(connection, "conversations", conversation_id):
        return False
    connection.execute(
        "UPDATE conversations SET title = '', folded_title = '', system = '', tip_id = NULL"
        " WHERE id = ?",
        [conversation_id],
    )
    for table in ("drafts", "places", "tags"):
        connection.execute(f"DELETE FROM {table} WHERE conversation_id = ?", [conversation_id])
    # An endpoint may repeat the prompt in its error.
    connection.execute(
        "UPDATE requests SET error_message = NULL WHERE conversation_id = ?", [conversation_id]
    )
    removed = connection.execute(
        "DELETE FROM messages WHERE n IN"
        " (SELECT n FROM messages WHERE conversation_id = ? LIMIT ?)",
        [conversation_id, MESSAGES],
    )
    return removed.rowcount > 0


def remove_message(connection: sqlite3.Connection, message_id: str) -> None:
    """Remove the words of one message. Its place in the tree stays, for what follows it.

    Nothing of one that was brought back meanwhile.
    """
    if not _is_deleted(connection, "messages", message_id):
        return
    for table in ("blocks", "recordings", "journal"):
        connection.execute(f"DELETE FROM {table} WHERE message_id = ?", [message_id])
    # The question that asked for its rest quotes its end.
    connection.execute(
        "DELETE FROM blocks WHERE message_id IN ("
        " SELECT next.id FROM messages AS m JOIN messages AS next"
        " ON next.conversation_id = m.conversation_id AND next.parent_id = m.id"
        " WHERE m.id = ? AND next.is_continuation)",
        [message_id],
    )
    connection.execute(
        "UPDATE messages SET failure = NULL, stop_details = NULL WHERE id = ?", [message_id]
    )
    connection.execute(
        "UPDATE requests SET error_message = NULL WHERE message_id = ?", [message_id]
    )


def _is_deleted(connection: sqlite3.Connection, table: str, row_id: str) -> bool:
    found = connection.execute(
        f"SELECT 1 FROM {table} WHERE id = ? AND deleted_ms IS NOT NULL", [row_id]
    )
    return found.fetchone() is not None


def merge(connection: sqlite3.Connection, index: str, pages: int) -> bool:
    """Merge some of an index's segments; False when there was nothing left to merge.

    The first time `pages` is negative, which makes everything that is in the index
    part of the merge.
    """
    before = connection.total_changes
    connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('merge', ?)", [pages])
    # https://sqlite.org/fts5.html#the_merge_command: less than two changes mean none.
    return connection.total_changes - before >= 2


def empty_log(writer: Callable[[], Database]) -> bool:
    """Move the write-ahead log into the file and cut it; False if it is in use. Blocks."""
    (is_busy, _, _) = writer().conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy
