"""The program without its looks: its real parts, and what the chat screen does with them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.strict import Strict
from tests.turns import MODEL, SetClock
from tui.claude import Claude
from tui.conversation import READABLE, Conversation, Message
from tui.desk import Desk
from tui.draft import Draft
from tui.reading import Reading
from tui.replies import Replies
from tui.store import open_store
from tui.trash import OneMessage, Trash

AT_ONCE = 2
"""How many replies may be written at once, in different conversations."""


class Work:
    """A reply's worker, as Textual's: a task that can be cancelled and waited for."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task

    def cancel(self) -> None:
        self._task.cancel()

    async def wait(self) -> object:
        await self._task
        return None


class Program:
    """The program from its start to its end, as its chat screen uses it."""

    def __init__(self, history: Path, claude: Claude, *, ahead_ms: int = 0) -> None:
        self.clock = SetClock()
        self.clock.ahead_ms = ahead_ms
        self._open = ExitStack()
        self.store = self._open.enter_context(open_store(history, self.clock))
        self.desk = Desk(self.store)
        self.replies = Replies(
            self.store, claude, desk=self.desk, run=self._run, watched=self, at_once=AT_ONCE
        )
        self.trash = Trash(self.store)
        self.reading = Reading(self.store, self.replies, self.trash, model=MODEL)
        self.works: dict[str, asyncio.Task[None]] = {}
        """The workers whose replies are being written, by conversation."""
        self.ending: set[asyncio.Task[None]] = set()
        """Those whose reply has ended."""
        self.problems: list[str] = []

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> Work:
        # One request at a time in a conversation.
        assert name not in self.works, f"two replies at once in {name}"
        self.works[name] = task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._done)
        return Work(task)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.ending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.problems.append(repr(error))

    def reply_begun(self, conversation: Conversation, question: Message, draft: Draft) -> None:
        asyncio.get_running_loop().call_soon(self._begun, conversation, question, draft)

    def _begun(self, conversation: Conversation, question: Message, draft: Draft) -> None:
        if self.reading.begun(conversation, question, draft):
            finding = asyncio.get_running_loop().create_task(self.reading.find_versions())
            self.ending.add(finding)
            finding.add_done_callback(self._done)

    def reply_ended(self, draft: Draft, problem: str | None) -> None:
        if problem is not None:
            self.problems.append(problem)
        # The worker may still go on to what waits in the queue.
        self.ending.add(self.works.pop(draft.conversation_id))
        asyncio.get_running_loop().call_soon(self.reading.ended, draft)

    def all_saved(self) -> None:
        """Nothing here keeps a reply from being written."""

    @property
    def open_id(self) -> str:
        return self.reading.conversation.id

    async def send(self, text: str) -> None:
        if self.replies.is_busy(self.open_id) or self.desk.unsent(self.open_id).queued:
            self.desk.queue(self.open_id, text)
            await self.replies.ask_next(self.open_id)
        else:
            await self.reading.ask(text)

    async def open(self, conversation_id: str | None) -> None:
        found = self.reading.unsaved()
        if conversation_id is not None:
            kept = await self.store.conversation(conversation_id)
            if kept is None:
                return
            found = kept
        await self.desk.open(found.id)
        await self.reading.open(found)

    async def fork(self, message_id: str, *, is_read: bool) -> str:
        fork = await self.reading.fork(message_id)
        if is_read:
            await self.open(fork.id)
        return fork.id

    async def delete(self, conversation_id: str) -> None:
        self.replies.stop(conversation_id)
        await self.trash.put(conversation_id)
        if self.open_id == conversation_id:
            await self.open(None)

    async def undo(self) -> None:
        match await self.trash.take_back():
            case OneMessage(conversation_id=found):
                await self.open(found)
            case None:
                pass
            case conversations:
                await self.open(conversations.ids[-1])

    async def undo_message(self) -> None:
        """Bring back what was deleted last, if it is a message of what is read."""
        last = self.trash._deleted[-1] if self.trash._deleted else None
        if isinstance(last, OneMessage) and last.conversation_id == self.open_id:
            await self.undo()

    async def start(self) -> None:
        await self.store.recover()
        await self.desk.find_all()

    async def leave(self, *, is_interrupted: bool) -> None:
        await self.replies.stop_all(is_interrupted=is_interrupted)
        await self.desk.keep()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._open.close()

    async def until_quiet(self, strict: Strict) -> None:
        """Wait until nothing more happens by itself."""
        async with asyncio.timeout(10):
            while not self.is_quiet(strict):
                await asyncio.sleep(0.002)

    def is_quiet(self, strict: Strict) -> bool:
        drafts = self.replies.drafts
        queued = sum(draft.is_queued for draft in drafts.values())
        return (
            set(self.works) == set(drafts)
            and (not queued or len(drafts) - queued == AT_ONCE)
            and not self.ending
            and not self.replies._claimed
            and all(_is_held(draft, strict) for draft in drafts.values())
            and sum(not said.is_held for said in strict.running()) == 0
        )


def _is_held(draft: Draft, strict: Strict) -> bool:
    """Whether a reply waits for its slot, or has all that comes until it is released."""
    said = strict.said.get(draft.api_message_id or "")
    if draft.stops_as == "stopped":
        return False
    if draft.is_queued or said is None or not said.is_held:
        return draft.is_queued
    came = [
        ("".join(part.words) if part.type in READABLE else "", part.is_finished)
        for part in draft.parts.values()
    ]
    return came == [
        (each.get("text", each.get("thinking", "")), is_whole)
        for each, is_whole in said.arrived(said.before)
    ]
