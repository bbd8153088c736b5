"""An idle app draws nothing, whatever is open."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.screens.conftest import Journey, Open
from tests.scripted import Scripted, says
from tui.store import Store

DIALOGS: dict[str, Sequence[str]] = {
    "none": (),
    "keys": ("f1",),
    "connect": ("ctrl+o",),
    "palette": ("ctrl+p",),
    "find": ("ctrl+f",),
    "search": ("ctrl+f", "ctrl+f"),
    "rename": ("f2",),
    "list": ("ctrl+s",),
    "tree": ("shift+tab", "v"),
    "models": ("shift+tab", "R"),
}


class Ticks:
    """Counts the app's polls for other windows, of which there is one each second."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.has_passed_silently = False
        """Whether nothing was drawn between the last two polls."""
        look = store.is_changed_elsewhere

        async def counted() -> bool:
            self.count += 1
            return await look()

        monkeypatch.setattr(store, "is_changed_elsewhere", counted)

    async def pass_(self, journey: Journey, count: int) -> None:
        until = self.count + count
        await journey.until(lambda: self.count >= until)


@pytest.mark.parametrize("dialog", DIALOGS)
async def test_nothing_is_drawn_while_nothing_happens(
    opened: Open,
    server: Scripted,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    dialog: str,
) -> None:
    ticks = Ticks(store, monkeypatch)
    server.will(says("# Some words"))
    drawn: list[str] = []
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.until_done()
        await journey.press(*DIALOGS[dialog])
        await ticks.pass_(journey, 1)
        monkeypatch.setattr(
            journey.app,
            "post_display_hook",
            lambda: drawn.append(type(journey.app.screen).__name__),
        )
        # The reply and the dialog may still draw something late, once.
        while drawn or not ticks.has_passed_silently:
            drawn.clear()
            await ticks.pass_(journey, 1)
            ticks.has_passed_silently = not drawn
        # A blinking cursor would draw four times meanwhile.
        await ticks.pass_(journey, 2)
        assert drawn == []
