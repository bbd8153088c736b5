"""Detects an endpoint that sends nothing, or only pings.

The HTTP client's read timeout is not enough: it takes every ping for progress, and it counts
the time in which this process was suspended.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from types import TracebackType
from typing import Self, TypeVar

from tui.claude.response_recorder import ResponseRecorder
from tui.domain.limits import Limits

LOOPBACK_FIRST = 600.0
"""Seconds that a local server may be silent at first: it processes the whole prompt before
it sends anything."""

T = TypeVar("T")


class StallTimeout(Exception):
    """The endpoint made no progress for too long. The text completes "The endpoint …"."""

    def __init__(self, why: str, *, is_dead: bool) -> None:
        super().__init__(why)
        self.is_dead = is_dead
        """Whether the endpoint sent nothing at all, not even a ping."""


class StallDetector:
    """Raises `StallTimeout` while one reply arrives, if it makes no progress for too long.

    Use it as a context manager, and call `wait` for each event in it.
    """

    def __init__(
        self, recorder: ResponseRecorder, limits: Limits, *, is_loopback: bool
    ) -> None:
        self._recorder = recorder
        self._limits = limits
        first = LOOPBACK_FIRST if is_loopback else limits.silence
        self._silence = first if limits.first is None else limits.first
        self._interval = min(1.0, self._silence / 10, limits.silence / 10, limits.content / 10)
        self._since = self._content_at = self._ticked = time.monotonic()
        self._waiting: asyncio.Timeout | None = None
        self._reason = ""

    def __enter__(self) -> Self:
        self._tick_later()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()

    def event_received(self, *, is_content: bool) -> None:
        """Register an event. Raises `StallTimeout` if none has had content for too long."""
        self._silence = self._limits.silence
        if is_content:
            self._content_at = time.monotonic()
        elif self._lacks_content(self._ticked):
            # The tick has seen this too, but the event ended the wait first.
            raise StallTimeout(self._no_content, is_dead=False)

    async def wait(self, work: Awaitable[T]) -> T:
        """Await `work` and return its result; cancel it and raise `StallTimeout` on a stall."""
        self._reason = ""
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await work
        except TimeoutError:
            if self._reason:
                raise StallTimeout(
                    self._reason, is_dead=self._reason != self._no_content
                ) from None
            raise
        finally:
            self._waiting = None

    def _tick_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        elapsed, self._ticked = now - self._ticked, now
        if self._waiting is None or elapsed > 2 * self._interval + 1:
            # This program did not read: it was busy, or the process was suspended. So the
            # time does not count, and events may be waiting.
            self._since = now
            self._content_at += elapsed
        since = max(self._since, self._recorder.event_received or self._since)
        if now - since > self._silence:
            self._end("was silent for too long")
        elif self._lacks_content(now):
            self._end(self._no_content)
        self._tick_later()

    def _lacks_content(self, now: float) -> bool:
        return now - self._content_at > self._limits.content

    @property
    def _no_content(self) -> str:
        return f"sent signs of life but no text for {self._limits.content:.0f} s"

    def _end(self, reason: str) -> None:
        waiting = self._waiting
        if waiting is not None and not waiting.expired():
            self._reason = reason
            waiting.reschedule(asyncio.get_running_loop().time())
