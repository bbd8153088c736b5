"""One turn: a question goes in, a reply comes out, both are kept.

This is the whole program, less its looks. It takes a callback rather than
yielding events, so that a cancellation always lands in the frame that must keep
the reply, wherever the work was when it was stopped.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from tui import continuing
from tui.claude import Claude
from tui.clock import Clock
from tui.conversation import (
    Block,
    BlockDelta,
    Conversation,
    Failure,
    Figures,
    Finished,
    Message,
    Model,
    ReplyEvent,
    ReplyFailed,
    Request,
    State,
    Timing,
)
from tui.draft import Draft, Retry, ended_state
from tui.journal import entry
from tui.prompt import Prompt, prompt
from tui.recording import Recording
from tui.store import HistoryError, Store

Show = Callable[[Draft], None]
"""Shows a reply so far; called after every event."""

MayWait = Callable[[Draft], Awaitable[bool]]
"""Asks a person whether to wait as long as `draft.retry` says."""

JOURNAL_EVERY = 0.2
"""How long after it was shown an event is written to disk, in seconds."""

TROUBLE_EVERY = 3.0
"""The same while it cannot be written, because the disk is full."""

RETRY_WAITS = (1.0, 2.0, 4.0)
"""Seconds before the second, third and fourth attempt, unless the endpoint says."""

LONGEST_WAIT = 60.0
"""The longest an endpoint's `retry-after` is obeyed without a person's word, in seconds."""

MODELS_WAIT = 2.0
"""How long a first request waits to learn what the models can do, in seconds."""

MODELS_FRESH_MS = 24 * 60 * 60 * 1000


class NotKept(HistoryError):
    """A reply has ended and could not be written. It can be tried again."""

    def __init__(self, why: str, again: Callable[[], Awaitable[None]]) -> None:
        super().__init__(why)
        self.again = again
        """Tries again to write it. Raises `HistoryError`."""


async def ask(store: Store, conversation: Conversation, text: str) -> Message:
    """Keep a question at the tip of its conversation. On disk when this returns."""
    return await ask_after(store, conversation, text, parent_id=conversation.tip_id)


async def ask_after(
    store: Store,
    conversation: Conversation,
    text: str,
    *,
    parent_id: str | None,
    is_continuation: bool = False,
) -> Message:
    """Keep a question after any message of a conversation; the tip moves to it.

    None: as another beginning. On disk when this returns. Raises `HistoryError`.
    """
    message = Message(
        id=store.new_id(),
        conversation_id=conversation.id,
        role="user",
        blocks=(Block({"type": "text", "text": text}),),
        created_ms=store.clock.now_ms(),
        parent_id=parent_id,
        is_continuation=is_continuation,
    )
    await store.add_question(conversation, message)
    return message


async def go_on(store: Store, conversation: Conversation, broken_off: Message) -> Message:
    """Keep the program's own question, to go on with a reply that broke off.

    The tip moves to it. Raises `ValueError` for a reply that cannot be gone on with;
    see `continuing.can_go_on`.
    """
    return await ask_after(
        store,
        conversation,
        continuing.request(broken_off),
        parent_id=broken_off.id,
        is_continuation=True,
    )


def draft_for(store: Store, question: Message, model: str) -> Draft:
    """Return the empty draft of a reply to `question`."""
    return Draft(
        id=store.new_id(),
        conversation_id=question.conversation_id,
        model=model,
        started_ms=store.clock.now_ms(),
    )


async def reply(
    store: Store,
    claude: Claude,
    question: Message,
    draft: Draft,
    show: Show,
    *,
    tip_id: str | None,
    system: str = "",
    is_streamed: bool = True,
    waits: Sequence[float] = RETRY_WAITS,
    may_wait: MayWait | None = None,
) -> Message:
    """Answer `question` into `draft`, show it as it grows, keep it however it ends.

    Returns the message as kept; its `state` tells how it ended, its `failure`
    why. The conversation's tip moves to it when it begins, unless it is no longer
    at `tip_id`. Cancelling keeps what has arrived, as `draft.stops_as`, and is
    raised again, as is whatever `show` raises. Without `may_wait` an endpoint that
    asks for a long wait has failed. Raises `HistoryError` when it could not begin,
    and `NotKept` when it could not be kept.
    """
    clock = store.clock
    message = Message(
        id=draft.id,
        conversation_id=draft.conversation_id,
        role="assistant",
        blocks=(),
        created_ms=draft.started_ms,
        parent_id=question.id,
        state="streaming",
        model=draft.model,
        endpoint=claude.endpoint.identity,
    )
    ledger = _Ledger(store, claude.endpoint.identity, draft)
    journal = _Journal(store, draft)
    # Whatever ends this and is not found out below came from this side.
    state: State | None = None
    failure: Failure | None = None
    is_refused = True
    try:
        await store.begin_reply(message, ledger.request, tip_id=tip_id)
        is_refused = False
        line = await store.line(question.id)
        sent = prompt(line, endpoint=claude.endpoint.identity, system=system)
        message = replace(message, context=sent.context)
        sending = _Sending(
            claude,
            sent,
            is_streamed=is_streamed,
            described=await _described(store, claude, draft.model),
        )
        ledger.start()
        patience = _Patience(waits, may_wait)
        await _receive(sending, ledger, journal, show, patience)
    except ReplyFailed as error:
        state, failure = _failed_state(error), error.failure
    except HistoryError as error:
        state, failure = "failed", Failure(str(error), type="history")
        raise
    finally:
        journal.close()
        draft.retry = None
        if draft.finished is not None:
            state, failure = ended_state(draft.finished), None
        state = state or draft.stops_as
        message = replace(
            message,
            blocks=draft.blocks,
            state=state,
            finished_ms=clock.now_ms(),
            model=draft.model,
            stop_reason=draft.stop_reason,
            stop_details=draft.stop_details,
            failure=failure,
            figures=ledger.close(state, failure),
        )
        draft.ended = message
        # Of a reply that the history would not have, there is nothing to bring to its
        # end; one whose beginning was only not waited for does have its row.
        if not (is_refused and state == "failed"):
            await _keep(store, message, ledger)
    return message


async def _keep(store: Store, message: Message, ledger: _Ledger) -> None:
    """Write a reply that has ended. Raises `NotKept`."""
    request, recording = ledger.request, ledger.recorded

    async def keep() -> None:
        await store.finish_reply(message, request, recording)

    try:
        await keep()
    except HistoryError as error:
        raise NotKept(str(error), keep) from error


async def refresh_models(store: Store, claude: Claude) -> None:
    """Ask the endpoint what its models can do, unless it was asked within a day.

    An endpoint that cannot be asked just now is asked another time.
    """
    known = await store.models(claude.endpoint.host)
    if known is not None and store.clock.now_ms() - known[0] < MODELS_FRESH_MS:
        return
    try:
        models = await claude.models()
    except ReplyFailed:
        return
    await store.keep_models(claude.endpoint.host, models)


@dataclass(frozen=True, slots=True)
class _Sending:
    """A request, ready to be made as often as it takes."""

    claude: Claude
    prompt: Prompt
    is_streamed: bool
    described: Model | None


@dataclass(frozen=True, slots=True)
class _Patience:
    """How long is waited before another attempt."""

    waits: Sequence[float]
    may_wait: MayWait | None


class _Ledger:
    """The rows of one reply in the ledger, one for each attempt, and their clock."""

    def __init__(self, store: Store, endpoint: str, draft: Draft) -> None:
        self.store = store
        self.draft = draft
        self.clock: Clock = store.clock
        self.start()
        self.request = Request(
            id=store.new_id(),
            conversation_id=draft.conversation_id,
            message_id=draft.id,
            endpoint=endpoint,
            model_requested=draft.model,
            started_ms=draft.started_ms,
        )

    def start(self) -> None:
        """Start the first attempt's clock: what comes before is not the endpoint's time."""
        self._first = self.clock.monotonic()
        self._restart(self._first)

    def _restart(self, now: float) -> None:
        self._started = self._heard = self.draft.heard_at = now
        self._timing, self._longest_gap = Timing(), 0.0
        self.recording = Recording()

    @property
    def recorded(self) -> bytes | None:
        """What came over the wire for this attempt."""
        return self.recording.packed() if self.recording.size else None

    def note(self, event: ReplyEvent) -> None:
        """Note when an event came."""
        now = self.clock.monotonic()
        if isinstance(event, BlockDelta):
            self.draft.heard_at = now
        timing, elapsed = self._timing, _ms(now - self._started)
        if timing.first_byte_ms is None:
            self._timing = replace(timing, first_byte_ms=elapsed)
        else:
            self._longest_gap = max(self._longest_gap, now - self._heard)
        self._heard = now
        match event:
            case BlockDelta(_, "thinking_delta") if timing.first_thinking_ms is None:
                self._timing = replace(self._timing, first_thinking_ms=elapsed)
            case BlockDelta(_, "text_delta") if timing.first_text_ms is None:
                self._timing = replace(self._timing, first_text_ms=elapsed)
            case Finished(blocks) if timing.first_text_ms is None and blocks:
                # A reply that was not streamed has its first words with its last.
                self._timing = replace(self._timing, first_text_ms=elapsed)
            case _:
                pass

    def close(self, state: State, failure: Failure | None) -> Figures:
        """Close the row of the attempt; return what the reply has taken so far."""
        draft = self.draft
        # A whole reply ended with its last event; reading on to the end of the
        # connection is not its time.
        until = self.clock.monotonic() if draft.finished is None else self._heard
        timing = replace(
            self._timing,
            duration_ms=_ms(until - self._started),
            longest_gap_ms=None if draft.api_message_id is None else _ms(self._longest_gap),
        )
        self.request = replace(
            self.request,
            state=state,
            model=draft.model if draft.api_message_id else None,
            api_message_id=draft.api_message_id,
            request_id=draft.request_id or (failure.request_id if failure else None),
            stop_reason=draft.stop_reason,
            usage=draft.usage,
            timing=timing,
            failure=failure,
        )
        since = self.request.since_first_ms
        return Figures(
            usage=draft.usage,
            timing=timing.later(since),
            attempts=self.request.attempt,
            request_id=self.request.request_id,
        )

    async def next_attempt(self, failed: ReplyFailed) -> None:
        """Close this attempt's row as failed and open the next one's."""
        self.close(_failed_state(failed), failed.failure)
        closed, recorded = self.request, self.recorded
        self.draft.start_over(closed.model_requested)
        self._restart(self.clock.monotonic())
        self.request = Request(
            id=self.store.new_id(),
            conversation_id=closed.conversation_id,
            message_id=closed.message_id,
            endpoint=closed.endpoint,
            model_requested=closed.model_requested,
            started_ms=self.clock.now_ms(),
            attempt=closed.attempt + 1,
            since_first_ms=_ms(self._started - self._first),
        )
        await self.store.begin_attempt(closed, recorded, self.request)


class _Journal:
    """Writes a reply to disk while it arrives, soon after it was shown."""

    def __init__(self, store: Store, draft: Draft) -> None:
        self._store = store
        self._draft = draft
        self._events: list[ReplyEvent] = []
        self._written = 0
        self._writing: asyncio.Task[None] | None = None

    def note(self, event: ReplyEvent) -> None:
        """Write an event, with those that come soon after it."""
        self._events.append(event)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())

    def start_over(self) -> None:
        """Forget an attempt that brought nothing to read."""
        self.close()
        self._events.clear()

    def close(self) -> None:
        """Write nothing more: the reply itself is written now."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    async def _write(self) -> None:
        wait = JOURNAL_EVERY
        # In real time, whatever clock the reply is told: the disk is real.
        while self._events:
            await asyncio.sleep(wait)
            written = len(self._events)
            try:
                await self._store.keep_arrived(
                    self._draft.id, self._written, entry(self._events[:written])
                )
            except HistoryError as error:
                self._draft.trouble, wait = str(error), TROUBLE_EVERY
            else:
                del self._events[:written]
                self._written += 1
                self._draft.trouble, wait = "", JOURNAL_EVERY
        self._writing = None


