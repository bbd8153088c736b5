"""Writes a reply while it arrives: in whole sentences, and code line by line."""

from __future__ import annotations

import math
from collections.abc import Callable

from tui.cli.plain.words import how_it_ended, speaker
from tui.domain.clock import Clock
from tui.domain.conversation import Block
from tui.domain.reply import Retry, StreamingReply
from tui.text import formatting
from tui.text.sanitise import clean, clean_line
from tui.text.sentences import SentenceCutter

Write = Callable[[str], None]


class ReplyReader:
    """Writes one reply; it never changes what it has written."""

    def __init__(self, reply: StreamingReply, write: Write, clock: Clock) -> None:
        self.reply = reply
        self._write = write
        self._clock = clock
        self._cutter = SentenceCutter()
        self._read: dict[int, int] = {}
        """How many pieces of each part were taken, by the part's index."""
        self._mentioned: set[int] = set()
        """The indexes of the other parts, such as tool calls, that have got their line."""
        self._retry = 0
        self._is_in_line = False
        self._is_thinking_mentioned = False
        self._line(f"{speaker(reply.model)}:")

    def show(self) -> None:
        """Write what is new."""
        if (retry := self.reply.retry) is not None and retry.attempt != self._retry:
            self._retry = retry.attempt
            self._line(self._retry_line(retry))
        for index, part in list(self.reply.parts.items()):
            if part.type == "text":
                self._take(index, part.words)
            elif part.type in ("thinking", "redacted_thinking"):
                self._mention_thinking()
            elif part.is_finished and index not in self._mentioned:
                self._mentioned.add(index)
                self._end_line()
                self._line(clean_line(formatting.aside(Block(part.wire))))

    def finish(self, problem: str | None) -> None:
        """Write the rest, and how the reply ended."""
        self.show()
        if not self.reply.parts:
            # The reply arrived in one piece.
            self._put(self.reply.words("text"))
        self._end_line()
        if self.reply.ended is not None:
            self._line(how_it_ended(self.reply.ended))
        if problem is not None:
            self._line(clean_line(problem))

    def _take(self, index: int, words: list[str]) -> None:
        before = self._read.get(index, 0)
        if before == 0 and words and self._read:
            # Another text block, after other blocks.
            self._end_line()
        if len(words) > before:
            self._read[index] = len(words)
            self._put(self._cutter.feed("".join(words[before:])))

    def _mention_thinking(self) -> None:
        if not self._is_thinking_mentioned:
            self._is_thinking_mentioned = True
            self._end_line()
            self._line("Thinking…")

    def _retry_line(self, retry: Retry) -> str:
        wait = max(0, math.ceil(retry.at - self._clock.monotonic()))
        reason = clean_line(formatting.sentence(retry.reason))
        if retry.is_asking:
            return f"{reason} The endpoint asks to wait {formatting.duration(wait)}."
        return f"{reason} Retrying in {formatting.duration(wait)} (attempt {retry.attempt})."

    def _end_line(self) -> None:
        """Write what is held back, and end the line."""
        self._put(self._cutter.rest())
        self._cutter = SentenceCutter()
        if self._is_in_line:
            self._put("\n")

    def _line(self, line: str) -> None:
        self._put(f"{line}\n")

    def _put(self, text: str) -> None:
        if text := clean(text):
            self._is_in_line = not text.endswith("\n")
            self._write(text)
