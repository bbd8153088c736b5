"""What is typed arrives where it was meant for, however fast."""

from __future__ import annotations

from tests.screens.conftest import Open


async def test_what_follows_ctrl_n_is_for_the_new_conversation(opened: Open) -> None:
    async with opened() as journey:
        await journey.ask("first")
        await journey.until_done()
        await journey.write("left lying")
        # All at once, as from a terminal that was slow to hand it on.
        for key in ("ctrl+n", *"second"):
            journey.app.simulate_key(key)
        await journey.until(lambda: journey.title == "New conversation")
        await journey.until(lambda: journey.composer == "second")
        await journey.press("alt+down")
        await journey.until(lambda: journey.title == "first")
        assert journey.composer == "left lying"
