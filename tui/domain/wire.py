"""JSON as the API sends it, and safe reading of its numbers."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A JSON object. The order of its keys matters, because it is sent back unchanged."""

_MAX = 2**53 - 1


def count(wire: object, name: str) -> int | None:
    """Return the field `name` if it is an integer that is not negative; None otherwise."""
    value = wire.get(name) if isinstance(wire, dict) else None
    # The limit keeps sums within the integers that SQLite can store.
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX
    return value if is_count else None
