"""Running the steps that wait for the first screen, independently of each other.

A history that is locked for a moment is no reason to miss the day's backup.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from tui.domain.failure import ReplyFailed
from tui.store import HistoryError

Step = Callable[[], Awaitable[object]]

BACK_UP_EVERY = 600
"""Seconds between two checks for today's backup."""


async def prepare(steps: Iterable[Step], tell: Callable[[str], object]) -> None:
    """Run every step, and tell why a step failed; the same reason only once."""
    reported: set[str] = set()
    for step in steps:
        try:
            await step()
        except (HistoryError, ReplyFailed) as error:
            # The same cause often makes several steps fail.
            if str(error) not in reported:
                reported.add(str(error))
                tell(str(error))
