"""What a request costs, against figures that were worked out by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tui.domain.conversation import State
from tui.domain.money import FREE, UNKNOWN, Price, Rates, total
from tui.domain.price_table import PriceTable, load
from tui.domain.prices import Billable, price_of
from tui.domain.usage import Usage

NOW = "2026-11-27"
OURS = {
    "claude-sonnet-5-5": Rates(input=Decimal("1.5")),
    "gemma": Rates(Decimal("0.5"), Decimal(2)),
}


@pytest.fixture(scope="module")
def table() -> PriceTable:
    return load({})


def ms(day: str) -> int:
    return round(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp() * 1000)


@dataclass(frozen=True)
class Case:
    """A usage, and its price in dollars; None if the price must not be known."""

    name: str
    usd: str | None
    """Exact, with all its digits; the arithmetic is beside it."""
    model: str = "claude-sonnet-5-5"
    tokens: Sequence[int] = (0, 0, 0, 0)
    """Tokens of the prompt that no cache held, read, written to the cache, of the output."""
    usage: dict[str, Any] = field(default_factory=dict)
    """Other fields of the usage."""
    is_minimum: bool = False
    day: str = NOW
    state: State = "complete"
    endpoint: str = "api.anthropic.com#0123abcd"
    own: bool = False
    """Whether the user has rates of their own."""
    has_output: bool | None = True
    is_answered: bool = True
    is_fault: bool = False


HALF, US, FAST = {"service_tier": "batch"}, {"inference_geo": "us"}, {"speed": "fast"}
HOUR = {"cache_creation": {"ephemeral_1h_input_tokens": 10_000, "ephemeral_5m_input_tokens": 0}}
CUT: dict[str, Any] = {"state": "cut_off", "is_minimum": True}
HAIKU, OPUS, FABLE = "claude-haiku-5-5", "claude-opus-5-5", "claude-fable-5-2"
GATEWAY, HERE = "llm.example.com#1", "127.0.0.1:4000#1"


def searched(times: int) -> dict[str, Any]:
    return {"server_tool_use": {"web_search_requests": times, "web_fetch_requests": 9}}


CASES = [
    # Models: 1,000 tokens in, 1,000 out; that is a thousandth of the sum of both rates.
    Case("fable 5.2", "0.048", FABLE, (1000, 0, 0, 1000)),  # (8 + 40) / 1000
    Case("mythos 5.2", "0.048", "claude-mythos-5-2", (1000, 0, 0, 1000)),
    Case("fable 5.1", "0.06", "claude-fable-5-1", (1000, 0, 0, 1000)),  # (10 + 50) / 1000
    Case("mythos 5.1", "0.06", "claude-mythos-5-1", (1000, 0, 0, 1000)),
    Case("mythos 5", "0.06", "claude-mythos-5", (1000, 0, 0, 1000)),
    Case("opus 5.5", "0.024", OPUS, (1000, 0, 0, 1000)),  # (4 + 20) / 1000
    Case("opus 5", "0.03", "claude-opus-5", (1000, 0, 0, 1000)),  # (5 + 25) / 1000
    Case("opus 4.1", "0.09", "claude-opus-4-1-20250805", (1000, 0, 0, 1000)),  # 15 + 75
    Case("sonnet 5.5", "0.012", tokens=(1000, 0, 0, 1000)),  # (2 + 10) / 1000
    Case("sonnet 4.5, dated", "0.018", "claude-sonnet-4-5-20250929", (1000, 0, 0, 1000)),
    Case("haiku 4.5", "0.006", "claude-haiku-4-5", (1000, 0, 0, 1000)),  # (1 + 5) / 1000
    Case("haiku 5.5", "0.0006", HAIKU, (1000, 0, 0, 1000)),  # (0.1 + 0.5) / 1000
    Case("nothing at all", "0"),
    Case("one token", "0.000002", tokens=(1, 0, 0, 0)),
    Case("one cached token of the cheapest", "0.00000001", HAIKU, (0, 1, 0, 0)),
    Case("half of it", "0.000000005", HAIKU, (0, 1, 0, 0), HALF),
    # Cached.
    Case("read", "0.001", tokens=(0, 10_000, 0, 0)),  # 10,000 x 0.10 / 1M
    Case("read, fable 5.1", "0.0025", "claude-fable-5-1", (0, 10_000, 0, 0)),  # x 0.25
    Case("read, fable 5", "0.01", "claude-fable-5", (0, 10_000, 0, 0)),  # x 1.00
    Case("read, opus 5.5", "0.002", OPUS, (0, 10_000, 0, 0)),  # x 0.20
    Case("written for 5 min", "0.025", tokens=(0, 0, 10_000, 0)),  # x 2.50
    Case("written for 1 h", "0.04", tokens=(0, 0, 10_000, 0), usage=HOUR),  # x 4
    # 2,000 x 2.50 + 10,000 x 4 = 5,000 + 40,000
    Case("written for both", "0.045", tokens=(0, 0, 12_000, 0), usage=HOUR),
    # The split says 10,000, but only 4,000 were written: 4,000 x 4
    Case("a split that is larger", "0.016", tokens=(0, 0, 4000, 0), usage=HOUR),
    # 100 x 2 + 50,000 x 0.10 + 3,000 x 2.50 + 700 x 10 = 200 + 5,000 + 7,500 + 7,000
    Case("all kinds", "0.0197", tokens=(100, 50_000, 3000, 700)),
    # Thinking is a part of the output: 700 x 10
    Case(
        "thinking", "0.007", tokens=(0, 0, 0, 700),
        usage={"output_tokens_details": {"thinking_tokens": 600}},
    ),
    # History: 10,000 x 0.20 before 7 October, x 0.10 from then on.
    Case("read, before", "0.002", tokens=(0, 10_000, 0, 0), day="2026-10-06"),
    Case("read, from", "0.001", tokens=(0, 10_000, 0, 0), day="2026-10-07"),
    Case("batch before 14 October", "0.006", tokens=(1000, 0, 0, 1000), usage=HALF,
         day="2026-10-10"),
    # Opus 4.6 in February: above 200,000 tokens of prompt, 10 and 37.50.
    Case("long, long ago", "2.0475", "claude-opus-4-6", (201_000, 0, 0, 1000),
         day="2026-02-20"),  # 2.01 + 0.0375
    Case("long, since March", "1.03", "claude-opus-4-6", (201_000, 0, 0, 1000)),
    # Long prompts of Haiku 5.5: the limit counts all of the prompt, and changes all rates.
    Case("haiku, at the limit", "0.0105", HAIKU, (100_000, 0, 0, 1000)),  # 0.01 + 0.0005
    Case("haiku, above", "0.0525005", HAIKU, (100_001, 0, 0, 1000)),  # 0.0500005 + 0.0025
    # 1,000 x 0.5 + 99,001 x 0.05 + 500 x 2.5 = 500 + 4,950.05 + 1,250
    Case("haiku, above by its cache", "0.00670005", HAIKU, (1000, 99_001, 0, 500)),
    # 100 x 0.5 + 99,901 x 0.625 = 50 + 62,438.125
    Case("haiku, above by a write", "0.062488125", HAIKU, (100, 0, 99_901, 0)),
    Case("sonnet has no limit", "1.8", tokens=(900_000, 0, 0, 0)),
    # Batch, region, speed, searches.
    Case("batch", "0.006", tokens=(1000, 0, 0, 1000), usage=HALF),  # 0.012 / 2
    Case("batch, cached", "0.0005", tokens=(0, 10_000, 0, 0), usage=HALF),
    Case("batch, long haiku", "0.02625025", HAIKU, (100_001, 0, 0, 1000), HALF),
    Case("US", "0.0132", tokens=(1000, 0, 0, 1000), usage=US),  # 0.012 x 1.1
    Case("US, cached", "0.0011", tokens=(0, 10_000, 0, 0), usage=US),
    Case("US, batch", "0.0066", tokens=(1000, 0, 0, 1000), usage=US | HALF),
    Case("global", "0.012", tokens=(1000, 0, 0, 1000), usage={"inference_geo": "global"}),
    Case("not available", "0.012", tokens=(1000, 0, 0, 1000),
         usage={"inference_geo": "not_available", "service_tier": "standard"}),
    Case("fast opus", "0.048", OPUS, (1000, 0, 0, 1000), FAST),  # (8 + 40) / 1000
    Case("fast fable", "0.096", FABLE, (1000, 0, 0, 1000), FAST),  # (16 + 80) / 1000
    Case("fast opus, read", "0.004", OPUS, (0, 10_000, 0, 0), FAST),  # x 0.40
    Case("three searches", "0.042", tokens=(1000, 0, 0, 1000), usage=searched(3)),
    # Searches have no discount and no surcharge: 0.012 / 2 + 0.03, 0.012 x 1.1 + 0.03
    Case("searches, batch", "0.036", tokens=(1000, 0, 0, 1000), usage=searched(3) | HALF),
    Case("searches, US", "0.0432", tokens=(1000, 0, 0, 1000), usage=searched(3) | US),
    Case("a container", "0.012", tokens=(1000, 0, 0, 1000), is_minimum=True,
         usage={"server_tool_use": {"code_execution_requests": 1}}),
    # Two passes: 1,000 x 5 + 100 x 25 of Opus 5, 2,000 x 2 + 300 x 10 of Sonnet 5.5, a search
    Case("passes", "0.0245", tokens=(2000, 0, 0, 300), usage=searched(1) | {"iterations": [
        {"type": "message", "model": "claude-opus-5", "input_tokens": 1000,
         "output_tokens": 100},
        {"type": "fallback_message", "input_tokens": 2000, "output_tokens": 300},
    ]}),
    # Cut: what the first event said, 1,000 x 2 + 1 x 10
    Case("cut off", "0.00201", tokens=(1000, 0, 0, 1), **CUT),
    Case("stopped", "0.00201", tokens=(1000, 0, 0, 1), is_minimum=True, state="stopped"),
    Case("interrupted, US", "0.002211", tokens=(1000, 0, 0, 1), usage=US, is_minimum=True,
         state="interrupted"),
    Case("failed in the middle", "0.00201", tokens=(1000, 0, 0, 1), is_minimum=True,
         state="failed"),
    Case("stopped before an answer", "0", state="stopped", is_answered=False, is_minimum=True),
    Case("refused by an error", "0", state="failed", is_answered=False),
    Case("its usage was lost", None, state="failed", is_answered=False, is_fault=True),
    # A refusal is billed if something was written before it.
    Case("refused", "0.012", tokens=(1000, 0, 0, 1000), state="refused"),
    Case("refused at once", "0", tokens=(1000, 0, 0, 1), state="refused", has_output=False),
    Case("refused and purged", None, tokens=(1, 0, 0, 1), state="refused", has_output=None),
    # Unknown.
    Case("unknown", None, "claude-opus-9", (1000, 0, 0, 1000)),
    Case("a longer name", None, "claude-opus-4-10", (1000, 0, 0, 1000)),
    Case("another beginning", None, "anthropic/claude-opus-5", (1000, 0, 0, 1000)),
    Case("mythos preview", None, "claude-mythos-preview", (1000, 0, 0, 1000)),
    Case("fast without a rate", None, tokens=(1000, 0, 0, 1000), usage=FAST),
    Case("another region", None, tokens=(1, 0, 0, 1), usage={"inference_geo": "moon"}),
    Case("paid before", None, tokens=(1, 0, 0, 1), usage={"service_tier": "priority"}),
    Case("no input", None, usage={"input_tokens": None}),
    Case("no output", None, usage={"output_tokens": None}),
    Case("absurd", None, tokens=(2**52, 0, 0, 0)),
    Case("no date", None, tokens=(1, 0, 0, 1), day=""),
    # Elsewhere.
    Case("demo", "0", "demo", (1000, 0, 0, 1000), endpoint="demo"),
    Case("a model of this machine", "0", "gemma", (1000, 0, 0, 1000), endpoint=HERE),
    Case("a gateway on this machine", None, tokens=(1, 0, 0, 1), endpoint=HERE),
    Case("another host", None, tokens=(1, 0, 0, 1), endpoint=GATEWAY),
    # The user's own rates: 1.5 in, and the table's 10 out; 0.5 in and 2 out.
    Case("own", "0.0115", tokens=(1000, 0, 0, 1000), own=True),
    Case("own, through a gateway", "0.0115", tokens=(1000, 0, 0, 1000), own=True,
         endpoint=GATEWAY),
    Case("own, US", "0.01265", tokens=(1000, 0, 0, 1000), usage=US, own=True),
    Case("own, of this machine", "0.0025", "gemma", (1000, 0, 0, 1000), own=True,
         endpoint=HERE),
    Case("own, without a rate", None, "gemma", (1000, 1, 0, 1000), own=True, endpoint=HERE),
]  # fmt: skip


def priced(case: Case, table: PriceTable) -> Price:
    plain, read, written, output = case.tokens
    wire = {
        "input_tokens": plain,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "output_tokens": output,
    }
    billable = Billable(
        endpoint=case.endpoint,
        model=case.model if case.is_answered else None,
        model_requested=case.model,
        time_ms=ms(case.day) if case.day else 2**60,
        state=case.state,
        is_final=case.state in ("complete", "refused"),
        has_output=case.has_output,
        is_fault=case.is_fault,
        usage=Usage(wire | case.usage) if case.is_answered else Usage(),
    )
    return price_of(billable, table)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_usage_has_its_price(case: Case, table: PriceTable) -> None:
    price = priced(case, load(OURS) if case.own else table)
    assert price.usd == (None if case.usd is None else Decimal(case.usd))
    assert price.is_minimum == case.is_minimum


@pytest.mark.parametrize(
    ("models", "rates"),
    [
        ("claude-fable-5-2", "8 40 10 16 0.20"),
        ("claude-mythos-5-2", "8 40 10 16 0.20"),
        ("claude-fable-5-1 claude-mythos-5-1", "10 50 12.50 20 0.25"),
        ("claude-fable-5 claude-mythos-5", "10 50 12.50 20 1.00"),
        ("claude-opus-5-5", "4 20 5 8 0.20"),
        (
            "claude-opus-5 claude-opus-4-8 claude-opus-4-7 claude-opus-4-6 claude-opus-4-5",
            "5 25 6.25 10 0.50",
        ),
        ("claude-sonnet-5-5", "2 10 2.50 4 0.10"),
        ("claude-sonnet-5", "2 10 2.50 4 0.20"),
        ("claude-sonnet-4-6 claude-sonnet-4-5", "3 15 3.75 6 0.30"),
        ("claude-haiku-5-5", "0.10 0.50 0.125 0.20 0.01"),
        ("claude-haiku-4-5 claude-haiku-4-5-20251001", "1 5 1.25 2 0.10"),
    ],
)
def test_every_model_has_its_rates(models: str, rates: str, table: PriceTable) -> None:
    for model in models.split():
        found = table.rates(model, ms(NOW), prompt_tokens=100_000)
        assert found == Rates(*map(Decimal, rates.split()))


def test_only_one_model_shows_a_second_price_for_long_prompts(table: PriceTable) -> None:
    anthropic = "api.anthropic.com#1"
    [short, long] = table.shown("claude-haiku-5-5", ms(NOW), endpoint=anthropic)
    assert (short.input, long.input) == (Decimal("0.1"), Decimal("0.5"))
    assert len(table.shown("claude-sonnet-4-5", ms(NOW), endpoint=anthropic)) == 1
    assert table.shown("claude-opus-9", ms(NOW), endpoint=anthropic) == []
    assert table.shown("claude-opus-5", ms(NOW), endpoint=GATEWAY) == []
    assert load(OURS).shown("gemma", ms(NOW), endpoint=HERE) == [OURS["gemma"]]


def test_a_table_is_named_by_its_release_and_by_the_own_prices(table: PriceTable) -> None:
    assert table.version.startswith("genai-prices 0.")
    assert table.version == load({}).version
    ours = load(OURS).version
    assert ours.startswith(f"{table.version}, own prices ")
    assert ours != load({"gemma": Rates(Decimal("0.5"), Decimal(3))}).version


def test_a_sum_with_a_missing_price_is_a_minimum() -> None:
    assert total([]) == FREE
    assert total([Price(1), Price(2)]) == Price(3)
    assert total([Price(1), Price(2, is_minimum=True)]) == Price(3, is_minimum=True)
    assert total([Price(1), UNKNOWN]) == Price(1, is_minimum=True)
    assert total([Price(1), None]) == Price(1, is_minimum=True)
    assert total([UNKNOWN, None]) == UNKNOWN


def test_the_library_starts_no_update_and_no_thread() -> None:
    code = (
        "import threading; from tui.domain.price_table import load; load({});"
        " from genai_prices import data_snapshot;"
        " print(threading.active_count(), data_snapshot._custom_snapshot)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.stdout.split(), done.stderr) == (["1", "None"], "")


def test_the_time_of_a_change_of_price_is_in_utc(table: PriceTable) -> None:
    midnight = datetime(2026, 10, 7, tzinfo=UTC).timestamp() * 1000
    reads = [
        table.rates("claude-sonnet-5-5", round(midnight) - early, prompt_tokens=1)
        for early in (1, 0)
    ]
    assert [rates and rates.cache_read for rates in reads] == [Decimal("0.2"), Decimal("0.1")]
