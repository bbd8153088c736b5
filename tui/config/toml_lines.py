"""Finds the line of a TOML file that sets a name, for error messages.

Python's parser does not report lines. The line is the one before which the name is not
set, and after which it is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_LOOKED_AT = 40
"""Most lines with the name that are tried: for each one, all text above it is parsed."""


@dataclass(frozen=True, slots=True)
class Source:
    """A TOML file, as it was read."""

    path: Path
    text: str = field(repr=False)

    def at(self, names: Sequence[str]) -> str:
        """Return the file and the line that set a name, to begin a message."""
        line = line_of(self.text, names)
        return f"{self.path}" if line is None else f"{self.path}, line {line}"


def line_of(text: str, names: Sequence[str]) -> int | None:
    """Return the number of the line that sets `names` (the outermost table first), from 1.

    Returns None if it is not set, if its name is spelled with escapes, or if too many
    lines contain the name.
    """
    lines = text.split("\n")
    having = [number for number, line in enumerate(lines) if names[-1] in line]
    found = None
    for number in having[:_LOOKED_AT]:
        match _is_set("\n".join(lines[:number]), names):
            case True:
                return found
            case False:
                found = number + 1
            case None:
                # The text ends inside a value that has several lines.
                pass
    return found if _is_set(text, names) and len(having) <= _LOOKED_AT else None


def _is_set(text: str, names: Sequence[str]) -> bool | None:
    """Tell whether a text sets a name; None if the text is not valid TOML."""
    try:
        table: Any = tomllib.loads(text + "\n")
    except (ValueError, RecursionError):
        return None
    for name in names:
        if not isinstance(table, dict) or name not in table:
            return False
        table = table[name]
    return True
