"""A user who repeats every action that failed because of the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps

import pytest
from textual.widgets import Static

from tests.screens.conftest import Journey
from tui.domain.reply import StreamingReply
from tui.store import HistoryError, Store
from tui.ui.screens.chat import ChatScreen
from tui.ui.screens.confirm import ConfirmScreen
from tui.ui.screens.search import SearchScreen
from tui.ui.widgets.sidebar import Sidebar

HALF = "half an answer"
"""A reply with this text runs until it is stopped."""

SURE = 5
"""After so many checks in a row without a change, nothing more will happen."""

TRIES = 5
"""How often an action is tried: more than one method may fail in it."""

Begin = Callable[[], Awaitable[None]]
Phase = tuple[tuple[str, ...], Callable[[], object]]
"""Keys, and the condition that they lead to."""


class Failing:
    """Some methods of the store; each of them fails in one of its calls."""

    def __init__(self, store: Store, names: Sequence[str], at: int) -> None:
        self.at = at
        self.calls = dict.fromkeys(names, 0)
        for name in names:
            self._let_fail(store, name)

    def _let_fail(self, store: Store, name: str) -> None:
        *part, method = name.split(".")
        owner = getattr(store, part[0]) if part else store
        real = getattr(owner, method)

        @wraps(real)
        async def failing(*args: object, **kwargs: object) -> object:
            self.calls[name] += 1
            if self.calls[name] == self.at:
                raise HistoryError(told(name))
            return await real(*args, **kwargs)

        setattr(owner, method, failing)

    @property
    def failed(self) -> set[str]:
        return {name for name, calls in self.calls.items() if calls >= self.at}


def told(name: str) -> str:
    """Return the error text of a method that has failed."""
    return f"The disk was away in {name}."


@dataclass
class Said:
    """What was on the screen and what was typed, in one or more runs of the program."""

    written: list[str] = field(default_factory=list)
    """The texts that were typed, and must be somewhere."""
    shown: set[str] = field(default_factory=set)
    """The complete replies that were shown."""
    told: set[str] = field(default_factory=set)
    """The notices that were shown."""


class Person:
    """A user who repeats every action that failed."""

    def __init__(self, journey: Journey, failing: Failing, said: Said) -> None:
        self.journey, self.app, self.failing, self.said = journey, journey.app, failing, said

    @property
    def chat(self) -> ChatScreen:
        chat = self.app.screen_stack[0]
        assert isinstance(chat, ChatScreen)
        return chat

    def look(self) -> None:
        """Read the notices."""
        entries = [each for each in self.chat.transcript.entries if each.content.is_reply]
        self.said.told.update(self.journey.notices, (entry.figures for entry in entries))
        if isinstance(self.app.screen, SearchScreen):
            self.said.told.add(str(self.app.screen.query_one(".status", Static).render()))
        is_running = any(isinstance(entry.content.message, StreamingReply) for entry in entries)
        if not (is_running or self.app.session.scheduler.streaming):
            self.said.shown.update(
                entry.content.source for entry in entries if entry.content.source
            )

    def is_idle(self) -> bool:
        """Whether nothing happens any more without the user."""
        drafts = self.app.session.scheduler.streaming.items()
        held = {each for each, draft in drafts if draft.words("text") == HALF}
        is_asked = self.app.screen is not self.chat
        running = {
            work.name
            for work in self.app.workers
            if not (work.is_finished or (is_asked and work.group == "act"))
        }
        return self.app.is_settled and running <= held

    async def press(self, *keys: str) -> None:
        await self.journey.press(*keys)
        self.look()

    async def until(self, done: Callable[[], object]) -> bool:
        """Wait for a condition; return False if a failure has prevented it."""

        idle = 0

        def is_over() -> bool:
            nonlocal idle
            self.look()
            # Several times: a reply that has ended may not be drawn yet.
            idle = idle + 1 if self.failing.failed and self.is_idle() else 0
            return bool(done()) or idle > SURE

        await self.journey.until(is_over)
        await self.journey.pilot.pause()
        return bool(done())

    async def until_shown(self, words: str) -> None:
        """Wait until the screen shows this text of another program's reply."""

        def is_shown() -> bool:
            self.look()
            return words in [each.strip() for each in self.journey.replies]

        await self.journey.until(is_shown)

    async def do(self, begin: Begin, *phases: Phase) -> None:
        """Press the keys of each phase and wait for its condition; repeat if that fails."""
        _, is_done = phases[-1]
        for _ in range(TRIES):
            await begin()
            if is_done():
                # The failure came after the action.
                return
            for keys, is_there in phases:
                await self.press(*keys)
                if not await self.until(is_there):
                    break
            else:
                return
        pytest.fail(f"{phases[-1][0]} did nothing\n{self.journey.seen}")

    # The focus

    async def to_writing(self) -> None:
        for _ in range(5):
            chat = self.app.screen
            if isinstance(chat, ChatScreen) and chat.composer.has_focus:
                return
            # Esc would stop a reply.
            await self.press("tab" if self.app.focused is self.chat.transcript else "escape")
        pytest.fail(f"nobody can write any more\n{self.journey.seen}")

    async def to_messages(self) -> None:
        await self.to_writing()
        await self.journey.until_done()
        await self.press("shift+tab")
        assert self.journey.transcript.has_focus

    async def to_list(self) -> None:
        await self.to_writing()
        await self.press("ctrl+s", "tab", "home")
        assert isinstance(self.app.focused, Sidebar)

    # Actions

    async def ask(self, question: str) -> None:
        """Ask, and wait for the reply."""
        await self.write(question)
        await self.until_answered(question)

    async def until_answered(self, question: str) -> None:
        """Do everything necessary until a typed question is answered."""
        await self.until_sent(question, lambda: self.is_answered(question))

    async def until_sent(self, question: str, done: Callable[[], object]) -> None:
        for _ in range(TRIES):
            await self.send(question)
            if await self.until(done):
                return
        pytest.fail(f"{question} came to nothing\n{self.journey.seen}")

    async def write(self, question: str) -> None:
        await self.to_writing()
        assert self.journey.composer == ""
        await self.journey.write(question)
        self.said.written.append(question)

    async def send(self, question: str) -> None:
        """Send a question from wherever it is: the composer, the queue or a regenerate."""
        journey = self.journey
        await self.to_writing()
        places = journey.composer == question, question in self.waiting
        assert sum(places) + journey.questions.count(question) == 1, journey.seen
        if any(places):
            await self.press("enter")
        else:
            await self.to_messages()
            await self.press("r")

    def is_answered(self, question: str) -> bool:
        running = self.app.session.scheduler.streaming
        return self.journey.replies[-1:] == [f"answer to {question}"] and not running

    @property
    def open_id(self) -> str:
        return self.journey.app.session.open_id

    @property
    def waiting(self) -> tuple[str, ...]:
        session = self.app.session
        return session.drafts.draft(session.open_id).queued

    async def quit(self) -> None:
        for _ in range(TRIES):
            await self.press("ctrl+q")
            await self.journey.until(
                lambda: not self.app.is_running or isinstance(self.app.screen, ConfirmScreen)
            )
            if not self.app.is_running:
                return
            await self.press("y")
        pytest.fail("it cannot be left")
