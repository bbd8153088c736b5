"""Claims: on a branch, only one request runs at a time, across all programs.

A claim is a row of `streams` with the id of the program that owns it. A question gets its
claim in the transaction that saves the question, or that asks it again. Its reply takes the
claim over in the transaction that begins the reply. So the branch is claimed all the time
between. A program checks for a claim in the transaction that saves its question. That
transaction is IMMEDIATE: if two programs ask at once, one writes and the other finds the claim.

A claim counts only while its owner holds its lock (see `process_lock`). The reply of a dead
owner is ended as interrupted first, so that the next request includes what arrived.

An edit and a regenerated reply begin a branch of their own, so they do not conflict with a
reply that runs. Only a question at the end of the path can come too late. In this case, the
conversation's tip has moved below the message that the program knew as the last one.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tui.domain.clock import Clock
from tui.domain.conversation import Conversation, Message, State
from tui.store.connection import HistoryError
from tui.store.paths import PATH
from tui.store.process_lock import CAN_TELL, LockFailed, ProcessLock, is_alive
from tui.store.threads import Threads, reads, writes

if TYPE_CHECKING:
    from sqlite_utils import Database


class BranchBusy(HistoryError):
    """Another program writes a reply on this branch. The question was not saved."""

    def __init__(self) -> None:
        super().__init__("Claude is still answering in another window.")


@dataclass(frozen=True, slots=True)
class Tip:
    """The last message of a conversation's open path."""

    role: Literal["user", "assistant"]
    state: State
    is_busy: bool
    """Whether another program is writing this message, or the reply to it."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """New journal entries of a reply that another program writes."""

    first: int
    """The number of the journal's first entry. It rises when a new attempt begins."""
    entries: tuple[tuple[int, str], ...]
    """The new entries, with their numbers."""


