"""The running replies, in all conversations.

They belong to the program, not to a screen: they continue when another conversation is
opened. A screen reads them when it has time to draw.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from tui.chat import known_models, turn
from tui.chat.connections import Connections, answered_by
from tui.chat.draft_store import DraftStore
from tui.chat.finishing import FAULT, SaveFailed
from tui.claude import Claude
from tui.domain.clock import Clock
from tui.domain.conversation import Conversation, Message, with_model
from tui.domain.parameters import Parameters
from tui.domain.reply import StreamingReply
from tui.store import BranchBusy, HistoryError, Store

_log = logging.getLogger(__name__)

CONTINUABLE = ("complete", "max_tokens")
"""The end reasons after which the next question in the queue is asked."""

OTHER_SIDE = (
    "A question waits in another conversation: the demo does not continue Claude's replies,"
    " and Claude does not continue the demo's."
)

TRY_AGAIN_EVERY = 3.0
"""Seconds between two tries to save a reply."""

CHECK_EVERY = 0.5
"""Seconds between two checks whether another program's reply has ended."""


class RunningReply(Protocol):
    """A reply's worker: the two methods of Textual's `Worker` that this module needs."""

    def cancel(self) -> None:
        """Cancel the worker."""

    async def wait(self) -> object:
        """Wait until the worker has ended; raise if it was cancelled or failed."""


class ReplyListener(Protocol):
    """Is called when something happens to a reply, in any conversation."""

    def reply_begun(
        self, conversation: Conversation, question: Message, reply: StreamingReply
    ) -> None:
        """Note that the reply to a queued question has started."""

    def reply_ended(self, reply: StreamingReply, problem: str | None) -> None:
        """Note that a reply has ended; `problem` is a line for the user if it is not saved."""

    def all_saved(self) -> None:
        """Note that every reply that could not be saved is saved now."""

    def next_not_asked(self, conversation_id: str, problem: str) -> None:
        """Note that a queued question could not be asked, and is still in the queue."""


Run = Callable[[Coroutine[Any, Any, None], str], RunningReply]
"""Runs a coroutine in a worker of the given name."""


