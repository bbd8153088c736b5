"""The history on disk: the only folder with SQL.

`Store` runs its SQL in threads of its own; see `threads`.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.domain.clock import Clock, id_time_ms
from tui.domain.conversation import Conversation, Message
from tui.domain.conversation_list import Key, Listing, Page
from tui.domain.model import Model
from tui.domain.reply import StreamingReply
from tui.domain.request import Request
from tui.store import conversation_list, foreign, paths, removal, rows, views, writing
from tui.store.blobs import Blobs
from tui.store.branches import Branches
from tui.store.claims import BranchBusy, Claims
from tui.store.connection import Access, HistoryError
from tui.store.costs import Costs
from tui.store.drafts import Drafts
from tui.store.file_lock import SharedLock
from tui.store.filesystem import MOUNTS
from tui.store.finding import Finding
from tui.store.labels import Labels
from tui.store.lost import Lost
from tui.store.paths import Snapshot
from tui.store.preparing import prepare
from tui.store.purging import Purging
from tui.store.recordings import Recordings
from tui.store.recovery import Recovery
from tui.store.threads import Threads, reads, writes
from tui.store.writing import Recorded

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["BranchBusy", "HistoryError", "Store", "open_store"]


class Store:
    """Conversations, their messages and the request log. `open_store` makes one."""

    def __init__(self, path: Path, clock: Clock, access: Access) -> None:
        self.path = path
        self.clock = clock
        locks = path.parent / "run"
        self.threads = Threads(path, access)
        self.claims = Claims(self.threads, clock, locks)
        self.branches = Branches(self.threads, clock, self.claims)
        self.labels = Labels(self.threads, clock)
        self.blobs = Blobs(self.threads, clock)
        self.drafts = Drafts(self.threads, clock)
        self.finding = Finding(self.threads, clock)
        self.recovery = Recovery(self.threads, clock, locks)
        self.purging = Purging(self.threads, clock)
        self.recordings = Recordings(self.threads)
        self.costs = Costs(self.threads)
        self.undo_lock = SharedLock(locks / f"{path.name}.undo")
        """Held while this program can still undo a deletion."""
        self.lost = Lost(self.threads, clock)
        self._seen_version: tuple[int, int] | None = None
        """The connection that last read the version of the file, and that version."""
        with foreign.limited(self.threads.reader):
            newest = foreign.newest_id(self.threads.reader)
        if newest is not None:
            clock.start_after(id_time_ms(newest))

    @property
    def notice(self) -> str:
        """What the user must know about this history; usually empty."""
        return self.threads.access.notice

    @property
    def is_read_only(self) -> bool:
        """Whether the history cannot be written."""
        return self.threads.is_read_only

    def new_id(self) -> str:
        """Return an id for a conversation, a message or a request."""
        return self.clock.new_id()

    @reads
    def conversations(
        self, connection: sqlite3.Connection, *, limit: int = -1
    ) -> list[Conversation]:
        """Return conversations, pinned ones first, then the most recently used."""
        return conversation_list.newest_first(connection, limit)

    @reads
    def by_last_use(
        self, connection: sqlite3.Connection, *, limit: int = -1, with_archived: bool = False
    ) -> list[tuple[Conversation, int]]:
        """Return conversations with their number of messages, the last used first."""
        return conversation_list.by_last_use(connection, limit, with_archived=with_archived)

    @reads
    def listing(
        self,
        connection: sqlite3.Connection,
        *,
        cursor_id: str | None = None,
        anchor: Key | None = None,
    ) -> Listing:
        """Return the groups of the list, and its pages around `cursor_id` and `anchor`."""
        return conversation_list.listing(connection, self.clock.now_ms(), cursor_id, anchor)

    @reads
    def page(self, connection: sqlite3.Connection, listing: Listing, start: int) -> Page | None:
        """Return the page that begins at `start`; None if the list has changed since."""
        return conversation_list.page(connection, listing, start)

    @reads
    def neighbour(
        self, connection: sqlite3.Connection, conversation_id: str, step: int
    ) -> str | None:
        """Return the conversation after another in the list (`step` 1) or before it (-1).

        Returns None past either end, and the first conversation if the given one is not
        in the list.
        """
        return conversation_list.neighbour(connection, conversation_id, step)

    @reads
    def conversation(
        self, connection: sqlite3.Connection, conversation_id: str
    ) -> Conversation | None:
        """Return one conversation; None if it does not exist or is deleted."""
        return conversation_list.by_id(connection, conversation_id)

    @reads
    def is_known(self, connection: sqlite3.Connection, conversation_id: str) -> bool:
        """Return whether a conversation was ever saved; a deleted one counts."""
        known = "SELECT 1 FROM conversations WHERE id = ?"
        return connection.execute(known, [conversation_id]).fetchone() is not None

    @reads
    def matching(self, connection: sqlite3.Connection, part: str) -> list[Conversation]:
        """Return up to three conversations whose id begins with `part`.

        If `part` has 6 characters, the id may also end with it. More are not needed to know
        that `part` is ambiguous.
        """
        return conversation_list.by_part_of_id(connection, part)

    @reads
    def newest(self, connection: sqlite3.Connection, *, is_demo: bool) -> Conversation | None:
        """Return the most recently used conversation, either of the demo or of all others."""
        return conversation_list.last_used(connection, is_demo=is_demo)

    @reads
    def is_demo(self, connection: sqlite3.Connection, conversation_id: str) -> bool | None:
        """Return whether the offline demo answered in a conversation; None without replies."""
        found = connection.execute(
            "SELECT DISTINCT endpoint = 'demo' FROM messages"
            " WHERE conversation_id = ? AND role = 'assistant'",
            [conversation_id],
        ).fetchall()
        return any(row[0] for row in found) if found else None

    @reads
    def read_path(self, connection: sqlite3.Connection, tip_id: str | None) -> list[Message]:
        """Return the messages from the first one to `tip_id`, without deleted ones.

        Returns no messages if the tip is unknown.
        """
        return paths.messages(connection, tip_id)

    @reads
    def snapshot(
        self,
        connection: sqlite3.Connection,
        conversation: Conversation,
        reply: StreamingReply | None = None,
    ) -> Snapshot:
        """Return a conversation, its path and its versions as they are at one moment.

        `reply` is the reply that is being written in it. If the conversation is not saved,
        or is deleted, the snapshot has the given one.
        """
        return paths.snapshot(connection, conversation, reply)

    @reads
    def models(
        self, connection: sqlite3.Connection, host: str
    ) -> tuple[int, list[Model]] | None:
        """Return when a host's models were fetched, in milliseconds, and the models.

        None if they were never fetched.
        """
        row = connection.execute(
            "SELECT fetched_ms, models FROM model_lists WHERE host = ?", [host]
        ).fetchone()
        return None if row is None else (row["fetched_ms"], rows.models_from(row["models"]))

    def after_write(self, call: Callable[[], object]) -> AbstractContextManager[None]:
        """Call a function after every successful write, during the block."""
        return self.threads.after_write(call)

    async def is_changed_elsewhere(self) -> bool:
        """Return whether another program has written since the last call.

        The first call returns False.
        """
        loop = asyncio.get_running_loop()
        with self.threads.translated("read", "Store.is_changed_elsewhere"):
            return await loop.run_in_executor(self.threads.writer_thread, self._has_new_version)

    def _has_new_version(self) -> bool:
        self.threads.check_file()
        database = self.threads.database
        # Ask the connection that writes: SQLite does not count a connection's own writes.
        connection = self.threads.reader if database is None else database.conn
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        before, self._seen_version = self._seen_version, (id(connection), version)
        # Two connections count differently, so a change of connection counts as a change.
        return before not in (None, self._seen_version)

    @reads
    def reply_row(self, connection: sqlite3.Connection, message_id: str) -> dict[str, Any]:
        """Return a reply as a row of the public views."""
        return views.reply(connection, message_id)

    @reads
    def message_rows(
        self, connection: sqlite3.Connection, conversation_id: str
    ) -> list[dict[str, Any]]:
        """Return a conversation's messages, oldest first, as rows of the public views."""
        return views.messages(connection, conversation_id)

    @writes
    def add_question(
        self,
        db: Database,
        conversation: Conversation,
        message: Message,
        *,
        is_at_tip: bool = False,
    ) -> tuple[Conversation, Message]:
        """Save a question as the tip of its conversation; add the conversation if it is new.

        Returns both as saved; with `is_at_tip`, the parent is the tip at this moment. Saves
        the parameters that this window has changed. Raises `HistoryError` if another window
        deleted the conversation, and `BranchBusy` while another program replies there.
        """
        deleted = "SELECT 1 FROM conversations WHERE id = ? AND deleted_ms IS NOT NULL"
        if db.execute(deleted, [conversation.id]).fetchone() is not None:
            raise HistoryError("This conversation was deleted in another window.")
        if message.is_continuation and removal.is_any_purged(
            db.conn, [message.parent_id or ""]
        ):
            # The question quotes the end of the reply that it continues.
            raise HistoryError("This reply was deleted in another window.")
        if is_at_tip:
            conversation, message = writing.at_tip(db, conversation, message)
        self.claims.check(db, conversation, message)
        conversation = writing.save_conversation(db, conversation, message)
        writing.insert_message(db, message)
        self.claims.claim_for_question(db, message)
        return conversation, message

    @writes
    def begin_reply(
        self, db: Database, message: Message, request: Request, *, tip_id: str | None
    ) -> None:
        """Begin a reply: add its empty message, its first row in the request log, its stream.

        Moves the tip to the reply, if the tip is still at `tip_id`. Raises `HistoryError`
        if the conversation was removed.
        """
        if removal.is_purged(db.conn, message.conversation_id):
            raise HistoryError("This conversation was deleted in another window.")
        writing.insert_message(db, message)
        writing.note_system_prompt(db, message.id, request.system)
        self.claims.claim_for_reply(db, message)
        db.table("requests").insert(rows.row_of_request(request))
        db.execute(
            "UPDATE conversations SET tip_id = ?, updated_ms = ? WHERE id = ? AND tip_id IS ?",
            [message.id, message.created_ms, message.conversation_id, tip_id],
        )

    @writes
    def append_journal(self, db: Database, message_id: str, k: int, entry: str) -> None:
        """Write entry number `k` of a running reply's journal.

        Writes nothing if the reply has ended.
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
        """Update the request log's row of a failed attempt, and add a row for the next."""
        writing.update_request(db, failed)
        writing.insert_recording(db, failed, recording)
        db.execute("DELETE FROM journal WHERE message_id = ?", [failed.message_id])
        db.table("requests").insert(rows.row_of_request(request))

    @writes
    def finish_reply(
        self, db: Database, message: Message, request: Request, recording: Recorded
    ) -> None:
        """Save a reply, however it ended, and its last row in the request log.

        If the conversation is gone, saves only the row in the request log.
        """
        found = db.execute("SELECT n FROM messages WHERE id = ?", [message.id]).fetchone()
        if found is not None:
            writing.replace_blocks(db, message.id, message.blocks)
            message = writing.without_purged_text(db, message)
            db.table("messages").update(found[0], rows.end_columns(message))
            writing.insert_recording(db, request, recording)
        writing.update_request(db, request)
        writing.close_stream(db, message.id)

    @writes
    def save_models(self, db: Database, host: str, models: Sequence[Model]) -> None:
        """Save a host's models, as its Models API sent them, with the time."""
        db.execute(
            "INSERT INTO model_lists (host, fetched_ms, models) VALUES (?, ?, ?)"
            " ON CONFLICT (host) DO UPDATE SET fetched_ms = excluded.fetched_ms,"
            " models = excluded.models",
            [host, self.clock.now_ms(), rows.dumps([model.wire for model in models])],
        )

    @writes
    def delete(self, db: Database, conversation_ids: Sequence[str]) -> None:
        """Mark conversations as deleted. They can be restored until they are purged."""
        self._set_deleted(db, conversation_ids, self.clock.now_ms())

    @writes
    def restore(self, db: Database, conversation_ids: Sequence[str]) -> None:
        """Restore those of the deleted conversations that have not been purged."""
        self._set_deleted(db, conversation_ids, None)

    def _set_deleted(self, db: Database, ids: Sequence[str], deleted_ms: int | None) -> None:
        for conversation_id in ids:
            db.execute(
                "UPDATE conversations SET deleted_ms = ? WHERE id = ? AND purged_ms IS NULL"
                # 0 marks a purge that has begun: it is not restored or deleted again.
                " AND deleted_ms IS NOT 0",
                [deleted_ms, conversation_id],
            )

    async def purge(self, *, before_ms: int) -> list[str]:
        """Purge what was deleted before a time; return its ids. See `purging`."""
        ids = list(await self.purging.deleted(before_ms=before_ms))
        await self.purging.purge(ids)
        return ids

    async def back_up(self) -> None:
        """Make today's backup if there is none yet."""
        await self.purging.back_up()

    async def recover(self) -> int:
        """Mark the replies of dead programs as interrupted; return how many.

        Raises `HistoryError` if a reply could not be recovered. The store works without it.
        """
        return 0 if self.is_read_only else await self.recovery.run()

    def close(self) -> None:
        """Wait for pending writes, then close. Blocks."""
        self.finding.close()
        self.threads.close()
        self.undo_lock.release()
        self.claims.close()


@contextmanager
def open_store(
    path: Path, clock: Clock | None = None, *, mounts: Path = MOUNTS
) -> Generator[Store]:
    """Open the history at `path`; create, migrate or repair it first if necessary.

    Raises `HistoryError`. On exit, waits for pending writes, then closes.
    """
    # Resolve links once: the side files are next to the file, not next to a link to it.
    path = Path(os.path.realpath(path))
    access = prepare(path, mounts=mounts)
    try:
        store = Store(path, clock or Clock(), access)
    except sqlite3.Error as error:
        raise HistoryError(f"{path} cannot be read: {error}.") from error
    try:
        yield store
    finally:
        store.close()
