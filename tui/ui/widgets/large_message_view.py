"""A view of messages that lays large messages out in a thread.

Until that is done it shows their plain text, which costs next to nothing. It waits
briefly for the thread, so that the plain text appears only if the layout takes long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from textual import on
from textual.message import Message as TextualMessage

from tui.ui.widgets.layout_thread import Job, LayoutThread
from tui.ui.widgets.virtual_message_view import VirtualMessageView

if TYPE_CHECKING:
    from tui.text.markdown import Leaf
    from tui.ui.widgets.entry import Entry

T = TypeVar("T")

PATIENCE = 0.05
"""Seconds to wait for a layout: hardly noticed, but several times what most take."""


class LargeMessageView(VirtualMessageView):
    """A column of entries, any of which may be large."""

    @dataclass
    class LaidOut(TextualMessage):
        """The thread has laid out a message, for which nobody waited any more."""

        entry: Entry
        width: int
        leaves: Sequence[Leaf] | None

    def __init__(self, widest: int = 100) -> None:
        super().__init__(widest, on_measure=self._begin_layout)
        self.patience = PATIENCE
        self._thread = LayoutThread()
        self._laying_out: dict[str, int] = {}
        """The ids of the messages that are being laid out, and for which width."""
        self._anchor: tuple[Entry, tuple[int, int, int]] | None = None
        """The text that must be at the top when its message is laid out."""

    def replace_all(self, entries: list[Entry]) -> None:
        """Show other entries, from their end."""
        self._anchor = None
        super().replace_all(entries)

    def lay_out(self, place: tuple[int, int, int, int] | None = None) -> None:
        """Lay everything out again, with the text of `place` at the top if it is given."""
        self._anchor = None if place is None else (self.entries[place[0]], place[1:])
        super().lay_out(place)

    def bring_into_view(self, number: int) -> None:
        """Scroll as little as possible to show a message, or the beginning of a long one."""
        if not self.entries or not self.text_width:
            return
        top = self.column.position(int(self.scroll_y))
        height = self.column.measure(number)
        self._put(*top)
        first = int(self.scroll_y)
        last = first + self.size.height
        if self.column.tops[number] < first or height > self.size.height:
            self._put(number, 0)
        elif self.column.tops[number + 1] > last:
            self._put(*self.column.position(self.column.tops[number + 1] - self.size.height))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Forget which text must be at the top when the user scrolls."""
        if not self._is_placing:
            self._anchor = None
        super().watch_scroll_y(old_value, new_value)

    async def in_thread(self, work: Callable[[], T]) -> T | None:
        """Do work in the thread; return its result, or None if it failed."""
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
        work = entry.pending_layout(width)
        if work is None or (leaves := await self.in_thread(work)) is None:
            return
        if entry.is_parsed:
            self._show_laid_out(self.LaidOut(entry, width, leaves))
        else:
            entry.adopt(leaves, width)

    def _begin_layout(self, entry: Entry) -> None:
        """Start the layout of a large message that is about to be measured."""
        width = self.text_width
        if self._laying_out.get(entry.id) != width:
            work = entry.pending_layout(width)
            if work is not None:
                self._lay_out_in_thread(entry, width, work)

    def _lay_out_in_thread(
        self, entry: Entry, width: int, work: Callable[[], Sequence[Leaf]]
    ) -> None:
        def tell(job: Job[Sequence[Leaf]]) -> None:
            self.post_message(self.LaidOut(entry, width, job.result))

        self._laying_out[entry.id] = width
        job = self._thread.submit(work, tell)
        if job.wait(self.patience) and job.result is not None:
            entry.adopt(job.result, width)

    @on(LaidOut)
    def _show_laid_out(self, event: LargeMessageView.LaidOut) -> None:
        """Show the layout of a message, without moving the text at the top."""
        entry, width = event.entry, event.width
        if event.leaves is None:
            # Another try would fail too: it stays plain text.
            return
        if self._laying_out.get(entry.id) == width:
            del self._laying_out[entry.id]
        number = next((n for n, each in enumerate(self.entries) if each is entry), None)
        is_wanted = entry.is_parsed and entry.pending_layout(width) is not None
        if number is None or width != self.text_width or not is_wanted:
            return
        top, offset = self.column.position(int(self.scroll_y))
        height = self.column.heights[number]
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
