"""Drafts, and how far each conversation was scrolled."""

from __future__ import annotations

import sqlite3
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING

from tui.domain.clock import Clock
from tui.domain.conversation import ComposerDraft, ScrollAnchor
from tui.store import removal, rows
from tui.store.threads import Threads, reads, writes
from tui.text.sanitise import fix_surrogates

if TYPE_CHECKING:
    from sqlite_utils import Database


class Drafts:
    """The drafts and scroll anchors of one history.

    A conversation that is not saved yet can have them too.
    """

    def __init__(self, threads: Threads, clock: Clock) -> None:
        self.threads = threads
        self._clock = clock

    @writes
    def save(self, db: Database, conversation_id: str, draft: ComposerDraft) -> None:
        """Save the draft of a conversation; remove it if `draft` is empty.

        Saves nothing for a purged conversation, and no edit of a purged question.
        """
        if draft.edited_id and removal.is_any_purged(db.conn, [draft.edited_id]):
            draft = replace(draft, edited_id=None, edit="")
        if draft.is_empty or removal.is_purged(db.conn, conversation_id):
            db.execute("DELETE FROM drafts WHERE conversation_id = ?", [conversation_id])
            return
        db.execute(
            "INSERT OR REPLACE INTO drafts"
            " (conversation_id, text, queued, edited_id, edit, updated_ms)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                conversation_id,
                fix_surrogates(draft.text),
                rows.queue_text(draft),
                draft.edited_id,
                fix_surrogates(draft.edit),
                self._clock.now_ms(),
            ],
        )

    @reads
    def draft(self, connection: sqlite3.Connection, conversation_id: str) -> ComposerDraft:
        """Return the draft of a conversation; an empty one if it has none."""
        row = connection.execute(
            "SELECT d.*, c.id IS NOT NULL AS is_saved FROM drafts AS d"
            " LEFT JOIN conversations AS c ON c.id = d.conversation_id"
            " WHERE d.conversation_id = ?",
            [conversation_id],
        ).fetchone()
        if row is None:
            return ComposerDraft()
        draft = rows.draft_from(row)
        # The program may have died before it removed what a saved conversation has itself.
        return replace(draft, first=None) if row["is_saved"] else draft

    @reads
    def conversation_ids(self, connection: sqlite3.Connection) -> AbstractSet[str]:
        """Return the ids of the conversations that have a draft."""
        found = connection.execute("SELECT conversation_id FROM drafts")
        return frozenset(conversation_id for (conversation_id,) in found)

    @reads
    def newest_unsaved(self, connection: sqlite3.Connection) -> str | None:
        """Return the id of the newest draft whose conversation has no question yet."""
        row = connection.execute(
            "SELECT conversation_id FROM drafts"
            " WHERE conversation_id NOT IN (SELECT id FROM conversations)"
            " ORDER BY updated_ms DESC LIMIT 1"
        ).fetchone()
        return None if row is None else str(row[0])

    @writes
    def save_scroll_anchor(
        self, db: Database, conversation_id: str, anchor: ScrollAnchor
    ) -> None:
        """Save a conversation's scroll anchor, and that it is the last one read."""
        db.execute(
            "INSERT OR REPLACE INTO places"
            " (conversation_id, message_id, leaf, line, position, read_ms)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                conversation_id,
                anchor.message_id,
                anchor.leaf,
                anchor.line,
                anchor.position,
                self._clock.now_ms(),
            ],
        )

    @reads
    def scroll_anchor(
        self, connection: sqlite3.Connection, conversation_id: str
    ) -> ScrollAnchor:
        """Return a conversation's scroll anchor; its end if it was never read."""
        row = connection.execute(
            "SELECT message_id, leaf, line, position FROM places WHERE conversation_id = ?",
            [conversation_id],
        ).fetchone()
        return ScrollAnchor() if row is None else rows.scroll_anchor_from(row)

    @reads
    def read_last(self, connection: sqlite3.Connection) -> str | None:
        """Return the id of the conversation that was read last.

        It may belong to a conversation that is not saved yet, or that is gone.
        """
        row = connection.execute(
            "SELECT conversation_id FROM places ORDER BY read_ms DESC LIMIT 1"
        ).fetchone()
        return None if row is None else str(row[0])
