"""What the sidebar tells of conversations that are not read, and what else does."""

from __future__ import annotations

import re

import pytest
from textual import events

from tests.screens.conftest import Journey, Open
from tests.scripted import Close, Hold, Reply, Scripted, Seen, refuses, says, start, text


class Server:
    """Answers by what was asked: half of it, a refusal, or the rest when it is time."""

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
    async with opened(at_once=2) as journey:
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
        # What waited is asked for in the place of what has ended.
        await journey.until(lambda: rows() == ["✓ last now", f"✓ {signs[1]}", *signs[2:]])
        # Read, it is not unread any more.
        await journey.press("alt+down")
        await journey.until(lambda: rows()[0] == "last now")


async def test_what_waits_for_its_turn_says_so_and_esc_ends_it(
    opened: Open, server: Scripted
) -> None:
    server.answer = answers = Server()
    async with opened(at_once=1) as journey:
        await journey.ask("slow")
        await journey.until(answers.hold.reached.is_set)
        await ask_elsewhere(journey, "never mind")
        await journey.until(lambda: "Waiting for its turn" in journey.seen)
        await ask_elsewhere(journey, "last")
        await journey.until(lambda: "Waiting for its turn" in journey.seen)
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
    """What the app writes to the terminal from now on, besides what it draws."""
    sent: list[str] = []
    journey.app._driver.write = sent.append  # type: ignore[union-attr,method-assign]
    return sent


async def test_of_a_reply_that_ends_elsewhere_one_is_told(
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
        await journey.until(lambda: "“slow” is answered." in journey.notices)
        await journey.until_done()
        # Of what is read oneself nothing is told; and who looks here needs no terminal.
        assert journey.notices == ["“slow” is answered."]
        assert not any("slow" in told or "half" in told for told in sent)


@pytest.mark.parametrize("is_read", [True, False])
async def test_who_looks_elsewhere_is_told_by_the_terminal(
    opened: Open, server: Scripted, *, is_read: bool
) -> None:
    server.answer = answers = Server()
    async with opened() as journey:
        sent = written(journey)
        await journey.ask("slow")
        await journey.until(answers.hold.reached.is_set)
        if not is_read:
            await journey.press("ctrl+n")
        # As a terminal tells it. The next key would tell the opposite.
        journey.app.post_message(events.AppBlur())
        await journey.until(lambda: not journey.app.app_focus)
        answers.hold.release()
        await journey.until(lambda: "\x1b]99;;“slow” is answered.\x1b\\" in sent)
        await journey.until_done()
        # In the app too, of what is not being read.
        assert journey.notices == ([] if is_read else ["“slow” is answered."])
