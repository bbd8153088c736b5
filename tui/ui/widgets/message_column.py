"""The rows at which the messages of a conversation begin.

The heights of messages out of view are estimates, and become exact one by one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.ui.widgets.entry import Entry

PARSED = 32
"""At most so many messages stay parsed."""


class MessageColumn:
    """The messages at one width. A position is a message's number and a row in it."""

    def __init__(self, on_measure: Callable[[Entry], None] | None = None) -> None:
        self.entries: list[Entry] = []
        self.width = 0
        """The columns for text; 0 until that is known."""
        self.heights: list[int] = []
        """The rows of each message, exact or estimated."""
        self.tops = [0]
        """The first row of each entry at the last `add_up`, and then the height of all."""
        self._on_measure = on_measure
        """Called with a message before it is measured."""
        self._parsed: dict[str, Entry] = {}
        """The messages measured lately, the latest last."""

    def replace(self, entries: list[Entry]) -> None:
        """Replace the messages; nothing is known about the new ones."""
        self.entries = entries
        self._parsed.clear()

    def number_of(self, message_id: str) -> int | None:
        """Return the number of a message; None if it is not there."""
        # From the end: a running reply is the last message.
        for number in range(len(self.entries) - 1, -1, -1):
            if self.entries[number].id == message_id:
                return number
        return None

    def estimate(self) -> None:
        """Estimate every height again; use the exact one where there is a layout."""
        width = self.width
        self.heights = [
            entry.height(width) if entry.is_exact(width) else entry.content.estimate(width)
            for entry in self.entries
        ]

    def add_up(self) -> None:
        """Compute again where the messages begin."""
        self.tops = [0, *accumulate(self.heights)]

    def position(self, y: int) -> tuple[int, int]:
        """Return the message that has row `y`, and the row's number in it."""
        number = max(0, min(len(self.entries), bisect_right(self.tops, y)) - 1)
        return number, max(0, y - self.tops[number])

    def measure(self, number: int) -> int:
        """Make the height of a message exact, and return it."""
        entry = self.entries[number]
        if self._on_measure is not None:
            self._on_measure(entry)
        height = self.heights[number] = entry.height(self.width)
        self._parsed.pop(entry.id, None)
        self._parsed[entry.id] = entry
        if len(self._parsed) > PARSED:
            self._parsed.pop(next(iter(self._parsed))).forget()
        return height

    def walk(self, number: int, offset: int) -> tuple[int, int]:
        """Return the exact position `offset` rows below the top of a message, or above it."""
        while offset < 0 and number > 0:
            number -= 1
            offset += self.measure(number)
        while offset >= self.measure(number) and number < len(self.entries) - 1:
            offset -= self.heights[number]
            number += 1
        return number, max(0, offset)

    def fills(self, number: int, rows: int) -> bool:
        """Tell whether so many rows follow from a message on; measures what it counts."""
        for below in range(number, len(self.entries)):
            if rows <= 0:
                break
            rows -= self.measure(below)
        return rows <= 0

    def measure_end(self, rows: int) -> None:
        """Measure the last messages, until they have this many rows."""
        number = len(self.entries)
        # Always the last two: else the total height would depend on whether a long reply
        # was still short when it was first laid out.
        while number > 0 and (rows > 0 or number >= len(self.entries) - 1):
            number -= 1
            rows -= self.measure(number)

    def release(self, number: int) -> None:
        """Free the layout of a message that was laid out without being measured."""
        entry = self.entries[number]
        if entry.id not in self._parsed:
            entry.forget()
