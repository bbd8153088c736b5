"""Titles come by themselves, and are in nobody's way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from tests.screens.conftest import Open
from tests.scripted import Hold, Reply, Scripted, Seen, says
from tui.settings import SMALL_MODEL
from tui.store import Store


@dataclass
class Titler:
    """Answers the small model with a title when the test says so, the other at once."""

    title: str = "A better title"
    hold: Hold = field(default_factory=Hold)
    asked: int = 0

    def __call__(self, seen: Seen) -> Reply:
        if seen.json["model"] != SMALL_MODEL:
            return says("Some words")
        self.asked += 1
        return replace(says(self.title), before=[self.hold])


@pytest.fixture
def titler(server: Scripted) -> Titler:
    server.answer = titler = Titler()
    return titler


async def test_after_the_first_reply_a_title_comes_by_itself(
    opened: Open, titler: Titler, server: Scripted
) -> None:
    async with opened(title_model=SMALL_MODEL) as journey:
        await journey.ask("The first words of it")
        await journey.until(titler.hold.reached.is_set)
        assert journey.title == "The first words of it"
        figures = journey.figures
        titler.hold.release()
        await journey.until(lambda: journey.title == "A better title")
        await journey.until(lambda: "A better title now" in journey.sidebar)
        assert journey.figures == figures
        await journey.ask("And on")
        await journey.until_done()
        # Once for a conversation.
        assert titler.asked == 1
        assert len(server.asked) == 3


async def test_a_title_that_is_waited_for_delays_no_reply(opened: Open, titler: Titler) -> None:
    async with opened(title_model=SMALL_MODEL, at_once=1) as journey:
        await journey.ask("One")
        await journey.until(titler.hold.reached.is_set)
        await journey.ask("One more")
        await journey.until(lambda: journey.replies == ["Some words", "Some words"])
        await journey.press("ctrl+n")
        await journey.ask("Two")
        await journey.until(lambda: journey.replies == ["Some words"])
        await journey.until_done()
        assert not titler.hold.released.is_set()


async def test_a_persons_title_given_meanwhile_stays(
    opened: Open, titler: Titler, store: Store
) -> None:
    async with opened(title_model=SMALL_MODEL) as journey:
        await journey.ask("One")
        await journey.until(titler.hold.reached.is_set)
        await journey.press("f2")
        await journey.until(lambda: "Enter keeps it" in journey.seen)
        await journey.press("ctrl+u", *"Mine", "enter")
        await journey.until(lambda: journey.title == "Mine")
        titler.hold.release()
        await journey.until(
            lambda: (
                not list(journey.app.workers)
                or all(
                    worker.is_finished
                    for worker in journey.app.workers
                    if worker.group == "titles"
                )
            )
        )
        assert journey.title == "Mine"
        (conversation,) = await store.conversations()
        assert (conversation.title, conversation.title_by) == ("Mine", "person")


async def test_a_title_with_anything_in_it_is_shown_as_text(
    opened: Open, titler: Titler
) -> None:
    titler.title = "[/nope] [@click=app.quit]x[/] \x1b]0;owned\x07"
    titler.hold.release()
    async with opened(title_model=SMALL_MODEL) as journey:
        await journey.ask("One")
        await journey.until(lambda: "[/nope] [@click=app.quit]x[/]" in journey.title)
        assert not any(ord(letter) < 32 and letter != "\n" for letter in journey.seen)


async def test_without_a_model_for_it_no_title_is_asked_for(
    opened: Open, titler: Titler, server: Scripted
) -> None:
    async with opened() as journey:
        await journey.ask("One")
        await journey.until_done()
        await journey.ask("Two")
        await journey.until_done()
        assert (titler.asked, len(server.asked)) == (0, 2)
