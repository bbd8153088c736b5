"""The prices of Anthropic's models, and the user's own.

The table is the one that `genai-prices` ships. Its updater, which asks the network, is never
started. What is missing or wrong in it is corrected here, each with its source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from hashlib import blake2b
from re import fullmatch, sub
from typing import TYPE_CHECKING, Any

from tui.domain.clock import is_time
from tui.domain.money import KINDS, Rates
from tui.domain.prices import is_anthropic

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo

CORRECTIONS = 1
"""The version of what this module and `prices` add to the library's table."""

_SAME_AS = {
    # Source: Anthropic's documentation, about-claude/pricing: Mythos costs what Fable costs.
    "claude-mythos-5-1": "claude-fable-5-1",
    "claude-mythos-5": "claude-fable-5",
}
"""Models that the library does not have, and those of the same price."""

_SONNET_5_5_READ_CUT = date(2026, 10, 7)
"""When reading Claude Sonnet 5.5's cache became cheaper; the library has only the new price.

Source: Anthropic's documentation, models/sonnet-5-5/overview, before and after that day.
"""

_SONNET_5_5_READ_BEFORE = Decimal("0.20")

_LONG_PROMPT = 200_000
"""The longest prompt that every model takes, in tokens.

Only one model has a second price below this length. Older models have one above it, which
needs a beta header that this program does not send.
"""

_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "cache_read": "cache_read_mtok",
}
"""The library's names of the kinds."""


class PriceTable:
    """The rates of every known model. `load` makes one."""

    def __init__(
        self, version: str, own: Mapping[str, Rates], find: Callable[[str], ModelInfo | None]
    ) -> None:
        self.version = f"{version}{_digest(own)}"
        """Names the table, its corrections and the user's own rates; stored with each price."""
        self._own = own
        self._find = find

    def own(self, model: str) -> Rates | None:
        """Return the user's own rates of a model; None without any."""
        return self._own.get(model)

    def covers(self, endpoint: str) -> bool:
        """Return whether the table can price what an endpoint did; see `load`."""
        return self._find is not _nothing or not needs_library(endpoint, self._own)

    def rates(
        self, model: str, time_ms: int, *, prompt_tokens: int, is_fast: bool = False
    ) -> Rates | None:
        """Return the rates of a model of Anthropic's API at a time; None if unknown.

        A prompt that is longer than a model's limit makes all of its tokens dearer.
        """
        found = self._model(model)
        if found is None or not is_time(time_ms):
            return None
        if is_fast and not any(
            variant.when == {"speed": "fast"} for variant in found.price_variants or ()
        ):
            return None
        time = datetime.fromtimestamp(time_ms / 1000, UTC)
        prices = found.get_prices(time, {"speed": "fast"} if is_fast else None)
        rates = Rates(
            *(_rate(getattr(prices, _FIELDS[kind], None), prompt_tokens) for kind in KINDS)
        )
        return _as_it_was(found.id, rates, time.date())

    def shown(self, model: str, now_ms: int, *, endpoint: str) -> list[Rates]:
        """Return the rates to show for a model: for short prompts, and for long ones if dearer.

        Returns an empty list if an endpoint, as in `Endpoint.identity`, has no known price.
        """
        own = self.own(model)
        if own is None and not is_anthropic(endpoint):
            return []
        bands = [
            (own or Rates()).over(self.rates(model, now_ms, prompt_tokens=prompt_tokens))
            for prompt_tokens in (0, _LONG_PROMPT)
        ]
        return [each for each in dict.fromkeys(bands) if each != Rates()]

    @cache  # noqa: B019 - a table lives as long as the program
    def _model(self, model: str) -> ModelInfo | None:
        """Return a model by its exact name, which may end with the date of its snapshot.

        The library compares the beginnings of some names, and would price an unknown
        claude-opus-4-10 as claude-opus-4-1.
        """
        asked = _SAME_AS.get(_bare(model), model)
        found = self._find(asked)
        return found if found is not None and _bare(found.id) == _bare(asked) else None


def _bare(model: str) -> str:
    """Return a model's name without its date and its alias: claude-opus-4 for all its names."""
    name = sub(r"[-@](\d{8}|latest)$", "", model)
    return name.removesuffix("-0") if fullmatch(r"claude-[a-z]+-\d-0", name) else name


def _rate(value: Any, prompt_tokens: int) -> Decimal | None:
    """Return the rate for a prompt of a length, of a rate that may depend on it."""
    if value is None or isinstance(value, Decimal):
        return value
    rate: Decimal = value.base
    for tier in value.tiers:
        if prompt_tokens > tier.start:
            rate = tier.price
    return rate


def _as_it_was(model: str, rates: Rates, day: date) -> Rates:
    if model == "claude-sonnet-5-5" and day < _SONNET_5_5_READ_CUT:
        return Rates(cache_read=_SONNET_5_5_READ_BEFORE).over(rates)
    return rates


def _digest(own: Mapping[str, Rates]) -> str:
    if not own:
        return ""
    text = repr(sorted((model, repr(rates)) for model, rates in own.items()))
    return f", own prices {blake2b(text.encode(), digest_size=4).hexdigest()}"


def needs_library(endpoint: str, own: Mapping[str, Rates]) -> bool:
    """Return whether the prices of an endpoint, as in `Endpoint.identity`, need the library."""
    return endpoint != "demo" and (bool(own) or is_anthropic(endpoint))


def load(own: Mapping[str, Rates], *, has_library: bool = True) -> PriceTable:
    """Make a table, in a thread: importing the library takes a third of a second.

    Without `has_library`, the table knows only the user's own rates; see `needs_library`.
    """
    from importlib import metadata

    version = f"genai-prices {metadata.version('genai-prices')}, corrections {CORRECTIONS}"
    return PriceTable(version, own, _library() if has_library else _nothing)


def _library() -> Callable[[str], ModelInfo | None]:
    from genai_prices.data import providers

    return next(each for each in providers if each.id == "anthropic").find_model


def _nothing(_model: str) -> ModelInfo | None:
    return None
