"""The price of each request in the history: when it ends, later, and after a deletion."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.scripted import Close, Hold, Reply, Scripted, refuses, says, start, text
from tests.test_deleting import purge
from tests.test_migrations import DATA, changed
from tests.test_purging import found_in
from tests.turns import SetClock, converse, kept, on_disk
from tui.chat import pricing as pricing_module
from tui.chat import titles
from tui.chat.pricing import Pricing, price_pending
from tui.claude import Claude
from tui.config.settings import SMALL_MODEL
from tui.domain.conversation import Message
from tui.domain.money import UNKNOWN, Price, Rates, total
from tui.store import Store, open_store

SONNET = Rates(*map(Decimal, ("2", "10", "2.5", "4", "0.1")))
NANO_USD = 494_300
"""What every scripted reply costs: 25 x 2 + 7 x 2.50 + 68 x 0.10 + 42 x 10, in thousandths."""

ANTHROPIC = "UPDATE requests SET endpoint = 'api.anthropic.com#1'"


@pytest.fixture
def store(history: Path) -> Iterator[Store]:
    with open_store(history, SetClock()) as store:
        yield store


@pytest.fixture
def pricing() -> Pricing:
    return Pricing({"claude-sonnet-5-5": SONNET, SMALL_MODEL: SONNET})


def price(message: Message) -> Price | None:
    assert message.figures is not None
    return message.figures.price


def costs(history: Path) -> list[tuple[str, int | None, int]]:
    rows = on_disk(
        history, "SELECT purpose, price_nano_usd, is_price_minimum FROM costs ORDER BY id"
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def test_a_reply_is_saved_with_its_price(
    claude: Claude, store: Store, history: Path, pricing: Pricing
) -> None:
    message = await converse(store, claude, pricing=pricing)
    assert price(message) == price(await kept(store, message)) == Price(NANO_USD)
    assert costs(history) == [("reply", NANO_USD, 0)]
    (row,) = on_disk(history, "SELECT price_usd, price_table, host, model FROM costs")
    assert row["price_usd"] == 0.0004943
    assert row["price_table"].startswith("genai-prices 0.")
    assert (row["host"], row["model"]) == (claude.endpoint.host, "claude-sonnet-5-5")
    reply = await store.reply_row(message.id)
    assert (reply["price_usd"], reply["is_price_minimum"]) == (0.0004943, 0)


async def test_a_reply_that_was_cut_off_cost_at_least_what_is_known(
    server: Scripted, claude: Claude, store: Store, history: Path, pricing: Pricing
) -> None:
    server.will(Reply([start(), *text(0, "Half a ")[:-1], Close()]))
    message = await converse(store, claude, pricing=pricing)
    # The first event reports one token of output: 74.3 + 10 millionths.
    assert price(message) == Price(84_300, is_minimum=True)
    assert costs(history) == [("reply", 84_300, 1)]


async def test_retries_and_titles_are_told_apart_and_all_add_up(
    server: Scripted, claude: Claude, store: Store, history: Path, pricing: Pricing
) -> None:
    server.will(refuses(529, "overloaded_error"), says("Words"), says("A title"))
    message = await converse(store, claude, pricing=pricing)
    conversation_id = message.conversation_id
    await titles.improve(store, claude, conversation_id, SMALL_MODEL, pricing=pricing)
    assert costs(history) == [
        ("reply", 0, 0),
        ("retry", NANO_USD, 0),
        ("title", NANO_USD, 0),
    ]
    assert price(message) == price(await kept(store, message)) == Price(NANO_USD)
    whole = await store.costs.of_conversation(conversation_id)
    assert whole == total(Price(each[1]) for each in costs(history)) == Price(2 * NANO_USD)
    (sums,) = on_disk(
        history,
        "SELECT sum(price_nano_usd), (SELECT sum(price_usd) FROM replies) FROM costs",
    )
    assert tuple(sums) == (2 * NANO_USD, 0.0004943)


async def test_a_free_attempt_does_not_make_an_unknown_price_nothing(
    server: Scripted, claude: Claude, store: Store
) -> None:
    # A gateway charges what it likes, but nothing for an error.
    server.will(refuses(529, "overloaded_error", retry_after="0"), says("Words"))
    message = await converse(store, claude, pricing=Pricing())
    assert price(message) == price(await kept(store, message)) == UNKNOWN
    assert await store.costs.of_conversation(message.conversation_id) == UNKNOWN
    (day,) = await store.costs.summaries("day")
    assert day.price == UNKNOWN
    assert total([Price(0), UNKNOWN]) == UNKNOWN
    assert total([Price(1), UNKNOWN]) == Price(1, is_minimum=True)


async def test_a_fork_does_not_cost_again(
    claude: Claude, store: Store, pricing: Pricing
) -> None:
    message = await converse(store, claude, pricing=pricing)
    conversation = await store.conversation(message.conversation_id)
    assert conversation is not None
    fork = replace(conversation, id=store.new_id())
    await store.branches.fork(fork, message.id)
    saved = await store.conversation(fork.id)
    assert saved is not None
    copy = (await store.read_path(saved.tip_id))[-1]
    assert copy.id != message.id
    assert price(copy) == Price(NANO_USD)
    assert await store.costs.of_conversation(fork.id) is None


async def test_what_was_deleted_keeps_its_cost_without_a_word(
    server: Scripted, claude: Claude, store: Store, history: Path, pricing: Pricing
) -> None:
    server.will(says("xylophone"), says("About the xylophone"))
    message = await converse(store, claude, "a xylophone question", pricing=pricing)
    await titles.improve(store, claude, message.conversation_id, SMALL_MODEL, pricing=pricing)
    before = costs(history)
    await store.delete([message.conversation_id])
    await purge(store)
    assert found_in(history.parent, "xylophone") == []
    assert costs(history) == before == [("reply", NANO_USD, 0), ("title", NANO_USD, 0)]
    assert await store.costs.of_conversation(message.conversation_id) == Price(2 * NANO_USD)


async def test_a_running_reply_has_no_price_yet(
    server: Scripted, claude: Claude, store: Store, history: Path, pricing: Pricing
) -> None:
    hold = Hold()
    server.will(Reply([start(), hold, *says("Words").steps[1:]]))
    message = await converse(store, claude, show=lambda _: hold.release(), pricing=pricing)
    assert price(message) == Price(NANO_USD)
    changed(history, "UPDATE requests SET state = 'streaming', price_nano_usd = NULL,"
            " price_table = NULL")  # fmt: skip
    await price_pending(store, pricing)
    assert costs(history) == [("reply", None, 0)]
    assert await store.costs.of_conversation(message.conversation_id) is None


@pytest.mark.parametrize("version", [1, 7])
async def test_an_older_history_gets_its_prices_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    path = tmp_path / "old.db"
    shutil.copyfile(DATA / f"history-v{version}.db", path)
    changed(path, ANTHROPIC)
    monkeypatch.setattr(pricing_module, "BATCH", 3)
    monkeypatch.setattr(pricing_module, "PAUSE", 0.0)
    with open_store(path) as store:
        assert {each[1] for each in costs(path)} == {None}
        await price_pending(store, Pricing())
    found = on_disk(path, "SELECT state, price_nano_usd, is_price_minimum FROM costs")
    assert len(found) == {1: 5, 7: 7}[version]
    for state, nano_usd, is_minimum in found:
        cut = (84_300, 1)
        assert (nano_usd, is_minimum) == {
            "failed": (0, 0), "cut_off": cut
        }.get(state, (NANO_USD, 0)), state  # fmt: skip
    (sums,) = on_disk(
        path,
        "SELECT sum(price_nano_usd), (SELECT sum(price_nano_usd) FROM requests) FROM costs",
    )
    assert sums[0] == sums[1] == (len(found) - 2) * NANO_USD + 84_300


async def test_an_unknown_price_is_looked_up_again_when_the_table_knows_more(
    claude: Claude, store: Store, history: Path, pricing: Pricing
) -> None:
    message = await converse(store, claude, pricing=Pricing())
    assert price(message) == UNKNOWN
    assert await store.costs.of_conversation(message.conversation_id) == UNKNOWN
    ((row_id, version),) = on_disk(history, "SELECT id, price_table FROM costs")
    assert (await store.costs.pending("another table", limit=9)).keys() == {row_id}
    assert await store.costs.pending(version, limit=9) == {}
    await price_pending(store, Pricing())
    assert costs(history) == [("reply", None, 0)]
    await price_pending(store, pricing)
    assert costs(history) == [("reply", NANO_USD, 0)]
    # A price that is known stays, whatever later tables say.
    await store.costs.save({row_id: Price(1)}, "another table")
    assert costs(history) == [("reply", NANO_USD, 0)]


async def test_a_usage_that_is_damaged_has_no_price_and_does_not_stop_the_others(
    claude: Claude, store: Store, history: Path
) -> None:
    for _ in range(3):
        await converse(store, claude)
    changed(
        history,
        ANTHROPIC,
        "UPDATE requests SET usage = '[1' WHERE rowid = 1",
        """UPDATE requests SET usage = '{"iterations": [[], {"model": {}}]}'
           WHERE rowid = 2""",
    )
    await price_pending(store, Pricing())
    assert [each[1] for each in costs(history)] == [None, None, NANO_USD]


async def test_a_history_that_cannot_be_written_is_left_alone(
    claude: Claude, history: Path
) -> None:
    with open_store(history) as store:
        await converse(store, claude)
    with closing(sqlite3.connect(history)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with open_store(history) as store:
        assert store.is_read_only
        await price_pending(store, Pricing())


def test_the_demo_and_a_local_server_do_not_load_the_library(history: Path) -> None:
    code = f"""
import asyncio, sys
from pathlib import Path
from tui.chat.pricing import Pricing, price_pending
from tui.store import open_store
async def main():
    pricing = Pricing()
    for endpoint in ("demo", "127.0.0.1:11434#1", "gateway.example#1"):
        assert await pricing.loaded(endpoint)
    with open_store(Path({str(history)!r})) as store:
        await price_pending(store, pricing)
    print("genai_prices" in sys.modules)
    await pricing.loaded("api.anthropic.com#1")
    print("genai_prices" in sys.modules)
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.stdout.split(), done.stderr) == (["False", "True"], "")


async def test_a_table_that_cannot_be_loaded_costs_no_reply(
    claude: Claude, store: Store, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices.data", None)
    message = await converse(store, claude, pricing=Pricing({"x": SONNET}))
    assert (message.state, price(message)) == ("complete", None)
    assert costs(history) == [("reply", None, 0)]
