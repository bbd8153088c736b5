"""One request until it is answered: its attempts, and the waits between them."""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from tui.chat.journal_writer import JournalWriter
from tui.chat.request_log import RequestLog
from tui.claude import Claude
from tui.domain.failure import Failure, ReplyFailed
from tui.domain.model import Model
from tui.domain.parameters import Parameters
from tui.domain.prompt import Prompt
from tui.domain.reply import Retry, StreamingReply

Show = Callable[[StreamingReply], None]
"""Shows a reply so far; called after every event."""

MayWait = Callable[[StreamingReply], Awaitable[bool]]
"""Asks the user whether to wait as long as `reply.retry` says."""

RETRY_WAITS = (1.0, 2.0, 4.0)
"""Seconds before the second, third and fourth attempt, unless the endpoint sets them."""

LONGEST_WAIT = 60.0
"""The longest `retry-after`, in seconds, that is obeyed without asking the user."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A request, ready to be sent in one or more attempts."""

    claude: Claude
    prompt: Prompt
    parameters: Parameters
    described: Model | None
    """What the endpoint says about the model, if it says anything."""
    is_streamed: bool


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait before another attempt."""

    waits: Sequence[float]
    may_wait: MayWait | None


async def receive(
    sending: Sending,
    request_log: RequestLog,
    journal: JournalWriter,
    show: Show,
    patience: Patience,
) -> None:
    """Send the request until it is answered. Raises `ReplyFailed` if that fails."""
    reply = request_log.reply
    while True:
        try:
            await _attempt(sending, request_log, journal, show)
        except ReplyFailed as error:
            wait = _wait_before_retry(error, reply, request_log.request.attempt, patience.waits)
            if wait is None:
                raise
            await _wait(wait, error, request_log, show, patience.may_wait)
            journal.start_over()
            await request_log.next_attempt(error)
            show(reply)
        else:
            return


async def _wait(
    seconds: float,
    error: ReplyFailed,
    request_log: RequestLog,
    show: Show,
    may_wait: MayWait | None,
) -> None:
    """Wait before the next attempt, and show the wait; ask first if it is long.

    Raises the error if the user does not want to wait, or if nobody can be asked.
    """
    reply, clock = request_log.reply, request_log.clock
    until = clock.monotonic() + seconds
    reply.retry = Retry(request_log.request.attempt + 1, until, str(error))
    if seconds > LONGEST_WAIT:
        if may_wait is None:
            raise _too_long(error, seconds)
        reply.retry = replace(reply.retry, is_asking=True)
        show(reply)
        if not await may_wait(reply):
            raise _too_long(error, seconds)
        reply.retry = replace(reply.retry, is_asking=False)
        seconds = max(0, until - clock.monotonic())
    show(reply)
    await clock.sleep(seconds)
    reply.retry = None


def _too_long(error: ReplyFailed, seconds: float) -> ReplyFailed:
    reason = str(error).rstrip(".")
    message = f"{reason}. The endpoint asks to wait {math.ceil(seconds)} seconds."
    return ReplyFailed(replace(error.failure, message=message), retry_after=seconds)


async def _attempt(
    sending: Sending, request_log: RequestLog, journal: JournalWriter, show: Show
) -> None:
    reply = request_log.reply
    method = sending.claude.stream if sending.is_streamed else sending.claude.create
    events = method(
        sending.prompt.messages,
        sending.parameters,
        described=sending.described,
        recording=request_log.recording,
    )
    async with aclosing(events):
        async for event in events:
            request_log.note(event)
            reply.take(event)
            show(reply)
            journal.note(event)
    if reply.finished is None:
        raise _ended_early(reply)


def _ended_early(reply: StreamingReply) -> ReplyFailed:
    """Return the error for a stream that ended without `message_stop` and without an error."""
    if reply.api_message_id is None:
        return ReplyFailed(Failure("The endpoint sent an empty answer.", type="protocol"))
    return ReplyFailed(
        Failure("The connection ended before the reply did.", type="cut_off"), is_truncated=True
    )


def _wait_before_retry(
    error: ReplyFailed, reply: StreamingReply, attempt: int, waits: Sequence[float]
) -> float | None:
    """Return the seconds to wait before the next attempt; None if this was the last one.

    There is no automatic retry after any content of the reply has arrived.
    """
    if not error.is_retryable or reply.has_content or attempt > len(waits):
        return None
    if error.retry_after is not None:
        return error.retry_after
    if error.failure.status == 429 and attempt > 1:
        # A spending limit gives 429 without `retry-after`, and waiting does not end it.
        return None
    return waits[attempt - 1] * random.uniform(1.0, 1.25)  # noqa: S311 - jitter, not a secret
