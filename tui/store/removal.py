"""Statements that purge text from the tables. Each runs in its caller's transaction.

The first step of a purge sets `deleted_ms` to 0. A later write that may repeat the text must
check that mark in its own transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from tui.domain.conversation import title_of
from tui.domain.normalise import normalise

MESSAGES = 50
"""How many messages one step removes."""

BLOBS = 8 * 1024 * 1024
"""How many bytes of attachments one step removes, unless a single one has more."""

ERROR_REMOVED = "The text of this error was removed with a deleted message."
"""Replaces the text of an error that may quote deleted text."""

UNTITLED = "Untitled"
"""The title of a conversation whose questions were all deleted."""

_NOT_REFERRED_TO = """
    NOT EXISTS (SELECT 1 FROM block_blobs WHERE block_blobs.sha256 = blobs.sha256)
    AND NOT EXISTS (SELECT 1 FROM draft_blobs WHERE draft_blobs.sha256 = blobs.sha256)
"""
_PURGED = "(deleted_ms = 0 OR purged_ms IS NOT NULL)"
# With UNION, unlike UNION ALL, the recursion ends even if a damaged history has a cycle.
_ABOVE = """
    WITH RECURSIVE above (id, parent_id) AS (
        SELECT id, parent_id FROM messages WHERE id = :id
        UNION
        SELECT m.id, m.parent_id FROM messages AS m JOIN above ON m.id = above.parent_id
    )
"""
_BELOW = """
    WITH RECURSIVE below (id, conversation_id) AS (
        SELECT id, conversation_id FROM messages WHERE id = :id
        UNION
        SELECT m.id, m.conversation_id FROM messages AS m JOIN below
        ON m.conversation_id = below.conversation_id AND m.parent_id = below.id
    )
"""


def remove_some(connection: sqlite3.Connection, row_id: str) -> bool:
    """Remove some messages of a conversation, or one message; return whether more is left.

    Removes nothing if the conversation or the message was restored meanwhile.
    """
    if _is_deleted(connection, "conversations", row_id):
        return _remove_some_messages(connection, row_id)
    if _is_deleted(connection, "messages", row_id):
        _remove_message(connection, row_id)
    return False


def _is_deleted(connection: sqlite3.Connection, table: str, row_id: str) -> bool:
    found = connection.execute(
        f"SELECT 1 FROM {table} WHERE id = ? AND deleted_ms IS NOT NULL", [row_id]
    )
    return found.fetchone() is not None


def _remove_some_messages(connection: sqlite3.Connection, conversation_id: str) -> bool:
    connection.execute(
        "UPDATE conversations SET deleted_ms = 0, title = '', folded_title = '', system = '',"
        " tip_id = NULL WHERE id = ?",
        [conversation_id],
    )
    for table in ("drafts", "places", "tags"):
        connection.execute(f"DELETE FROM {table} WHERE conversation_id = ?", [conversation_id])
    # An endpoint may repeat the prompt in its error.
    connection.execute(
        "UPDATE requests SET error_message = NULL WHERE conversation_id = ?", [conversation_id]
    )
    _delete_samples(connection)
    removed = connection.execute(
        "DELETE FROM messages WHERE n IN"
        " (SELECT n FROM messages WHERE conversation_id = ? LIMIT ?)",
        [conversation_id, MESSAGES],
    )
    delete_unused_system_prompts(connection)
    return removed.rowcount > 0


def delete_unused_system_prompts(connection: sqlite3.Connection) -> None:
    """Delete the system prompts that no message refers to any more."""
    connection.execute(
        "DELETE FROM system_prompts WHERE NOT EXISTS"
        " (SELECT 1 FROM messages WHERE system_digest = digest)"
    )


def remove_some_blobs(connection: sqlite3.Connection) -> bool:
    """Remove some blobs that nothing refers to; return whether more are left."""
    unused = connection.execute(
        f"SELECT sha256, size FROM blobs WHERE {_NOT_REFERRED_TO} LIMIT 100"
    ).fetchall()
    removed = 0
    for number, (sha256, size) in enumerate(unused):
        if number and removed + size > BLOBS:
            return True
        connection.execute("DELETE FROM blobs WHERE sha256 = ?", [sha256])
        removed += size
    return len(unused) == 100


def _delete_samples(connection: sqlite3.Connection) -> None:
    """Delete the sample titles and tags that some SQLite builds store for the query planner."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat4'").fetchone():
        connection.execute("DELETE FROM sqlite_stat4")