class Claims:
    """The claims on the branches of one history."""

    def __init__(self, threads: Threads, clock: Clock, locks: Path) -> None:
        self.threads = threads
        self._clock = clock
        self._locks = locks
        self._owner: ProcessLock | None = None

    def own(self) -> str:
        """Return this program's owner id; the first call takes the lock.

        Raises `HistoryError`.
        """
        try:
            if self._owner is None:
                self._owner = ProcessLock(self._locks, self._clock.new_id())
            else:
                self._owner.renew()
        except LockFailed as error:
            raise HistoryError(str(error)) from error
        return self._owner.id

    def close(self) -> None:
        """Release the lock. This ends all claims that are left."""
        if self._owner is not None:
            self._owner.release()

    def claim_for_question(self, db: Database, question: Message) -> None:
        """Claim the branch that ends with a question, in the caller's transaction."""
        # Without a lock, the reply will fail and report that. The question is saved.
        with suppress(HistoryError):
            _insert(db, question, self.own())

    def claim_for_reply(self, db: Database, reply: Message) -> None:
        """Move the claim of a question to its reply, in the caller's transaction.

        Raises `HistoryError`.
        """
        own = self.own()
        db.execute(
            "DELETE FROM streams WHERE message_id = ? AND owner = ?", [reply.parent_id, own]
        )
        _insert(db, reply, own)

    def check(self, db: Database, conversation: Conversation, question: Message) -> None:
        """Raise `BranchBusy` if the branch of a question is not free.

        `conversation` is the conversation as the user saw it. Runs in the caller's
        transaction.
        """
        parent_id = question.parent_id
        is_at_end = parent_id == conversation.tip_id
        if self._is_busy(db.conn, parent_id) or (
            is_at_end and _has_moved_on(db.conn, conversation.id, parent_id)
        ):
            raise BranchBusy

    def claim_again(self, db: Database, question_id: str) -> None:
        """Claim a saved question that is asked again, in the caller's transaction.

        Raises `BranchBusy` if another program has just asked it, and its reply has not begun.
        """
        if self._is_busy(db.conn, question_id):
            raise BranchBusy
        with suppress(HistoryError):
            # A claim that is left is this program's own, or a dead program's.
            db.execute(
                "INSERT OR REPLACE INTO streams (message_id, owner, started_ms)"
                " SELECT id, ?, ? FROM messages WHERE id = ?",
                [self.own(), self._clock.now_ms(), question_id],
            )

    @writes
    def release(self, db: Database, question_id: str) -> None:
        """Release the claim of a question whose reply could not begin."""
        if self._owner is not None:
            db.execute(
                "DELETE FROM streams WHERE message_id = ? AND owner = ?",
                [question_id, self._owner.id],
            )

    @reads
    def tip(self, connection: sqlite3.Connection, conversation_id: str) -> Tip | None:
        """Return the last message of a conversation's open path; None if the path is empty."""
        row = connection.execute(
            "SELECT m.id, m.role, m.state FROM conversations AS c"
            " JOIN messages AS m ON m.id = c.tip_id WHERE c.id = ?",
            [conversation_id],
        ).fetchone()
        if row is None:
            return None
        return Tip(row["role"], row["state"], self._is_busy(connection, row["id"]))

    @reads
    def arrived(
        self, connection: sqlite3.Connection, message_id: str, *, first: int, after: int
    ) -> Arrived | None:
        """Return the journal entries of a running reply after entry number `after`.

        Returns all entries if the first one is no longer number `first`. Returns None if
        no other program writes the reply.
        """
        if not self._is_written_elsewhere(connection, message_id):
            return None
        # One statement, so that no new attempt can begin between two queries.
        found = connection.execute(
            "WITH f (first) AS (SELECT min(k) FROM journal WHERE message_id = :id)"
            " SELECT f.first, j.k, j.payload FROM f JOIN journal AS j"
            " ON j.message_id = :id WHERE j.k > :after OR f.first != :first ORDER BY j.k",
            {"id": message_id, "first": first, "after": after},
        ).fetchall()
        if not found:
            return Arrived(first, ())
        return Arrived(found[0]["first"], tuple((row["k"], row["payload"]) for row in found))

    def _is_busy(self, connection: sqlite3.Connection, message_id: str | None) -> bool:
        """Return whether another program writes a message or the reply to it."""
        row = connection.execute(
            "SELECT m.state, s.owner FROM messages AS m"
            " LEFT JOIN streams AS s ON s.message_id = m.id WHERE m.id = ?",
            [message_id],
        ).fetchone()
        # Where no program can be proved dead, a dead one would block its branch for ever.
        if row is None or not CAN_TELL:
            return False
        state, owner = row
        # `ReplyScheduler` knows what runs in this program.
        if self._owner is not None and owner == self._owner.id:
            return False
        # The reply of a dead program counts as well until `recovery` has ended it.
        return state == "streaming" or (owner is not None and is_alive(self._locks, owner))

    def _is_written_elsewhere(self, connection: sqlite3.Connection, message_id: str) -> bool:
        row = connection.execute(
            "SELECT owner FROM streams WHERE message_id = ?", [message_id]
        ).fetchone()
        if row is None or (self._owner is not None and row[0] == self._owner.id):
            return False
        return is_alive(self._locks, row[0])


def _insert(db: Database, message: Message, owner: str) -> None:
    db.table("streams").insert(
        {"message_id": message.id, "owner": owner, "started_ms": message.created_ms}
    )


def _has_moved_on(
    connection: sqlite3.Connection, conversation_id: str, message_id: str | None
) -> bool:
    """Return whether a conversation's tip is below a message; None means the root."""
    row = connection.execute(
        "SELECT tip_id FROM conversations WHERE id = ?", [conversation_id]
    ).fetchone()
    if row is None or row[0] is None or row[0] == message_id:
        return False
    if message_id is None:
        return True
    found = connection.execute(f"{PATH} SELECT 1 FROM path WHERE id = ?", [row[0], message_id])
    return found.fetchone() is not None
