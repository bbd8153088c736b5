"""Recovers replies whose program died: what had arrived becomes the reply.

Each reply has its own transaction, so that one that cannot be recovered does not block the
others. A journal entry is deleted only after it was read.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from tui.domain.clock import Clock
from tui.domain.failure import Failure
from tui.domain.journal import BadJournal, replay
from tui.domain.reply import StreamingReply
from tui.store import rows, writing
from tui.store.connection import HistoryError
from tui.store.process_lock import is_alive
from tui.store.threads import Threads, reads, writes
from tui.text.sanitise import fix_surrogates

if TYPE_CHECKING:
    from sqlite_utils import Database

MAX_RECOVERED_PER_START = 100
"""The limit keeps a start short. No program leaves that many replies."""

JOURNAL_KEPT = "Part of this reply cannot be read. The raw data is in the table journal."

_log = logging.getLogger(__name__)


class Recovery:
    """Recovers the replies of one history that no program writes any more."""

    def __init__(self, threads: Threads, clock: Clock, locks: Path) -> None:
        self.threads = threads
        self._clock = clock
        self._locks = locks

    async def run(self) -> int:
        """Mark the replies of dead programs as interrupted; return how many.

        Does not touch a reply whose program is alive, suspended, or cannot be checked.
        Raises `HistoryError` if a reply could not be recovered, after trying all others.
        """
        problem: HistoryError | None = None
        recovered = 0
        for question_id, owner in await self._claimed():
            if not is_alive(self._locks, owner):
                await self._release_claim(question_id, owner)
        for message_id, writer in await self._streaming():
            if writer is not None and is_alive(self._locks, writer):
                continue
            try:
                recovered += await self._interrupt(message_id, writer)
            except HistoryError as error:
                if not isinstance(error.__cause__, sqlite3.IntegrityError):
                    raise
                problem = error
        if problem is not None:
            raise problem
        return recovered

    @reads
    def _streaming(self, connection: sqlite3.Connection) -> list[tuple[str, str | None]]:
        found = connection.execute(
            "SELECT m.id, s.owner FROM messages AS m"
            " LEFT JOIN streams AS s ON s.message_id = m.id WHERE m.state = 'streaming'"
            " LIMIT ?",
            [MAX_RECOVERED_PER_START],
        )
        return [(message_id, owner) for message_id, owner in found]

    @reads
    def _claimed(self, connection: sqlite3.Connection) -> list[tuple[str, str]]:
        """Return the questions that have a claim, each with its owner. See `claims`."""
        found = connection.execute(
            # CROSS JOIN keeps the order of the tables: only the first one is small.
            "SELECT message_id, owner FROM streams CROSS JOIN messages AS m"
            " ON m.id = message_id WHERE m.state != 'streaming' LIMIT ?",
            [MAX_RECOVERED_PER_START],
        )
        return [(question_id, owner) for question_id, owner in found]

    @writes
    def _release_claim(self, db: Database, question_id: str, owner: str) -> None:
        db.execute(
            "DELETE FROM streams WHERE message_id = ? AND owner = ?", [question_id, owner]
        )

    @writes
    def _interrupt(self, db: Database, message_id: str, owner: str | None) -> bool:
        # Another program may have recovered it, or its owner may have finished it.
        found = db.execute(
            "SELECT 1 FROM messages AS m LEFT JOIN streams AS s ON s.message_id = m.id"
            " WHERE m.id = ? AND m.state = 'streaming' AND s.owner IS ?",
            [message_id, owner],
        ).fetchone()
        if found is None:
            return False
        try:
            with db.atomic():
                _interrupt(db, message_id, self._clock.now_ms())
        except Exception as error:
            if isinstance(error, sqlite3.Error) and not _is_caused_by_rows(error):
                raise
            # Whatever the journal has: the reply must not be shown as running for ever.
            _log.exception("a reply could not be recovered: %s", message_id)
            _set_aside(db, message_id, self._clock.now_ms())
        return True


def _is_caused_by_rows(error: sqlite3.Error) -> bool:
    return isinstance(error, sqlite3.IntegrityError | sqlite3.DataError)


def _interrupt(db: Database, message_id: str, now_ms: int) -> None:
    """End a reply as interrupted, with what its journal has of it."""
    reply, is_complete = _replayed(db, message_id)
    writing.insert_blocks(db, message_id, reply.blocks)
    db.execute(
        "UPDATE messages SET state = 'interrupted', finished_ms = ?, model = ?,"
        " stop_reason = ?, failure = ? WHERE id = ?",
        [
            now_ms,
            fix_surrogates(reply.model),
            None if reply.stop_reason is None else fix_surrogates(reply.stop_reason),
            None if is_complete else _unreadable_failure(),
            message_id,
        ],
    )
    changed = rows.interrupted_columns(reply)
    columns = ", ".join(f"{name} = :{name}" for name in changed)
    db.execute(
        f"UPDATE requests SET {columns} WHERE message_id = :message_id AND state = 'streaming'",
        {**changed, "message_id": message_id},
    )
    if is_complete:
        writing.close_stream(db, message_id)
    else:
        _remove_owner(db, message_id)


def _replayed(db: Database, message_id: str) -> tuple[StreamingReply, bool]:
    """Return the reply that a journal contains, and whether all of it could be read."""
    conversation_id, model = db.execute(
        "SELECT conversation_id, model FROM messages WHERE id = ?", [message_id]
    ).fetchone()
    reply = StreamingReply(message_id, conversation_id, model or "")
    entries = db.execute(
        "SELECT k, payload FROM journal WHERE message_id = ? ORDER BY k", [message_id]
    ).fetchall()
    for k, entry in entries:
        try:
            replay(reply, entry)
        except BadJournal as error:
            _log.warning("entry %s of the journal of %s: %s", k, message_id, error)
            return reply, False
    return reply, True


def _set_aside(db: Database, message_id: str, now_ms: int) -> None:
    """End a reply whose journal cannot be read. The journal stays until a purge."""
    db.execute(
        "UPDATE messages SET state = 'interrupted', finished_ms = ?, failure = ? WHERE id = ?",
        [now_ms, _unreadable_failure(), message_id],
    )
    db.execute(
        "UPDATE requests SET state = 'interrupted'"
        " WHERE message_id = ? AND state = 'streaming'",
        [message_id],
    )
    _remove_owner(db, message_id)


def _remove_owner(db: Database, message_id: str) -> None:
    db.execute("DELETE FROM streams WHERE message_id = ?", [message_id])


def _unreadable_failure() -> str:
    return rows.failure_text(Failure(JOURNAL_KEPT, type="history"))
