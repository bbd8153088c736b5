"""A document that is still arriving.

It is parsed while it grows, in steps that are short enough for a frame. That may give a wrong
result, for example for a link whose address comes later. So the complete text is parsed once
more at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from tui.text.markdown.blocks import Passages, parse
from tui.text.markdown.feed_queue import FeedQueue, TextEnd
from tui.text.markdown.incremental import IncrementalParser
from tui.text.markdown.leaf_list import LeafList
from tui.text.markdown.leaves import Leaf
from tui.text.markdown.note import Aside

LONGEST_FLUSH = 0.02
"""Seconds after which a flush stops. The rest of the text waits for the next flush."""

LONG_TAIL = 2_000
"""A tail with more characters than this may be slow to parse again."""

CHEAP_FLUSH = 0.002
"""Seconds that a flush may take without a pause after it."""

PAUSE_FACTOR = 4
"""How many times longer than a slow flush the pause after it is."""


class Document:
    """Markdown that arrives in pieces, as a flat list of leaves."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._paused_until = float("-inf")
        self._queue = FeedQueue()
        self._leaves = LeafList()
        self._parser = IncrementalParser(self._leaves)

    @classmethod
    def from_text(cls, text: str) -> Document:
        """Return the finished document of a complete text."""
        document = cls()
        document.feed(text)
        document.finish()
        return document

    @property
    def passages(self) -> Passages:
        """Everything that was fed, unchanged."""
        return self._queue.passages

    @property
    def source(self) -> str:
        """The texts that were fed, with a blank line between them."""
        return "\n\n".join(each for each in self.passages if isinstance(each, str))

    @property
    def leaves(self) -> Sequence[Leaf]:
        """The leaves so far: first the frozen ones, then those of the unfinished end."""
        return self._leaves.leaves

    @property
    def tail_length(self) -> int:
        """How many characters are parsed again when more text arrives."""
        return len(self._parser.tail)

    @property
    def is_behind(self) -> bool:
        """Whether some of the fed text is not parsed yet."""
        return not self._queue.is_empty

    def feed(self, text: str) -> None:
        """Add text. The next flush parses it."""
        self._queue.feed(text)

    def part(self, aside: Aside | None = None) -> None:
        """End the text. The next text is separate, below a note for `aside`."""
        self._queue.part(aside)

    def flush(self) -> int:
        """Parse what was fed; return the index of the first leaf that may have changed.

        A flush is short: if there is very much text, it parses only some of it, and
        `is_behind` stays True. After a slow flush, which a long unfinished block causes,
        the next ones do nothing until four times its cost has passed. They return the
        number of leaves.
        """
        now = self._clock()
        if not self.is_behind or now < self._paused_until:
            return len(self.leaves)
        unchanged = self._leaves.frozen
        cost = 0.0
        while self.is_behind and cost < LONGEST_FLUSH:
            began = cost
            self._take_next()
            cost = self._clock() - now
            if cost - began > LONGEST_FLUSH and self.tail_length > LONG_TAIL:
                self._parser.cut_tail()
        # While text is waiting, the time is spent on new text, so a pause would not help.
        if cost > CHEAP_FLUSH and self.tail_length > LONG_TAIL and not self.is_behind:
            self._paused_until = now + (1 + PAUSE_FACTOR) * cost
        return unchanged

    def finish(self) -> int:
        """Parse the complete text; return the index of the first leaf that has changed.

        For a long text, `replace(parse(passages))` does the same in two steps. The first
        may run in a thread.
        """
        return self.replace(parse(self.passages))

    def put(self, leaves: Sequence[Leaf]) -> None:
        """Set the leaves of the complete text, without reusing any."""
        self._discard_tail()
        self._leaves.put(leaves)

    def replace(self, leaves: Sequence[Leaf]) -> int:
        """Set the leaves of the complete text; return the index of the first changed one."""
        self._discard_tail()
        return self._leaves.replace(leaves)

    def _discard_tail(self) -> None:
        self._queue.drop()
        self._parser.reset()

    def _take_next(self) -> None:
        taken = self._queue.take()
        if isinstance(taken, TextEnd):
            self._parser.end_text(taken.rest)
            self._parser.begin_below(taken.aside)
        else:
            self._parser.add(taken)
