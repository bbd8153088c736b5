"""How the screen shows the end of a reply, and the keys that help then."""

from __future__ import annotations

import pytest

from tests.screens.conftest import Open
from tests.scripted import Close, Hold, Reply, Scripted, block, end, says, start, text

TOOL = {"type": "tool_use", "id": "toolu_1", "name": "clock", "input": {}}
FULL = says("All of it", stop_reason="model_context_window_exceeded")
CALLS = Reply([start(), *text(0, "All of it"), *block(1, TOOL), *end("tool_use")])


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (FULL, "context full: the conversation is"),
        (CALLS, "tool use: the model waits for a tool"),
    ],
)
async def test_a_reply_that_cannot_be_continued_says_why_and_offers_no_continue(
    opened: Open, server: Scripted, reply: Reply, words: str
) -> None:
    server.will(reply)
    async with opened() as journey:
        await journey.ask("How much is there?")
        await journey.go_to_messages()
        assert journey.replies == ["All of it"]
        assert words in journey.figures[0]
        assert "o continue" not in journey.figures[0]
        assert any("\u2717" in row for row in journey.sidebar)
        await journey.press("o")
        await journey.until(lambda: journey.notices)
        assert len(server.asked) == 1


async def test_a_reply_that_fills_the_context_says_what_helps(
    opened: Open, server: Scripted
) -> None:
    server.will(FULL)
    async with opened() as journey:
        await journey.ask("How much is there?")
        await journey.until_done()
        assert "fork it at an earlier message, or start a new one" in journey.figures[0]
        assert "r regenerate" not in journey.figures[0]


async def test_a_reply_that_broke_off_shows_the_keys_for_the_present_focus(
    opened: Open, server: Scripted
) -> None:
    server.will(Reply([start(), *text(0, "Half of it")[:-1], Close()]))
    keys = {"message.continue": "f6", "message.regenerate": "f7"}
    async with opened(size=(230, 34), keys=keys) as journey:
        await journey.ask("How much is there?")
        await journey.until_done()
        there = "F6 continue · F7 regenerate"
        await journey.until(
            lambda: f"Shift+Tab, then {there}" in " ".join(journey.seen.split())
        )
        await journey.press("shift+tab")
        await journey.until(lambda: there in " ".join(journey.seen.split()))
        assert "Shift+Tab" not in journey.figures[0]
        assert "Shift+Tab" not in journey.seen
        await journey.press("escape")
        await journey.until(lambda: "Shift+Tab, then" in journey.seen)


async def test_the_queue_is_not_sent_after_a_reply_that_fills_the_context(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    server.will(Reply([*FULL.steps[:-2], hold, *FULL.steps[-2:]]))
    async with opened() as journey:
        await journey.ask("How much is there?")
        await journey.until(hold.reached.is_set)
        await journey.ask("And then?")
        hold.release()
        await journey.until_done()
        assert len(server.asked) == 1
