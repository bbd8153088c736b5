"""Turns of a conversation for tests, without a screen."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.scripted import SONNET
from tui.chat import turn
from tui.chat.attempts import Show
from tui.chat.pricing import Pricing
from tui.claude import Claude
from tui.domain.clock import Clock
from tui.domain.conversation import Conversation, Message
from tui.domain.parameters import Parameters
from tui.domain.query import Hit, Query
from tui.domain.reply import StreamingReply
from tui.store import Store

MODEL: str = SONNET["id"]


class SetClock(Clock):
    """A clock that a test sets. Sleeping on it takes no time."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_ms = 0
        """Milliseconds by which the wall clock is ahead of the true time; may go back."""
        self.later = 0.0
        """Seconds that the test has added to the time."""
        self.waits: list[float] = []
        """The lengths of the sleeps, in seconds."""

    def wall_ms(self) -> int:
        return super().wall_ms() + self.ahead_ms

    def monotonic(self) -> float:
        return super().monotonic() + self.later

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


def unseen(_reply: StreamingReply) -> None:
    """Show a reply nowhere."""


async def hits(store: Store, query: Query, *, limit: int = 50) -> list[Hit]:
    """Return the newest messages that match."""
    found = await store.finding.messages(query, limit=limit)
    assert found is not None
    return list(found.hits)


async def ask(
    store: Store, text: str = "Hi", *, after: Message | None = None, system: str = ""
) -> Message:
    """Save a question after the message `after`, or in a new conversation."""
    conversation = None if after is None else await store.conversation(after.conversation_id)
    if conversation is None:
        now = store.clock.now_ms()
        conversation = Conversation(
            store.new_id(), Parameters(MODEL, system), now, now, title=text
        )
    _, question = await turn.ask(store, conversation, text)
    return question


async def reply_to(
    store: Store,
    claude: Claude,
    question: Message,
    *,
    show: Show = unseen,
    tip_id: str | None = None,
    system: str = "",
    is_streamed: bool = True,
    pricing: Pricing | None = None,
) -> Message:
    """Receive the reply to `question`, at the tip or at `tip_id`."""
    return await turn.reply(
        store,
        claude,
        question,
        turn.empty_reply(store, question, Parameters(MODEL, system)),
        show,
        tip_id=tip_id or question.id,
        parameters=Parameters(MODEL, system),
        is_streamed=is_streamed,
        pricing=pricing,
    )


async def converse(
    store: Store,
    claude: Claude,
    text: str = "Hi",
    *,
    after: Message | None = None,
    show: Show = unseen,
    system: str = "",
    is_streamed: bool = True,
    pricing: Pricing | None = None,
) -> Message:
    """Ask, and return the saved reply."""
    question = await ask(store, text, after=after, system=system)
    return await reply_to(
        store,
        claude,
        question,
        show=show,
        system=system,
        is_streamed=is_streamed,
        pricing=pricing,
    )


async def kept(store: Store, message: Message) -> Message:
    """Return a message as the history has it."""
    return (await store.read_path(message.id))[-1]


def on_disk(history: Path, sql: str, *parameters: object) -> list[sqlite3.Row]:
    """Return rows as another program sees them."""
    with closing(sqlite3.connect(history)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(sql, parameters).fetchall()
