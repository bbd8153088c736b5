"""The rows that one reply has in the ledger, one for each attempt, and their clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from tui.clock import Clock
from tui.conversation import (
    BlockDelta,
    Failure,
    Figures,
    Finished,
    ReplyEvent,
    ReplyFailed,
    Request,
    State,
    Timing,
)
from tui.draft import Draft
from tui.recording import Recording
from tui.store import Store


class Ledger:
    """The rows of one reply in the ledger, one for each attempt, and their clock."""

    def __init__(
        self,
        store: Store,
        endpoint: str,
        draft: Draft,
        *,
        purpose: Literal["reply", "title"] = "reply",
    ) -> None:
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
            started_ms=draft.started_ms or store.clock.now_ms(),
            purpose=purpose,
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
        self.close(failed_state(failed), failed.failure)
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


def failed_state(error: ReplyFailed) -> State:
    """Return how a reply that met an error has ended."""
    return "cut_off" if error.is_cut else "failed"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
