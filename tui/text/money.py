"""Formats prices, the same for the screen and for the shell."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from tui.domain.money import Price, Rates

UNKNOWN = "—"
"""Shown for a price that is not known."""

_CENTS_FROM = Decimal("0.1")
"""From this price on, cents are enough; below, a hundredth of a cent is shown."""

_SMALLEST = Decimal("0.0001")


def price(found: Price | None) -> str:
    """Return a price: `$0.0123`, `≥ $0.12`, `—`; "" for nothing, and if not computed yet.

    A price that is a minimum is rounded down, so that it stays one.
    """
    if found is None or found.nano_usd == 0:
        return ""
    if found.usd is None:
        return UNKNOWN
    if found.is_minimum:
        return f"≥ ${_rounded(found.usd, ROUND_DOWN)}" if found.usd >= _SMALLEST else ""
    if found.usd < _SMALLEST:
        return "< $0.0001"
    return f"${_rounded(found.usd, ROUND_HALF_UP)}"


def _rounded(usd: Decimal, rounding: str) -> str:
    fine = usd.quantize(_SMALLEST, rounding)
    if fine < _CENTS_FROM:
        return f"{fine:f}"
    return f"{usd.quantize(Decimal('0.01'), rounding):,f}"


def rates(bands: Sequence[Rates]) -> str:
    """Return dollars per million tokens of the prompt and of the reply: `2 · 10`.

    A model with a second price for long prompts shows both: `0.1–0.5 · 0.5–2.5`. "" if none
    is known.
    """
    if not bands:
        return ""
    pairs = ([each.input for each in bands], [each.output for each in bands])
    return " · ".join("–".join(_rate(each) for each in dict.fromkeys(pair)) for pair in pairs)


def _rate(rate: Decimal | None) -> str:
    return UNKNOWN if rate is None else f"{rate.normalize():f}"
