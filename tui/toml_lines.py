"""The line of a TOML file on which something is set, for messages that name it.

Python's parser does not tell it. It is the line before which a name is not set, and
after which it is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_LOOKED_AT = 40
"""How many lines that have a name in them are looked at: each costs the parsing of what
stands above it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A TOML file, as it was read."""

    path: Path
    text: str = field(repr=False)

    def at(self, names: Sequence[str]) -> str:
        """Return where something is set: how a message about it begins."""
        line = line_of(self.text, names)
        return f"{self.path}" if line is None else f"{self.path}, line {line}"


def line_of(text: str, names: Sequence[str]) -> int | None:
    """Return the line on which `names`, the outer table's first, is set, from 1.

    None where it is not set, where its name is spelled with escapes, or where too many
    lines have it in them.
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
                # In the middle of a value of several lines.
                pass
    return found if _is_set(text, names) and len(having) <= _LOOKED_AT else None


def _is_set(text: str, names: Sequence[str]) -> bool | None:
    """Tell whether something is set in a text; None if the text is none of TOML."""
    try:
        table: Any = tomllib.loads(text + "\n")
    except (ValueError, RecursionError):
        return None
    for name in names:
        if not isinstance(table, dict) or name not in table:
            return False
        table = table[name]
    return True
