"""The text that a document was fed, and the part of it that is not parsed yet."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from tui.text.markdown.blocks import Passages
from tui.text.markdown.note import Aside
from tui.text.sanitise import clean

MAX_TAKEN = 4_000
"""The most characters that one `take` returns."""

_INCOMPLETE = re.compile(r"[\r\ud800-\udbff]\Z|[\u2066-\u2068][^\u2069\r\n]{0,200}\Z")
"""An end that needs the next text: half of a line end or of a character, or an isolate."""


@dataclass(frozen=True, slots=True)
class TextEnd:
    """The end of a text. The next text is parsed by itself."""

    rest: str
    """The clean rest of the text, which waited for more."""
    aside: Aside | None
    """The block between this text and the next one, if there is one."""


class FeedQueue:
    """A queue of text that arrives in pieces. It returns safe text in limited pieces."""

    def __init__(self) -> None:
        self._passages: list[list[str] | Aside] = []
        self._is_apart = False
        """Whether the next text is separate from the last one."""
        self._waiting = deque[str | TextEnd]()
        self._incomplete = ""
        """The end of the taken text, if it needs the next text."""

    @property
    def is_empty(self) -> bool:
        """Whether everything was taken."""
        return not self._waiting

    @property
    def passages(self) -> Passages:
        """Everything that was fed, unchanged."""
        for passage in self._passages:
            if isinstance(passage, list):
                passage[:] = ["".join(passage)]
        return tuple(each if isinstance(each, Aside) else each[0] for each in self._passages)

    def feed(self, text: str) -> None:
        """Add text."""
        last = self._passages[-1] if self._passages and not self._is_apart else None
        if isinstance(last, list):
            last.append(text)
        else:
            self._passages.append([text])
        self._is_apart = False
        self._waiting.append(text)

    def part(self, aside: Aside | None) -> None:
        """End the text. `aside` is the block between it and the next text."""
        if aside is not None:
            self._passages.append(aside)
        self._is_apart = True
        self._waiting.append(TextEnd("", aside))

    def take(self) -> str | TextEnd:
        """Remove and return some clean text, or the end of a text. Must not be empty."""
        first = self._waiting[0]
        if isinstance(first, TextEnd):
            self._waiting.popleft()
            incomplete, self._incomplete = self._incomplete, ""
            return TextEnd(clean(incomplete), first.aside)
        fed = self._incomplete + self._take_fed()
        found = _INCOMPLETE.search(fed)
        self._incomplete = found[0] if found else ""
        return clean(fed.removesuffix(self._incomplete))

    def drop(self) -> None:
        """Discard everything that was not taken."""
        self._waiting.clear()
        self._incomplete = ""

    def _take_fed(self) -> str:
        """Remove and return the oldest text, at most `MAX_TAKEN` characters."""
        pieces: list[str] = []
        room = MAX_TAKEN
        while self._waiting and room > 0 and isinstance(piece := self._waiting[0], str):
            self._waiting.popleft()
            if len(piece) > room:
                self._waiting.appendleft(piece[room:])
            pieces.append(piece[:room])
            room -= len(piece)
        return "".join(pieces)
