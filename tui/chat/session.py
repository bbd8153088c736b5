"""The program without its user interface: the open conversation, replies and drafts.

The modules `..._commands` hold what a user can do. A command takes ids and never acts on
"the open conversation": the user may have opened another one before the command runs. A
command raises `HistoryError` or `Refused`, whose texts are for the user, and has changed
nothing then. It never swallows an error and never shows a notice. A front end subscribes
to the session's changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tui.chat import changes
from tui.chat.changes import Change
from tui.chat.connections import Connections
from tui.chat.draft_store import DraftStore
from tui.chat.open_conversation import GONE, OpenConversation, Refused
from tui.chat.reply_scheduler import ReplyScheduler, Run
from tui.chat.scroll_anchors import ScrollAnchors
from tui.chat.undo_stack import UndoStack
from tui.domain.conversation import Conversation, Message
from tui.domain.endpoint import Endpoint
from tui.domain.money import Price
from tui.domain.parameters import Parameters
from tui.domain.reply import StreamingReply
from tui.store import HistoryError, Store

Subscriber = Callable[[Change], object]


class Session:
    """The history, the running replies, the drafts and the open conversation."""

    cost: Price | None = None
    """What the open conversation has cost; see `conversation_cost`."""

    def __init__(
        self,
        store: Store,
        connections: Connections,
        parameters: Parameters,
        *,
        run: Run,
        is_model_asked_for: bool = False,
        at_once: int,
        copied_files: Callable[[], Sequence[Path]] = tuple,
        saves_drafts: bool = True,
    ) -> None:
        self.store = store
        self.connections = connections
        self._run = run
        self.drafts = DraftStore(store, is_saved=saves_drafts)
        self.scheduler = ReplyScheduler(
            store,
            connections,
            parameters,
            drafts=self.drafts,
            run=run,
            listener=self,
            at_once=at_once,
        )
        self.undo_stack = UndoStack(store, along=copied_files)
        self.current = OpenConversation(
            store, self.scheduler, model=parameters.model, is_model_asked_for=is_model_asked_for
        )
        """The open conversation."""
        self.unsaved_id = self.current.conversation.id
        """The conversation that has no question yet; its draft waits for `new`."""
        self.unread: dict[str, str] = {}
        """By conversation: the last reply that ended there and is unread."""
        self.submitting = asyncio.Lock()
        """Held while a question is asked or queued: questions keep the order of sending."""
        self.scroll_anchors = ScrollAnchors(store)
        self.is_restored = True
        """Whether the last attempt of `restore_last` succeeded."""
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber` with every change, in order, in the event loop's thread."""
        self._subscribers.append(subscriber)

    def publish(self, *published: Change) -> None:
        """Pass changes to every subscriber."""
        for change in published:
            for subscriber in self._subscribers:
                subscriber(change)

    @property
    def open_id(self) -> str:
        """The id of the open conversation."""
        return self.current.conversation.id

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that gets the questions."""
        return self.connections.current.endpoint

    async def show_path(
        self, path: OpenConversation, at: str | None = None, *, is_kept_in_place: bool = False
    ) -> None:
        """Publish that a path has changed, if it is open; scroll to `at` if it is given."""
        conversation_id = path.conversation.id
        if path is self.current or await self.reread(conversation_id):
            self.mark_read()
            self.publish(changes.PathChanged(conversation_id, at, is_kept_in_place))
        self.publish(changes.ListChanged())

    def mark_read(self) -> None:
        """Remove the unread mark of the open conversation if its path has that reply."""
        unread_id = self.unread.get(self.open_id)
        if any(message.id == unread_id for message in self.current.path):
            del self.unread[self.open_id]
            self.publish(changes.ListChanged())

    async def at(self, conversation_id: str) -> OpenConversation:
        """Return a conversation with its path: the open one, or a second object."""
        if conversation_id == self.open_id:
            return self.current
        path = self.current.beside()
        found = await self.store.conversation(conversation_id)
        await path.open(found or path.unsaved(conversation_id))
        return path

    async def reread(self, conversation_id: str) -> bool:
        """Read the open path again if it is of this conversation; return whether it was read.

        Never raises, because the change itself has succeeded: the next poll reads again.
        """
        if conversation_id != self.open_id:
            return False
        try:
            return await self.current.reload()
        except HistoryError:
            self.current.is_behind = True
            return False

    async def open(self, conversation_id: str) -> None:
        """Open a conversation where the user left it; an unsaved one opens empty.

        Raises `Refused` if it was deleted.
        """
        found = await self.store.conversation(conversation_id)
        if found is None and await self.store.is_known(conversation_id):
            raise Refused(GONE)
        place = await self.store.drafts.scroll_anchor(conversation_id)
        await self.drafts.open(conversation_id)
        # A new object: work that still runs on the old conversation must not reach this one.
        path = self.current.beside()
        await path.open(found or path.unsaved(conversation_id))
        self.current = path
        if not (self.current.path or self.current.conversation.tip_id):
            self.unsaved_id = conversation_id
        elif self.unsaved_id == conversation_id:
            self.unsaved_id = self.store.new_id()
        self.unread.pop(conversation_id, None)
        self.publish(changes.ConversationOpened(conversation_id, place), changes.ListChanged())

    async def open_or_tell(self, conversation_id: str) -> None:
        """Open a conversation after a change to the list; publish a notice if that fails.

        Never raises: it would look as if the change had failed, and the user would repeat it.
        """
        self.publish(changes.ListChanged())
        try:
            await self.open(conversation_id)
        except HistoryError as error:
            # The open conversation may be the deleted one.
            self.current.is_behind = True
            self.publish(changes.Notice(str(error), is_error=True))

    async def new(self) -> None:
        """Open the conversation that has no question yet. Its first question saves it."""
        if self.current.path or self.current.conversation.title:
            await self.open(self.unsaved_id)

    async def restore_last(self) -> None:
        """Open the conversation of the last run, unless the user is already at work.

        Raises `HistoryError` if it cannot be read; a later poll tries again.
        """
        try:
            await self._restore_last()
        except HistoryError:
            self.is_restored = False
            raise
        self.is_restored = True

    async def _restore_last(self) -> None:
        await self.drafts.find_all()
        last = await self.store.drafts.read_last()
        unsaved = await self.store.drafts.newest_unsaved()
        found = None if last is None else await self.store.conversation(last)
        self.scroll_anchors.is_resumed = True
        is_used = not self.drafts.draft(self.open_id).is_empty or self.scheduler.streaming
        if unsaved is not None and not (is_used and self.open_id == self.unsaved_id):
            self.unsaved_id = unsaved
        if self.current.path or is_used:
            return
        if found is not None:
            await self.open(found.id)
        elif unsaved is not None:
            await self.open(unsaved)

    async def retitle(self, conversation_id: str) -> None:
        """Read a conversation's title again and publish it; on failure the next poll does."""
        # Not while a question is being saved: that would bring the old title back.
        async with self.current.lock:
            try:
                found = await self.store.conversation(conversation_id)
            except HistoryError:
                found = None
                self.current.is_behind = True
            if found is not None and conversation_id == self.open_id:
                self.current.conversation = replace(
                    self.current.conversation, title=found.title, title_by=found.title_by
                )
        self.publish(changes.TitleChanged(conversation_id), changes.ListChanged())

    def reply_begun(
        self, conversation: Conversation, question: Message, reply: StreamingReply
    ) -> None:
        """Publish that the reply to a queued question has started."""
        is_on_path = self.current.begun(conversation, question, reply)
        if is_on_path:
            self.publish(changes.ReplyStarted(question, reply))
        if conversation.id == self.open_id:
            work = self._read_begun(question, is_on_path=is_on_path)
            self._run(work, f"path of {question.id}")
        self.publish(changes.QueueChanged(conversation.id), changes.ListChanged())

    async def _read_begun(self, question: Message, *, is_on_path: bool) -> None:
        """Complete the open path after a queued question was asked in it."""
        if is_on_path:
            await self.current.find_versions()
            is_changed = question.id in self.current.versions
        else:
            is_changed = await self.reread(question.conversation_id)
        if is_changed:
            self.publish(changes.PathChanged(question.conversation_id))

    def reply_ended(self, reply: StreamingReply, problem: str | None) -> None:
        """Publish that a reply has ended; mark it as unread if it is not on the open path."""
        is_on_path = reply.ended is not None and self.current.ended(reply)
        conversation_id = reply.conversation_id
        if not is_on_path:
            self.unread[conversation_id] = reply.id
        self.publish(
            changes.ReplyEnded(reply, problem, is_on_path),
            changes.QueueChanged(conversation_id),
            changes.ListChanged(),
        )

    def all_saved(self) -> None:
        """Publish that every reply is saved again."""
        self.publish(changes.Notice("Everything is saved again."))

    def next_not_asked(self, conversation_id: str, problem: str) -> None:
        """Publish that a queued question could not be asked, and is still in the queue."""
        self.publish(
            changes.Notice(problem, is_error=True), changes.QueueChanged(conversation_id)
        )

    async def stop_all(self, *, is_interrupted: bool = False) -> bool:
        """Stop every reply and save what has arrived; return False if some is not saved."""
        await self.scheduler.stop_all(is_interrupted=is_interrupted)
        return await self.scheduler.save_unsaved()