async def _receive(
    sending: _Sending,
    ledger: _Ledger,
    journal: _Journal,
    show: Show,
    patience: _Patience,
) -> None:
    """Make the request until it is answered. Raises `ReplyFailed` when it is not."""
    draft = ledger.draft
    while True:
        try:
            await _attempt(sending, ledger, journal, show)
        except ReplyFailed as error:
            wait = _wait_before_retry(error, draft, ledger.request.attempt, patience.waits)
            if wait is None:
                raise
            await _wait(wait, error, ledger, show, patience.may_wait)
            journal.start_over()
            await ledger.next_attempt(error)
            show(draft)
        else:
            return


async def _wait(
    seconds: float,
    error: ReplyFailed,
    ledger: _Ledger,
    show: Show,
    may_wait: MayWait | None,
) -> None:
    """Wait before the next attempt, where it can be seen; ask first if it is long.

    Raises the error if nobody wants to wait.
    """
    draft, clock = ledger.draft, ledger.clock
    until = clock.monotonic() + seconds
    draft.retry = Retry(ledger.request.attempt + 1, until, str(error))
    if seconds > LONGEST_WAIT:
        if may_wait is None:
            raise _too_long(error, seconds)
        draft.retry = replace(draft.retry, is_asking=True)
        show(draft)
        if not await may_wait(draft):
            raise _too_long(error, seconds)
        draft.retry = replace(draft.retry, is_asking=False)
        seconds = max(0, until - clock.monotonic())
    show(draft)
    await clock.sleep(seconds)
    draft.retry = None


