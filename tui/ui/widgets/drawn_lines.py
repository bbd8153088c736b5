"""A cache of a widget's finished lines, for as long as their rows look the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from textual.cache import LRUCache
from textual.geometry import Region
from textual.strip import Strip

Draw = Callable[[Region], list[Strip]]
"""Draws a region of a widget, with borders, colours and filters."""


@dataclass
class DrawnLines:
    """Caches finished lines by the identity of their rows.

    Textual caches a line by its position on the screen. While rows scroll, each has another
    position in every frame, and Textual would draw them all.
    """

    _lines: LRUCache[int, tuple[Strip, Strip]] = field(default_factory=lambda: LRUCache(512))
    """Each row and its line, by the row's identity."""
    _of: Hashable = None

    def clear(self) -> None:
        """Forget all lines: something around the rows looks different."""
        self._lines.clear()

    def drawn(
        self, crop: Region, rows: list[Strip], draw: Draw, *, look: Hashable
    ) -> list[Strip]:
        """Return the lines of a crop whose rows are `rows`; draw only those not cached.

        `look` is everything besides its row on which a line depends.
        """
        if look != self._of:
            self.clear()
            self._of = look
        lines = [self._known(row) for row in rows]
        new = [index for index, line in enumerate(lines) if line is None]
        if new:
            # The new rows of a reply are together, at its end.
            first, end = new[0], new[-1] + 1
            part = draw(Region(crop.x, crop.y + first, crop.width, end - first))
            for index, line in enumerate(part, first):
                lines[index] = line
                self._lines[id(rows[index])] = rows[index], line
        return [line for line in lines if line is not None]

    def _known(self, row: Strip) -> Strip | None:
        found = self._lines.get(id(row))
        # The cache keeps the row alive too, so that no other row can get its identity.
        return None if found is None else found[1]
