"""A copy shows one notice that says what was copied."""

from __future__ import annotations

from tests.screens.conftest import Journey, Open
from tests.scripted import Scripted, says
from tui.ui.widgets.composer import Composer

REPLY = "One:\n\n```\none\n```\n\nTwo:\n\n```\ntwo\n```\n"


async def until_reported(journey: Journey, what: str) -> None:
    """Wait until the notice about a copy is the only one."""
    await journey.until(lambda: journey.notices == [f"Copied {what} through the terminal."])


async def test_a_copy_shows_one_notice(opened: Open, server: Scripted) -> None:
    server.will(says(REPLY))
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.go_to_messages()
        for key, what, copied in (
            ("c", "code block 1 of 2", "one"),
            ("c", "code block 2 of 2", "two"),
            ("c", "code block 1 of 2", "one"),
            ("y", "the message", REPLY),
        ):
            await journey.press(key)
            await until_reported(journey, what)
            assert journey.app.clipboard == copied


async def test_a_single_code_block_is_not_counted(opened: Open, server: Scripted) -> None:
    server.will(says("```\none\n```\n"))
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.go_to_messages()
        await journey.press("c")
        await until_reported(journey, "the code")


async def test_a_selection_is_called_one(opened: Open) -> None:
    async with opened() as journey:
        await journey.write("some words")
        journey.app.screen.query_one(Composer).select_all()
        await journey.press("ctrl+c")
        await until_reported(journey, "the selection")
