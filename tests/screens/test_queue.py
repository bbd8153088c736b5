"""Questions that are queued while a reply runs, and drafts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.screens.conftest import Journey, Open
from tests.screens.test_failing_history import allow, refuse
from tests.scripted import Close, Hold, Reply, Scripted, end, refuses, says, start, text
from tests.turns import ask
from tui.store import Store
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.queue_panel import QueuePanel


def begins(hold: Hold, words: str, stop_reason: str = "end_turn") -> Reply:
    """Return a reply that says `words`, and ends when `hold` is released."""
    opening, said, closing = text(0, words)
    return Reply([start(), opening, said, hold, closing, *end(stop_reason)])


def queue_panel(journey: Journey) -> list[str]:
    """Return the lines of the queue panel."""
    shown = journey.app.screen.query_one(QueuePanel)
    return str(shown.render()).splitlines() if shown.display else []


async def ask_and_wait(journey: Journey, question: str, words: str) -> None:
    """Ask, and wait until the reply has begun with some words."""
    await journey.ask(question)
    await journey.until(lambda: words in journey.seen)


def asked(server: Scripted) -> list[str]:
    """Return the last question of each request."""
    return [seen.json["messages"][-1]["content"][-1]["text"] for seen in server.asked]


RUNNING = "Sent when the reply is complete · in the empty field: ↑ edit the last"
WAITING = "Waiting · in the empty field: Enter send the first · ↑ edit the last"


async def test_a_question_sent_during_a_reply_is_queued_visibly_and_asked_in_turn(
    opened: Open, server: Scripted
) -> None:
    hold, later = Hold(), Hold()
    server.will(begins(hold, "first answer"), begins(later, "second answer"), says("third"))
    async with opened() as journey:
        await ask_and_wait(journey, "one", "first answer")
        await journey.ask("two")
        await journey.ask("three")
        await journey.until(lambda: queue_panel(journey) == ["1. two", "2. three", RUNNING])
        assert "1. two" in journey.seen
        assert (journey.questions, journey.composer) == (["one"], "")
        hold.release()
        await journey.until(lambda: "second answer" in journey.seen)
        assert journey.questions == ["one", "two"]
        assert queue_panel(journey) == ["1. three", RUNNING]
        later.release()
        await journey.until(lambda: journey.replies[2:] == ["third"])
        await journey.until_done()
        assert queue_panel(journey) == []
        assert asked(server) == ["one", "two", "three"]


async def test_the_first_queued_questions_are_shown_and_the_others_counted(
    opened: Open, server: Scripted
) -> None:
    server.will(begins(Hold(), "answer"))
    async with opened(size=(80, 24)) as journey:
        await ask_and_wait(journey, "one", "answer")
        for number in range(5):
            await journey.ask(f"later {number}")
        await journey.until(lambda: "   and 2 more" in queue_panel(journey))
        for words in ("1. later 0", "3. later 2", "and 2 more", "Sent when"):
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
        assert queue_panel(journey) == ["1. two", RUNNING]
        await journey.press("home", *"or ")
        assert journey.composer == "or three"
        assert queue_panel(journey) == ["1. two", RUNNING]
        await journey.press("end", "!", "enter")
        await journey.until(lambda: queue_panel(journey) == ["1. two", "2. or three!", RUNNING])
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
        await journey.until(lambda: queue_panel(journey) == ["1. two", "2. three", RUNNING])
        if how == "stopped":
            await journey.press("escape")
        else:
            hold.release()
        await journey.until(lambda: queue_panel(journey) == ["1. two", "2. three", WAITING])
        await journey.until_done()
        assert len(server.asked) == 1
        await journey.press("enter")
        await journey.until(lambda: len(journey.replies) == 3)
        await journey.until_done()
        assert asked(server) == ["one", "two", "three"]
        assert queue_panel(journey) == []


async def test_a_question_sent_behind_a_queue_comes_after_it(
    opened: Open, server: Scripted
) -> None:
    server.will(begins(Hold(), "answer"))
    async with opened() as journey:
        await ask_and_wait(journey, "one", "answer")
        await journey.ask("two")
        await journey.press("escape")
        await journey.until(lambda: queue_panel(journey) == ["1. two", WAITING])
        await journey.ask("three")
        await journey.until(lambda: len(journey.replies) == 3)
        await journey.until_done()
        assert asked(server) == ["one", "two", "three"]


async def test_a_question_sent_behind_a_queue_is_queued_once_even_if_asking_fails(
    opened: Open, server: Scripted, history: Path
) -> None:
    server.will(begins(Hold(), "answer"))
    async with opened() as journey:
        await ask_and_wait(journey, "one", "answer")
        await journey.ask("two")
        await journey.press("escape")
        await journey.until(lambda: queue_panel(journey) == ["1. two", WAITING])
        await journey.until_done()
        refuse(history, "messages")
        await journey.ask("three")
        await journey.until(lambda: any("refused" in line for line in journey.notices))
        assert queue_panel(journey) == ["1. two", "2. three", WAITING]
        assert journey.composer == ""
        allow(history, "messages")
        await journey.press("enter")
        await journey.until(lambda: len(journey.replies) == 3)
        await journey.until_done()
        assert asked(server) == ["one", "two", "three"]


async def test_enter_asks_what_waits_where_it_was_pressed_though_another_is_open(
    opened: Open, server: Scripted, store: Store
) -> None:
    other = await ask(store, "Other")
    server.will(begins(Hold(), "answer"), says("to two"))
    async with opened() as journey:
        session = journey.app.session
        await ask_and_wait(journey, "one", "answer")
        await journey.ask("two")
        await journey.press("escape")
        await journey.until(lambda: queue_panel(journey) == ["1. two", WAITING])
        await journey.until_done()
        here = session.open_id
        await session.open(other.conversation_id)
        # It is open, but the composer still belongs to the first one.
        journey.app.screen.query_one(Composer).action_send()
        await journey.until(lambda: asked(server) == ["one", "two"])
        await journey.until(lambda: not session.scheduler.streaming)
        assert journey.title == "Other"
        await session.open(here)
        await journey.until(lambda: journey.replies == ["answer", "to two"])


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


async def test_the_queue_continues_while_another_conversation_is_open(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    server.will(begins(hold, "answer"), says("to two"))
    async with opened() as journey:
        await ask_and_wait(journey, "one", "answer")
        await journey.ask("two")
        await journey.press("ctrl+n")
        await journey.until(lambda: journey.title == "New conversation")
        assert queue_panel(journey) == []
        hold.release()
        await journey.until(
            lambda: len(server.asked) == 2 and not journey.app.session.scheduler.streaming
        )
        assert journey.questions == []
        await journey.press("alt+down")
        await journey.until(lambda: journey.replies == ["answer", "to two"])
        assert journey.questions == ["one", "two"]


async def test_the_queue_of_the_last_run_is_in_the_field_and_not_sent(
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
        assert queue_panel(journey) == []
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
        # The list marks the conversation with a draft.
        await journey.until(lambda: journey.sidebar[1:] == ["✎ Two now", "One now"])
        await journey.press("alt+up")
        await journey.until(lambda: journey.title == "Two")
        assert journey.composer == "for two\nin two lines"
        await journey.press("ctrl+n")
        await journey.until(lambda: journey.title == "New conversation")
        assert journey.composer == "to nobody yet"
