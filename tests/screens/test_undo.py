"""Undo works wherever the focus is, and notices stay out of the way."""

from __future__ import annotations

from textual.widgets._toast import Toast

from tests.screens.conftest import Open
from tests.scripted import Hold, Reply, Scripted, says, start, text
from tui.ui.widgets.composer import Composer


async def test_ctrl_z_brings_back_a_message_and_in_the_composer_undoes(
    opened: Open, server: Scripted
) -> None:
    server.will(says("Some words"))
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.go_to_messages()
        await journey.press("x")
        await journey.until(lambda: "Some words" not in journey.seen)
        await journey.press("escape", *"typed")
        await journey.press("ctrl+z")
        assert journey.composer != "typed"
        assert "Some words" not in journey.seen
        assert any(line.startswith("Deleted the message ·") for line in journey.notices)
        await journey.press("shift+tab", "ctrl+z")
        await journey.until(lambda: "Some words" in journey.seen)
        # The notice of the deletion is gone.
        await journey.until(lambda: journey.notices == ["Restored."])


async def test_notices_cover_nothing_that_is_being_written(
    opened: Open, server: Scripted
) -> None:
    server.will(says("Some words"))
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.go_to_messages()
        await journey.press("y", "y", "y")
        await journey.until(lambda: journey.app.screen.query(Toast))
        await journey.until(lambda: len(journey.notices) == 1)
        composer = journey.app.screen.query_one(Composer)
        for toast in journey.app.screen.query(Toast):
            assert toast.region.bottom <= composer.region.y
        assert "Ask anything" in journey.seen


async def test_replies_that_end_together_are_in_one_notice(
    opened: Open, server: Scripted
) -> None:
    holds = [Hold() for _ in range(3)]
    for hold in holds:
        server.will(Reply([start(), hold, *text(0, "Done"), *says("").steps[-2:]]))
    async with opened() as journey:
        for number, hold in enumerate(holds):
            await journey.ask(f"q{number}")
            await journey.until(hold.reached.is_set)
            await journey.press("ctrl+n")
            await journey.until(lambda: journey.title == "New conversation")
        for hold in holds:
            hold.release()
        await journey.until_done()
        await journey.until(
            lambda: any("3 replies have ended" in each for each in journey.notices)
        )
        assert len(journey.notices) == 1
