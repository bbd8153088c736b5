"""What is typed while a reply is written, and what lies unsent."""

from __future__ import annotations

import pytest

from tests.screens.conftest import Journey, Open
from tests.scripted import Close, Hold, Reply, Scripted, end, refuses, says, start, text
from tests.turns import ask
from tui.store import Store
from tui.widgets.tray import Tray


def begins(hold: Hold, words: str, stop_reason: str = "end_turn") -> Reply:
    """A reply that says `words`, and ends when `hold` is released."""
    opening, said, closing = text(0, words)
    return Reply([start(), opening, said, hold, closing, *end(stop_reason)])


def tray(journey: Journey) -> list[str]:
    """The lines above the composer."""
    shown = journey.app.screen.query_one(Tray)
    return str(shown.render()).splitlines() if shown.display else []


async def ask_and_wait(journey: Journey, question: str, words: str) -> None:
    """Ask, and wait until the answer has begun with some words."""
    await journey.ask(question)
    await journey.until(lambda: words in journey.seen)


def asked(server: Scripted) -> list[str]:
    """The last question of each request."""
    return [seen.json["messages"][-1]["content"][-1]["text"] for seen in server.asked]


RUNNING = "Next, when the reply is there · ↑ in the empty field edits the last"
WAITING = "Waiting · Enter in the empty field asks the first · ↑ edits the last"


async def test_what_is_sent_while_claude_answers_waits_in_sight_and_is_asked_in_turn(
    opened: Open, server: Scripted
) -> None:
    hold, later = Hold(), Hold()
    server.will(begins(hold, "first answer"), begins(later, "second answer"), says("third"))
    async with opened() as journey:
        await ask_and_wait(journey, "one", "first answer")
        await journey.ask("two")
        await journey.ask("three")
        await journey.until(lambda: tray(journey) == ["1. two", "2. three", RUNNING])
        assert "1. two" in journey.seen
        assert (journey.questions, journey.composer) == (["one"], "")
        hold.release()
        await journey.until(lambda: "second answer" in journey.seen)
        assert journey.questions == ["one", "two"]
        assert tray(journey) == ["1. three", RUNNING]
        later.release()
        await journey.until(lambda: journey.replies[2:] == ["third"])
        await journey.until_done()
        assert tray(journey) == []
        assert asked(server) == ["one", "two", "three"]


async def test_of_many_that_wait_the_first_are_shown_and_the_others_counted(
    opened: Open, server: Scripted
) -> None:
    server.will(begins(Hold(), "answer"))
    async with opened(size=(80, 24)) as journey:
        await ask_and_wait(journey, "one", "answer")
        for number in range(5):
            await journey.ask(f"later {number}")
        await journey.until(lambda: "   and 2 more" in tray(journey))
        for words in ("1. later 0", "3. later 2", "and 2 more", "Next, when"):
            assert words in journey.seen


