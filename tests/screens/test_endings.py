"""How a reply ended, as the screen tells it, and what can be done then."""

from __future__ import annotations

import pytest

from tests.screens.conftest import Open
from tests.scripted import Hold, Reply, Scripted, block, end, says, start, text

TOOL = {"type": "tool_use", "id": "toolu_1", "name": "clock", "input": {}}
FULL = says("All of it", stop_reason="model_context_window_exceeded")
CALLS = Reply([start(), *text(0, "All of it"), *block(1, TOOL), *end("tool_use")])


@pytest.mark.parametrize(
    ("reply", "words"),
    [(FULL, "context full: this conversation fills"), (CALLS, "tool use: it waits for a tool")],
)
async def test_a_reply_that_cannot_go_on_says_why_and_offers_no_going_on(
    opened: Open, server: Scripted, reply: Reply, words: str
) -> None:
    server.will(reply)
    async with opened() as journey:
        await journey.ask("How much is there?")
        await journey.go_to_messages()
        assert journey.replies == ["All of it"]
        assert words in journey.figures[0]
        assert "o goes on" not in journey.figures[0]
        assert any("\u2717" in row for row in journey.sidebar)
        await journey.press("o")
        await journey.until(lambda: journey.notices)
        assert len(server.asked) == 1


async def test_what_fills_the_context_names_what_helps(opened: Open, server: Scripted) -> None:
    server.will(FULL)
    async with opened() as journey:
        await journey.ask("How much is there?")
        await journey.until_done()
        assert "fork it at an earlier message, or begin a new one" in journey.figures[0]
        assert "r asks again" not in journey.figures[0]


async def test_what_waits_is_not_asked_after_a_reply_that_fills_the_context(
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
