"""The statements that remove words from the tables; each runs inside its caller's transaction.

What is being removed has `deleted_ms` 0 from its first step on. Whatever is written later
and might repeat the words looks at that mark, in the transaction that writes it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from tui.conversation import title_of
from tui.folding import folded

MESSAGES = 50
"""How many messages are removed in a step."""

ERROR_REMOVED = "The endpoint's words were removed with a deleted message."
"""What stands for the text of an error that may repeat what was deleted."""

UNTITLED = "Untitled"
"""The title of a conversation whose questions were all deleted."""

_REMOVED = "(deleted_ms = 0 OR purged_ms IS NOT NULL)"
# UNION, not UNION ALL: it ends, whatever a damaged history says.
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
    """Remove some of a conversation, or all of a message; False when none was left.

    Nothing of what was brought back meanwhile.
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
    _forget_samples(connection)
    removed = connection.execute(
        "DELETE FROM messages WHERE n IN"
        " (SELECT n FROM messages WHERE conversation_id = ? LIMIT ?)",
        [conversation_id, MESSAGES],
    )
    return removed.rowcount > 0


def _forget_samples(connection: sqlite3.Connection) -> None:
    """Drop the titles and tags that some builds of SQLite keep to plan their queries."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat4'").fetchone():
        connection.execute("DELETE FROM sqlite_stat4")


def _remove_message(connection: sqlite3.Connection, message_id: str) -> None:
    """Remove the words of one message. Its place in the tree stays, for what follows it."""
    # While its words are there.
    is_titled_by = _is_titled_by(connection, message_id)
    connection.execute("UPDATE messages SET deleted_ms = 0 WHERE id = ?", [message_id])
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
    _remove_errors(connection, message_id)
    _remove_edits(connection, message_id)
    if is_titled_by:
        _title_anew(connection, message_id)
        _forget_samples(connection)


def _remove_errors(connection: sqlite3.Connection, message_id: str) -> None:
    """Remove what endpoints said in errors to whoever was sent a message."""
    named = {"id": message_id, "removed": ERROR_REMOVED}
    connection.execute(
        f"{_BELOW} DELETE FROM recordings WHERE request_id IN (SELECT r.id FROM requests AS r"
        " JOIN below ON below.id = r.message_id WHERE r.error_message IS NOT NULL)",
        named,
    )
    # Titles are asked for with the beginning of a conversation, and belong to no message.
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
    """Tell whether a title may be made of a message's words.

    Of a question's, as long as nobody gave a better one; a model that gives one is shown
    the first two messages.
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
            # A person's words stay until the person takes them away.
            return False


def _title_anew(connection: sqlite3.Connection, message_id: str) -> None:
    """Take a conversation's title from the first question that is left."""
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
        [title, folded(title), conversation_id],
    )


def is_removed(connection: sqlite3.Connection, conversation_id: str) -> bool:
    """Tell whether a conversation is being removed, or was."""
    found = connection.execute(
        f"SELECT 1 FROM conversations WHERE id = ? AND {_REMOVED}", [conversation_id]
    )
    return found.fetchone() is not None


def is_anything_removed(connection: sqlite3.Connection, message_ids: Sequence[str]) -> bool:
    """Tell whether any of some messages is being removed, or was."""
    marks = ", ".join("?" * len(message_ids))
    found = connection.execute(
        f"SELECT 1 FROM messages WHERE id IN ({marks}) AND {_REMOVED}", message_ids
    )
    return found.fetchone() is not None


def may_quote_removed(
    connection: sqlite3.Connection, conversation_id: str, message_id: str
) -> bool:
    """Tell whether what an endpoint says of a reply may repeat words that were removed."""
    if is_removed(connection, conversation_id):
        return True
    found = connection.execute(
        f"{_ABOVE} SELECT 1 FROM above JOIN messages USING (id) WHERE {_REMOVED}",
        {"id": message_id},
    )
    return found.fetchone() is not None
