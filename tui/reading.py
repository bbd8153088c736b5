"""The conversation that is being read: its line, its versions, and moving about in it.

Knows nothing of screens. What cannot be done is refused in one line for the reader, and
nothing has changed then.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from tui import continuing, turn
from tui.conversation import Conversation, Message, title_of
from tui.draft import Draft
from tui.replies import Replies
from tui.store import Store
from tui.trash import Trash

P = ParamSpec("P")
R = TypeVar("R")


class Refused(Exception):
    """What was wanted cannot be done. The text is one line for the reader."""


STILL_ANSWERING = "Claude is still answering. Esc stops the reply."


def _alone(
    method: Callable[Concatenate[Reading, P], Awaitable[R]],
) -> Callable[Concatenate[Reading, P], Coroutine[Any, Any, R]]:
    """Let a method wait until what was begun before it has ended.

    Each reads the history and then changes what is read: two at once would mix.
    """

    @functools.wraps(method)
    async def call(self: Reading, /, *args: P.args, **kwargs: P.kwargs) -> R:
        async with self.lock:
            return await method(self, *args, **kwargs)

    return call


class Reading:
    """A conversation and the line of it that is read. Raises `HistoryError` throughout."""

    def __init__(
        self,
        store: Store,
        replies: Replies,
        trash: Trash,
        *,
        model: str,
        is_model_asked_for: bool = False,
    ) -> None:
        self._store = store
        self._replies = replies
        self._trash = trash
        self._model = model
        self._is_model_asked_for = is_model_asked_for
        """Whether it is asked in conversations that have a model of their own too."""
        self._asked_in: set[str] = set()
        """The conversations in which it was asked since; their own model counts again."""
        self.lock = asyncio.Lock()
        """Held while it is changed what is read."""
        self.conversation = self.unsaved()
        self.line: list[Message] = []
        """Its messages, as far as they are kept; not the one being written."""
        self.versions: dict[str, tuple[str, ...]] = {}
        """Which messages have versions beside them, with all of these, oldest first."""

    def unsaved(self, conversation_id: str | None = None) -> Conversation:
        """Return a conversation that is saved with its first question."""
        now_ms = self._store.clock.now_ms()
        return Conversation(
            conversation_id or self._store.new_id(), self._model, now_ms, now_ms
        )

    @property
    def draft(self) -> Draft | None:
        """The reply being written, if it is on the line that is read."""
        draft = self._replies.drafts.get(self.conversation.id)
        is_here = draft is not None and draft.parent_id == self._last_id
        return draft if is_here else None

    @property
    def _last_id(self) -> str | None:
        return self.line[-1].id if self.line else None

    @property
    def is_demo(self) -> bool | None:
        """Whether the offline demo answered here; None: nobody has yet."""
        replies = [message for message in self.line if message.role == "assistant"]
        return any(reply.endpoint == "demo" for reply in replies) if replies else None

    @_alone
    async def open(self, conversation: Conversation) -> None:
        """Read another conversation, or this one as it is now."""
        await self._open(conversation)

    async def _open(self, conversation: Conversation) -> None:
        while True:
            draft = self._replies.drafts.get(conversation.id)
            # Who gave it may have read it before others changed it.
            found = await self._store.conversation(conversation.id) or conversation
            line = await self._store.line(found.tip_id)
            is_here = draft is not None and found.tip_id in (draft.id, draft.parent_id)
            versions = await self._versions(found.tip_id, draft if is_here else None)
            # Should it have ended meanwhile, the line may be without it.
            if self._replies.drafts.get(conversation.id) is draft:
                break
        if draft is not None:
            line = [message for message in line if message.id != draft.id]
            if draft.parent_id == found.tip_id:
                # It is not on disk yet, and takes the tip when it is.
                found = replace(found, tip_id=draft.id, model=draft.model)
        elif self._takes_model(found.id, line):
            found = replace(found, model=self._model)
        self.conversation, self.line, self.versions = found, line, versions

    def _takes_model(self, conversation_id: str, line: list[Message]) -> bool:
        """Tell whether the next question here is for the model that was asked for."""
        is_demo = any(message.endpoint == "demo" for message in line)
        return (
            self._is_model_asked_for and conversation_id not in self._asked_in and not is_demo
        )

    @_alone
    async def reload(self) -> bool:
        """Read this conversation as it is now; False if it is gone."""
        return await self._reload()

    async def _reload(self) -> bool:
        found = await self._store.conversation(self.conversation.id)
        if found is not None:
            await self._open(found)
        return found is not None

    # What is asked

    @_alone
    async def ask(self, text: str) -> tuple[Message, Draft]:
        """Ask at the end of the line."""
        conversation = self.conversation
        if not conversation.title:
            conversation = replace(conversation, title=title_of(text))
        with self._claim():
            question = await turn.ask(self._store, conversation, text)
            draft = self._begin(conversation, question)
        # What was brought back may end above what was said since.
        await self._find_versions()
        return question, draft

    @_alone
    async def edit(self, question_id: str, text: str) -> None:
        """Ask another version of a question. The old one stays, with what followed it."""
        with self._claim():
            at = self._index(question_id)
            question = await turn.ask_after(
                self._store, self.conversation, text, parent_id=self.line[at].parent_id
            )
            del self.line[at:]
            self._begin(self.conversation, question)
        await self._find_versions()

    @_alone
    async def regenerate(self, message_id: str, model: str | None = None) -> None:
        """Ask for another version of a reply, of the same model or of another.

        For the last question, if it has none: ask for its first.
        """
        with self._claim():
            question = self._question_for(message_id)
            await self._store.branches.move_tip(self.conversation.id, question.id)
            del self.line[self._index(question.id) :]
            model = model or self.conversation.model
            self._begin(replace(self.conversation, model=model), question)
        await self._find_versions()

    def _question_for(self, message_id: str) -> Message:
        at = self._index(message_id)
        message = self.line[at]
        if message.role == "user" and at < len(self.line) - 1:
            raise Refused("Only a reply can be asked for again; e edits a question.")
        if message.role == "user":
            return message
        question = self.line[at - 1] if at else None
        if question is None or question.id != message.parent_id or question.role != "user":
            raise Refused("The question of this reply was deleted.")
        return question

    @_alone
    async def go_on(self, reply_id: str) -> None:
        """Ask for the rest of a reply that broke off."""
        with self._claim():
            at = self._index(reply_id)
            if not continuing.can_go_on(self.line[at]):
                raise Refused("Only a reply that broke off can be gone on with; r asks again.")
            question = await turn.go_on(self._store, self.conversation, self.line[at])
            del self.line[at + 1 :]
            self._begin(self.conversation, question)
        await self._find_versions()

    def _begin(self, conversation: Conversation, question: Message) -> Draft:
        self._asked_in.add(conversation.id)
        conversation = replace(conversation, tip_id=question.id)
        draft = self._replies.begin(conversation, question, conversation.model)
        self.line.append(question)
        self.conversation = replace(conversation, tip_id=draft.id)
        return draft

    @_alone
    async def find_versions(self) -> None:
        """Find the versions of what is read anew."""
        await self._find_versions()

    async def _find_versions(self) -> None:
        self.versions = await self._versions(self._last_id, self.draft)

    async def _versions(
        self, tip_id: str | None, draft: Draft | None
    ) -> dict[str, tuple[str, ...]]:
        """Return the versions on a line, and those of the reply that is written at its end."""
        versions = await self._store.branches.versions(tip_id)
        if draft is not None:
            # It may not be on disk yet.
            beside = await self._store.branches.replies_to(
                draft.conversation_id, draft.parent_id
            )
            if others := [each for each in beside if each != draft.id]:
                versions[draft.id] = (*others, draft.id)
        return versions

    # What comes of replies, wherever they were asked for

    def begun(self, conversation: Conversation, question: Message, draft: Draft) -> bool:
        """Hear of a reply to a question that had waited; tell whether it is read here.

        If it is, the versions are to be found anew.
        """
        self._asked_in.add(conversation.id)
        if conversation.id != self.conversation.id:
            return False
        before = self.conversation.tip_id
        if before in (question.id, question.parent_id):
            # Its title may be a better one since the question was taken out of the queue.
            self.conversation = replace(
                self.conversation, tip_id=draft.id, model=conversation.model
            )
        # Else it is another line that is read, or it was read with the reply already.
        if before != question.parent_id:
            return False
        self.line.append(question)
        return True

    def ended(self, draft: Draft) -> bool:
        """Take a reply that has ended into the line; False if it is not on it."""
        reply = draft.ended
        if reply is None or reply.conversation_id != self.conversation.id:
            return False
        if draft.is_refused:
            # It is not in the history, so nothing can follow it.
            if self.conversation.tip_id == reply.id:
                self.conversation = replace(self.conversation, tip_id=reply.parent_id)
            return self._last_id == reply.parent_id
        if all(known.id != reply.id for known in self.line):
            if self._last_id != reply.parent_id or not self.line:
                return False
            self.line.append(reply)
        return True

    # Which line is read

    @_alone
    async def step_version(self, message_id: str, step: int) -> str | None:
        """Read the version after a message (`step` 1) or before it (-1); return its id.

        None past either end, and where there is only one.
        """
        versions = self.versions.get(message_id, (message_id,))
        at = versions.index(message_id) + step
        if not 0 <= at < len(versions):
            return None
        await self._go_to(versions[at])
        return versions[at]

    @_alone
    async def go_to(self, message_id: str) -> None:
        """Read the newest line through a message; the present one if it is on it."""
        await self._go_to(message_id)

    async def _go_to(self, message_id: str) -> None:
        if any(message.id == message_id for message in self.line):
            return
        draft = self._replies.drafts.get(self.conversation.id)
        if draft is not None and draft.id == message_id:
            tip_id = message_id
        else:
            message = await self._store.branches.message(message_id)
            if message is None or message.conversation_id != self.conversation.id:
                raise Refused("This message is gone.")
            tip_id = await self._store.branches.end_of(message)
        await self._store.branches.move_tip(self.conversation.id, tip_id)
        await self._open(replace(self.conversation, tip_id=tip_id))

    @_alone
    async def fork(self, message_id: str) -> Conversation:
        """Make a conversation of its own of the line up to a message; return it."""
        message, now_ms = self.line[self._index(message_id)], self._store.clock.now_ms()
        if message.state == "streaming":
            raise Refused(STILL_ANSWERING)
        fork = replace(
            self.conversation,
            id=self._store.new_id(),
            title=f"{self.conversation.title} (fork)",
            created_ms=now_ms,
            updated_ms=now_ms,
            is_pinned=False,
        )
        await self._store.branches.fork(fork, message_id)
        return await self._store.conversation(fork.id) or fork

    @_alone
    async def delete(self, message_id: str) -> None:
        """Delete a message; what follows it stays. Not a question that is being answered.

        At the end of the line another version of it is read instead, if there is one.
        """
        at = self._index(message_id)
        running = self._replies.drafts.get(self.conversation.id)
        if running is not None and running.parent_id == message_id:
            raise Refused(STILL_ANSWERING)
        others = [each for each in self.versions.get(message_id, ()) if each != message_id]
        before = self.conversation.tip_id
        await self._trash.put_message(self.conversation.id, message_id, before)
        if at == len(self.line) - 1 and others and self.draft is None:
            await self._go_to(others[-1])
        await self._reload()

    def _claim(self) -> AbstractContextManager[None]:
        """Let nobody else ask here meanwhile; refuse if somebody does already."""
        if self._replies.is_busy(self.conversation.id):
            raise Refused(STILL_ANSWERING)
        return self._replies.claim(self.conversation.id)

    def _index(self, message_id: str) -> int:
        for at, message in enumerate(self.line):
            if message.id == message_id:
                return at
        is_busy = self._replies.is_busy(self.conversation.id)
        raise Refused(STILL_ANSWERING if is_busy else "This message is gone.")
