"""Turns foreign JSON into values that SQLite, UTF-8 and JSON itself can hold.

An endpoint may send numbers of any length, NaN, lone surrogates and any depth of nesting.
This module converts them before they become an event or a failure, so that no later code
must check again.
"""

from __future__ import annotations

import math
from typing import Any

from tui.text.sanitise import fix_surrogates

LARGEST = 2**63 - 1
"""The largest integer that SQLite can store."""

DEEPEST = 60
"""How deep a value may be nested. Writing a deeper one would raise `RecursionError`."""

LONGEST_NAME = 500
"""How many characters an id, a model or a stop reason may have, as every row has them."""


def storable(value: Any, depth: int = DEEPEST) -> Any:
    """Return a JSON value that can be written and read again, as similar as possible.

    Lone surrogates are replaced. An integer beyond 64 bits becomes text. NaN, infinity and
    what is nested too deeply become null.
    """
    match value:
        case str():
            return fix_surrogates(value)
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
    """Return an id or another name as text; None if the value is not a text or a number."""
    match value:
        case str():
            return fix_surrogates(value[:LONGEST_NAME])
        case bool():
            return None
        case int() | float():
            return str(storable(value))[:LONGEST_NAME]
        case _:
            return None


def text_piece(value: object) -> str | None:
    """Return a piece of text unchanged; None if the value is not a text or a number.

    It may end with a lone surrogate, because the other half may be in the next piece.
    """
    return value if isinstance(value, str) else name(value)


def integer(digits: str) -> int | str:
    """Return an integer of a JSON text; the text itself if it is too long for Python."""
    return int(digits) if len(digits) <= LONGEST_NAME else digits


def _digits(value: int) -> str | None:
    try:
        return str(value)
    except ValueError:
        # Python does not convert more than 4,300 digits.
        return None


def _key(name: object) -> str:
    return fix_surrogates(name) if isinstance(name, str) else str(name)
