"""Prices as the user reads them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tui.domain.money import NANO, UNKNOWN, Price, Rates
from tui.text import money


@pytest.mark.parametrize(
    ("usd", "exact", "minimum"),
    [
        ("0", "", ""),
        ("0.000000001", "< $0.0001", ""),
        ("0.00009", "< $0.0001", ""),
        ("0.0001", "$0.0001", "≥ $0.0001"),
        ("0.01234", "$0.0123", "≥ $0.0123"),
        ("0.01236", "$0.0124", "≥ $0.0123"),
        ("0.09994", "$0.0999", "≥ $0.0999"),
        # Rounded up, it has two digits; rounded down, it still has four.
        ("0.09996", "$0.10", "≥ $0.0999"),
        ("0.1", "$0.10", "≥ $0.10"),
        ("0.129", "$0.13", "≥ $0.12"),
        ("0.125", "$0.13", "≥ $0.12"),
        ("12", "$12.00", "≥ $12.00"),
        ("1234.567", "$1,234.57", "≥ $1,234.56"),
    ],
)
def test_a_price_has_the_digits_of_its_size(usd: str, exact: str, minimum: str) -> None:
    nano_usd = int(Decimal(usd) * NANO)
    assert money.price(Price(nano_usd)) == exact
    assert money.price(Price(nano_usd, is_minimum=True)) == minimum


def test_an_unknown_price_is_a_dash_and_a_pending_one_is_nothing() -> None:
    assert money.price(UNKNOWN) == "—"
    assert money.price(None) == ""


def test_rates_show_both_prices_of_a_model_that_has_two() -> None:
    short, long = Rates(Decimal("0.10"), Decimal("0.5")), Rates(Decimal("0.5"), Decimal("2.50"))
    assert money.rates([short, long]) == "0.1–0.5 · 0.5–2.5"
    assert money.rates([Rates(Decimal(10), Decimal("50.0"))]) == "10 · 50"
    assert money.rates([Rates(Decimal(10))]) == "10 · —"
    assert money.rates([]) == ""
