"""Noticing that an endpoint has fallen silent.

Two clocks run: one for any byte, one for words. A program that was suspended does
not hold against the endpoint what it could not hear: silence is counted from where
it went on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an endpoint may be silent, in seconds."""

    silence: float = 90.0
    """Without any byte."""
    first: float | None = None
    """The same before the first byte; None: as long as `silence`.

    A local model reads the whole prompt before it says anything.
    """
    words: float = 600.0
    """With signs of life, such as pings, but without words."""


class Silent(Exception):
    """The endpoint was silent for too long. The text says which silence it was."""

    def __init__(self, why: str, *, is_dead: bool) -> None:
        super().__init__(why)
        self.is_dead = is_dead
        """Whether there was no sign of life."""


class Watch:
    """Watches one request, from when it is made to its end."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._every = min(1.0, min(limits.silence, limits.first or 1.0, limits.words) / 10)
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._said_at = self._looked_at = self._loop.time()
        self._has_heard = False
        self._timeout: asyncio.Timeout | None = None
        self._why, self._is_dead = "", False
        self._next = self._loop.call_later(self._every, self._look)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._next.cancel()

    def heard(self) -> None:
        """Note that bytes have come."""
        self._has_heard, self._heard_at = True, self._loop.time()

    def said(self) -> None:
        """Note that words have come."""
        self._said_at = self._loop.time()

    async def within(self, awaitable: Awaitable[T]) -> T:
        """Wait for something. Raises `Silent` when the silence becomes too long."""
        try:
            async with asyncio.timeout(None) as self._timeout:
                return await awaitable
        except TimeoutError:
            if self._why:
                raise Silent(self._why, is_dead=self._is_dead) from None
            raise
        finally:
            self._timeout = None

    def _look(self) -> None:
        now = self._loop.time()
        # Much later than it should be, the whole program stood still.
        paused = now - self._looked_at - self._every
        if paused > 1:
            self._heard_at = min(now, self._heard_at + paused)
            self._said_at = min(now, self._said_at + paused)
        self._looked_at = now
        self._why = self._too_long(now)
        if self._why and self._timeout is not None:
            self._timeout.reschedule(now)
        self._next = self._loop.call_later(self._every, self._look)

    def _too_long(self, now: float) -> str:
        limits, silence = self._limits, self._limits.silence
        if not self._has_heard and limits.first is not None:
            silence = limits.first
        self._is_dead = now - self._heard_at > silence
        if self._is_dead:
            return f"was silent for {silence:.0f} seconds"
        if now - self._said_at > limits.words:
            return f"sent signs of life but no words for {limits.words:.0f} seconds"
        return ""
