"""One turn: a question goes in, a reply comes out, both are kept.

This is the whole program, less its looks. It takes a callback rather than
yielding events, so that a cancellation always lands in the frame that must keep
the reply, wherever the work was when it was stopped.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace

from tui import continuing
from tui.claude import Claude
from tui.conversation import (
    Block,
    Conversation,
    Failure,
    Message,
    Model,
    ReplyFailed,
    State,
)
from tui.draft import Draft, Retry, ended_state
from tui.finishing import FAULT, ended, save_reply
from tui.journaling import JournalWriter
from tui.ledger import Ledger, failed_state
from tui.prompt import Prompt, prompt
from tui.store import HistoryError, Store

Show = Callable[[Draft], None]
"""Shows a reply so far; called after every event."""

MayWait = Callable[[Draft], Awaitable[bool]]
"""Asks a person whether to wait as long as `draft.retry` says."""

RETRY_WAITS = (1.0, 2.0, 4.0)
"""Seconds before the second, third and fourth attempt, unless the endpoint says."""

LONGEST_WAIT = 60.0
"""The longest an endpoint's `retry-after` is obeyed without a person's word, in seconds."""

MODELS_WAIT = 2.0
"""How long a first request waits to learn what the models can do, in seconds."""

MODELS_FRESH_MS = 24 * 60 * 60 * 1000


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
        parent_id=question.id,
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
    slots: asyncio.Semaphore | None = None,
) -> Message:
    """Answer `question` into `draft`, show it as it grows, keep it however it ends.

    Returns the message as kept; its `state` tells how it ended, its `failure`
    why. The conversation's tip moves to it when it begins, unless it is no longer
    at `tip_id`. Cancelling keeps what has arrived, as `draft.stops_as`, and is
    raised again, as is whatever `show` raises and every fault of this program's own,
    after which the reply has failed. It is asked for once there is one of
    `slots`; until then `draft.is_queued`. Without `may_wait` an endpoint that
    asks for a long wait has failed. Raises `HistoryError` when it could not begin,
    and `NotKept` when it could not be kept.
    """
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
    ledger = Ledger(store, claude.endpoint.identity, draft)
    journal = JournalWriter(store, draft)
    # Whatever ends this and is not found out below came from this side.
    state: State | None = None
    failure: Failure | None = None
    is_refused = True
    try:
        await store.begin_reply(message, ledger.request, tip_id=tip_id)
        is_refused = False
        # Waited for first: whoever asks the endpoint for its models meanwhile might be
        # overtaken by one that asked later.
        async with _turn_of(draft, slots, show):
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
            await _receive(sending, ledger, journal, show, _Patience(waits, may_wait))
    except ReplyFailed as error:
        state, failure = failed_state(error), error.failure
    except HistoryError as error:
        state, failure = "failed", Failure(str(error), type="history")
        raise
    except OSError:
        # Its output is closed: that is no failure of the reply.
        raise
    except Exception:
        state, failure = "failed", FAULT
        raise
    finally:
        journal.close()
        draft.retry = None
        if draft.finished is not None:
            state, failure = ended_state(draft.finished), None
        state = state or draft.stops_as
        message = ended(message, ledger, state, failure)
        draft.ended = message
        # Of a reply that the history would not have, there is nothing to bring to its
        # end; one whose beginning was only not waited for does have its row.
        draft.is_refused = is_refused and state == "failed"
        if not draft.is_refused:
            draft.ended = message = await save_reply(store, message, ledger)
    return message


@asynccontextmanager
async def _turn_of(
    draft: Draft, slots: asyncio.Semaphore | None, show: Show
) -> AsyncGenerator[None]:
    """Wait until a reply may be asked for, where it can be seen; hold its slot meanwhile."""
    if slots is None:
        yield
        return
    draft.is_queued = slots.locked()
    if draft.is_queued:
        show(draft)
    try:
        async with slots:
            draft.is_queued = False
            yield
    finally:
        draft.is_queued = False


async def connect(store: Store, claude: Claude) -> None:
    """Get ready to ask: load the SDK, and learn what the models can do.

    Raises `ReplyFailed` and `HistoryError`.
    """
    await claude.warm_up()
    await refresh_models(store, claude)


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


async def _receive(
    sending: _Sending,
    ledger: Ledger,
    journal: JournalWriter,
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
    ledger: Ledger,
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


async def _attempt(
    sending: _Sending, ledger: Ledger, journal: JournalWriter, show: Show
) -> None:
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
