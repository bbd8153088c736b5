"""What the sidebar tells of conversations that are not read, and what else does."""

from __future__ import annotations

import re

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


async def test_of_a_reply_that_ends_elsewhere_one_is_told(
    opened: Open, server: Scripted
) -> None:
    server.answer = answers = Server()
    async with opened() as journey:
        written: list[str] = []
        driver = journey.app._driver
        assert driver is not None
        journey.app._driver.write = written.append  # type: ignore[union-attr,method-assign]
        await journey.ask("slow")
        await journey.until(answers.hold.reached.is_set)
        await journey.press("ctrl+n")
        journey.app.app_focus = False
        answers.hold.release()
        await journey.until(lambda: any("slow" in told for told in journey.notices))
        # And by the terminal, to who looks elsewhere.
        await journey.until(lambda: any(told.startswith("\x1b]99;") for told in written))
        assert any("slow" in told for told in written)
