"""Faults of this program: each ends one reply, in a named state, and nothing else.

The tests inject them through the clock, because every part of a reply uses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chosen import app_settings, connected
from tests.screens.conftest import Journey
from tests.scripted import Hold, Reply, Scripted, end, refuses, says, start, text
from tests.turns import SetClock, ask, converse, on_disk, reply_to
from tui.claude import Claude
from tui.domain.reply import StreamingReply
from tui.store import Store, open_store
from tui.ui.app import StreamChat


class BrokenClock(SetClock):
    """A clock of which a test can break one method."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = ""

    def monotonic(self) -> float:
        if self.broken == "monotonic":
            raise ZeroDivisionError
        return super().monotonic()

    def now_ms(self) -> int:
        # SQLite cannot hold this number, and refuses the row.
        return 2**70 if self.broken == "now_ms" else super().now_ms()

    async def sleep(self, seconds: float) -> None:
        if self.broken == "sleep":
            raise ZeroDivisionError
        await super().sleep(seconds)


@pytest.fixture
def clock() -> BrokenClock:
    return BrokenClock()


@pytest.fixture
def store(history: Path, clock: BrokenClock) -> Iterator[Store]:
    with open_store(history, clock) as store:
        yield store


def ended(history: Path) -> list[tuple[object, ...]]:
    rows = on_disk(history, "SELECT state, text FROM transcript WHERE role = 'assistant'")
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("part", ["monotonic", "now_ms"])
async def test_a_fault_in_the_middle_or_at_the_end_keeps_the_words(
    server: Scripted,
    claude: Claude,
    store: Store,
    clock: BrokenClock,
    part: str,
) -> None:
    server.will(Reply([start(), *text(0, "Half", " and whole"), *end()]))

    def show(reply: StreamingReply) -> None:
        if reply.words("text"):
            clock.broken = part

    question = await ask(store)
    if part == "monotonic":
        with pytest.raises(ZeroDivisionError):
            await reply_to(store, claude, question, show=show)
    else:
        assert (await reply_to(store, claude, question, show=show)).state == "failed"
    words = "Half" if part == "monotonic" else "Half and whole"
    history = store.path
    assert ended(history) == [("failed", words)]
    assert on_disk(history, "SELECT state FROM requests")[0]["state"] == "failed"
    for table in ("streams", "journal"):
        assert on_disk(history, f"SELECT count(*) FROM {table}")[0][0] == 0


async def test_a_fault_while_it_waits_to_try_again_ends_one_reply(
    server: Scripted, claude: Claude, store: Store, clock: BrokenClock, history: Path
) -> None:
    server.will(refuses(529, "overloaded_error"))
    clock.broken = "sleep"
    with pytest.raises(ZeroDivisionError):
        await converse(store, claude)
    assert ended(history) == [("failed", "")]


async def test_a_fault_in_one_reply_ends_neither_the_app_nor_the_others(
    server: Scripted,
    claude: Claude,
    store: Store,
    clock: BrokenClock,
    history: Path,
) -> None:
    hold = Hold()
    server.will(
        Reply([start(), *text(0, "Half"), hold, *end()]), refuses(529, "overloaded_error")
    )
    app = StreamChat(store, connected(claude), app_settings(history.parent))
    async with app.run_test(size=(110, 34), notifications=True) as pilot:
        journey = Journey(app, pilot)
        await pilot.pause()
        await journey.ask("One")
        await journey.until(hold.reached.is_set)
        await journey.press("ctrl+n")
        clock.broken = "sleep"
        await journey.ask("Two")
        await journey.until(lambda: len(app.session.scheduler.streaming) == 1)
        clock.broken = ""
        hold.release()
        await journey.until_done()
        assert any("error in this program" in notice for notice in journey.notices)
        assert "Traceback" not in journey.seen
        server.will(says("Well"))
        await journey.ask("Three")
        await journey.until(lambda: journey.replies[-1:] == ["Well"])
        assert app.return_code is None
    assert sorted(ended(history)) == [
        ("complete", "Half"),
        ("complete", "Well"),
        ("failed", ""),
    ]
