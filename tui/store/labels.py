"""Titles, pins, tags, the archive, parameters: what a user sets of conversations."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.domain.clock import Clock
from tui.domain.conversation import TitleBy
from tui.domain.normalise import normalise
from tui.domain.parameters import Parameters
from tui.domain.request import Request
from tui.store import removal, rows
from tui.store.threads import Threads, reads, writes
from tui.text.sanitise import fix_surrogates

if TYPE_CHECKING:
    from sqlite_utils import Database


class Labels:
    """The labels of one history."""

    def __init__(self, threads: Threads, clock: Clock) -> None:
        self.threads = threads
        self._clock = clock

    @writes
    def rename(
        self,
        db: Database,
        conversation_id: str,
        title: str,
        *,
        by: TitleBy,
        made_of: Sequence[str] = (),
    ) -> bool:
        """Change a conversation's title; return whether it was changed.

        A person's title beats a model's, and a model's beats the question's. A deleted
        conversation keeps its title: its words may be purged already, and must not come
        back. For the same reason, a title is refused if one of the messages that it was
        made of (`made_of`) was purged.
        """
        if removal.is_any_purged(db.conn, made_of):
            return False
        ranks = {"question": 0, "model": 1, "person": 2}
        may_change = [title_by for title_by, rank in ranks.items() if rank <= ranks[by]]
        changed = db.execute(
            "UPDATE conversations SET title = ?, folded_title = ?, title_by = ?"
            " WHERE id = ? AND deleted_ms IS NULL"
            f" AND title_by IN ({', '.join('?' * len(may_change))})",
            [
                fix_surrogates(title),
                normalise(fix_surrogates(title)),
                by,
                conversation_id,
                *may_change,
            ],
        )
        return changed.rowcount > 0

    @writes
    def add_request(
        self, db: Database, request: Request, *, made_of: Sequence[str] = ()
    ) -> None:
        """Add a row to the request log for a request that is not for a reply.

        `made_of` has the ids of the messages in its prompt.
        """
        row = rows.row_of_request(request)
        # An endpoint may repeat the prompt in its error.
        if removal.is_purged(db.conn, request.conversation_id) or (
            removal.is_any_purged(db.conn, made_of)
        ):
            row["error_message"] = None
        db.table("requests").insert(row)

    @reads
    def recent_models(self, connection: sqlite3.Connection) -> list[str]:
        """Return the models of the newest conversations, the most recent one first."""
        found = connection.execute(
            "SELECT model FROM ("
            "SELECT model, updated_ms FROM conversations"
            " WHERE deleted_ms IS NULL AND archived_ms IS NULL"
            " ORDER BY is_pinned DESC, updated_ms DESC, id DESC LIMIT 200"
            ") GROUP BY model ORDER BY max(updated_ms) DESC"
        )
        return [model for (model,) in found]

    @writes
    def set_parameters(
        self, db: Database, conversation_id: str, parameters: Parameters
    ) -> bool:
        """Set the parameters of a conversation; return whether they were set.

        A deleted conversation keeps its own: its system prompt may be purged already, and
        must not come back.
        """
        row = rows.row_of_parameters(parameters)
        changed = db.execute(
            f"UPDATE conversations SET {rows.assignments(row)}"
            " WHERE id = :id AND deleted_ms IS NULL",
            {**row, "id": conversation_id},
        )
        return changed.rowcount > 0

    @writes
    def pin(self, db: Database, conversation_ids: Sequence[str], *, is_pinned: bool) -> None:
        """Pin conversations to the top of the list, or unpin them."""
        for conversation_id in conversation_ids:
            db.execute(
                "UPDATE conversations SET is_pinned = ? WHERE id = ?",
                [int(is_pinned), conversation_id],
            )

    @writes
    def archive(
        self, db: Database, conversation_ids: Sequence[str], *, is_archived: bool
    ) -> None:
        """Move conversations into the archive, or back into the list."""
        archived_ms = self._clock.now_ms() if is_archived else None
        for conversation_id in conversation_ids:
            db.execute(
                "UPDATE conversations SET archived_ms = ? WHERE id = ?",
                [archived_ms, conversation_id],
            )

    @reads
    def tags(self, connection: sqlite3.Connection, conversation_id: str) -> tuple[str, ...]:
        """Return a conversation's tags in alphabetical order."""
        found = connection.execute(
            "SELECT tag FROM tags WHERE conversation_id = ? ORDER BY tag", [conversation_id]
        )
        return tuple(tag for (tag,) in found)

    @reads
    def all_tags(self, connection: sqlite3.Connection) -> list[tuple[str, int]]:
        """Return all tags, each with the number of conversations that have it."""
        found = connection.execute(
            "SELECT tag, count(*) FROM tags JOIN conversations AS c ON c.id = conversation_id"
            " WHERE c.deleted_ms IS NULL GROUP BY tag ORDER BY tag"
        )
        return [(tag, count) for tag, count in found]

    @writes
    def set_tags(
        self, db: Database, conversation_ids: Sequence[str], tags: Sequence[str]
    ) -> None:
        """Replace the tags of conversations."""
        for conversation_id in conversation_ids:
            db.execute("DELETE FROM tags WHERE conversation_id = ?", [conversation_id])
            db.table("tags").insert_all(
                {"conversation_id": conversation_id, "tag": fix_surrogates(tag)}
                for tag in dict.fromkeys(tags)
                if not removal.is_purged(db.conn, conversation_id)
            )
