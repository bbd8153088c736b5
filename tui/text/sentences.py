"""Cuts text that arrives in pieces into sentences, and code into lines.

Pure. A screen reader would read half a sentence as if it were a complete one.
"""

from __future__ import annotations

import re
from typing import Final

_END: Final = re.compile(
    r"""[.!?…:;][)"'*_`\]»”’]*[ \t]   # with a space, so that 3.14 is not cut
        | [。！？]
        | \n""",
    re.VERBOSE,
)
_FENCE: Final = re.compile(r" {0,3}(?:[-*+>] *|\d+[.)] +)*(`{3,}|~{3,})(.*)")

LONGEST_HELD: Final = 500
"""A sentence of more characters is cut at a space."""


class SentenceCutter:
    """Holds back the last sentence or line until it is complete."""

    def __init__(self) -> None:
        self._held = ""
        self._line = ""
        """The part of the present line that was returned already."""
        self._fence = ""
        """The opening fence of the present code block; empty outside of one."""

    def feed(self, text: str) -> str:
        """Append `text`, and return all sentences and lines that are complete now."""
        self._held += text
        ready: list[str] = []
        while end := self._next_end():
            ready.append(self._held[:end])
            self._held = self._held[end:]
            self._follow(ready[-1])
        return "".join(ready)

    def rest(self) -> str:
        """Return what is held back, at the end of the text."""
        held, self._held = self._held, ""
        return held

    def _next_end(self) -> int:
        """Return where the next sentence or line ends; 0 if it is not complete."""
        held = self._held
        line_end = held.find("\n") + 1
        if self._fence or _might_be_fence(self._line + held[: line_end or None]):
            return line_end
        if found := _END.search(held):
            return found.end()
        return held.rfind(" ") + 1 if len(held) > LONGEST_HELD else 0

    def _follow(self, piece: str) -> None:
        self._line += piece
        if not piece.endswith("\n"):
            return
        line, self._line = self._line.rstrip(), ""
        found = _FENCE.fullmatch(line)
        if found is None:
            return
        marks, info = found.groups()
        if not self._fence:
            # With backticks in the info string, it is inline code and not a fence.
            self._fence = "" if marks[0] == "`" and "`" in info else marks
        elif marks.startswith(self._fence) and not info.strip():
            self._fence = ""


def _might_be_fence(line: str) -> bool:
    return line.lstrip(" -*+>0123456789.)").startswith(("`", "~"))
