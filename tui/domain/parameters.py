"""The parameters of a request: everything except its messages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from tui.domain.model import EFFORTS, Effort, Model

__all__ = [
    "EFFORTS",
    "MAX_TOKENS",
    "MOST_TOKENS",
    "THINKING_DISPLAYS",
    "Effort",
    "Parameters",
    "ThinkingDisplay",
    "sendable",
]

ThinkingDisplay = Literal["summarized", "omitted"]
THINKING_DISPLAYS: tuple[ThinkingDisplay, ...] = get_args(ThinkingDisplay)

MAX_TOKENS = 16_000
"""The default of the longest reply, in tokens."""

MOST_TOKENS = 1_000_000
"""The greatest length that a user can choose. Each model has a limit of its own."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a request. One that the model does not support is not sent."""

    model: str
    system: str = ""
    """The system prompt; empty for none."""
    max_tokens: int | None = None
    """The longest reply, in tokens, thinking included; None for the default."""
    thinking_display: ThinkingDisplay | None = None
    """Whether a model with adaptive thinking sends a summary of it; None for the default.

    By default, current models send none.
    """
    effort: Effort | None = None
    """None for the default: the profile's, or else the API's own."""

    def over(self, defaults: Parameters) -> Parameters:
        """Return these parameters, with `defaults` for those that are not set."""
        return replace(
            self,
            max_tokens=self.max_tokens or defaults.max_tokens,
            thinking_display=self.thinking_display or defaults.thinking_display,
            effort=self.effort or defaults.effort,
        )


def sendable(parameters: Parameters, described: Model | None) -> Parameters:
    """Return the parameters that a model accepts; None where one is not sent.

    Without `described`, the endpoint's description of the model, nothing optional is sent.
    """
    max_tokens = parameters.max_tokens or MAX_TOKENS
    limit = described.max_tokens if described is not None else None
    is_thinking = described is not None and described.has_adaptive_thinking
    effort = parameters.effort
    takes_effort = (
        effort is not None and described is not None and described.takes_effort(effort)
    )
    return replace(
        parameters,
        max_tokens=min(max_tokens, limit or max_tokens),
        thinking_display=(parameters.thinking_display or "summarized") if is_thinking else None,
        effort=effort if takes_effort else None,
    )