def _too_long(error: ReplyFailed, seconds: float) -> ReplyFailed:
    said = str(error).rstrip(".")
    message = f"{said}. It asks to be left alone for {math.ceil(seconds)} seconds."
    return ReplyFailed(replace(error.failure, message=message), retry_after=seconds)


async def _attempt(sending: _Sending, ledger: _Ledger, journal: _Journal, show: Show) -> None:
    draft = ledger.draft
    method = sending.claude.stream if sending.is_streamed else sending.claude.create
    events = method(
        sending.prompt.messages,
        model=ledger.request.model_requested,
        system=sending.prompt.system,
        described=sending.described,
        recording=ledger.recording,
    )
    async with aclosing(events):
        async for event in events:
            ledger.note(event)
            draft.take(event)
            show(draft)
            journal.note(event)
    if draft.finished is None:
        raise _ended_early(draft)


def _ended_early(draft: Draft) -> ReplyFailed:
    """Return the error of a stream that ended without `message_stop`, and without one."""
    if draft.api_message_id is None:
        return ReplyFailed(Failure("The endpoint sent an empty answer.", type="protocol"))
    return ReplyFailed(
        Failure("The connection ended before the reply did.", type="cut_off"), is_cut=True
    )


def _wait_before_retry(
    error: ReplyFailed, draft: Draft, attempt: int, waits: Sequence[float]
) -> float | None:
    """Return the seconds to wait before trying again; None when this was the last try.

    Nothing is tried again by itself once anything of the reply has arrived.
    """
    if not error.is_retryable or draft.has_content or attempt > len(waits):
        return None
    if error.retry_after is not None:
        return error.retry_after
    if error.failure.status == 429 and attempt > 1:
        # A spending limit says 429 without `retry-after`, and stays.
        return None
    return waits[attempt - 1] * random.uniform(1.0, 1.25)  # noqa: S311 - jitter, not a secret


def _failed_state(error: ReplyFailed) -> State:
    return "cut_off" if error.is_cut else "failed"


async def _described(store: Store, claude: Claude, model: str) -> Model | None:
    """Return what the endpoint says of a model; None when it does not say."""
    host = claude.endpoint.host
    known = await store.models(host)
    if known is None:
        await claude.ready()
        try:
            async with asyncio.timeout(MODELS_WAIT):
                models = await claude.models()
        except (TimeoutError, ReplyFailed):
            return None
        # What a full disk cannot keep is asked for again another time.
        with suppress(HistoryError):
            await store.keep_models(host, models)
    else:
        models = known[1]
    return next((found for found in models if found.id == model), None)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
