"""The request log: which requests were sent, and what they used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tui.domain.conversation import State
from tui.domain.failure import Failure
from tui.domain.money import Price
from tui.domain.parameters import Effort, ThinkingDisplay
from tui.domain.prices import Billable
from tui.domain.usage import Timing, Usage


@dataclass(frozen=True, slots=True)
class Request:
    """A row of the request log: one HTTP attempt, successful or not.

    A row outlives its conversation, because its costs remain.
    """

    id: str
    conversation_id: str
    message_id: str
    endpoint: str
    model_requested: str
    started_ms: int
    system: str = ""
    """The system prompt. It is not in the row of the request, but in that of the reply."""
    effort: Effort | None = None
    """The effort; None if the request had none."""
    max_tokens: int | None = None
    """The limit of the reply, in tokens."""
    thinking_display: ThinkingDisplay | None = None
    """Whether the request asked for a summary of the thinking; None without thinking."""
    purpose: Literal["reply", "title"] = "reply"
    attempt: int = 1
    since_first_ms: int = 0
    """Milliseconds from the start of the first attempt to the start of this one."""
    state: State = "streaming"
    model: str | None = None
    """The model that answered."""
    api_message_id: str | None = None
    request_id: str | None = None
    stop_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    timing: Timing = field(default_factory=Timing)
    failure: Failure | None = None
    price: Price | None = None
    """What it cost; None if that is not computed yet."""
    price_table: str | None = None
    """The version of the table of prices; None without a price."""

    def billable(self, *, has_output: bool) -> Billable:
        """Return what the price depends on. `has_output`: whether the model wrote anything."""
        return Billable(
            endpoint=self.endpoint,
            model=self.model,
            model_requested=self.model_requested,
            time_ms=self.started_ms,
            state=self.state,
            is_final=self.stop_reason is not None or self.state == "complete",
            has_output=has_output,
            is_fault=self.failure is not None and self.failure.type == "internal",
            usage=self.usage,
        )
