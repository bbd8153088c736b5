"""The line below a reply is updated while the reply runs, and says how it ended."""

from __future__ import annotations

import time

import pytest
from textual.content import Content

from tests.screens.conftest import Journey, Open
from tests.scripted import Hold, Reply, Scripted, end, refuses, says, start, text
from tui.domain.conversation import Message, State
from tui.domain.failure import Failure
from tui.ui.widgets.entry import Entry
from tui.ui.widgets.reply_line import ended_line


def styles_of(line: Content, word: str) -> list[str]:
    at = line.plain.index(word)
    return [str(span.style) for span in line.spans if span.start <= at < span.end]


@pytest.mark.parametrize(
    ("state", "shown", "colour"),
    [
        ("failed", "✗ failed", "$text-error"),
        ("refused", "✗ refused", "$text-error"),
        ("cut_off", "⚠ cut off", "$text-warning"),
        ("interrupted", "⚠ interrupted", "$text-warning"),
        ("context_full", "⚠ context full", "$text-warning"),
        ("max_tokens", "⚠ reached its token limit", "$text-warning"),
    ],
)
def test_a_state_to_be_noticed_has_a_colour_and_a_sign(
    state: State, shown: str, colour: str
) -> None:
    message = Message(
        id="m",
        conversation_id="c",
        role="assistant",
        blocks=(),
        created_ms=0,
        state=state,
        failure=Failure("Bad gateway..") if state == "failed" else None,
    )
    line = ended_line(message, "r regenerate")
    assert shown in line.plain
    assert ".." not in line.plain
    assert styles_of(line, shown) == [f"bold {colour}"]


async def test_the_keys_that_are_named_act_from_the_composer(
    opened: Open, server: Scripted
) -> None:
    server.will(refuses(400, "invalid_request_error", "No"), says("Yes"))
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.until_done()
        assert journey.figures[0].endswith("Shift+Tab, then r regenerate")
        await journey.press("shift+tab", "r")
        await journey.until(lambda: journey.replies == ["Yes"])
        await journey.until_done()
        assert journey.composer == ""


async def test_a_waiting_reply_is_drawn_once_a_second(
    opened: Open, server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = Hold()
    server.will(Reply([hold, start(), *text(0, "Hi"), *end()]))
    drawn: list[float] = []
    caught_up = Entry.catch_up

    def counted(self: Entry, *args: object) -> object:
        drawn.append(time.monotonic())
        return caught_up(self, *args)  # type: ignore[arg-type]

    async with opened() as journey:
        await journey.ask("Hi")
        await journey.until(lambda: "waiting 1 s" in journey.seen)
        monkeypatch.setattr(Entry, "catch_up", counted)
        await journey.until(lambda: "waiting 3 s" in journey.seen)
        assert len(drawn) == 2
        hold.release()
        await journey.until_done()


async def test_a_retry_counts_the_same_in_the_sidebar(opened: Open, server: Scripted) -> None:
    server.will(*[refuses(529, "overloaded_error", retry_after="20")] * 3)
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.until(lambda: "Attempt 2 in" in journey.seen)
        pairs: set[tuple[int, int]] = set()

        def has_counted() -> bool:
            pairs.add((told(journey, "Attempt 2 in "), waits(journey)))
            return len(pairs) >= 3

        await journey.until(has_counted)
        assert all(told == waited for told, waited in pairs)
        await journey.press("escape")
        await journey.until_done()


def told(journey: Journey, before: str) -> int:
    return int(journey.figures[0].partition(before)[2].split()[0])


def waits(journey: Journey) -> int:
    (row,) = (row for row in journey.sidebar if row.startswith("↻"))
    return int(row.split()[-2])
