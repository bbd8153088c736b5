"""A click never takes the focus away from the composer while the user types."""

from __future__ import annotations

from random import Random

import pytest
from textual.geometry import Offset
from textual.widget import Widget

from tests.screens.conftest import Journey, Open
from tests.scripted import Scripted, says
from tui.store import Store
from tui.ui.screens.chat import ChatScreen
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.filter import Filter
from tui.ui.widgets.sidebar import Sidebar
from tui.ui.widgets.transcript import Transcript

TYPED = "y xrevbou[pta"
"""Letters that are commands on messages and conversations, or answers."""

REPLY = "Some words, [a link](https://example.com/a) and\n\n```python\nprint(1)\n```\n"


async def talk(journey: Journey, server: Scripted) -> None:
    """Make two conversations, the newer one longer than the screen, and scroll up in it."""
    for title in ("Older", "Newer"):
        await journey.press("ctrl+n")
        for number in range(2):
            server.will(says(REPLY))
            await journey.ask(f"{title} {number}")
            await journey.until_done()
    await journey.press("pageup")


async def type_out(journey: Journey, text: str) -> None:
    await journey.press(*("space" if sign == " " else sign for sign in text))


def under(journey: Journey, at: Offset) -> list[Widget]:
    """Return the widget at an offset and its ancestors, the innermost first."""
    widget, _ = journey.app.get_widget_at(*at)
    return [each for each in widget.ancestors_with_self if isinstance(each, Widget)]


def acts_by_itself(journey: Journey, at: Offset) -> bool:
    """Tell whether a click there has its own purpose: a footer key, another field."""
    widgets = under(journey, at)
    return isinstance(widgets[0], Filter) or any(
        type(each).__name__ in {"Footer", "KeyFooter"} for each in widgets
    )


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("size", [(110, 34), (70, 20)])
async def test_whatever_is_clicked_what_is_typed_is_written(
    opened: Open, server: Scripted, store: Store, seed: int, size: tuple[int, int]
) -> None:
    random = Random(seed)
    async with opened(size=size) as journey:
        await talk(journey, server)
        asked = len(server.asked)
        for _ in range(12):
            at = Offset(random.randrange(size[0]), random.randrange(size[1]))
            if acts_by_itself(journey, at):
                continue
            await journey.pilot.click(offset=at, times=random.choice((1, 1, 2, 3)))
            await journey.pilot.pause()
            await type_out(journey, TYPED)
            where = at, [type(each).__name__ for each in under(journey, at)]
            assert isinstance(journey.app.screen, ChatScreen), where
            assert journey.composer == TYPED, where
            journey.app.screen.query_one(Composer).write("")
        assert len(server.asked) == asked
        saved = await store.conversations()
        assert len(saved) == 2
        assert [len(await store.read_path(each.tip_id)) for each in saved] == [4, 4]


async def test_a_click_on_a_message_leaves_the_keys_where_they_were_brought(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server)
        await journey.go_to_messages()
        await journey.pilot.click(Transcript, offset=(9, 3))
        assert journey.transcript.has_focus
        await journey.pilot.click(Composer, offset=(9, 1))
        assert isinstance(journey.app.focused, Composer)


async def test_a_click_on_a_conversation_opens_it_and_lets_it_be_written_in(
    opened: Open, server: Scripted
) -> None:
    async with opened() as journey:
        await talk(journey, server)
        await journey.go_to_messages()
        at = next(y for y, row in enumerate(journey.sidebar) if "Older" in row)
        await journey.pilot.click(Sidebar, offset=(6, at))
        await journey.until(lambda: journey.title == "Older 0")
        assert isinstance(journey.app.focused, Composer)


async def test_a_mouse_selection_is_copied_while_typing(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await talk(journey, server)
        await journey.write("kept")
        at = next(y for y in range(30) if "Some words" in row(journey, y))
        await journey.pilot.double_click(Transcript, offset=(8, at))
        await journey.press("ctrl+c")
        await journey.until(lambda: journey.app.clipboard == "words")
        assert journey.composer == "kept"
        assert isinstance(journey.app.focused, Composer)


def row(journey: Journey, y: int) -> str:
    return journey.transcript.render_line(y).text


async def test_the_focus_is_drawn(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await talk(journey, server)
        for theme in ("streamchat-dark", "streamchat-light"):
            journey.app.theme = theme
            for widget in (Composer, Transcript, Sidebar):
                screen = journey.app.screen
                screen.set_focus(screen.query_one(widget))
                await journey.pilot.pause()
                accent = journey.app.theme_variables["accent"]
                edged = {
                    type(each).__name__
                    for each in screen.query("*").results(Widget)
                    if any(
                        edge and color.hex.lower() == accent.lower()
                        for edge, color in (
                            each.styles.border_left,
                            each.styles.border_right,
                        )
                    )
                    and each.display
                }
                assert edged == {widget.__name__}
