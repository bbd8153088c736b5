"""The user's own prices: a table `[prices."MODEL"]` of `config.toml` for each model."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tui.domain.money import KINDS, Rates

HIGHEST = 100_000
"""The highest price that is allowed, in dollars per million tokens."""


class BadPrice(ValueError):
    """A price cannot be used. The text continues a line that names the model."""

    def __init__(self, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.kind = kind
        """The name in the table that is wrong; empty if it is the table itself."""


def rates_of(table: Any) -> Rates:
    """Return a table of dollars per million tokens as rates. Raises `BadPrice`."""
    if not isinstance(table, dict):
        raise BadPrice(f"write a table with {_names()}")
    for kind in table:
        if kind not in KINDS:
            # A misspelt kind would leave a price wrong without a word.
            raise BadPrice(f"unknown kind {kind!r}; the kinds are {_names()}", kind)
    return Rates(**{kind: _rate(kind, value) for kind, value in table.items()})


def _rate(kind: str, value: Any) -> Decimal:
    # Not `isinstance`: to Python a bool is an int, but not to a person.
    if type(value) not in (int, float) or not 0 <= value <= HIGHEST:
        raise BadPrice(
            f"{kind} must be dollars per million tokens, from 0 to {HIGHEST:,}", kind
        )
    # The digits that the user wrote, not the binary fraction near them.
    return Decimal(str(value))


def _names() -> str:
    return ", ".join(KINDS[:-1]) + f" and {KINDS[-1]}"
