"""The history on disk: the only room that speaks SQL.

Its methods work in threads of their own; see `threads`.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.clock import Clock, id_time_ms
from tui.conversation import Conversation, Message, Model, Request
from tui.listing import Key, Listing, Page
from tui.store import connection as opening
from tui.store import damage, foreign, listing, removal, rows, substrings, writing
from tui.store.branches import LINE, Branches, in_order
from tui.store.connection import HistoryError
from tui.store.drafts import Drafts
from tui.store.file_lock import SharedLock
from tui.store.filesystem import MOUNTS
from tui.store.finding import Finding
from tui.store.labels import Labels
from tui.store.lost import Lost
from tui.store.owner import LockFailed, Owner
from tui.store.purging import Purging
from tui.store.recovery import Recovery
from tui.store.substrings import Substrings
from tui.store.threads import Threads, reads, writes
from tui.store.writing import Recorded

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["HistoryError", "Store", "open_store"]


class Store:
    """Conversations, their messages and the ledger. Made by `open_store`."""

    def __init__(self, path: Path, clock: Clock, access: opening.Access) -> None:
        self.path = path
        self.clock = clock
        self.threads = Threads(path, access)
        self.branches = Branches(self.threads, clock)
        self.labels = Labels(self.threads, clock)
        self.drafts = Drafts(self.threads, clock)
        self.finding = Finding(self.threads, clock)
        self.substrings = Substrings(self.threads)
        self.recovery = Recovery(self.threads, clock, self._locks)
        self.purging = Purging(self.threads, clock, self.substrings)
        self.undo_lock = SharedLock(path.parent / "run" / f"{path.name}.undo")
        """Held while something that was deleted here can be brought back."""
        self.lost = Lost(self.threads, clock)
        self._owner: Owner | None = None
        self._seen_version: tuple[int, int] | None = None
        """Which connection was asked last for the version of the file, and what it said."""
        with foreign.limited(self.threads.reader):
            newest = foreign.newest_id(self.threads.reader)
        if newest is not None:
            clock.start_after(id_time_ms(newest))

    @property
    def notice(self) -> str:
        """What the reader has to know of this history; most often nothing."""
        return self.threads.access.notice

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be written."""
        return self.threads.is_read_only

    def new_id(self) -> str:
        """Return an id for a conversation, a message or a request."""
        return self.clock.new_id()

    @reads
    def conversations(
        self, connection: sqlite3.Connection, *, limit: int = -1
    ) -> list[Conversation]:
        """Return conversations, pinned ones first, then the most recently used."""
        return listing.newest_first(connection, limit)

    @reads
    def listing(
        self,
        connection: sqlite3.Connection,
        *,
        cursor_id: str | None = None,
        anchor: Key | None = None,
    ) -> Listing:
        """Return the list's groups now, and its pages around a conversation and a place."""
        return listing.listing(connection, self.clock.now_ms(), cursor_id, anchor)

    @reads
    def page(self, connection: sqlite3.Connection, of: Listing, start: int) -> Page | None:
        """Return a page of a list; None if the list is no longer that one."""
        return listing.page(connection, of, start)

    @reads
    def neighbour(
        self, connection: sqlite3.Connection, conversation_id: str, step: int
    ) -> str | None:
        """Return the conversation after another in the list (`step` 1) or before it (-1).

        None past either end. Of one that is not in the list: the list's first.
        """
        return listing.neighbour(connection, conversation_id, step)

    @reads
    def conversation(
        self, connection: sqlite3.Connection, conversation_id: str
    ) -> Conversation | None:
        """Return one conversation; None if there is none, or it is in the trash."""
        return listing.by_id(connection, conversation_id)

    @reads
    def matching(self, connection: sqlite3.Connection, part: str) -> list[Conversation]:
        """Return the conversations whose id begins with `part` or ends in its 6 letters.

        At most three: more would not help to say which is meant.
        """
        return listing.by_part_of_id(connection, part)

    @reads
    def newest(self, connection: sqlite3.Connection, *, is_demo: bool) -> Conversation | None:
        """Return the conversation last used, of the demo's or of the others."""
        return listing.last_used(connection, is_demo=is_demo)

    @reads
    def is_demo(self, connection: sqlite3.Connection, conversation_id: str) -> bool | None:
        """Tell whether the offline demo answered in a conversation; None: nobody has yet."""
        found = connection.execute(
            "SELECT DISTINCT endpoint = 'demo' FROM messages"
            " WHERE conversation_id = ? AND role = 'assistant'",
            [conversation_id],
        ).fetchall()
        return any(row[0] for row in found) if found else None

    @reads
    def line(self, connection: sqlite3.Connection, tip_id: str | None) -> list[Message]:
        """Return the messages from the first one to `tip_id`, without those deleted.

        Unknown tip: none.
        """
        blocks = defaultdict(list)
        for row in connection.execute(
            f"{LINE} SELECT b.* FROM line JOIN blocks AS b ON b.message_id = line.id"
            " ORDER BY b.message_id, b.seq",
            [tip_id],
        ):
            blocks[row["message_id"]].append(row)
        # In order of attempts, so that the last one stays.
        requests = {
            row["line_id"]: row
            for row in connection.execute(
                f"{LINE} SELECT r.*, line.id AS line_id FROM line JOIN requests AS r"
                " ON r.message_id = coalesce(line.copied_from, line.id)"
                " WHERE r.purpose = 'reply' ORDER BY r.attempt",
                [tip_id],
            )
        }
        found = connection.execute(
            f"{LINE} SELECT m.* FROM line JOIN messages AS m ON m.id = line.id",
            [tip_id],
        )
        return [
            rows.message_from(row, blocks[row["id"]], requests.get(row["id"]))
            for row in in_order(found, tip_id)
            if row["deleted_ms"] is None
        ]

    @reads
    def models(
        self, connection: sqlite3.Connection, host: str
    ) -> tuple[int, list[Model]] | None:
        """Return when a host's models were fetched, in milliseconds, and the models."""
        row = connection.execute(
            "SELECT fetched_ms, models FROM model_lists WHERE host = ?", [host]
        ).fetchone()
        return None if row is None else (row["fetched_ms"], rows.models_from(row["models"]))

    async def is_changed_elsewhere(self) -> bool:
        """Tell whether another program has written since this was last asked.

        The first time it is asked: no.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.threads.writer_thread, self._has_new_version)
        except (sqlite3.Error, OSError) as error:
            raise self.threads.failed("read", error) from error

    def _has_new_version(self) -> bool:
        self.threads.look()
        database = self.threads.database
        # Asked of the connection that writes, because to it what it has written itself
        # is nothing new.
        connection = self.threads.reader if database is None else database.conn
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        before, self._seen_version = self._seen_version, (id(connection), version)
        # With another connection the numbers are others too, and something may be missed.
        return before not in (None, self._seen_version)

    @reads
    def select(
        self, connection: sqlite3.Connection, sql: str, parameters: Sequence[object] = ()
    ) -> list[dict[str, Any]]:
        """Return the rows of a query over the public views, by column name."""
        return [dict(row) for row in connection.execute(sql, parameters)]

    @writes
    def add_question(self, db: Database, conversation: Conversation, message: Message) -> None:
        """Keep a question as the tip of its conversation, which is made if it is new.

        A conversation that exists takes over the model and the system prompt. Raises
        `HistoryError` for one that has been deleted, in another window.
        """
        deleted = "SELECT 1 FROM conversations WHERE id = ? AND deleted_ms IS NOT NULL"
        if db.execute(deleted, [conversation.id]).fetchone() is not None:
            raise HistoryError("This conversation was deleted in another window.")
        if message.is_continuation and removal.is_anything_removed(
            db.conn, [message.parent_id or ""]
        ):
            # It quotes the end of what it goes on with.
            raise HistoryError("This reply was deleted in another window.")
        row = rows.row_of_conversation(conversation) | {"updated_ms": message.created_ms}
        names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        db.execute(
            f"INSERT INTO conversations ({names}) VALUES ({marks})"
            " ON CONFLICT (id) DO UPDATE SET model = :model, system = :system,"
            " updated_ms = :updated_ms",
            row,
        )
        writing.insert_message(db, message)
        db.execute(
            "UPDATE conversations SET tip_id = ? WHERE id = ?",
            [message.id, conversation.id],
        )

    @writes
    def begin_reply(
        self, db: Database, message: Message, request: Request, *, tip_id: str | None
    ) -> None:
        """Open a reply: its empty message, its first row in the ledger, its stream.

        The tip moves to it, and the conversation goes on with its model, unless the tip
        is no longer at `tip_id`. Raises `HistoryError` for one that was removed meanwhile.
        """
        if removal.is_removed(db.conn, message.conversation_id):
            raise HistoryError("This conversation was deleted in another window.")
        writing.insert_message(db, message)
        db.table("streams").insert(
            {
                "message_id": message.id,
                "owner": self._own(),
                "started_ms": message.created_ms,
            }
        )
        db.table("requests").insert(rows.row_of_request(request))
        db.execute(
            "UPDATE conversations SET tip_id = ?, model = coalesce(?, model), updated_ms = ?"
            " WHERE id = ? AND tip_id IS ?",
            [message.id, message.model, message.created_ms, message.conversation_id, tip_id],
        )

    @writes
    def keep_arrived(self, db: Database, message_id: str, k: int, entry: str) -> None:
        """Write entry number `k` of a running reply's journal.

        Of a reply that has ended meanwhile, nothing is written.
        """
        db.execute(
            "INSERT INTO journal (message_id, k, payload)"
            " SELECT message_id, ?, ? FROM streams WHERE message_id = ?",
            [k, entry, message_id],
        )

    @writes
    def begin_attempt(
        self, db: Database, failed: Request, recording: Recorded, request: Request
    ) -> None:
        """Close the ledger's row of an attempt that failed and open the next one's."""
        writing.update_request(db, failed)
        writing.insert_recording(db, failed, recording)
        db.execute("DELETE FROM journal WHERE message_id = ?", [failed.message_id])
        db.table("requests").insert(rows.row_of_request(request))

    @writes
    def finish_reply(
        self, db: Database, message: Message, request: Request, recording: Recorded
    ) -> None:
        """Keep a reply however it ended, with its last row in the ledger.

        Of a reply whose conversation is gone meanwhile, only the ledger's row is kept.
        """
        found = db.execute("SELECT n FROM messages WHERE id = ?", [message.id]).fetchone()
        if found is not None:
            writing.replace_blocks(db, message.id, message.blocks)
            message = writing.without_late_words(db, message)
            db.table("messages").update(found[0], rows.row_of_ending(message))
            writing.insert_recording(db, request, recording)
        writing.update_request(db, request)
        writing.close_stream(db, message.id)

    @writes
    def keep_models(self, db: Database, host: str, models: Sequence[Model]) -> None:
        """Keep what a host's Models API answered, with the time."""
        db.execute(
            "INSERT INTO model_lists (host, fetched_ms, models) VALUES (?, ?, ?)"
            " ON CONFLICT (host) DO UPDATE SET fetched_ms = excluded.fetched_ms,"
            " models = excluded.models",
            [host, self.clock.now_ms(), rows.dumps([model.wire for model in models])],
        )

    async def trim_recordings(self, most_bytes: int) -> None:
        """Drop the oldest recordings until the others take at most `most_bytes`."""
        if not self.is_read_only:
            await self._trim_recordings(most_bytes)

    @writes
    def _trim_recordings(self, db: Database, most_bytes: int) -> None:
        db.execute(
            "DELETE FROM recordings WHERE request_id IN (SELECT request_id FROM ("
            " SELECT request_id, sum(size) OVER (ORDER BY started_ms DESC, request_id DESC)"
            " AS so_far FROM recordings) WHERE so_far > ?)",
            [most_bytes],
        )

    @reads
    def recording(self, connection: sqlite3.Connection, request_id: str) -> Recorded:
        """Return what came over the wire for a request, packed; None if it was not kept."""
        row = connection.execute(
            "SELECT content FROM recordings WHERE request_id = ?", [request_id]
        ).fetchone()
        return None if row is None else bytes(row["content"])

    @writes
    def delete(self, db: Database, conversation_ids: Sequence[str]) -> None:
        """Put conversations out of sight. They can be restored until they are purged."""
        self._set_deleted(db, conversation_ids, self.clock.now_ms())

    @writes
    def restore(self, db: Database, conversation_ids: Sequence[str]) -> None:
        """Bring deleted conversations back, those that have not been purged."""
        self._set_deleted(db, conversation_ids, None)

    def _set_deleted(self, db: Database, ids: Sequence[str], deleted_ms: int | None) -> None:
        for conversation_id in ids:
            db.execute(
                "UPDATE conversations SET deleted_ms = ? WHERE id = ? AND purged_ms IS NULL"
                # What is being removed is neither brought back nor deleted anew.
                " AND deleted_ms IS NOT 0",
                [deleted_ms, conversation_id],
            )

    async def purge(self, *, before_ms: int) -> list[str]:
        """Remove for good what was deleted before a time; return the ids. See `purging`."""
        ids = list(await self.purging.deleted(before_ms=before_ms))
        await self.purging.purge(ids)
        return ids

    async def back_up(self) -> None:
        """Make today's backup if there is none yet."""
        await self.purging.back_up()

    async def recover(self) -> int:
        """Mark the replies of programs that died as interrupted; return how many.

        Raises `HistoryError` when something was in the way. Nothing else depends on it.
        """
        return 0 if self.is_read_only else await self.recovery.run()

    def close(self) -> None:
        """Wait for the writes that were asked for, then close. Blocks."""
        self.finding.close()
        self.threads.close()
        self.undo_lock.release()
        if self._owner is not None:
            self._owner.release()

    @property
    def _locks(self) -> Path:
        return self.path.parent / "run"

    def _own(self) -> str:
        """Return this program's owner id, taking the lock for the first reply."""
        try:
            if self._owner is None:
                self._owner = Owner(self._locks, self.new_id())
            else:
                self._owner.renew()
        except LockFailed as error:
            raise HistoryError(str(error)) from error
        return self._owner.id


@contextmanager
def open_store(
    path: Path, clock: Clock | None = None, *, mounts: Path = MOUNTS
) -> Generator[Store]:
    """Open the history at `path`, making, migrating or mending it first.

    Raises `HistoryError`. On exit, waits for the writes asked for, then closes.
    """
    # Once: whatever is beside it stands beside the file, and not beside a link to it.
    path = Path(os.path.realpath(path))
    has_met_damage = damage.is_marked(path)
    access = opening.prepare(path, mounts=mounts)
    try:
        if has_met_damage and access.read_only_uri is None:
            substrings.distrust(path)
        store = Store(path, clock or Clock(), access)
    except sqlite3.Error as error:
        raise HistoryError(f"{path} cannot be read: {error}.") from error
    try:
        yield store
    finally:
        store.close()
