"""The request log of one reply: a row for each attempt, with its times and tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from tui.chat.pricing import Pricing
from tui.domain.clock import Clock
from tui.domain.conversation import State
from tui.domain.failure import Failure, ReplyFailed
from tui.domain.money import Price, combined
from tui.domain.parameters import Parameters
from tui.domain.recording import Recording
from tui.domain.reply import StreamingReply
from tui.domain.reply_events import BlockDelta, Finished, ReplyEvent
from tui.domain.request import Request
from tui.domain.usage import ReplyStats, Timing
from tui.store import Store


class RequestLog:
    """Measures the attempts of one reply, and makes a row for each of them."""

    def __init__(
        self,
        store: Store,
        endpoint: str,
        reply: StreamingReply,
        *,
        purpose: Literal["reply", "title"] = "reply",
        pricing: Pricing | None = None,
    ) -> None:
        self.store = store
        self._pricing = pricing
        self._prices: list[Price | None] = []
        """The prices of the earlier attempts."""
        self.reply = reply
        self.clock: Clock = store.clock
        self.start()
        self.request = Request(
            id=store.new_id(),
            conversation_id=reply.conversation_id,
            message_id=reply.id,
            endpoint=endpoint,
            model_requested=reply.model,
            started_ms=reply.started_ms or store.clock.now_ms(),
            purpose=purpose,
        )

    def note_parameters(self, parameters: Parameters) -> None:
        """Note the parameters of the request."""
        self.reply.effort = parameters.effort
        self.request = replace(
            self.request,
            system=parameters.system,
            effort=parameters.effort,
            max_tokens=parameters.max_tokens,
            thinking_display=parameters.thinking_display,
        )

    def start(self) -> None:
        """Start the clock of the first attempt: time before this is not the endpoint's."""
        self._first = self.clock.monotonic()
        self._restart(self._first)

    def _restart(self, now: float) -> None:
        self._started = self._received_at = self.reply.content_at = self.reply.since = now
        self._timing, self._longest_gap = Timing(), 0.0
        self.recording = Recording()

    @property
    def recorded(self) -> bytes | None:
        """The packed bytes of this attempt's response; None if there are none."""
        return self.recording.packed() if self.recording.size else None

    def note(self, event: ReplyEvent) -> None:
        """Note the time at which an event arrived."""
        now = self.clock.monotonic()
        if isinstance(event, BlockDelta):
            self.reply.content_at = now
        timing, elapsed = self._timing, _ms(now - self._started)
        if timing.first_byte_ms is None:
            self._timing = replace(timing, first_byte_ms=elapsed)
        else:
            self._longest_gap = max(self._longest_gap, now - self._received_at)
        self._received_at = now
        match event:
            case BlockDelta(_, "thinking_delta") if timing.first_thinking_ms is None:
                self._timing = replace(self._timing, first_thinking_ms=elapsed)
                self.reply.since = now
            case BlockDelta(_, "text_delta") if timing.first_text_ms is None:
                self._timing = replace(self._timing, first_text_ms=elapsed)
                self.reply.since = now
            case Finished(blocks) if timing.first_text_ms is None and blocks:
                # Without streaming, the first text arrives together with the last.
                self._timing = replace(self._timing, first_text_ms=elapsed)
            case _:
                pass

    def close(self, state: State, failure: Failure | None) -> ReplyStats:
        """Close the row of the attempt; return the reply's tokens and times so far."""
        reply = self.reply
        # A complete reply ended with its last event. The time to read the connection to
        # its end does not count.
        until = self.clock.monotonic() if reply.finished is None else self._received_at
        timing = replace(
            self._timing,
            duration_ms=_ms(until - self._started),
            longest_gap_ms=None if reply.api_message_id is None else _ms(self._longest_gap),
        )
        self.request = replace(
            self.request,
            state=state,
            model=reply.model if reply.api_message_id else None,
            api_message_id=reply.api_message_id,
            request_id=reply.request_id or (failure.request_id if failure else None),
            stop_reason=reply.stop_reason,
            usage=reply.usage,
            timing=timing,
            failure=failure,
        )
        if self._pricing is not None:
            has_output = bool(reply.blocks)
            self.request = self._pricing.priced(self.request, has_output=has_output)
        since = self.request.since_first_ms
        return ReplyStats(
            usage=reply.usage,
            timing=timing.later(since),
            attempts=self.request.attempt,
            request_id=self.request.request_id,
            price=combined([*self._prices, self.request.price]),
        )

    async def next_attempt(self, failed: ReplyFailed) -> None:
        """Close this attempt's row as failed and open the next one's."""
        if self._pricing is not None:
            # It was loading during the wait for this attempt.
            await self._pricing.loaded(self.request.endpoint)
        self.close(failed_state(failed), failed.failure)
        closed, recorded = self.request, self.recorded
        self._prices.append(closed.price)
        self.reply.start_over(closed.model_requested)
        self._restart(self.clock.monotonic())
        self.request = Request(
            id=self.store.new_id(),
            conversation_id=closed.conversation_id,
            message_id=closed.message_id,
            endpoint=closed.endpoint,
            model_requested=closed.model_requested,
            system=closed.system,
            effort=closed.effort,
            max_tokens=closed.max_tokens,
            thinking_display=closed.thinking_display,
            started_ms=self.clock.now_ms(),
            attempt=closed.attempt + 1,
            since_first_ms=_ms(self._started - self._first),
        )
        await self.store.begin_attempt(closed, recorded, self.request)


def failed_state(error: ReplyFailed) -> State:
    """Return the state of a reply that ended with an error."""
    return "cut_off" if error.is_truncated else "failed"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