async def test_up_in_the_empty_field_edits_the_one_queued_last(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    server.will(begins(hold, "answer"))
    async with opened() as journey:
        await ask_and_wait(journey, "one", "answer")
        await journey.ask("two")
        await journey.ask("three")
        await journey.press("up")
        assert journey.composer == "three"
        assert tray(journey) == ["1. two", RUNNING]
        # With something in the field, Up is the cursor's.
        await journey.press("up", *"or ")
        assert journey.composer == "or three"
        assert tray(journey) == ["1. two", RUNNING]
        await journey.press("end", "!", "enter")
        await journey.until(lambda: tray(journey) == ["1. two", "2. or three!", RUNNING])
        hold.release()
        await journey.until(lambda: len(journey.replies) == 3)
        await journey.until_done()
        assert asked(server) == ["one", "two", "or three!"]


async def test_up_in_the_empty_field_with_nothing_queued_does_nothing(opened: Open) -> None:
    async with opened() as journey:
        await journey.press("up")
        assert journey.composer == ""


@pytest.mark.parametrize("how", ["stopped", "cut", "failed"])
async def test_after_a_reply_that_did_not_end_well_the_queue_waits_for_enter(
    opened: Open, server: Scripted, how: str
) -> None:
    hold = Hold()
    opening, said, _ = text(0, "answer")
    if how == "failed":
        server.will(Reply(refuses(400, "x").steps, status=400, is_stream=False, before=[hold]))
    else:
        server.will(Reply([start(), opening, said, hold, Close()]))
    async with opened() as journey:
        await journey.ask("one")
        await journey.until(hold.reached.is_set)
        await journey.ask("two")
        await journey.ask("three")
        await journey.until(lambda: tray(journey) == ["1. two", "2. three", RUNNING])
        if how == "stopped":
            await journey.press("escape")
        else:
            hold.release()
        await journey.until(lambda: tray(journey) == ["1. two", "2. three", WAITING])
        await journey.until_done()
        assert len(server.asked) == 1
        await journey.press("enter")
        await journey.until(lambda: len(journey.replies) == 3)
        await journey.until_done()
        assert asked(server) == ["one", "two", "three"]
        assert tray(journey) == []


async def test_what_is_sent_where_others_wait_comes_after_them(
    opened: Open, server: Scripted
) -> None:
    server.will(begins(Hold(), "answer"))
    async with opened() as journey:
        await ask_and_wait(journey, "one", "answer")
        await journey.ask("two")
        await journey.press("escape")
        await journey.until(lambda: tray(journey) == ["1. two", WAITING])
        await journey.ask("three")
        await journey.until(lambda: len(journey.replies) == 3)
        await journey.until_done()
        assert asked(server) == ["one", "two", "three"]


async def test_a_reply_that_reached_its_limit_does_not_hold_up_the_queue(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    server.will(begins(hold, "answer", "max_tokens"))
    async with opened() as journey:
        await ask_and_wait(journey, "one", "answer")
        await journey.ask("two")
        hold.release()
        await journey.until(lambda: len(journey.replies) == 2)
        await journey.until_done()
        assert asked(server) == ["one", "two"]


async def test_the_queue_goes_on_while_another_conversation_is_read(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    server.will(begins(hold, "answer"), says("to two"))
    async with opened() as journey:
        await ask_and_wait(journey, "one", "answer")
        await journey.ask("two")
        await journey.press("ctrl+n")
        await journey.until(lambda: journey.title == "New conversation")
        assert tray(journey) == []
        hold.release()
        await journey.until(lambda: len(server.asked) == 2 and not journey.app.replies.drafts)
        assert journey.questions == []
        await journey.press("alt+down")
        await journey.until(lambda: journey.replies == ["answer", "to two"])
        assert journey.questions == ["one", "two"]


async def test_what_waited_when_the_program_ended_is_in_the_field_and_not_sent(
    opened: Open, server: Scripted
) -> None:
    server.will(begins(Hold(), "answer"))
    async with opened() as journey:
        await ask_and_wait(journey, "one", "answer")
        await journey.ask("two")
        await journey.write("three")
        await journey.press("ctrl+q")
        await journey.until(lambda: "Stop and quit?" in journey.seen)
        await journey.press("y")
        await journey.until(lambda: not journey.app.is_running)
    async with opened() as journey:
        await journey.until(lambda: journey.questions == ["one"])
        await journey.until(lambda: journey.composer == "two\n\nthree")
        assert tray(journey) == []
    assert len(server.asked) == 1


async def test_each_conversation_keeps_what_is_being_written_in_it(
    opened: Open, store: Store
) -> None:
    for title in ("One", "Two"):
        await ask(store, title)
    async with opened() as journey:
        await journey.until(lambda: journey.sidebar[1:] == ["Two now", "One now"])
        await journey.write("to nobody yet")
        await journey.press("ctrl+pagedown")
        await journey.until(lambda: journey.title == "Two")
        assert journey.composer == ""
        await journey.write("for two\nin two lines")
        await journey.press("alt+down")
        await journey.until(lambda: journey.title == "One")
        assert journey.composer == ""
        # The list says where something lies.
        await journey.until(lambda: journey.sidebar[1:] == ["✎ Two now", "One now"])
        await journey.press("alt+up")
        await journey.until(lambda: journey.title == "Two")
        assert journey.composer == "for two\nin two lines"
        await journey.press("ctrl+n")
        await journey.until(lambda: journey.title == "New conversation")
        assert journey.composer == "to nobody yet"
