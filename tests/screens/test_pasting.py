from __future__ import annotations

from textual import events

from tests.screens.conftest import Open
from tests.scripted import Scripted


async def test_a_paste_where_nothing_is_written_goes_into_the_composer(opened: Open) -> None:
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until_done()
        await journey.press("shift+tab")
        await journey.until(lambda: journey.app.focused is journey.transcript)
        journey.app.post_message(events.Paste("pasted\nwords"))
        await journey.until(lambda: journey.composer == "pasted\nwords")
        assert journey.app.focused is journey.app._chat.composer
        # Only once, and into the composer.
        journey.app.post_message(events.Paste(" more"))
        await journey.until(lambda: journey.composer == "pasted\nwords more")
        await journey.press("x")
        assert journey.composer == "pasted\nwords morex"


async def test_a_paste_arrives_in_a_window_that_was_left(opened: Open) -> None:
    async with opened() as journey:
        journey.app.post_message(events.AppBlur())
        await journey.until(lambda: not journey.app.app_focus)
        journey.app.post_message(events.Paste("from elsewhere"))
        await journey.until(lambda: journey.composer == "from elsewhere")
        assert journey.app.app_focus


async def test_code_that_is_asked_about_keeps_its_indentation(
    opened: Open, server: Scripted
) -> None:
    code = "    if x:\n        return 1"
    async with opened() as journey:
        journey.app.post_message(events.Paste(f"\n  \n{code}\n\n"))
        await journey.until(lambda: "return" in journey.composer)
        await journey.press("enter")
        await journey.until_done()
        assert server.asked[0].json["messages"][0]["content"][0]["text"] == code
        assert (await journey.line())[0].text == code
        assert journey.questions == [code]
        rows = [row.rstrip() for row in journey.seen.splitlines()]
        (first,) = (row for row in rows if row.endswith("     if x:"))
        (second,) = (row for row in rows if row.endswith("     return 1"))
        assert second.rindex("return") - first.rindex("if x:") == 4


async def test_white_space_alone_is_no_question(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await journey.ask("  \n\t\n ")
        assert not server.asked
        assert not journey.questions
