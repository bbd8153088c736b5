"""Quitting asks once, whatever keys are pressed around it, and the answer counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.widgets import TextArea

from tests.screens.conftest import Journey, Open
from tests.screens.test_failing_history import allow, refuse
from tests.scripted import Hold, Reply, Scripted, says, start, text
from tests.turns import on_disk
from tui.ui.screens.chat import ChatScreen
from tui.ui.screens.confirm import ConfirmScreen

ORDERS: Sequence[tuple[str, ...]] = (
    ("ctrl+q",),
    ("ctrl+q", "ctrl+c", "ctrl+c"),
    ("ctrl+q", "ctrl+q", "ctrl+q"),
    ("ctrl+c", "ctrl+c", "ctrl+c", "ctrl+c"),
    ("ctrl+c", "ctrl+c", "ctrl+q"),
    ("f1", "ctrl+c", "ctrl+c", "ctrl+q"),
    ("ctrl+p", "ctrl+c", "ctrl+c", "ctrl+c", "ctrl+c"),
    ("ctrl+q", "f1", "ctrl+p", "ctrl+c", "ctrl+c"),
    ("ctrl+q", "ctrl+p", "ctrl+q", "f1"),
)


def questions(journey: Journey) -> list[ConfirmScreen]:
    return [each for each in journey.app.screen_stack if isinstance(each, ConfirmScreen)]


async def busy(journey: Journey, server: Scripted) -> None:
    """Start a reply in a conversation that is not the open one."""
    server.will(Reply([start(), *text(0, "Half")[:-1], Hold()]))
    await journey.ask("Hi")
    await journey.until(lambda: "Half" in journey.seen)
    await journey.press("ctrl+n")
    await journey.until(lambda: journey.title == "New conversation")


@pytest.mark.parametrize("keys", ORDERS)
async def test_leaving_is_asked_about_once_and_can_be_declined(
    opened: Open, server: Scripted, keys: Sequence[str]
) -> None:
    async with opened() as journey:
        await busy(journey, server)
        await journey.press(*keys)
        await journey.until(lambda: isinstance(journey.app.screen, ConfirmScreen))
        assert len(questions(journey)) == 1
        await journey.press("n")
        await journey.until(lambda: not questions(journey))
        await journey.press("escape")
        await journey.until(lambda: isinstance(journey.app.screen, ChatScreen))
        assert len(journey.app.session.scheduler.streaming) == 1


@pytest.mark.parametrize("keys", ORDERS)
async def test_leaving_is_asked_about_once_and_done(
    opened: Open, server: Scripted, keys: Sequence[str]
) -> None:
    async with opened() as journey:
        await busy(journey, server)
        await journey.press(*keys)
        await journey.until(lambda: isinstance(journey.app.screen, ConfirmScreen))
        await journey.press("y")
        await journey.until(lambda: journey.app.return_code is not None)


@pytest.mark.parametrize("opening", ["f1", "ctrl+p", "ctrl+o", "ctrl+r", "/theme"])
async def test_the_key_that_quits_works_in_dialogs_too(
    opened: Open, server: Scripted, opening: str
) -> None:
    async with opened() as journey:
        await busy(journey, server)
        await journey.press(*([*opening, "enter"] if opening[0] == "/" else [opening]))
        await journey.until(lambda: journey.app.screen.is_modal)
        await journey.press("ctrl+q")
        await journey.until(lambda: isinstance(journey.app.screen, ConfirmScreen))
        await journey.press("n")
        await journey.until(lambda: not questions(journey))
        assert not isinstance(journey.app.screen, ChatScreen)
        await journey.press("ctrl+q")
        await journey.until(lambda: questions(journey))
        await journey.press("y")
        await journey.until(lambda: journey.app.return_code is not None)


async def test_quitting_in_the_settings_warns_of_what_is_not_saved(opened: Open) -> None:
    async with opened() as journey:
        await journey.app.run_action("settings('system')")
        await journey.until(lambda: isinstance(journey.app.focused, TextArea))
        await journey.press(*"Mine", "ctrl+q")
        assert any("not saved" in notice for notice in journey.notices)
        assert journey.app.return_code is None
        await journey.press("ctrl+q")
        await journey.until(lambda: journey.app.return_code is not None)


async def test_the_app_asks_before_it_loses_a_draft_that_cannot_be_saved(
    opened: Open, history: Path
) -> None:
    async with opened() as journey:
        refuse(history, "drafts")
        await journey.write("not sent yet")
        await journey.press("ctrl+q")
        await journey.until(lambda: isinstance(journey.app.screen, ConfirmScreen))
        assert "lose it" in " ".join(journey.seen.split())
        await journey.press("n")
        await journey.until(lambda: isinstance(journey.app.screen, ChatScreen))
        assert journey.composer == "not sent yet"
        allow(history, "drafts")
        await journey.press("ctrl+q")
        await journey.until(lambda: journey.app.return_code is not None)
    assert on_disk(history, "SELECT text FROM drafts")[0]["text"] == "not sent yet"


async def test_the_queue_continues_if_the_user_stays_after_all(
    opened: Open, server: Scripted, history: Path
) -> None:
    hold = Hold()
    server.will(says("a1"), Reply([start(), *text(0, "Half")[:-1], hold, *says("").steps[-2:]]))
    async with opened() as journey:
        await journey.ask("q1")
        await journey.until_done()
        refuse(history, "drafts")
        await journey.write("not sent yet")
        await journey.press("ctrl+q")
        await journey.until(lambda: isinstance(journey.app.screen, ConfirmScreen))
        await journey.press("n")
        await journey.until(lambda: isinstance(journey.app.screen, ChatScreen))
        allow(history, "drafts")
        await journey.press("enter")
        await journey.until(lambda: "Half" in journey.seen)
        await journey.ask("q3")
        hold.release()
        await journey.until(lambda: journey.questions == ["q1", "not sent yet", "q3"])
        await journey.until_done()
