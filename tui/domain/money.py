"""Prices and rates, in US dollars.

Prices are computed with `Decimal`, because they are decimal fractions, and kept as whole
billionths of a dollar, so that sums are exact in Python and in SQL. Millionths would not do:
one cached token of Claude Haiku 5.5 costs a hundredth of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

NANO = 10**9
"""Billionths in a dollar."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Dollars per million tokens, by kind; None for a kind whose price is not known."""

    input: Decimal | None = None
    output: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None
    cache_read: Decimal | None = None

    def over(self, others: Rates | None) -> Rates:
        """Return these rates, with those of `others` for the kinds that are not known."""
        if others is None:
            return self
        return Rates(
            *(
                getattr(others, kind) if (own := getattr(self, kind)) is None else own
                for kind in KINDS
            )
        )


KINDS = tuple(Rates.__slots__)
"""The kinds of tokens that have a price, as `[prices]` in `config.toml` names them."""


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a request, or of several ones."""

    nano_usd: int | None
    """Billionths of a US dollar; None if the price is not known."""
    is_minimum: bool = False
    """Whether it may have cost more, because the endpoint did not report all of its usage."""

    @property
    def usd(self) -> Decimal | None:
        """The price in US dollars; None if it is not known."""
        return None if self.nano_usd is None else Decimal(self.nano_usd) / NANO


FREE = Price(0)
UNKNOWN = Price(None)


def combined(prices: Sequence[Price | None]) -> Price | None:
    """Return what all attempts of a reply cost; None if the last one has no price yet."""
    return total(prices) if prices and prices[-1] is not None else None


def total(prices: Iterable[Price | None]) -> Price:
    """Return the sum of prices.

    It is a minimum if some of them are not known (None: not computed yet), and not known if
    all others were free: a failed attempt says nothing about the next one.
    """
    found = list(prices)
    known = [price for price in found if price is not None and price.nano_usd is not None]
    nano_usd = sum(price.nano_usd or 0 for price in known)
    if len(known) < len(found) and not nano_usd:
        return UNKNOWN
    return Price(
        nano_usd,
        len(known) < len(found) or any(price.is_minimum for price in known),
    )
