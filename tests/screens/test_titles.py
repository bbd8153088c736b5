"""Titles are made in the background, and disturb nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.screens.conftest import Open
from tests.scripted import Close, Hold, Reply, Scripted, Seen, refuses, says, start, text
from tests.turns import on_disk
from tui.config.settings import SMALL_MODEL
from tui.store import Store, open_store


@dataclass
class Titler:
    """Answers for the small model when the test says so, for the other model at once."""

    answer: Reply = field(default_factory=lambda: says("A better title"))
    other: list[Reply] = field(default_factory=list)
    """The replies to the first questions; later ones get a default reply."""
    hold: Hold = field(default_factory=Hold)
    asked: int = 0

    def __call__(self, seen: Seen) -> Reply:
        if seen.json["model"] != SMALL_MODEL:
            return self.other.pop(0) if self.other else says("Some words")
        self.asked += 1
        return replace(self.answer, before=[self.hold])


def titles_asked_for(history: Path) -> list[str]:
    """Return the state of each request for a title in the request log."""
    rows = on_disk(history, "SELECT state FROM requests WHERE purpose = 'title'")
    return [row["state"] for row in rows]


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
        # Only once for a conversation.
        assert titler.asked == 1
        assert len(server.asked) == 3


async def test_a_title_that_is_waited_for_delays_no_reply(opened: Open, titler: Titler) -> None:
    async with opened(title_model=SMALL_MODEL, parallel_replies=1) as journey:
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
    opened: Open, titler: Titler, store: Store, history: Path
) -> None:
    async with opened(title_model=SMALL_MODEL) as journey:
        await journey.ask("One")
        await journey.until(titler.hold.reached.is_set)
        await journey.press("f2")
        await journey.until(lambda: "Enter Save" in journey.seen)
        await journey.press("ctrl+u", *"Mine", "enter")
        await journey.until(lambda: journey.title == "Mine")
        titler.hold.release()
        await journey.until(lambda: titles_asked_for(history) == ["complete"])
        await journey.ask("Two")
        await journey.until_done()
        assert journey.title == "Mine"
        assert "Mine now" in journey.sidebar
        (conversation,) = await store.conversations()
        assert (conversation.title, conversation.title_by) == ("Mine", "person")


async def test_a_title_that_comes_while_a_question_is_saved_is_not_lost(
    opened: Open, titler: Titler
) -> None:
    async with opened(title_model=SMALL_MODEL) as journey:
        await journey.ask("One")
        await journey.until(titler.hold.reached.is_set)
        current = journey.app.session.current
        async with current.lock:
            before = current.conversation
            titler.hold.release()
            await journey.until(lambda: current.lock._waiters)
            # The state when the question has just been saved.
            current.conversation = before
        await journey.until(lambda: journey.title == "A better title")
        await journey.ask("Two")
        await journey.until_done()
        assert journey.title == "A better title"


async def test_a_title_of_what_is_not_read_is_shown_in_the_sidebar_only(
    opened: Open, titler: Titler
) -> None:
    async with opened(title_model=SMALL_MODEL) as journey:
        await journey.ask("One")
        await journey.until(titler.hold.reached.is_set)
        await journey.press("ctrl+n")
        await journey.until(lambda: journey.title == "New conversation")
        titler.hold.release()
        await journey.until(lambda: "A better title now" in journey.sidebar)
        assert journey.title == "New conversation"
        await journey.press("alt+down")
        await journey.until(lambda: journey.title == "A better title")


async def test_a_title_from_another_window_is_shown_here(
    opened: Open, store: Store, history: Path
) -> None:
    async with opened() as journey:
        await journey.ask("One")
        await journey.until_done()
        (conversation,) = await store.conversations()
        with open_store(history) as other:
            await other.labels.rename(conversation.id, "Theirs", by="model")
        await journey.until(lambda: journey.title == "Theirs")
        await journey.until(lambda: "Theirs now" in journey.sidebar)


async def test_a_title_waits_for_the_first_complete_reply(
    opened: Open, titler: Titler, server: Scripted
) -> None:
    titler.other = [Reply([start(), *text(0, "half of"), Close()])]
    titler.hold.release()
    async with opened(title_model=SMALL_MODEL) as journey:
        await journey.ask("One")
        await journey.until(lambda: "cut off" in journey.figures[0])
        await journey.ask("Two")
        await journey.until(lambda: journey.title == "A better title")
    models = [seen.json["model"] for seen in server.asked]
    assert models == ["claude-sonnet-5-5", "claude-sonnet-5-5", SMALL_MODEL]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (refuses(404, "not_found_error"), "failed"),
        (refuses(529, "overloaded_error"), "failed"),
        (says(""), "complete"),
    ],
    ids=["404", "529", "empty"],
)
async def test_a_title_request_that_fails_shows_nothing(
    opened: Open, titler: Titler, history: Path, answer: Reply, state: str
) -> None:
    titler.answer = answer
    titler.hold.release()
    async with opened(title_model=SMALL_MODEL) as journey:
        await journey.ask("One")
        await journey.until(lambda: titles_asked_for(history) == [state])
        await journey.ask("Two")
        await journey.until_done()
        await journey.ask("Three")
        await journey.until_done()
        assert journey.title == "One"
        assert journey.notices == []
        # It is not tried again, neither at once nor after the next reply.
        assert titler.asked == 1
    assert titles_asked_for(history) == [state]


async def test_a_title_that_is_waited_for_does_not_hold_up_leaving(
    opened: Open, titler: Titler, history: Path
) -> None:
    async with opened(title_model=SMALL_MODEL) as journey:
        await journey.ask("One")
        await journey.until(titler.hold.reached.is_set)
        await journey.press("ctrl+q")
        await journey.until(lambda: not journey.app.is_running)
    await wait_until(lambda: titles_asked_for(history) == ["stopped"])


async def test_a_title_with_anything_in_it_is_shown_as_text(
    opened: Open, titler: Titler
) -> None:
    titler.answer = says("[/nope] [@click=app.quit]x[/] \x1b]0;owned\x07")
    titler.hold.release()
    async with opened(title_model=SMALL_MODEL) as journey:
        await journey.ask("One")
        await journey.until(lambda: "[/nope] [@click=app.quit]x[/]" in journey.title)
        await journey.until(lambda: "[/nope] [@click=" in " ".join(journey.sidebar))
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
