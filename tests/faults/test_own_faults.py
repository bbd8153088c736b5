"""Faults of this program's own: one ends one reply, in a named state, and nothing else.

The clock is where they are brought in, because every part of a reply asks it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.screens.conftest import Journey
from tests.scripted import Hold, Reply, Scripted, end, refuses, says, start, text
from tests.turns import SetClock, ask, converse, on_disk, reply_to
from tui.app import StreamChat
from tui.claude import Claude
from tui.draft import Draft
from tui.store import Store, open_store


class BrokenClock(SetClock):
    """A clock that can be made to break, at one of its parts."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = ""

    def monotonic(self) -> float:
        if self.broken == "monotonic":
            raise ZeroDivisionError
        return super().monotonic()

    def now_ms(self) -> int:
        # More than SQLite holds: what is made of it is refused when it is written.
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

    def show(draft: Draft) -> None:
        if draft.words("text"):
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
    app = StreamChat(
        store,
        claude,
        model="claude-sonnet-5-5",
        log_path=history.with_name("streamchat.log"),
        env_path=Path(".env"),
    )
    async with app.run_test(size=(110, 34), notifications=True) as pilot:
        journey = Journey(app, pilot)
        await pilot.pause()
        await journey.ask("One")
        await journey.until(hold.reached.is_set)
        await journey.press("ctrl+n")
        clock.broken = "sleep"
        await journey.ask("Two")
        await journey.until(lambda: len(app.replies.drafts) == 1)
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
