"""The footer shows complete entries for the keys that do something now."""

from __future__ import annotations

import re

import pytest
from textual.widgets._footer import FooterKey

from tests.screens.conftest import Journey, Open
from tests.scripted import Hold, Reply, Scripted, says, start, text


def entries(journey: Journey) -> list[str]:
    return [
        f"{each.key_display} {each.description}"
        for each in journey.app.screen.query(FooterKey)
        if each.is_attached
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("place", ["writing", "messages", "list"])
async def test_only_complete_entries_are_shown(
    opened: Open, server: Scripted, width: int, place: str
) -> None:
    server.will(says("Some words"))
    async with opened(size=(width, 30)) as journey:
        await journey.ask("Hi")
        await journey.until_done()
        await journey.press(
            *{"writing": (), "messages": ("shift+tab",)}.get(place, ("ctrl+s", "tab"))
        )
        await journey.until(lambda: {"F1 Help", "Ctrl+P Palette"} <= {*entries(journey)})
        shown = journey.footer
        for entry in entries(journey):
            assert re.search(rf"(^| ){re.escape(entry)}( |$)", shown), (entry, shown)
        first = {"writing": "Enter Send", "messages": "Esc Back", "list": "Esc Back"}[place]
        assert shown.startswith(first), shown


async def test_a_key_is_shown_while_it_acts(opened: Open, server: Scripted) -> None:
    hold = Hold()
    server.will(Reply([start(), *text(0, "Half")[:-1], hold]))
    async with opened() as journey:
        assert "Esc" not in journey.footer
        await journey.ask("Hi")
        await journey.until(lambda: journey.footer.startswith("Esc Stop"))
        await journey.press("escape")
        await journey.until(lambda: "Esc" not in journey.footer)
        await journey.go_to_messages()
        await journey.until(lambda: "Esc Back" in journey.footer)
        assert "Undo delete" not in journey.footer
        await journey.press("x")
        await journey.until(lambda: "u Undo delete" in journey.footer)
        await journey.press("u")
        await journey.until(lambda: "Undo delete" not in journey.footer)