class ReplyScheduler:
    """Runs at most one reply in each conversation, and asks the queued questions."""

    def __init__(
        self,
        store: Store,
        connections: Connections,
        parameters: Parameters,
        *,
        drafts: DraftStore,
        run: Run,
        listener: ReplyListener,
        at_once: int,
    ) -> None:
        self._store = store
        self.connections = connections
        self.defaults = parameters
        """The parameters of a conversation that chooses none."""
        self.drafts = drafts
        self._run = run
        self._listener = listener
        self._slots = asyncio.Semaphore(at_once)
        """Limits how many replies run at once. Those that wait start in their order."""
        self._running: dict[str, RunningReply] = {}
        self._answers: dict[str, asyncio.Future[bool]] = {}
        """By conversation: the user's answer about a long wait."""
        self._is_ending = False
        self.streaming: dict[str, StreamingReply] = {}
        """The running replies by conversation."""
        self.changes = 0
        """How many times a reply has begun or ended so far."""
        self._claimed: set[str] = set()
        """The conversations in which a question is about to be asked."""
        self._waiting: set[str] = set()
        """The conversations whose queue waits for another program's reply."""
        self.changed: set[str] = set()
        """The conversations whose replies have changed since they were last drawn."""
        self.unsaved: dict[str, SaveFailed] = {}
        """By message: replies that have ended and could not be saved yet."""
        self._saving = asyncio.Lock()

    def begin(
        self, claude: Claude, conversation: Conversation, question: Message
    ) -> StreamingReply:
        """Start the reply to `question`; the conversation's tip will move to it.

        The request has the parameters that the conversation has now. The reply keeps its
        client, and so its endpoint, if the user chooses another one.
        """
        parameters = conversation.parameters.over(self.defaults)
        reply = turn.empty_reply(self._store, question, parameters)
        # Unless the user stops it, only the end of the program can cancel it.
        reply.stops_as = "interrupted"
        self.streaming[conversation.id] = reply
        self.changes += 1
        reply.endpoint = claude.endpoint.identity
        work = self._reply(claude, conversation, question, reply, parameters)
        self._running[conversation.id] = self._run(work, conversation.id)
        return reply

    def is_busy(self, conversation_id: str) -> bool:
        """Tell whether a conversation has a running reply, or is about to have one."""
        return conversation_id in self.streaming or conversation_id in self._claimed

    def is_own(self, message_id: str) -> bool:
        """Tell whether a reply of this program is still running or not saved yet."""
        streaming = self.streaming.values()
        return message_id in self.unsaved or any(reply.id == message_id for reply in streaming)

    def will_send_queue(self, conversation_id: str) -> bool:
        """Tell whether a conversation's queue will be sent without the user."""
        return conversation_id in self.streaming or conversation_id in self._waiting

    @contextmanager
    def claim(self, conversation_id: str) -> Generator[Claude]:
        """Reserve a conversation while a question is being saved there.

        Yields the client for the reply: the user may switch before the question is saved,
        and the new endpoint may not have the question's model.
        """
        self._claimed.add(conversation_id)
        try:
            yield self.connections.current
        finally:
            self._claimed.discard(conversation_id)

    async def ask_next(self, conversation_id: str, model: str | None = None) -> bool:
        """Ask the oldest question of a conversation's queue; return whether one was asked.

        If `model` is None, the conversation's model is asked. Raises `HistoryError`; the
        question is in the queue again then. It also stays there while another program
        receives a reply, and is asked when that reply ends well.
        """
        switches = self.connections.switches
        conversation = await self._store.conversation(conversation_id)
        if conversation is not None and self.connections.model is not None:
            newest = answered_by(await self._store.read_path(conversation.tip_id))
            if not self.connections.may_continue(newest):
                self._listener.next_not_asked(conversation_id, OTHER_SIDE)
                return False
            model = model or await known_models.model_for(
                self._store, self.connections, conversation, newest
            )
        if switches != self.connections.switches:
            return await self.ask_next(conversation_id)
        # Checked after the read, during which another reply may have begun.
        if self._is_ending or conversation is None or self.is_busy(conversation_id):
            return False
        text = self.drafts.take_next(conversation_id)
        if text is None:
            return False
        if model is not None:
            conversation = with_model(conversation, model)
        with self.claim(conversation_id) as claude:
            try:
                # The tip may have moved since, for example to another version.
                conversation, question = await turn.ask_at_tip(self._store, conversation, text)
            except HistoryError as error:
                self.drafts.queue(conversation_id, text, is_next=True)
                if not isinstance(error, BranchBusy):
                    raise
                self._wait_for_other(conversation_id)
                return False
            reply = self.begin(claude, conversation, question)
        self._listener.reply_begun(conversation, question, reply)
        return True

    def stop(self, conversation_id: str) -> bool:
        """Stop a conversation's reply and save what has arrived; return False if none runs."""
        running = self._running.get(conversation_id)
        if running is None:
            return False
        self.streaming[conversation_id].stops_as = "stopped"
        _cancel(running)
        return True

    def answer(self, conversation_id: str, *, may_wait: bool) -> None:
        """Pass on whether a reply may wait as long as its endpoint demands."""
        answer = self._answers.get(conversation_id)
        if answer is not None and not answer.done():
            answer.set_result(may_wait)

    async def stop_all(self, *, is_interrupted: bool = False) -> None:
        """Stop every reply, and wait until what has arrived is saved.

        `is_interrupted` says that the program must end, and that the user did not stop them.
        """
        self._is_ending = True
        running = list(self._running.values())
        for reply in self.streaming.values():
            reply.stops_as = "interrupted" if is_interrupted else "stopped"
        for work in running:
            _cancel(work)
        await asyncio.gather(*(work.wait() for work in running), return_exceptions=True)

    def resume(self) -> None:
        """Allow queued questions again after `stop_all`: the program does not end."""
        self._is_ending = False

    async def ensure_saved(self) -> None:
        """Save the unsaved replies, because requests are made of what is on disk.

        Raises `HistoryError` if that still fails.
        """
        if not await self.save_unsaved():
            raise HistoryError(
                "Not sent: a reply could not be saved yet, and would be missing."
            )

    async def save_unsaved(self) -> bool:
        """Try again to save the unsaved replies; return whether all of them are saved."""
        async with self._saving:
            for message_id, unsaved in list(self.unsaved.items()):
                try:
                    await unsaved.again()
                except HistoryError:
                    return False
                del self.unsaved[message_id]
        return True

    async def _reply(
        self,
        claude: Claude,
        conversation: Conversation,
        question: Message,
        reply: StreamingReply,
        parameters: Parameters,
    ) -> None:
        problem: str | None = None
        try:
            await turn.reply(
                self._store,
                claude,
                question,
                reply,
                self._show,
                parameters=parameters,
                tip_id=conversation.tip_id,
                may_wait=self._may_wait,
                slots=self._slots,
                pricing=self.connections.pricing,
            )
        except HistoryError as error:
            problem = str(error)
            if isinstance(error, SaveFailed):
                self._try_again(reply.id, error)
        except Exception:  # noqa: BLE001 - whatever it was, the program continues
            # This ends one reply, not the program or the other replies.
            _log.exception("a reply was ended by a fault")
            problem = FAULT.message
        finally:
            self.changes += 1
            del self.streaming[conversation.id], self._running[conversation.id]
            self.changed.discard(conversation.id)
            self._listener.reply_ended(reply, problem)
        if reply.ended is not None and reply.ended.state in CONTINUABLE and problem is None:
            await self._ask_next_or_report(conversation.id)

    async def _ask_next_or_report(self, conversation_id: str) -> None:
        # If the question cannot be saved, it stays in the queue.
        try:
            await self.ensure_saved()
            await self.ask_next(conversation_id)
        except HistoryError as error:
            self._listener.next_not_asked(conversation_id, str(error))

    def _wait_for_other(self, conversation_id: str) -> None:
        if conversation_id not in self._waiting:
            self._waiting.add(conversation_id)
            self._run(self._follow_other(conversation_id), f"{conversation_id} waits")

    async def _follow_other(self, conversation_id: str) -> None:
        """Ask the next queued question when another program's reply has ended well.

        If it ends otherwise, the queue waits for the user, as it does after our own replies.
        """
        is_good: bool | None = None
        try:
            while is_good is None and not self._is_ending:
                # Real time, whatever the program's clock says: the other program is real.
                await asyncio.sleep(CHECK_EVERY)
                # If the history cannot be read now, the next check reads it.
                with suppress(HistoryError):
                    is_good = await self._has_ended_well(conversation_id)
        finally:
            self._waiting.discard(conversation_id)
        if is_good:
            await self._ask_next_or_report(conversation_id)

    async def _has_ended_well(self, conversation_id: str) -> bool | None:
        """Tell whether another program's reply ended well; None while it still runs."""
        # A program that died did not finish its reply.
        await self._store.recover()
        tip = await self._store.claims.tip(conversation_id)
        if tip is None:
            return False
        return None if tip.is_busy else tip.role == "assistant" and tip.state in CONTINUABLE

    def _try_again(self, message_id: str, error: SaveFailed) -> None:
        is_first = not self.unsaved
        self.unsaved[message_id] = error
        if is_first:
            self._run(self._keep_trying(self._store.clock), "unkept")

    async def _keep_trying(self, clock: Clock) -> None:
        while not await self.save_unsaved():
            await clock.sleep(TRY_AGAIN_EVERY)
        self._listener.all_saved()

    async def _may_wait(self, reply: StreamingReply) -> bool:
        answer = asyncio.get_running_loop().create_future()
        self._answers[reply.conversation_id] = answer
        try:
            return bool(await answer)
        finally:
            del self._answers[reply.conversation_id]

    def _show(self, reply: StreamingReply) -> None:
        self.changed.add(reply.conversation_id)


def _cancel(running: RunningReply) -> None:
    # Not at once: a worker that is cancelled before its first step never runs, and then
    # its reply would never end.
    asyncio.get_running_loop().call_soon(running.cancel)
