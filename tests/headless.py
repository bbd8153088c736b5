"""A session without a screen: its workers are tasks, and tests can wait until it is idle."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.chosen import connected
from tests.strict import Strict
from tests.turns import MODEL, SetClock
from tui.chat import question_commands
from tui.chat.changes import Change, Notice, ReplyEnded
from tui.chat.connections import Connections
from tui.chat.open_conversation import OpenConversation
from tui.chat.other_windows import OtherWindows
from tui.chat.purge_schedule import PurgeSchedule
from tui.chat.session import Session
from tui.claude import Claude
from tui.domain.clock import is_id
from tui.domain.conversation import READABLE
from tui.domain.parameters import Parameters
from tui.domain.reply import StreamingReply
from tui.store import open_store

AT_ONCE = 2
"""How many replies may run at once, in different conversations."""


class Work:
    """A worker like Textual's: a task that tests can cancel and wait for."""

    def __init__(self, name: str, task: asyncio.Task[None]) -> None:
        self.name = name
        self.task = task
        self.is_ending = False
        """Whether its reply has ended; it may still send the next queued question."""

    def cancel(self) -> None:
        self.task.cancel()

    async def wait(self) -> object:
        await self.task
        return None


class Headless:
    """A history with a session on it, from start to end."""

    def __init__(
        self, history: Path, claude: Claude | Connections, *, ahead_ms: int = 0
    ) -> None:
        self.clock = SetClock()
        self.clock.ahead_ms = ahead_ms
        self._open = ExitStack()
        self.store = self._open.enter_context(open_store(history, self.clock))
        self.session = Session(
            self.store,
            claude if isinstance(claude, Connections) else connected(claude),
            Parameters(MODEL),
            run=self._run,
            at_once=AT_ONCE,
        )
        self.session.subscribe(self._hear)
        self.purges = PurgeSchedule(self.session, self._run)
        self.other_windows = OtherWindows(self.session)
        self.works: list[Work] = []
        """The running workers."""
        self.problems: list[str] = []
        """The errors that the user would have seen."""

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> Work:
        # Only one request at a time in a conversation. The work that waits for another
        # program's reply may wait anew before the first wait has ended.
        running = [each.name for each in self.works if not each.is_ending]
        assert not (is_id(name) and name in running), f"two replies at once in {name}"
        made = Work(name, asyncio.get_running_loop().create_task(work))
        self.works.append(made)
        made.task.add_done_callback(lambda task: self._done(made, task))
        return made

    def _done(self, work: Work, task: asyncio.Task[None]) -> None:
        self.works.remove(work)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.problems.append(repr(error))

    def _hear(self, change: Change) -> None:
        if isinstance(change, ReplyEnded):
            for work in self.works:
                work.is_ending |= work.name == change.reply.conversation_id
            if change.problem is not None:
                self.problems.append(change.problem)
        elif isinstance(change, Notice) and change.is_error:
            self.problems.append(change.message)

    async def start(self) -> None:
        await self.store.recover()
        await self.session.restore_last()

    @property
    def current(self) -> OpenConversation:
        return self.session.current

    @property
    def open_id(self) -> str:
        return self.session.open_id

    async def send(self, text: str) -> None:
        """Ask a question in the open conversation."""
        await question_commands.submit(self.session, self.open_id, text)

    async def leave(self, *, is_interrupted: bool) -> None:
        await self.session.stop_all(is_interrupted=is_interrupted)
        await self.session.drafts.save()
        self.purges.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._open.close()

    async def until_quiet(self, strict: Strict) -> None:
        """Wait until nothing happens any more without the user."""
        async with asyncio.timeout(10):
            while not self.is_quiet(strict):
                await asyncio.sleep(0.002)

    def is_quiet(self, strict: Strict) -> bool:
        drafts = self.session.scheduler.streaming
        queued = sum(draft.is_queued for draft in drafts.values())
        return (
            sorted(work.name for work in self.works) == sorted(drafts)
            and (not queued or len(drafts) - queued == AT_ONCE)
            and not self.session.scheduler._claimed
            and all(_is_held(draft, strict) for draft in drafts.values())
            and sum(not said.is_held for said in strict.running()) == 0
        )


def _is_held(reply: StreamingReply, strict: Strict) -> bool:
    """Tell whether a reply waits for a slot, or has everything before its hold."""
    said = strict.said.get(reply.api_message_id or "")
    if reply.stops_as == "stopped":
        return False
    if reply.is_queued or said is None or not said.is_held:
        return reply.is_queued
    came = [
        ("".join(part.words) if part.type in READABLE else "", part.is_finished)
        for part in reply.parts.values()
    ]
    return came == [
        (each.get("text", each.get("thinking", "")), is_whole)
        for each, is_whole in said.arrived(said.before)
    ]