def _remove_message(connection: sqlite3.Connection, message_id: str) -> None:
    """Remove the text of one message. Its row stays, because other messages are below it."""
    # This reads the message, so it comes first.
    is_titled_by = _is_titled_by(connection, message_id)
    connection.execute("UPDATE messages SET deleted_ms = 0 WHERE id = ?", [message_id])
    for table in ("blocks", "recordings", "journal"):
        connection.execute(f"DELETE FROM {table} WHERE message_id = ?", [message_id])
    # A question that continues this reply quotes its end.
    connection.execute(
        "DELETE FROM blocks WHERE message_id IN ("
        " SELECT next.id FROM messages AS m JOIN messages AS next"
        " ON next.conversation_id = m.conversation_id AND next.parent_id = m.id"
        " WHERE m.id = ? AND next.is_continuation)",
        [message_id],
    )
    connection.execute(
        "UPDATE messages SET failure = NULL, stop_details = NULL, system_digest = NULL"
        " WHERE id = ?",
        [message_id],
    )
    delete_unused_system_prompts(connection)
    _remove_errors(connection, message_id)
    _remove_edits(connection, message_id)
    if is_titled_by:
        _replace_title(connection, message_id)
        _delete_samples(connection)


def _remove_errors(connection: sqlite3.Connection, message_id: str) -> None:
    """Remove the error texts of all requests that contained a message."""
    named = {"id": message_id, "removed": ERROR_REMOVED}
    connection.execute(
        f"{_BELOW} DELETE FROM recordings WHERE request_id IN (SELECT r.id FROM requests AS r"
        " JOIN below ON below.id = r.message_id WHERE r.error_message IS NOT NULL)",
        named,
    )
    # A request for a title contains the first messages, but belongs to no message.
    connection.execute(
        f"{_BELOW} UPDATE requests SET error_message = NULL WHERE message_id IN"
        " (SELECT id FROM below) OR purpose = 'title' AND conversation_id IN"
        " (SELECT conversation_id FROM below)",
        named,
    )
    connection.execute(
        f"{_BELOW} UPDATE messages SET failure = CASE WHEN json_valid(failure)"
        " THEN json_set(failure, '$.message', :removed) END"
        " WHERE failure IS NOT NULL AND id IN (SELECT id FROM below)",
        named,
    )


def _remove_edits(connection: sqlite3.Connection, message_id: str) -> None:
    connection.execute(
        "UPDATE drafts SET edited_id = NULL, edit = '' WHERE edited_id = ?", [message_id]
    )
    connection.execute("DELETE FROM drafts WHERE text = '' AND edit = '' AND queued = '[]'")


def _is_titled_by(connection: sqlite3.Connection, message_id: str) -> bool:
    """Return whether a title may be made of a message's words.

    The first title is the beginning of the first question. A model makes a title from the
    first two messages.
    """
    title_by, is_question = connection.execute(
        "SELECT c.title_by, m.role = 'user' FROM messages AS m"
        " JOIN conversations AS c ON c.id = m.conversation_id WHERE m.id = ?",
        [message_id],
    ).fetchone() or ("person", False)
    (before,) = connection.execute(
        f"{_ABOVE} SELECT count(*) FROM above JOIN messages USING (id)"
        " WHERE id != :id AND deleted_ms IS NULL",
        {"id": message_id},
    ).fetchone()
    match title_by:
        case "question":
            return bool(is_question and before == 0)
        case "model":
            return bool(before <= 1)
        case _:
            # A title that the user wrote stays until the user changes it.
            return False


def _replace_title(connection: sqlite3.Connection, message_id: str) -> None:
    """Make a conversation's title from the first question that is not deleted."""
    (conversation_id,) = connection.execute(
        "SELECT conversation_id FROM messages WHERE id = ?", [message_id]
    ).fetchone()
    found = connection.execute(
        "SELECT b.text FROM messages AS m JOIN blocks AS b ON b.message_id = m.id"
        " WHERE m.conversation_id = ? AND m.role = 'user' AND m.deleted_ms IS NULL"
        " AND NOT m.is_continuation AND b.type = 'text' AND b.text IS NOT NULL"
        " ORDER BY m.n, b.seq LIMIT 1",
        [conversation_id],
    ).fetchone()
    title = (title_of(found[0]) if found else "") or UNTITLED
    connection.execute(
        "UPDATE conversations SET title = ?, folded_title = ?, title_by = 'question'"
        " WHERE id = ?",
        [title, normalise(title), conversation_id],
    )


def is_purged(connection: sqlite3.Connection, conversation_id: str) -> bool:
    """Return whether a conversation is purged, or its purge has begun."""
    found = connection.execute(
        f"SELECT 1 FROM conversations WHERE id = ? AND {_PURGED}", [conversation_id]
    )
    return found.fetchone() is not None


def is_any_purged(connection: sqlite3.Connection, message_ids: Sequence[str]) -> bool:
    """Return whether any of the messages is purged, or its purge has begun."""
    marks = ", ".join("?" * len(message_ids))
    found = connection.execute(
        f"SELECT 1 FROM messages WHERE id IN ({marks}) AND {_PURGED}", message_ids
    )
    return found.fetchone() is not None


def may_quote_purged(
    connection: sqlite3.Connection, conversation_id: str, message_id: str
) -> bool:
    """Return whether an endpoint's error about a reply may quote a purged message."""
    if is_purged(connection, conversation_id):
        return True
    found = connection.execute(
        f"{_ABOVE} SELECT 1 FROM above JOIN messages USING (id) WHERE {_PURGED}",
        {"id": message_id},
    )
    return found.fetchone() is not None
