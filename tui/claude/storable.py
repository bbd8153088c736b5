"""Foreign JSON made such as SQLite, UTF-8 and JSON itself can hold.

An endpoint may send numbers of any length, NaN, halves of characters and nesting
without end, wherever it likes. What is made of it is made so here, before it becomes
an event or a failure; nothing after this has to ask again.
"""

from __future__ import annotations

import math
from typing import Any

from tui.sanitise import whole

LARGEST = 2**63 - 1
"""The largest number that SQLite holds."""

DEEPEST = 60
"""How deep a value may be nested. Deeper, writing it would end in a RecursionError."""

LONGEST_NAME = 500
"""How many characters an id, a model or a stop reason may have: it stands in every row."""


def storable(value: Any, depth: int = DEEPEST) -> Any:
    """Return a JSON value that can be written and read again, as like as can be.

    Halves of characters are replaced, numbers beyond 64 bits become text, what is no
    number becomes null, and so does what is nested too deeply.
    """
    match value:
        case str():
            return whole(value)
        case bool() | None:
            return value
        case int():
            return value if abs(value) <= LARGEST else _digits(value)
        case float():
            return value if math.isfinite(value) else None
        case dict() if depth:
            return {_key(name): storable(inner, depth - 1) for name, inner in value.items()}
        case list() | tuple() if depth:
            return [storable(inner, depth - 1) for inner in value]
        case _:
            return None


def name(value: object) -> str | None:
    """Return an id or another name as text; None if it is none.

    A number is taken for the text it is written as.
    """
    match value:
        case str():
            return whole(value[:LONGEST_NAME])
        case bool():
            return None
        case int() | float():
            return str(storable(value))[:LONGEST_NAME]
        case _:
            return None


def words(value: object) -> str | None:
    """Return a piece of text as it came, halves of characters and all; None if it is none.

    Its other half may be in the next piece.
    """
    return value if isinstance(value, str) else name(value)


def integer(digits: str) -> int | str:
    """Return a number as JSON writes it; the text itself if Python would not read it."""
    return int(digits) if len(digits) <= LONGEST_NAME else digits


def _digits(value: int) -> str | None:
    try:
        return str(value)
    except ValueError:
        # Python writes no more than 4,300 digits.
        return None


def _key(name: object) -> str:
    return whole(name) if isinstance(name, str) else str(name)
