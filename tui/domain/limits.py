"""Time limits for an endpoint that streams a reply."""

from __future__ import annotations

from dataclasses import dataclass

SILENCE = 90
CONTENT = 600


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits for an endpoint, in seconds."""

    silence: float = SILENCE
    """The longest time without a byte."""
    first: float | None = None
    """The longest time before the first event; None: `silence`, or longer on this machine."""
    content: float = CONTENT
    """The longest time without text, even if the endpoint sends pings."""
