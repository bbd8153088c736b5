"""What was written and not sent, and where in a conversation somebody was."""

from __future__ import annotations

import sqlite3
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING

from tui.clock import Clock
from tui.conversation import Place, Unsent
from tui.sanitise import whole
from tui.store import removal, rows
from tui.store.threads import Threads, reads, writes

if TYPE_CHECKING:
    from sqlite_utils import Database


class Drafts:
    """The unsent texts of one history, one for each conversation, saved or not."""

    def __init__(self, threads: Threads, clock: Clock) -> None:
        self.threads = threads
        self._clock = clock

    @writes
    def keep(self, db: Database, conversation_id: str, unsent: Unsent) -> None:
        """Keep what was not sent in a conversation; nothing is kept of an empty text.

        Nor of a conversation that was removed, or of the edit of a question that was.
        """
        if unsent.edited_id and removal.is_anything_removed(db.conn, [unsent.edited_id]):
            unsent = replace(unsent, edited_id=None, edit="")
        if unsent.is_empty or removal.is_removed(db.conn, conversation_id):
            db.execute("DELETE FROM drafts WHERE conversation_id = ?", [conversation_id])
            return
        db.execute(
            "INSERT OR REPLACE INTO drafts"
            " (conversation_id, text, queued, edited_id, edit, updated_ms)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                conversation_id,
                whole(unsent.text),
                rows.dumps(unsent.queued),
                unsent.edited_id,
                whole(unsent.edit),
                self._clock.now_ms(),
            ],
        )

    @reads
    def unsent(self, connection: sqlite3.Connection, conversation_id: str) -> Unsent:
        """Return what was not sent in a conversation."""
        row = connection.execute(
            "SELECT * FROM drafts WHERE conversation_id = ?", [conversation_id]
        ).fetchone()
        return Unsent() if row is None else rows.unsent_from(row)

    @reads
    def conversation_ids(self, connection: sqlite3.Connection) -> AbstractSet[str]:
        """Return the conversations in which something was not sent."""
        found = connection.execute("SELECT conversation_id FROM drafts")
        return frozenset(conversation_id for (conversation_id,) in found)

    @reads
    def newest_unsaved(self, connection: sqlite3.Connection) -> str | None:
        """Return the id of the conversation that has a draft and no question yet."""
        row = connection.execute(
            "SELECT conversation_id FROM drafts"
            " WHERE conversation_id NOT IN (SELECT id FROM conversations)"
            " ORDER BY updated_ms DESC LIMIT 1"
        ).fetchone()
        return None if row is None else str(row[0])

    @writes
    def keep_place(self, db: Database, conversation_id: str, place: Place) -> None:
        """Keep where somebody is in a conversation, which is the one read last now."""
        db.execute(
            "INSERT OR REPLACE INTO places"
            " (conversation_id, message_id, leaf, line, position, read_ms)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                conversation_id,
                place.message_id,
                place.leaf,
                place.line,
                place.position,
                self._clock.now_ms(),
            ],
        )

    @reads
    def place(self, connection: sqlite3.Connection, conversation_id: str) -> Place:
        """Return where somebody was in a conversation; of one never read: at its end."""
        row = connection.execute(
            "SELECT message_id, leaf, line, position FROM places WHERE conversation_id = ?",
            [conversation_id],
        ).fetchone()
        return Place() if row is None else rows.place_from(row)

    @reads
    def read_last(self, connection: sqlite3.Connection) -> str | None:
        """Return the conversation that was read last; it may be unsaved, or gone."""
        row = connection.execute(
            "SELECT conversation_id FROM places ORDER BY read_ms DESC LIMIT 1"
        ).fetchone()
        return None if row is None else str(row[0])
