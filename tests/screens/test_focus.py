"""After an action, the focus is where it was before."""

from __future__ import annotations

from tests.screens.conftest import Journey, Open
from tests.scripted import Hold, Reply, Scripted, says, start, text
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.filter import Filter
from tui.ui.widgets.sidebar import Sidebar


def focused(journey: Journey) -> str:
    return type(journey.app.focused).__name__


async def talk(journey: Journey, server: Scripted, *answers: str) -> None:
    server.will(*map(says, answers))
    for number in range(len(answers)):
        await journey.ask(f"q{number}")
        await journey.until_done()
    await journey.go_to_messages()


async def test_the_keys_stay_on_messages_after_asking_again_and_among_versions(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, "first")
        server.will(says("second"))
        await journey.press("r")
        await journey.until(lambda: journey.replies == ["second"])
        await journey.until_done()
        assert journey.transcript.has_focus
        await journey.press("left_square_bracket")
        await journey.until(lambda: journey.replies == ["first"])
        assert journey.transcript.has_focus
        await journey.press("right_square_bracket")
        await journey.until(lambda: journey.replies == ["second"])
        assert journey.transcript.has_focus
        await journey.press("x")
        await journey.until(lambda: "Deleted the message" in journey.seen)
        assert journey.composer == ""
        assert journey.transcript.has_focus


async def test_the_focus_stays_on_messages_after_a_continue(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        server.will(Reply([start(), *text(0, "half")[:-1], Hold()]), says(" whole"))
        await journey.ask("q")
        await journey.until(lambda: "half" in journey.seen)
        await journey.press("escape")
        await journey.go_to_messages()
        await journey.press("o")
        await journey.until(lambda: len(journey.replies) == 2)
        await journey.until_done()
        assert journey.transcript.has_focus


async def test_an_edit_ends_on_the_messages_where_it_began(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, "first")
        await journey.press("k", "e")
        await journey.until(lambda: journey.composer == "q0")
        assert focused(journey) == "Composer"
        await journey.press("escape")
        await journey.until(lambda: journey.transcript.has_focus)
        assert journey.composer == ""
        await journey.press("e")
        await journey.until(lambda: journey.composer == "q0")
        await journey.press(*" anew", "enter")
        await journey.until(lambda: journey.questions == ["q0 anew"])
        assert journey.transcript.has_focus
        await journey.until_done()


async def test_an_edit_that_began_while_writing_ends_there(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, "first")
        await journey.press("escape")
        await journey.app.run_action("edit_question", journey.transcript)
        await journey.until(lambda: journey.composer == "q0")
        await journey.press("escape")
        await journey.until(lambda: journey.composer == "")
        assert focused(journey) == "Composer"


async def test_finding_ends_where_it_began(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await talk(journey, server, "first")
        for place in (Composer, Filter, Sidebar):
            screen = journey.app.screen
            screen.set_focus(screen.query_one(place))
            await journey.press("ctrl+f", *"first", "enter")
            assert focused(journey) == "Field"
            await journey.press("escape")
            assert focused(journey) == place.__name__
        await journey.press("escape")
        await journey.press("shift+tab", "ctrl+f", "escape")
        assert journey.transcript.has_focus


async def test_a_pane_that_is_hidden_gives_its_keys_to_the_composer(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, "first")
        for keys in (("ctrl+s",), ("ctrl+s", "tab")):
            await journey.press("escape", *keys, "ctrl+s")
            await journey.press(*"ptax")
            assert journey.composer == "ptax"
            journey.app.screen.query_one(Composer).write("")
            # The window becomes so narrow that the list is hidden.
            await journey.press(*keys)
            await journey.pilot.resize_terminal(60, 30)
            await journey.pilot.pause()
            await journey.press(*"ptax")
            assert journey.composer == "ptax"
            journey.app.screen.query_one(Composer).write("")
            await journey.pilot.resize_terminal(110, 34)
            await journey.pilot.pause()


async def test_the_lists_cursor_is_shown_by_more_than_a_shade(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server, "first")
        assert "▌  q0" not in journey.seen
        await journey.press("ctrl+s", "tab")
        await journey.until(lambda: "▌  q0" in journey.seen)


async def test_the_bar_beside_a_message_ends_with_it(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await talk(journey, server, "first")
        transcript = journey.transcript
        rows = [transcript.render_line(y).text.rstrip() for y in range(transcript.size.height)]
        figures = next(y for y, row in enumerate(rows) if "to first text" in row)
        assert rows[figures].startswith("▌")
        assert rows[figures + 1] == ""
