"""The replies being written now, whichever conversation is being read.

They belong to the program, not to a screen: they go on when another conversation
is opened. A screen looks at the drafts when it has time to draw.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from tui import turn
from tui.claude import Claude
from tui.conversation import Conversation, Draft, Message
from tui.store import HistoryError, Store


class Running(Protocol):
    """A reply's worker: Textual's `Worker`, of which this needs two methods."""

    def cancel(self) -> None:
        """Stop it."""

    async def wait(self) -> object:
        """Wait until it has ended; raises if it was cancelled or failed."""


Run = Callable[[Coroutine[Any, Any, None], str], Running]
"""Runs a coroutine in a worker of the given name."""


class Replies:
    """At most one running reply for each conversation."""

    def __init__(
        self,
        store: Store,
        claude: Claude,
        *,
        run: Run,
        ended: Callable[[Draft, str | None], None],
    ) -> None:
        self._store = store
        self._claude = claude
        self._run = run
        self._ended = ended
        """Told of every reply that ended, with a line for the reader if it was not kept."""
        self._running: dict[str, Running] = {}
        self.drafts: dict[str, Draft] = {}
        """By conversation."""
        self.changed: set[str] = set()
        """The conversations whose drafts have changed since they were last drawn."""

    def begin(self, conversation: Conversation, question: Message, model: str) -> Draft:
        """Start a reply to `question`; the conversation's tip will move to it."""
        draft = turn.draft_for(self._store, question, model)
        self.drafts[conversation.id] = draft
        work = self._reply(conversation, question, draft)
        self._running[conversation.id] = self._run(work, conversation.id)
        return draft

    def stop(self, conversation_id: str) -> bool:
        """Stop a conversation's reply, keeping what has arrived; False if there is none."""
        running = self._running.get(conversation_id)
        if running is None:
            return False
        running.cancel()
        return True

    async def stop_all(self) -> None:
        """Stop every reply and wait until what has arrived is kept."""
        running = list(self._running.values())
        for reply in running:
            reply.cancel()
        await asyncio.gather(*(reply.wait() for reply in running), return_exceptions=True)

    async def _reply(self, conversation: Conversation, question: Message, draft: Draft) -> None:
        problem: str | None = None
        try:
            await turn.reply(
                self._store,
                self._claude,
                question,
                draft,
                self._show,
                tip_id=conversation.tip_id,
                system=conversation.system,
            )
        except HistoryError as error:
            problem = str(error)
        finally:
            del self.drafts[conversation.id], self._running[conversation.id]
            self.changed.discard(conversation.id)
            self._ended(draft, problem)

    def _show(self, draft: Draft) -> None:
        self.changed.add(draft.conversation_id)
