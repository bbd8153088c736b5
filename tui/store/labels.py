"""What a person puts on conversations to find them again: titles, pins, tags, the archive."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.clock import Clock
from tui.conversation import Request, TitleBy
from tui.folding import folded
from tui.sanitise import whole
from tui.store import removal, rows
from tui.store.threads import Threads, reads, writes

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
        """Give a conversation another title; tell whether it took it.

        A person's title is changed by a person only, a model's by nobody less. One in
        the trash gets none: its words may be gone already, and none may come back. Nor does
        one get a title that was made of messages of which one is gone.
        """
        if removal.is_anything_removed(db.conn, made_of):
            return False
        ranks = {"question": 0, "model": 1, "person": 2}
        may_change = [of for of, rank in ranks.items() if rank <= ranks[by]]
        changed = db.execute(
            "UPDATE conversations SET title = ?, folded_title = ?, title_by = ?"
            " WHERE id = ? AND deleted_ms IS NULL"
            f" AND title_by IN ({', '.join('?' * len(may_change))})",
            [whole(title), folded(whole(title)), by, conversation_id, *may_change],
        )
        return changed.rowcount > 0

    @writes
    def keep_request(
        self, db: Database, request: Request, *, made_of: Sequence[str] = ()
    ) -> None:
        """Write a row of the ledger for what was asked besides replies.

        `made_of` are the messages that it was asked with.
        """
        row = rows.row_of_request(request)
        # An endpoint may repeat the prompt in its error.
        if removal.is_removed(db.conn, request.conversation_id) or (
            removal.is_anything_removed(db.conn, made_of)
        ):
            row["error_message"] = None
        db.table("requests").insert(row)

    @writes
    def pin(self, db: Database, conversation_ids: Sequence[str], *, is_pinned: bool) -> None:
        """Put conversations on top of the list, or back among the others."""
        for conversation_id in conversation_ids:
            db.execute(
                "UPDATE conversations SET is_pinned = ? WHERE id = ?",
                [int(is_pinned), conversation_id],
            )

    @writes
    def archive(
        self, db: Database, conversation_ids: Sequence[str], *, is_archived: bool
    ) -> None:
        """Put conversations into the archive, or back into the list."""
        archived_ms = self._clock.now_ms() if is_archived else None
        for conversation_id in conversation_ids:
            db.execute(
                "UPDATE conversations SET archived_ms = ? WHERE id = ?",
                [archived_ms, conversation_id],
            )

    @reads
    def tags(self, connection: sqlite3.Connection, conversation_id: str) -> tuple[str, ...]:
        """Return a conversation's tags, in the order of the alphabet."""
        found = connection.execute(
            "SELECT tag FROM tags WHERE conversation_id = ? ORDER BY tag", [conversation_id]
        )
        return tuple(tag for (tag,) in found)

    @reads
    def all_tags(self, connection: sqlite3.Connection) -> list[tuple[str, int]]:
        """Return the tags there are, each with how many conversations have it."""
        found = connection.execute(
            "SELECT tag, count(*) FROM tags JOIN conversations AS c ON c.id = conversation_id"
            " WHERE c.deleted_ms IS NULL GROUP BY tag ORDER BY tag"
        )
        return [(tag, count) for tag, count in found]

    @writes
    def set_tags(
        self, db: Database, conversation_ids: Sequence[str], tags: Sequence[str]
    ) -> None:
        """Give conversations these tags, and no others."""
        for conversation_id in conversation_ids:
            db.execute("DELETE FROM tags WHERE conversation_id = ?", [conversation_id])
            db.table("tags").insert_all(
                {"conversation_id": conversation_id, "tag": whole(tag)}
                for tag in dict.fromkeys(tags)
                if not removal.is_removed(db.conn, conversation_id)
            )
