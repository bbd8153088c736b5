"""A sheet whose large messages are laid out in a thread.

Until then they are shown as they were written, which costs next to nothing. A thread
that is soon done is waited for, so that this is seen only of what takes long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from textual import on
from textual.message import Message as TextualMessage

from tui.widgets.layout_thread import Job, LayoutThread
from tui.widgets.sheet import Sheet

if TYPE_CHECKING:
    from tui.markdown import Leaf
    from tui.widgets.entry import Entry

T = TypeVar("T")

PATIENCE = 0.05
"""Seconds that a layout is waited for: a glance, but several times what most take."""


class LargeSheet(Sheet):
    """A column of entries, any of which may be large."""

    @dataclass
    class LaidOut(TextualMessage):
        """A message was laid out that took long."""

        entry: Entry
        width: int
        leaves: Sequence[Leaf] | None

    def __init__(self) -> None:
        super().__init__()
        self.patience = PATIENCE
        self._thread = LayoutThread()
        self._laying_out: dict[str, int] = {}
        """The messages that are being laid out, and how wide."""
        self._anchor: tuple[Entry, tuple[int, int, int]] | None = None
        """The text to have on top once its message is laid out."""

    def replace_all(self, entries: list[Entry]) -> None:
        """Show other entries, from their end."""
        self._anchor = None
        super().replace_all(entries)

    def lay_out(self, place: tuple[int, int, int, int] | None = None) -> None:
        """Place every message anew, the text of `place` on top if there is one."""
        self._anchor = None if place is None else (self.entries[place[0]], place[1:])
        super().lay_out(place)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Forget which text was to be on top, once the reader goes elsewhere."""
        if not self._is_placing:
            self._anchor = None
        super().watch_scroll_y(old_value, new_value)

    async def in_thread(self, work: Callable[[], T]) -> T | None:
        """Have something done in the thread; None if it failed."""
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        job = self._thread.submit(work, lambda _: loop.call_soon_threadsafe(done.set))
        await done.wait()
        return job.result

    async def prepare(self, number: int) -> None:
        """Lay out a message, however long it takes."""
        if number >= len(self.entries):
            return
        entry, width = self.entries[number], self.text_width
        work = entry.waits_for(width)
        if work is None or (leaves := await self.in_thread(work)) is None:
            return
        if entry.is_parsed:
            self._show_laid_out(self.LaidOut(entry, width, leaves))
        else:
            entry.adopt(leaves, width)

    def _measure(self, number: int) -> int:
        """Make the height of a message exact, and return it."""
        entry, width = self.entries[number], self.text_width
        if self._laying_out.get(entry.id) != width:
            work = entry.waits_for(width)
            if work is not None:
                self._lay_out_apart(entry, width, work)
        return super()._measure(number)

    def _lay_out_apart(
        self, entry: Entry, width: int, work: Callable[[], Sequence[Leaf]]
    ) -> None:
        def tell(job: Job[Sequence[Leaf]]) -> None:
            self.post_message(self.LaidOut(entry, width, job.result))

        self._laying_out[entry.id] = width
        job = self._thread.submit(work, tell)
        if job.wait(self.patience) and job.result is not None:
            entry.adopt(job.result, width)

    @on(LaidOut)
    def _show_laid_out(self, event: LargeSheet.LaidOut) -> None:
        """Show a message as it was laid out, the reader staying where they are."""
        entry, width = event.entry, event.width
        if event.leaves is None:
            # Tried once more, it would fail again: it stays as it was written.
            return
        if self._laying_out.get(entry.id) == width:
            del self._laying_out[entry.id]
        number = next((n for n, each in enumerate(self.entries) if each is entry), None)
        is_wanted = entry.is_parsed and entry.waits_for(width) is not None
        if number is None or width != self.text_width or not is_wanted:
            return
        top, offset = self._position(int(self.scroll_y))
        height = self._heights[number]
        entry.adopt(event.leaves, width)
        if self.matches is not None:
            self.matches.look_at(number, entry, width)
        anchor = self._anchor
        if anchor is not None and anchor[0] is entry:
            self._put(number, entry.row_of(*anchor[1], width))
        elif not self.is_at_end and top == number and height:
            self._put(number, offset * entry.height(width) // height)
        self.grew(number)
        self.refresh()
