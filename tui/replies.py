"""The replies being written now, whichever conversation is being read.

They belong to the program, not to a screen: they go on when another conversation
is opened. A screen looks at the drafts when it has time to draw.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Protocol

from tui import turn
from tui.claude import Claude
from tui.clock import Clock
from tui.conversation import Conversation, Message
from tui.desk import Desk
from tui.draft import Draft
from tui.finishing import FAULT, NotKept
from tui.store import HistoryError, Store

_log = logging.getLogger(__name__)

AT_ONCE = 8
"""How many replies are asked for at once, unless the settings say otherwise."""

GOES_ON = ("complete", "max_tokens")
"""How a reply ends after which the next question in the queue is asked."""

TRY_AGAIN_EVERY = 3.0
"""How often a reply that could not be written is tried again, in seconds."""


class Running(Protocol):
    """A reply's worker: Textual's `Worker`, of which this needs two methods."""

    def cancel(self) -> None:
        """Stop it."""

    async def wait(self) -> object:
        """Wait until it has ended; raises if it was cancelled or failed."""


class Watched(Protocol):
    """Is told of what happens to replies, wherever they are being written."""

    def reply_begun(self, conversation: Conversation, question: Message, draft: Draft) -> None:
        """Hear of a reply to a question that had waited in the queue."""

    def reply_ended(self, draft: Draft, problem: str | None) -> None:
        """Hear of every reply that ended, with a line for the reader if it was not kept."""

    def all_saved(self) -> None:
        """Hear that what could not be written has been."""


Run = Callable[[Coroutine[Any, Any, None], str], Running]
"""Runs a coroutine in a worker of the given name."""


class Replies:
    """At most one running reply for each conversation, and the questions that wait."""

    def __init__(
        self,
        store: Store,
        claude: Claude,
        *,
        desk: Desk,
        run: Run,
        watched: Watched,
        at_once: int = AT_ONCE,
    ) -> None:
        self._store = store
        self._claude = claude
        self._desk = desk
        self._run = run
        self._watched = watched
        self._slots = asyncio.Semaphore(at_once)
        """How many may be asked for at once. Those that wait are let in as they came."""
        self._running: dict[str, Running] = {}
        self._answers: dict[str, asyncio.Future[bool]] = {}
        """By conversation: what a person says to a long wait."""
        self._is_ending = False
        self.drafts: dict[str, Draft] = {}
        """By conversation."""
        self._claimed: set[str] = set()
        """The conversations in which somebody is about to ask."""
        self.changed: set[str] = set()
        """The conversations whose drafts have changed since they were last drawn."""
        self.unkept: dict[str, NotKept] = {}
        """By message: replies that have ended and could not be written yet."""

    def begin(self, conversation: Conversation, question: Message, model: str) -> Draft:
        """Start a reply to `question`; the conversation's tip will move to it."""
        draft = turn.draft_for(self._store, question, model)
        # Unless somebody stops it, only the end of the program can.
        draft.stops_as = "interrupted"
        self.drafts[conversation.id] = draft
        work = self._reply(conversation, question, draft)
        self._running[conversation.id] = self._run(work, conversation.id)
        return draft

    def is_busy(self, conversation_id: str) -> bool:
        """Tell whether a reply is being written in a conversation, or about to be."""
        return conversation_id in self.drafts or conversation_id in self._claimed

    @contextmanager
    def claim(self, conversation_id: str) -> Generator[None]:
        """Let nobody else ask in a conversation while its question is written."""
        self._claimed.add(conversation_id)
        try:
            yield
        finally:
            self._claimed.discard(conversation_id)

    async def ask_next(self, conversation_id: str, model: str | None = None) -> bool:
        """Ask the question that waits longest in a conversation; False if none does.

        A model of None: the conversation's own. Raises `HistoryError`; the question is in
        the queue again then.
        """
        conversation = await self._store.conversation(conversation_id)
        # Looked at last: while the history was read, another may have begun.
        if self._is_ending or conversation is None or self.is_busy(conversation_id):
            return False
        text = self._desk.take_next(conversation_id)
        if text is None:
            return False
        conversation = replace(conversation, model=model or conversation.model)
        with self.claim(conversation_id):
            try:
                question = await turn.ask(self._store, conversation, text)
            except HistoryError:
                self._desk.queue(conversation_id, text, is_next=True)
                raise
            conversation = replace(conversation, tip_id=question.id)
            draft = self.begin(conversation, question, conversation.model)
        self._watched.reply_begun(conversation, question, draft)
        return True

    def stop(self, conversation_id: str) -> bool:
        """Stop a conversation's reply, keeping what has arrived; False if there is none."""
        running = self._running.get(conversation_id)
        if running is None:
            return False
        self.drafts[conversation_id].stops_as = "stopped"
        _cancel(running)
        return True

    def answer(self, conversation_id: str, *, may_wait: bool) -> None:
        """Say whether a reply may wait as long as its endpoint asks."""
        answer = self._answers.get(conversation_id)
        if answer is not None and not answer.done():
            answer.set_result(may_wait)

    async def stop_all(self, *, is_interrupted: bool = False) -> None:
        """Stop every reply and wait until what has arrived is kept.

        Interrupted: because the program is made to end, not because somebody has read enough.
        """
        self._is_ending = True
        running = list(self._running.values())
        for draft in self.drafts.values():
            draft.stops_as = "interrupted" if is_interrupted else "stopped"
        for reply in running:
            _cancel(reply)
        await asyncio.gather(*(reply.wait() for reply in running), return_exceptions=True)

    async def keep_unkept(self) -> bool:
        """Try again to write what could not be written; tell whether all of it is kept."""
        for message_id, unkept in list(self.unkept.items()):
            try:
                await unkept.again()
            except HistoryError:
                return False
            self.unkept.pop(message_id, None)
        return True

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
                may_wait=self._may_wait,
                slots=self._slots,
            )
        except HistoryError as error:
            problem = str(error)
            if isinstance(error, NotKept):
                self._try_again(draft.id, error)
        except Exception:  # noqa: BLE001 - whatever it was, the program goes on
            # It ends this reply, not the program and the other replies.
            _log.exception("a reply was ended by a fault")
            problem = FAULT.message
        finally:
            del self.drafts[conversation.id], self._running[conversation.id]
            self.changed.discard(conversation.id)
            self._watched.reply_ended(draft, problem)
        if draft.ended is not None and draft.ended.state in GOES_ON and problem is None:
            await self._go_on(conversation.id)

    async def _go_on(self, conversation_id: str) -> None:
        # What waits stays where it is if it cannot be kept; the reader is told by the next.
        with suppress(HistoryError):
            await self.ask_next(conversation_id)

    def _try_again(self, message_id: str, error: NotKept) -> None:
        is_first = not self.unkept
        self.unkept[message_id] = error
        if is_first:
            self._run(self._keep_trying(self._store.clock), "unkept")

    async def _keep_trying(self, clock: Clock) -> None:
        while not await self.keep_unkept():
            await clock.sleep(TRY_AGAIN_EVERY)
        self._watched.all_saved()

    async def _may_wait(self, draft: Draft) -> bool:
        answer = asyncio.get_running_loop().create_future()
        self._answers[draft.conversation_id] = answer
        try:
            return bool(await answer)
        finally:
            del self._answers[draft.conversation_id]

    def _show(self, draft: Draft) -> None:
        self.changed.add(draft.conversation_id)


def _cancel(running: Running) -> None:
    # Not at once: cancelled before its first step, a worker does not run at all, and a
    # reply that was never begun would not end either.
    asyncio.get_running_loop().call_soon(running.cancel)
