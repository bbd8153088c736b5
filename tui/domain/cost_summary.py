"""Sums of what requests used and cost, by day, month, model, conversation or purpose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from tui.domain.money import Price, total

GroupBy = Literal["day", "month", "model", "conversation", "purpose"]
GROUPINGS: tuple[GroupBy, ...] = get_args(GroupBy)


@dataclass(frozen=True, slots=True)
class CostSummary:
    """The sums of some requests."""

    key: str
    """The local day or month, the model, the conversation's id, or the purpose."""
    requests: int
    input_tokens: int
    """Tokens of prompts that no cache held."""
    cache_read_input_tokens: int
    cache_creation_input_tokens: int
    output_tokens: int
    price: Price
    title: str | None = None
    """The title of the conversation; None if it is deleted."""


def total_of(summaries: Iterable[CostSummary]) -> CostSummary:
    """Return the sums of all summaries."""
    found = list(summaries)
    return CostSummary(
        "total",
        sum(each.requests for each in found),
        sum(each.input_tokens for each in found),
        sum(each.cache_read_input_tokens for each in found),
        sum(each.cache_creation_input_tokens for each in found),
        sum(each.output_tokens for each in found),
        total(each.price for each in found),
    )
