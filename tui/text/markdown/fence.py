"""Reads an open code fence. Its lines are split, but not parsed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tui.text.markdown.code import CodeLeaf

_OPENING = re.compile(r" {0,3}(`{3,}|~{3,})")
_CLOSING = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*")


@dataclass(slots=True)
class Fence:
    """An open fence at the end of a text, and the leaf that shows its lines."""

    marker: str
    indent: int
    leaf: CodeLeaf
    count: int = 0
    """The number of complete lines in the leaf."""

    @classmethod
    def opened(cls, text: str, leaf: CodeLeaf) -> Fence | None:
        """Return the fence at the start of a text, to be shown by `leaf`; None if none."""
        opening = _OPENING.match(text)
        return None if opening is None else cls(opening[1], opening.start(1), leaf)

    def read(self, tail: str) -> tuple[str, bool]:
        """Move the complete lines of a text into the leaf.

        Returns the rest of the text, and whether the fence was closed before it.
        """
        *lines, partial = tail.split("\n")
        end = next((n for n, line in enumerate(lines) if self._closes(line)), None)
        code = [self._inside(line) for line in lines[:end]]
        is_shown = end is None and partial and not self._could_close(partial)
        shown = [self._inside(partial)] if is_shown else []
        self.leaf.replace_from(self.count, code + shown)
        self.count += len(code)
        if end is None:
            return partial, False
        return "\n".join([*lines[end + 1 :], partial]), True

    def _closes(self, line: str) -> bool:
        """Return whether a line ends the fence."""
        closing = _CLOSING.fullmatch(line)
        return closing is not None and closing[1].startswith(self.marker)

    def _could_close(self, line: str) -> bool:
        """Return whether an incomplete line may still become the end of the fence."""
        return not line.strip(" \t").strip(self.marker[0])

    def _inside(self, line: str) -> str:
        """Return a line without the indentation of the fence."""
        spaces = len(line) - len(line.lstrip(" "))
        return line[min(spaces, self.indent) :]
