"""A watch over an endpoint that says nothing, or nothing that counts.

The HTTP client's own limit will not do: it takes every ping for progress, and it
counts the hours in which this process itself stood still.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from tui.claude.tap import Tap

LOOPBACK_FIRST = 600.0
"""How long this machine may be silent at first, in seconds: a local model reads the
whole prompt before it says anything."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an endpoint is waited for, in seconds."""

    silence: float = 90.0
    """Without a byte."""
    first: float | None = None
    """Without a byte before the first event; None: `silence`, longer on this machine."""
    content: float = 600.0
    """Without a word, whatever else it sends."""


class Silent(Exception):
    """The endpoint was waited for too long. The text completes "The endpoint …"."""

    def __init__(self, why: str, *, is_dead: bool) -> None:
        super().__init__(why)
        self.is_dead = is_dead
        """Whether there was no sign of life."""


class Watch:
    """Ends a wait for one reply when it has lasted too long.

    Used as a context, in which `wait` may be called again and again.
    """

    def __init__(self, tap: Tap, limits: Limits, *, is_loopback: bool) -> None:
        self._tap = tap
        self._limits = limits
        first = LOOPBACK_FIRST if is_loopback else limits.silence
        self._silence = first if limits.first is None else limits.first
        self._interval = min(1.0, self._silence / 10, limits.silence / 10, limits.content / 10)
        self._since = self._spoken = self._ticked = time.monotonic()
        self._waiting: asyncio.Timeout | None = None
        self._verdict = ""

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

    def heard(self, *, is_content: bool) -> None:
        """Note that an event came. Raises `Silent` if it is one too many without content."""
        self._silence = self._limits.silence
        if is_content:
            self._spoken = time.monotonic()
        elif self._is_wordless(self._ticked):
            # A tick found this out, but the event ended the wait before the tick could.
            raise Silent(self._wordless, is_dead=False)

    async def wait(self, work: Awaitable[T]) -> T:
        """Return what `work` does. Raises `Silent`, having cancelled it, after too long."""
        self._verdict = ""
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await work
        except TimeoutError:
            if self._verdict:
                raise Silent(self._verdict, is_dead=self._verdict != self._wordless) from None
            raise
        finally:
            self._waiting = None

    def _tick_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        passed, self._ticked = now - self._ticked, now
        if self._waiting is None or passed > 2 * self._interval + 1:
            # Nobody listened: the reader was elsewhere, or the whole process was
            # stopped. What came meanwhile is still to be read.
            self._since = now
            self._spoken += passed
        since = max(self._since, self._tap.heard or self._since)
        if now - since > self._silence:
            self._end("was silent for too long")
        elif self._is_wordless(now):
            self._end(self._wordless)
        self._tick_later()

    def _is_wordless(self, now: float) -> bool:
        return now - self._spoken > self._limits.content

    @property
    def _wordless(self) -> str:
        return f"gave signs of life but sent no words for {self._limits.content:.0f} s"

    def _end(self, verdict: str) -> None:
        waiting = self._waiting
        if waiting is not None and not waiting.expired():
            self._verdict = verdict
            waiting.reschedule(asyncio.get_running_loop().time())
