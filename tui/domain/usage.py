"""The usage of a reply, as the API reported it, and its times, as measured here."""

from __future__ import annotations

from dataclasses import dataclass, field

from tui.domain.money import Price
from tui.domain.wire import Json, count


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of one request, as the API reported it. A missing number is None."""

    wire: Json = field(default_factory=dict)

    @property
    def input_tokens(self) -> int | None:
        """Tokens of the prompt that were not in the cache."""
        return count(self.wire, "input_tokens")

    @property
    def output_tokens(self) -> int | None:
        """Tokens written, thinking included."""
        return count(self.wire, "output_tokens")

    @property
    def cache_read_input_tokens(self) -> int | None:
        """Tokens read from the prompt cache."""
        return count(self.wire, "cache_read_input_tokens")

    @property
    def cache_creation_input_tokens(self) -> int | None:
        """Tokens written to the prompt cache."""
        return count(self.wire, "cache_creation_input_tokens")

    @property
    def thinking_tokens(self) -> int | None:
        """The part of the output that was thinking."""
        return count(self.wire.get("output_tokens_details"), "thinking_tokens")

    @property
    def prompt_tokens(self) -> int | None:
        """Every token of the prompt, cached or not."""
        if self.input_tokens is None:
            return None
        cached = (self.cache_read_input_tokens or 0) + (self.cache_creation_input_tokens or 0)
        return self.input_tokens + cached

    def merged(self, newer: Json) -> Usage:
        """Return this usage, updated with the fields of `newer` that are not null."""
        present = {name: value for name, value in newer.items() if value is not None}
        return Usage(self.wire | present)


@dataclass(frozen=True, slots=True)
class Timing:
    """When parts of a reply arrived, in milliseconds since its start; None if they did not."""

    first_byte_ms: int | None = None
    first_thinking_ms: int | None = None
    first_text_ms: int | None = None
    duration_ms: int | None = None
    longest_gap_ms: int | None = None
    """The longest silence between two events."""

    def later(self, ms: int) -> Timing:
        """Return the same times, counted from a start that is `ms` milliseconds earlier."""
        return Timing(
            first_byte_ms=_plus(self.first_byte_ms, ms),
            first_thinking_ms=_plus(self.first_thinking_ms, ms),
            first_text_ms=_plus(self.first_text_ms, ms),
            duration_ms=_plus(self.duration_ms, ms),
            longest_gap_ms=self.longest_gap_ms,
        )


@dataclass(frozen=True, slots=True)
class ReplyStats:
    """The last attempt's usage, and the times since the first attempt's start."""

    usage: Usage
    timing: Timing
    attempts: int
    request_id: str | None = None
    price: Price | None = None
    """What all attempts cost; None if that is not computed yet."""


def _plus(time_ms: int | None, ms: int) -> int | None:
    return None if time_ms is None else time_ms + ms
