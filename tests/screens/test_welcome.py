"""The welcome page shows who answers, texts to start with, and keys."""

from __future__ import annotations

import asyncio

from tests.screens.conftest import Journey, Open
from tests.scripted import Scripted, says
from tui.claude import demo


async def click(journey: Journey, words: str) -> None:
    """Click on some words to the right of the sidebar."""
    for y, line in enumerate(journey.seen.splitlines()):
        # Not in the sidebar, which may show the same words.
        if (x := line.find(words, 35)) >= 0:
            await journey.pilot.click(offset=(x, y))
            await journey.pilot.pause()
            return
    raise AssertionError(words)


async def test_it_names_the_model_its_host_and_the_keys(opened: Open) -> None:
    async with opened() as journey:
        seen = journey.seen
        assert "streamchat-tui" in seen
        assert "Claude Sonnet 5.5 · 127.0.0.1" in seen
        for key in ("Enter Send", "Ctrl+P Palette", "F1 Help", "Ctrl+O Settings"):
            assert key in seen
        assert "Recent" not in seen


async def test_the_users_own_keys_are_the_ones_shown(opened: Open) -> None:
    async with opened(keys={"app.help": "f5"}) as journey:
        await journey.until(lambda: "F5 Help" in journey.seen)


async def test_a_starter_is_written_and_not_sent(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await click(journey, "Review this code:")
        await journey.press("x")
        assert journey.composer == "Review this code: x"
        assert server.asked == []


async def test_a_recent_conversation_is_opened_with_a_click(
    opened: Open, server: Scripted
) -> None:
    server.will(says("Yes"))
    async with opened() as journey:
        await journey.ask("A question")
        await journey.until_done()
        await journey.press("ctrl+n")
        await journey.until(lambda: "Recent" in journey.seen)
        await click(journey, "A question")
        await journey.until(lambda: journey.questions == ["A question"])


async def test_the_demo_is_a_badge_and_not_a_banner(opened: Open) -> None:
    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    async with opened(demo.connect(at_once)) as journey:
        assert not journey.app.screen.query_one("#banner").display
        assert "Offline demo" in journey.seen.splitlines()[0]
        assert "Ctrl+O Settings" in journey.seen
        await journey.ask("hello")
        await journey.until_done()
        assert "Offline demo" in journey.seen.splitlines()[0]
        assert "scripted replies, not Claude's" not in journey.seen
