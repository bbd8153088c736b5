"""What becomes of replies whose program died: what had arrived is the reply.

One transaction each, so that one which cannot be recovered holds up no other. Nothing
that the journal holds is thrown away unread.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from tui.clock import Clock
from tui.conversation import Failure
from tui.draft import Draft
from tui.journal import BadJournal, replay
from tui.sanitise import whole
from tui.store import rows, writing
from tui.store.connection import HistoryError
from tui.store.owner import is_alive
from tui.store.threads import Threads, reads, writes

if TYPE_CHECKING:
    from sqlite_utils import Database

MAX_RECOVERED_PER_START = 100
"""How many are recovered at a start: no program leaves as many, and a start is to end."""

KEPT_RAW = "Part of this reply cannot be read. What arrived is kept in the table journal."

_log = logging.getLogger(__name__)


class Recovery:
    """The replies of one history that nobody writes any more."""

    def __init__(self, threads: Threads, clock: Clock, locks: Path) -> None:
        self.threads = threads
        self._clock = clock
        self._locks = locks

    async def run(self) -> int:
        """Mark the replies of programs that died as interrupted; return how many.

        A reply whose program still runs, even suspended, is not touched, nor is one of
        which that cannot be found out. Raises `HistoryError` when something was in the way,
        after having tried all that could be.
        """
        problem: HistoryError | None = None
        recovered = 0
        for message_id, owner in await self._streaming():
            if owner is not None and is_alive(self._locks, owner):
                continue
            try:
                recovered += await self._interrupt(message_id, owner)
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

    @writes
    def _interrupt(self, db: Database, message_id: str, owner: str | None) -> bool:
        # Another program may have been first, or its owner have come to the end.
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
            if isinstance(error, sqlite3.Error) and not _is_of_the_rows(error):
                raise
            # Whatever it is that cannot be read: a reply must not run for ever.
            _log.exception("a reply could not be recovered: %s", message_id)
            _set_aside(db, message_id, self._clock.now_ms())
        return True


def _is_of_the_rows(error: sqlite3.Error) -> bool:
    return isinstance(error, sqlite3.IntegrityError | sqlite3.DataError)


def _interrupt(db: Database, message_id: str, now_ms: int) -> None:
    """Make what the journal holds of a reply the reply."""
    draft, is_whole = _replayed(db, message_id)
    writing.insert_blocks(db, message_id, draft.blocks)
    db.execute(
        "UPDATE messages SET state = 'interrupted', finished_ms = ?, model = ?,"
        " stop_reason = ?, failure = ? WHERE id = ?",
        [
            now_ms,
            whole(draft.model),
            None if draft.stop_reason is None else whole(draft.stop_reason),
            None if is_whole else _told(),
            message_id,
        ],
    )
    found = rows.row_of_interrupted(draft)
    columns = ", ".join(f"{name} = :{name}" for name in found)
    db.execute(
        f"UPDATE requests SET {columns} WHERE message_id = :message_id AND state = 'streaming'",
        {**found, "message_id": message_id},
    )
    if is_whole:
        writing.close_stream(db, message_id)
    else:
        _forget_owner(db, message_id)


def _replayed(db: Database, message_id: str) -> tuple[Draft, bool]:
    """Return what the journal holds of a reply, and whether all of it could be read."""
    conversation_id, model = db.execute(
        "SELECT conversation_id, model FROM messages WHERE id = ?", [message_id]
    ).fetchone()
    draft = Draft(message_id, conversation_id, model or "")
    entries = db.execute(
        "SELECT k, payload FROM journal WHERE message_id = ? ORDER BY k", [message_id]
    ).fetchall()
    for k, entry in entries:
        try:
            replay(draft, entry)
        except BadJournal as error:
            _log.warning("entry %s of the journal of %s: %s", k, message_id, error)
            return draft, False
    return draft, True


def _set_aside(db: Database, message_id: str, now_ms: int) -> None:
    """End a reply of which nothing can be read. Its journal stays, and is purged with it."""
    db.execute(
        "UPDATE messages SET state = 'interrupted', finished_ms = ?, failure = ? WHERE id = ?",
        [now_ms, _told(), message_id],
    )
    db.execute(
        "UPDATE requests SET state = 'interrupted'"
        " WHERE message_id = ? AND state = 'streaming'",
        [message_id],
    )
    _forget_owner(db, message_id)


def _forget_owner(db: Database, message_id: str) -> None:
    db.execute("DELETE FROM streams WHERE message_id = ?", [message_id])


def _told() -> str:
    return rows.failure_text(Failure(KEPT_RAW, type="history"))
