"""The marks in the sidebar, and the notices about conversations that are not open."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from textual import events

from tests.screens.conftest import Journey, Open
from tests.scripted import Close, Hold, Reply, Scripted, Seen, refuses, says, start, text


class Server:
    """Answers by the question: half a reply, an error, or the rest when it is released."""

    def __init__(self) -> None:
        self.hold = Hold()

    def __call__(self, seen: Seen) -> Reply:
        match seen.json["messages"][0]["content"][0]["text"]:
            case "half":
                return Reply([start(), *text(0, "half of"), Close()])
            case "busy":
                return refuses(529, "overloaded_error", retry_after="40")
            case "slow":
                return Reply([start(), self.hold, *says("slow").steps[1:]])
            case _:
                return says("done")


async def ask_elsewhere(journey: Journey, text: str) -> None:
    await journey.press("ctrl+n")
    await journey.ask(text)
    await journey.until(lambda: journey.questions == [text])


async def test_every_sign_there_is(opened: Open, server: Scripted) -> None:
    server.answer = answers = Server()
    async with opened(parallel_replies=2) as journey:
        await journey.ask("quick")
        await journey.until_done()
        await journey.write("left lying")
        await ask_elsewhere(journey, "half")
        await journey.until_done()
        await ask_elsewhere(journey, "slow")
        await ask_elsewhere(journey, "busy")
        await ask_elsewhere(journey, "last")
        await journey.press("ctrl+n")
        signs = ["◔ last now", "slow now", "✗ half now", "✎ quick now"]

        def rows() -> list[str]:
            return [row for row in journey.sidebar[1:] if not row.startswith("↻ busy")]

        await journey.until(lambda: rows() == [signs[0], f"● {signs[1]}", *signs[2:]])
        assert re.fullmatch(r"↻ busy \d+ s", journey.sidebar[2])
        answers.hold.release()
        # A queued reply starts when another one has ended.
        await journey.until(lambda: rows() == ["✓ last now", f"✓ {signs[1]}", *signs[2:]])
        # It is open now, and not unread any more.
        await journey.press("alt+down")
        await journey.until(lambda: rows()[0] == "last now")


async def test_a_reply_that_ended_on_another_branch_is_unread_until_it_is_shown(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    server.will(says("first"), Reply([start(), hold, *says("second").steps[1:]]))
    async with opened() as journey:
        await journey.ask("one")
        await journey.go_to_messages()
        await journey.press("r")
        await journey.until(hold.reached.is_set)
        await journey.press("left_square_bracket")
        await journey.until(lambda: journey.replies == ["first"])
        hold.release()
        await journey.until(lambda: "✓ one now" in journey.sidebar)
        await journey.press("right_square_bracket")
        await journey.until(lambda: journey.replies == ["second"])
        await journey.until(lambda: "one now" in journey.sidebar)


async def test_a_queued_reply_says_so_and_esc_stops_it(opened: Open, server: Scripted) -> None:
    server.answer = answers = Server()
    async with opened(parallel_replies=1) as journey:
        await journey.ask("slow")
        await journey.until(answers.hold.reached.is_set)
        await ask_elsewhere(journey, "never mind")
        await journey.until(lambda: "too many replies are running" in journey.seen)
        await ask_elsewhere(journey, "last")
        await journey.until(lambda: "too many replies are running" in journey.seen)
        await journey.press("alt+down")
        await journey.until(lambda: journey.questions == ["never mind"])
        await journey.press("escape")
        await journey.until(lambda: "stopped" in journey.figures[0])
        await journey.until(
            lambda: journey.sidebar[1:] == ["◔ last now", "never mind now", "● slow now"]
        )
        answers.hold.release()
        await journey.until_done()
        await journey.until(
            lambda: journey.sidebar[1:] == ["✓ last now", "never mind now", "✓ slow now"]
        )
    asked = [seen.json["messages"][0]["content"][0]["text"] for seen in server.asked]
    assert asked == ["slow", "last"]


def written(journey: Journey) -> list[str]:
    """Collect what the app writes to the terminal from now on, besides the screen."""
    sent: list[str] = []
    journey.app._driver.write = sent.append  # type: ignore[union-attr,method-assign]
    return sent


async def test_a_reply_that_ends_elsewhere_gets_a_notice(
    opened: Open, server: Scripted
) -> None:
    server.answer = answers = Server()
    async with opened() as journey:
        sent = written(journey)
        await journey.ask("slow")
        await journey.until(answers.hold.reached.is_set)
        await ask_elsewhere(journey, "half")
        await journey.until(lambda: "cut off" in journey.figures[0])
        answers.hold.release()
        await journey.until(lambda: "“slow”: the reply is complete." in journey.notices)
        await journey.until_done()
        # The open conversation gets no notice, and the focused terminal no notification.
        assert journey.notices == ["“slow”: the reply is complete."]
        assert not any("slow" in told or "half" in told for told in sent)


@pytest.mark.parametrize("is_read", [True, False])
async def test_without_the_focus_the_terminal_shows_a_notification(
    opened: Open, server: Scripted, *, is_read: bool
) -> None:
    server.answer = answers = Server()
    async with opened() as journey:
        sent = written(journey)
        await journey.ask("slow")
        await journey.until(answers.hold.reached.is_set)
        if not is_read:
            await journey.press("ctrl+n")
        # As a terminal reports it. A key would mean the opposite.
        journey.app.post_message(events.AppBlur())
        await journey.until(lambda: not journey.app.app_focus)
        answers.hold.release()
        await journey.until(lambda: "\x1b]99;;“slow”: the reply is complete.\x1b\\" in sent)
        await journey.until_done()
        # In the app too, for a conversation that is not open.
        told = [] if is_read else ["“slow”: the reply is complete."]
        await journey.until(lambda: journey.notices == told)


async def test_a_reply_that_another_window_opens_here_is_unread_no_more(
    opened: Open, server: Scripted, history: Path
) -> None:
    hold = Hold()
    server.will(says("first"), Reply([start(), hold, *says("second").steps[1:]]))
    async with opened() as journey:
        session = journey.app.session
        await journey.ask("one")
        await journey.go_to_messages()
        await journey.press("r")
        await journey.until(hold.reached.is_set)
        await journey.press("left_square_bracket")
        await journey.until(lambda: journey.replies == ["first"])
        hold.release()
        await journey.until(lambda: journey.sidebar[1:] == ["✓ one now"])
        with closing(sqlite3.connect(history)) as program:
            second = session.unread[session.open_id]
            program.execute("UPDATE conversations SET tip_id = ?", [second])
            program.commit()
        await journey.until(lambda: journey.replies == ["second"])
        await journey.until(lambda: journey.sidebar[1:] == ["one now"])
