from __future__ import annotations

from textual import events

from tests.screens.conftest import Open


async def test_a_paste_where_nothing_is_written_goes_into_the_composer(opened: Open) -> None:
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until_done()
        await journey.press("shift+tab")
        await journey.until(lambda: journey.app.focused is journey.transcript)
        journey.app.post_message(events.Paste("pasted\nwords"))
        await journey.until(lambda: journey.composer == "pasted\nwords")
        assert journey.app.focused is journey.app._chat.composer
        # And once only, where it is written.
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
