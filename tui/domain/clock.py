"""Times and ids that never go backwards.

Ids are UUIDv7. They sort by the time of their creation and are unique across machines, so
histories can be merged. The wall clock of a laptop may jump, but the order of a conversation
must not change.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import threading
import time

FIRST_MS, AFTER_MS = -62_104_060_800_000, 253_370_764_800_000
"""The times that Python can convert to a date: the years 2 to 9998.

In milliseconds since 1970 UTC. They are a year less at each end, so that every time zone
works.
"""

_IDENTITY = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def is_time(ms: int) -> bool:
    """Return whether a number of milliseconds can be converted to a date."""
    return FIRST_MS <= ms < AFTER_MS


def is_id(text: str) -> bool:
    """Return whether a text has the form of our ids."""
    return _IDENTITY.fullmatch(text) is not None


class Clock:
    """The wall clock, a monotonic clock and a source of ids. It is thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_ms = 0
        self._count = 0

    def wall_ms(self) -> int:
        """Return the system time in milliseconds since 1970 UTC. It may go backwards."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return the monotonic clock in seconds. Only differences have a meaning."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait for some seconds."""
        await asyncio.sleep(seconds)

    def random_bytes(self, length: int) -> bytes:
        """Return random bytes for an id."""
        return secrets.token_bytes(length)

    def start_after(self, ms: int) -> None:
        """Make all later times and ids greater than `ms`, the newest time in a history."""
        with self._lock:
            self._advance(ms + 1)

    def now_ms(self) -> int:
        """Return the time in milliseconds since 1970 UTC. It never goes backwards."""
        with self._lock:
            return self._advance(self.wall_ms())

    def new_id(self) -> str:
        """Return a UUIDv7 as text, greater than every earlier one."""
        with self._lock:
            now = self._advance(self.wall_ms())
            self._count += 1
            if self._count > 0xFFF:
                now = self._advance(now + 1)
            count = self._count
        tail = bytearray(self.random_bytes(8))
        tail[0] = tail[0] & 0x3F | 0x80
        text = (now.to_bytes(6) + (0x7000 | count).to_bytes(2) + tail).hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def _advance(self, ms: int) -> int:
        if ms > self._last_ms:
            self._last_ms, self._count = ms, 0
        return self._last_ms


def id_time_ms(identity: str) -> int:
    """Return when a UUIDv7 was created, in milliseconds since 1970 UTC."""
    return int(identity.replace("-", "")[:12], 16)
