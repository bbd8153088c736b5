"""Turns of a conversation for tests: what a person does with the program, less the screen."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.scripted import SONNET
from tui import turn
from tui.claude import Claude
from tui.clock import Clock
from tui.conversation import Conversation, Message
from tui.draft import Draft
from tui.search import Hit, Query
from tui.store import Store

MODEL: str = SONNET["id"]


class SetClock(Clock):
    """A clock that a test sets, on which waiting takes no time."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_ms = 0
        """How far the wall clock is ahead of the true time; may jump back."""
        self.later = 0.0
        """How much later it is than it would be, in seconds."""
        self.waits: list[float] = []
        """How long it was waited, in seconds."""

    def wall_ms(self) -> int:
        return super().wall_ms() + self.ahead_ms

    def monotonic(self) -> float:
        return super().monotonic() + self.later

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


def unseen(_draft: Draft) -> None:
    """Show a reply to nobody."""


async def hits(store: Store, query: Query, *, limit: int = 50) -> list[Hit]:
    """Find the newest messages that match."""
    found = await store.finding.messages(query, limit=limit)
    assert found is not None
    return list(found.hits)


async def ask(
    store: Store, text: str = "Hi", *, after: Message | None = None, system: str = ""
) -> Message:
    """Keep a question: the next one of the conversation of `after`, or a new one's first."""
    conversation = None if after is None else await store.conversation(after.conversation_id)
    if conversation is None:
        now = store.clock.now_ms()
        conversation = Conversation(store.new_id(), MODEL, now, now, title=text, system=system)
    return await turn.ask(store, conversation, text)


async def reply_to(
    store: Store,
    claude: Claude,
    question: Message,
    *,
    show: turn.Show = unseen,
    tip_id: str | None = None,
    system: str = "",
    is_streamed: bool = True,
) -> Message:
    """Have `question` answered at the tip, or at `tip_id`."""
    return await turn.reply(
        store,
        claude,
        question,
        turn.draft_for(store, question, MODEL),
        show,
        tip_id=tip_id or question.id,
        system=system,
        is_streamed=is_streamed,
    )


async def converse(
    store: Store,
    claude: Claude,
    text: str = "Hi",
    *,
    after: Message | None = None,
    show: turn.Show = unseen,
    system: str = "",
    is_streamed: bool = True,
) -> Message:
    """Ask, and return the reply as it was kept."""
    question = await ask(store, text, after=after, system=system)
    return await reply_to(
        store, claude, question, show=show, system=system, is_streamed=is_streamed
    )


async def kept(store: Store, message: Message) -> Message:
    """Return a message as the history holds it."""
    return (await store.line(message.id))[-1]


def on_disk(history: Path, sql: str, *parameters: object) -> list[sqlite3.Row]:
    """Return rows as another program sees them."""
    with closing(sqlite3.connect(history)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(sql, parameters).fetchall()
