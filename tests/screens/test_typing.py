"""Typed text arrives where it was meant to, however fast it comes."""

from __future__ import annotations

from tests.screens.conftest import Open
from tui.ui.widgets.filter import Filter


async def test_text_after_ctrl_n_is_for_the_new_conversation(opened: Open) -> None:
    async with opened() as journey:
        await journey.ask("first")
        await journey.until_done()
        await journey.write("left lying")
        # All at once, as from a slow terminal.
        for key in ("ctrl+n", *"second"):
            journey.app.simulate_key(key)
        await journey.until(lambda: journey.title == "New conversation")
        await journey.until(lambda: journey.composer == "second")
        await journey.press("alt+down")
        await journey.until(lambda: journey.title == "first")
        assert journey.composer == "left lying"


async def test_keys_after_shift_tab_are_for_the_messages(opened: Open) -> None:
    async with opened() as journey:
        await journey.ask("first")
        await journey.until_done()
        for key in ("shift+tab", "k", "y"):
            journey.app.simulate_key(key)
        await journey.until(lambda: journey.app.clipboard == "first")
        assert journey.composer == ""


async def test_text_after_ctrl_s_is_for_the_filter(opened: Open) -> None:
    async with opened() as journey:
        for key in ("ctrl+s", *"words"):
            journey.app.simulate_key(key)
        await journey.until(lambda: "words" in journey.seen)
        assert journey.composer == ""
        assert journey.app.screen.query_one(Filter).value == "words"
