"""The bytes of attachments, each stored once by its SHA-256.

A blob is referred to by the blocks of messages (triggers count them) and by drafts. A draft
holds a blob from the moment when a file is attached until the question is saved, so that a
purge in another window does not remove it in between.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import TYPE_CHECKING

from tui.domain.attached_block import sha256_of
from tui.domain.clock import Clock
from tui.store import removal
from tui.store.connection import HistoryError
from tui.store.threads import Threads, reads, writes

if TYPE_CHECKING:
    from sqlite_utils import Database

HELD_FOR_MS = 24 * 60 * 60 * 1000
"""How long a blob is held for a conversation that has no draft: a program may have died."""


class Blobs:
    """The blobs of one history. Every method raises `HistoryError`."""

    def __init__(self, threads: Threads, clock: Clock) -> None:
        self.threads = threads
        self._clock = clock

    @writes
    def put(self, db: Database, content: bytes, *, conversation_id: str) -> str:
        """Store bytes, unless they are there, and hold them for a conversation's draft.

        Returns their SHA-256.
        """
        if removal.is_purged(db.conn, conversation_id):
            raise HistoryError("This conversation was deleted in another window.")
        sha256 = sha256_of(content)
        db.execute(
            "INSERT INTO blobs (sha256, size, content) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [sha256, len(content), content],
        )
        db.execute(
            "INSERT INTO draft_blobs (conversation_id, sha256, held_ms) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET held_ms = excluded.held_ms",
            [conversation_id, sha256, self._clock.now_ms()],
        )
        return sha256

    @writes
    def release(
        self, db: Database, conversation_id: str, *, sha256s: Collection[str] | None = None
    ) -> None:
        """Hold some blobs no longer for a conversation's draft; without `sha256s`, all."""
        release(db.conn, conversation_id, sha256s)

    @reads
    def get(self, connection: sqlite3.Connection, sha256s: Collection[str]) -> dict[str, bytes]:
        """Return the bytes of some blobs; leaves out missing and damaged ones."""
        found = {}
        for sha256 in set(sha256s):
            row = connection.execute(
                "SELECT content FROM blobs WHERE sha256 = ?", [sha256]
            ).fetchone()
            # Something else must not be sent in the place of a file.
            if row is not None and sha256_of(row[0]) == sha256:
                found[sha256] = row[0]
        return found

    @reads
    def references(self, connection: sqlite3.Connection, sha256: str) -> int:
        """Return how many blocks of messages refer to a blob."""
        (number,) = connection.execute(
            "SELECT count(*) FROM block_blobs WHERE sha256 = ?", [sha256]
        ).fetchone()
        return int(number)

    async def remove_unused(self) -> None:
        """Remove what nothing refers to any more, in steps. A purge calls this."""
        await self._release_stale()
        while await self._remove_some():
            pass

    @writes
    def _release_stale(self, db: Database) -> None:
        db.execute(
            "DELETE FROM draft_blobs WHERE conversation_id IN (SELECT id FROM conversations"
            " WHERE deleted_ms = 0 OR purged_ms IS NOT NULL)"
            " OR held_ms < ? AND conversation_id NOT IN (SELECT conversation_id FROM drafts)",
            [self._clock.now_ms() - HELD_FOR_MS],
        )

    @writes
    def _remove_some(self, db: Database) -> bool:
        return removal.remove_some_blobs(db.conn)


def release(
    connection: sqlite3.Connection, conversation_id: str, sha256s: Collection[str] | None = None
) -> None:
    """Do as `Blobs.release`, in the caller's transaction, such as that of the question."""
    if sha256s is None:
        connection.execute(
            "DELETE FROM draft_blobs WHERE conversation_id = ?", [conversation_id]
        )
    for sha256 in sha256s or ():
        connection.execute(
            "DELETE FROM draft_blobs WHERE conversation_id = ? AND sha256 = ?",
            [conversation_id, sha256],
        )
