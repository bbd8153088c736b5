"""The user's own prices in `config.toml`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.test_loading import chosen, complaint, config, folder
from tui.domain.money import Rates

__all__ = ["config", "folder"]

KINDS = "input, output, cache_write_5m, cache_write_1h and cache_read"


def test_prices_are_read_with_the_digits_that_were_written(config: Path) -> None:
    config.write_text(
        '[prices."claude-opus-9"]\ninput = 3\noutput = 0.1\ncache_read = 0.30\n'
        "cache_write_5m = 0\ncache_write_1h = 6.0\n[prices.gemma]\ninput = 1\n",
        encoding="utf-8",
    )
    found = chosen()
    assert found.warnings == ()
    assert found.prices == {
        "claude-opus-9": Rates(
            Decimal(3), Decimal("0.1"), Decimal(0), Decimal(6), Decimal("0.3")
        ),
        "gemma": Rates(Decimal(1)),
    }


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("input = -1", "input must be dollars per million tokens, from 0 to 100,000"),
        ("input = 1e9", "input must be dollars per million tokens, from 0 to 100,000"),
        ("input = nan", "input must be dollars per million tokens, from 0 to 100,000"),
        ("input = true", "input must be dollars per million tokens, from 0 to 100,000"),
        ('input = "2"', "input must be dollars per million tokens, from 0 to 100,000"),
        (
            "inputs = 2",
            f"unknown kind 'inputs'; the kinds are {KINDS}",
        ),
    ],
)
def test_a_bad_price_is_one_line(config: Path, line: str, why: str) -> None:
    config.write_text(f'[prices."m.1"]\noutput = 1\n{line}\n', encoding="utf-8")
    assert complaint() == f"{config}, line 3: the prices of m.1: {why}."


def test_a_price_without_a_table_is_one_line(config: Path) -> None:
    config.write_text("[prices]\ngemma = 2\n", encoding="utf-8")
    assert complaint() == (
        f"{config}, line 2: the prices of gemma: write a table with {KINDS}."
    )
    config.write_text("prices = 2\n", encoding="utf-8")
    assert complaint() == f"{config}, line 1: prices must be a table."
