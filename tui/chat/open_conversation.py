"""The open conversation: its path, its versions and its running reply.

It knows nothing of screens. It refuses what cannot be done with one line for the user,
and has changed nothing then.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from tui.chat import known_models
from tui.chat.connections import answered_by
from tui.chat.followed_reply import FollowedReply
from tui.chat.reply_scheduler import ReplyScheduler
from tui.claude import Claude
from tui.domain.conversation import Conversation, Message, with_model
from tui.domain.parameters import Parameters
from tui.domain.reply import StreamingReply
from tui.store import HistoryError, Store

P = ParamSpec("P")
R = TypeVar("R")


class Refused(Exception):
    """A command cannot be carried out. The text is one line for the user."""


STILL_ANSWERING = "Claude is still answering. Stop the reply first."
GONE = "This conversation was deleted in the meantime."
ANSWERING_ELSEWHERE = "Claude is still answering in another window."


def one_at_a_time(
    work: Callable[Concatenate[OpenConversation, P], Awaitable[R]],
) -> Callable[Concatenate[OpenConversation, P], Coroutine[Any, Any, R]]:
    """Make work on an open conversation wait until earlier work on it has ended.

    Each piece of work reads the history and then changes the path: two at once would mix.
    """

    @functools.wraps(work)
    async def call(opened: OpenConversation, /, *args: P.args, **kwargs: P.kwargs) -> R:
        async with opened.lock:
            return await work(opened, *args, **kwargs)

    return call


class OpenConversation:
    """A conversation and its open path. Every coroutine may raise `HistoryError`."""

    def __init__(
        self,
        store: Store,
        scheduler: ReplyScheduler,
        *,
        model: str,
        is_model_asked_for: bool = False,
    ) -> None:
        self.store = store
        self.scheduler = scheduler
        self._parameters = Parameters(model)
        """The parameters of a new conversation."""
        self._is_model_asked_for = is_model_asked_for
        """Whether `model` also applies to conversations that have another model."""
        self._switches = scheduler.connections.switches
        """How often the user had switched the connection when the model was chosen."""
        self._asked_in: set[str] = set()
        """The conversations that have asked it since; these use their own model again."""
        self.lock = asyncio.Lock()
        """Held while the path changes."""
        self.conversation = self.unsaved()
        self.path: list[Message] = []
        """The saved messages of the path, without the running reply."""
        self.versions: dict[str, tuple[str, ...]] = {}
        """All versions of each message that has more than one, oldest first."""
        self.other: FollowedReply | None = None
        """Another program's running reply, which follows the path."""
        self.is_behind = False
        """Whether it could not be read after a change; `following` then reads it again."""
        self.refused: dict[str, str | None] = {}
        """The replies that the history refused: the id of each, with its question's id."""

    def unsaved(self, conversation_id: str | None = None) -> Conversation:
        """Return a new conversation, which is saved with its first question."""
        now_ms = self.store.clock.now_ms()
        found_id = conversation_id or self.store.new_id()
        parameters, first = self._parameters, self.scheduler.drafts.draft(found_id).first
        if first is not None:
            # Another endpoint may not have that model.
            is_here = first.host == self.scheduler.connections.current.endpoint.host
            model = first.parameters.model if is_here else parameters.model
            parameters = replace(first.parameters, model=model)
        return Conversation(found_id, parameters, now_ms, now_ms)

    def beside(self) -> OpenConversation:
        """Return a second object, to act on a conversation that is not the open one."""
        other = copy(self)
        other.lock = asyncio.Lock()
        other.conversation, other.path, other.versions = other.unsaved(), [], {}
        other.other = None
        other.is_behind = False
        return other

    @property
    def reply(self) -> StreamingReply | None:
        """The running reply at the end of the path, of this program or of another."""
        reply = self.scheduler.streaming.get(self.conversation.id)
        is_here = reply is not None and reply.parent_id == self.last_id
        return reply if is_here else self.other_draft

    @property
    def other_draft(self) -> StreamingReply | None:
        """The running reply of another program at the end of the path."""
        reply = None if self.other is None else self.other.reply
        return reply if reply is not None and reply.parent_id == self.last_id else None

    @property
    def own_model(self) -> str | None:
        """The model that this window asks instead of the saved one; None if it is the same."""
        asked, saved = self.conversation.parameters, self.conversation.saved_parameters
        is_same = saved is None or asked.model == saved.model
        return None if is_same or self._is_switched else asked.model

    @property
    def _is_switched(self) -> bool:
        """Whether the user has switched the connection since the model was chosen."""
        return self._switches != self.scheduler.connections.switches

    @property
    def last_id(self) -> str | None:
        """The id of the path's last message."""
        return self.path[-1].id if self.path else None

    @property
    def is_demo(self) -> bool | None:
        """Whether the offline demo answered here; None if there is no reply yet."""
        replies = [message for message in self.path if message.role == "assistant"]
        return any(reply.endpoint == "demo" for reply in replies) if replies else None

    @one_at_a_time
    async def open(self, conversation: Conversation) -> None:
        """Read another conversation, or this one again."""
        await self.read(conversation)

    async def read(self, conversation: Conversation) -> None:
        """Do the same as `open`, for a caller that holds the lock."""
        while True:
            reply = self.scheduler.streaming.get(conversation.id)
            changes = self.scheduler.changes
            self._switches = self.scheduler.connections.switches
            # The caller may have read `conversation` before others changed it.
            snapshot = await self.store.snapshot(conversation, reply)
            other = await _followed(self, snapshot.path)
            newest = answered_by(snapshot.path) if reply is None else reply.endpoint
            model = await known_models.model_for(
                self.store, self.scheduler.connections, snapshot.conversation, newest
            )
            # If a reply has ended meanwhile, the path may lack it. The count is compared,
            # and not the reply, which may have begun and ended meanwhile.
            if self.scheduler.changes == changes and not self._is_switched:
                break
        found, path = snapshot.conversation, snapshot.path
        if reply is not None:
            path = [message for message in path if message.id != reply.id]
            if reply.parent_id == found.tip_id:
                # The reply is not on disk yet; it moves the tip when it is.
                found = replace(found, tip_id=reply.id)
        if reply is None and self._takes_model(found.id, path):
            found = with_model(found, self._parameters.model)
        elif found.id not in self._asked_in:
            found = with_model(found, model)
        if other is not None:
            path = path[:-1]
        self.conversation, self.path, self.versions = found, path, snapshot.versions
        self.other = other
        self.is_behind = False

    def _takes_model(self, conversation_id: str, path: list[Message]) -> bool:
        """Tell whether the next question here goes to the model that the user named."""
        is_demo = any(message.endpoint == "demo" for message in path)
        return (
            self._is_model_asked_for and conversation_id not in self._asked_in and not is_demo
        )

    def keep_own_model(self) -> None:
        """Use the conversation's own model again, even if the user named one at the start."""
        self._asked_in.add(self.conversation.id)
        self.scheduler.connections.own_models.add(self.conversation.id)

    async def choose_model(self) -> None:
        """Choose the model anew if the user has switched the connection since.

        For a caller that holds the lock, before it asks a question.
        """
        while self._is_switched:
            if not await self.read_again():
                # It has no question yet, and takes the model with the switch.
                self._switches = self.scheduler.connections.switches

    def use_model(self, model: str) -> None:
        """Start new conversations with another model, after a switch of the connection."""
        self._parameters = replace(self._parameters, model=model)
        self._is_model_asked_for = False
        self._asked_in.clear()

    @one_at_a_time
    async def reload(self) -> bool:
        """Read this conversation again; return False if it is gone."""
        return await self.read_again()

    async def read_again(self) -> bool:
        """Do the same as `reload`, for a caller that holds the lock."""
        found = await self.store.conversation(self.conversation.id)
        if found is not None:
            await self.read(found)
        return found is not None

    def begin(
        self, claude: Claude, conversation: Conversation, question: Message, *, at: int
    ) -> StreamingReply:
        """Start the reply to a question, which replaces the path from index `at` on.

        Both the conversation and the question are given as they are saved.
        """
        self.scheduler.drafts.choose(conversation.id, None)
        reply = self.scheduler.begin(claude, conversation, question)
        self._note_asked(reply)
        self.other = None
        self.path[at:] = [question]
        self.conversation = replace(conversation, tip_id=reply.id)
        return reply

    def _note_asked(self, reply: StreamingReply) -> None:
        # Not if the user has switched while the question was being saved.
        if reply.endpoint == self.scheduler.connections.current.endpoint.identity:
            self._asked_in.add(reply.conversation_id)

    @one_at_a_time
    async def find_versions(self) -> None:
        """Read the versions of the path's messages again."""
        await self.read_versions()

    async def read_versions(self) -> None:
        """Do the same as `find_versions`, for a caller that holds the lock."""
        try:
            self.versions = await self.store.branches.versions(self.last_id, self.reply)
        except HistoryError:
            # Only the marks of versions are missing. An error would look as if the
            # question had not been asked, and the user would ask it again.
            self.is_behind = True

    # What happens to replies, in any conversation

    def begun(
        self, conversation: Conversation, question: Message, reply: StreamingReply
    ) -> bool:
        """Note that the reply to a queued question has started.

        Returns whether the question is the end of this path. If so, call `find_versions`.
        If not, and this is its conversation, call `reload`: the question moved the tip.
        """
        self._note_asked(reply)
        if conversation.id != self.conversation.id:
            return False
        before = self.conversation.tip_id
        if before in (question.id, question.parent_id):
            # Keep the title: it may be newer than the one in `conversation`.
            self.conversation = replace(
                self.conversation,
                tip_id=reply.id,
                parameters=conversation.parameters,
                saved_parameters=conversation.saved_parameters,
            )
        # Else the open path is behind. Another program has moved the tip, or its reply comes
        # first; or the question was on disk when the path was read.
        if before != question.parent_id or self.other_draft is not None:
            return False
        self.path.append(question)
        return True

    def ended(self, reply: StreamingReply) -> bool:
        """Add a reply that has ended to the path; return False if it does not belong there."""
        message = reply.ended
        if message is None or message.conversation_id != self.conversation.id:
            return False
        if reply.is_refused:
            # It is not in the history, so nothing can follow it.
            self.refused[message.id] = message.parent_id
            if self.conversation.tip_id == message.id:
                self.conversation = replace(self.conversation, tip_id=message.parent_id)
            return self.last_id == message.parent_id
        if all(known.id != message.id for known in self.path):
            if self.last_id != message.parent_id or not self.path:
                return False
            self.path.append(message)
        return True

    def claim(self) -> AbstractContextManager[Claude]:
        """Reserve the conversation for one question; see `ReplyScheduler.claim`.

        Raises `Refused` if a reply runs there.
        """
        if self.scheduler.is_busy(self.conversation.id):
            raise Refused(STILL_ANSWERING)
        return self.scheduler.claim(self.conversation.id)

    def index(self, message_id: str) -> int:
        """Return a message's index on the path. Raises `Refused` if it is not there."""
        for at, message in enumerate(self.path):
            if message.id == message_id:
                return at
        if self.other_draft is not None and self.other_draft.id == message_id:
            raise Refused(ANSWERING_ELSEWHERE)
        reply = self.scheduler.streaming.get(self.conversation.id)
        is_being_written = reply is not None and reply.id == message_id
        raise Refused(STILL_ANSWERING if is_being_written else "This message was deleted.")


async def _followed(opened: OpenConversation, path: list[Message]) -> FollowedReply | None:
    """Return the reply at the end of a path if another program receives it."""
    last = path[-1] if path else None
    if last is None or last.state != "streaming" or opened.scheduler.is_own(last.id):
        return None
    followed = opened.other
    if followed is None or followed.reply.id != last.id:
        followed = FollowedReply(opened.store, last)
    return followed if await followed.catch_up() else None
