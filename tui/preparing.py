"""What is done once the first screen can be seen, each step for itself.

A history that is locked for a moment is no reason to go without a backup all day.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from tui.conversation import ReplyFailed
from tui.store import HistoryError

Step = Callable[[], Awaitable[object]]

BACK_UP_EVERY = 600
"""How often it is looked whether today's backup is there, in seconds."""


async def prepare(steps: Iterable[Step], tell: Callable[[str], object]) -> None:
    """Do every step, and tell why one failed: the same reason once."""
    told: set[str] = set()
    for step in steps:
        try:
            await step()
        except (HistoryError, ReplyFailed) as error:
            # What stands in the way of one step stands in that of others too.
            if str(error) not in told:
                told.add(str(error))
                tell(str(error))
