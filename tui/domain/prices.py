"""What a request cost.

A price is right or absent: it is not known where anything that it depends on is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol
from urllib.parse import urlsplit

from tui.domain.conversation import State
from tui.domain.endpoint import is_loopback
from tui.domain.money import FREE, KINDS, NANO, UNKNOWN, Price, Rates, total
from tui.domain.usage import Usage
from tui.domain.wire import Json, count

US_FACTOR = Decimal("1.1")
"""What inference in the US costs more. Searches cost the same.

Source: Anthropic's documentation, about-claude/pricing, "Data residency pricing".
"""

BATCH_FACTOR = Decimal("0.5")
"""The price of a batch. Searches cost the same.

Source: Anthropic's documentation, about-claude/pricing, "Batch processing".
"""

WEB_SEARCH = Decimal("0.01")
"""Dollars for one web search, with every model. Fetching a page costs only its tokens.

Source: Anthropic's documentation, about-claude/pricing, "Web search tool".
"""

_MOST = 10**6 * NANO
"""A greater price is a mistake of the endpoint. The limit also keeps sums within SQLite's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Billable:
    """The facts about an attempt that its price depends on."""

    endpoint: str
    """As in `Endpoint.identity`."""
    model: str | None
    """The model that answered; None if the endpoint did not begin to answer."""
    model_requested: str
    time_ms: int
    state: State
    is_final: bool
    """Whether the usage is the final one: the reply has its stop reason."""
    has_output: bool | None = True
    """Whether the model wrote anything; None if that is not known any more."""
    is_fault: bool = False
    """Whether a fault of this program may have lost the usage."""
    usage: Usage


class RateTable(Protocol):
    """Knows the rates of models; see `price_table`."""

    def own(self, model: str) -> Rates | None:
        """Return the user's own rates of a model; None without any."""

    def rates(
        self, model: str, time_ms: int, *, prompt_tokens: int, is_fast: bool = False
    ) -> Rates | None:
        """Return the rates of a model of Anthropic's API; None for an unknown model."""


def price_of(billable: Billable, table: RateTable) -> Price:
    """Return what an attempt cost."""
    if billable.endpoint == "demo":
        return FREE
    if billable.model is None:
        return _unanswered(billable)
    own = table.own(billable.model) or table.own(billable.model_requested)
    if own is None and not is_anthropic(billable.endpoint):
        # Claude on this machine comes through a gateway, whose bill is not known.
        is_claude = any(
            model.startswith("claude-") for model in (billable.model, billable.model_requested)
        )
        return FREE if _is_local(billable.endpoint) and not is_claude else UNKNOWN
    if billable.state == "refused" and billable.has_output is not True:
        # Refused before any output: not billed, although it has a usage. Source:
        # Anthropic's documentation, build-with-claude/refusals-and-fallback.
        return UNKNOWN if billable.has_output is None else FREE
    return _sum_of_passes(billable, table, own)


def _unanswered(billable: Billable) -> Price:
    """Return the price of a request without an answer: errors are not billed."""
    if billable.is_fault:
        return UNKNOWN
    # A request that was stopped may have been read; no source says whether that is billed.
    return Price(0, is_minimum=billable.state != "failed")


def _sum_of_passes(billable: Billable, table: RateTable, own: Rates | None) -> Price:
    """Add up the passes of a request: more than one after a fallback or a compaction."""
    passes = [
        _price_of_usage(
            replace(billable, usage=usage, model=model),
            table,
            own if model == billable.model else table.own(model or ""),
        )
        for model, usage in _passes(billable)
    ]
    if any(price.nano_usd is None for price in passes):
        return UNKNOWN
    found = total(passes)
    return UNKNOWN if (found.nano_usd or 0) > _MOST else found


def _passes(billable: Billable) -> Iterator[tuple[str | None, Usage]]:
    """Yield the model and the usage of each pass.

    The fields of a usage with `iterations` count only the last pass.
    """
    wire = billable.usage.wire
    iterations = wire.get("iterations")
    if not isinstance(iterations, list) or not iterations:
        yield billable.model, billable.usage
        return
    shared = {
        name: wire[name] for name in ("inference_geo", "service_tier", "speed") if name in wire
    }
    for number, each in enumerate(iterations):
        one: Json = each if isinstance(each, dict) else {}
        model = one.get("model")
        # Searches are counted once, for the whole request.
        tools = {"server_tool_use": wire.get("server_tool_use") if number == 0 else None}
        usage = Usage(shared | one | tools)
        yield (model if isinstance(model, str) else billable.model), usage


def _price_of_usage(billable: Billable, table: RateTable, own: Rates | None) -> Price:
    usage = billable.usage
    factor = _factor(usage.wire)
    if factor is None or usage.prompt_tokens is None or billable.model is None:
        return UNKNOWN
    if usage.output_tokens is None and billable.is_final:
        return UNKNOWN
    rates = table.rates(
        billable.model,
        billable.time_ms,
        prompt_tokens=usage.prompt_tokens,
        is_fast=usage.wire.get("speed") == "fast",
    )
    used = _used(usage)
    found = (own or Rates()).over(rates)
    charged: list[tuple[int, Decimal | None]] = [
        (used[kind], getattr(found, kind)) for kind in KINDS
    ]
    if any(tokens and rate is None for tokens, rate in charged):
        return UNKNOWN
    tokens_usd = sum((n * (rate or Decimal(0)) for n, rate in charged), Decimal(0)) / 10**6
    tools = usage.wire.get("server_tool_use")
    searches = count(tools, "web_search_requests") or 0
    nano_usd = round((tokens_usd * factor + searches * WEB_SEARCH) * NANO)
    # The hours of a container have a price that no usage reports.
    has_container = bool(count(tools, "code_execution_requests"))
    return Price(nano_usd, is_minimum=not billable.is_final or has_container)


def _used(usage: Usage) -> dict[str, int]:
    """Return the tokens of each kind."""
    written = usage.cache_creation_input_tokens or 0
    split = usage.wire.get("cache_creation")
    # The split is of the first event, and may be less than the total of the last one.
    for_1h = min(count(split, "ephemeral_1h_input_tokens") or 0, written)
    return {
        "input": usage.input_tokens or 0,
        "output": usage.output_tokens or 0,
        "cache_write_5m": written - for_1h,
        "cache_write_1h": for_1h,
        "cache_read": usage.cache_read_input_tokens or 0,
    }


def _factor(wire: Json) -> Decimal | None:
    """Return by what the price of tokens is multiplied; None if that is not known."""
    factor = Decimal(1)
    match wire.get("service_tier"):
        case None | "standard":
            pass
        case "batch":
            factor *= BATCH_FACTOR
        case _:
            # Capacity that was paid for before.
            return None
    match wire.get("inference_geo"):
        case None | "" | "global" | "not_available":
            return factor
        case "us":
            return factor * US_FACTOR
        case _:
            return None


def is_anthropic(endpoint: str) -> bool:
    """Return whether an endpoint, as in `Endpoint.identity`, is Anthropic's own."""
    return endpoint.partition("#")[0].removesuffix(":443") == "api.anthropic.com"


def _is_local(endpoint: str) -> bool:
    return is_loopback(urlsplit(f"//{endpoint.partition('#')[0]}").hostname or "")
