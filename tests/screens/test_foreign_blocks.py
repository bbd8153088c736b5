"""How the screen shows blocks that are not text."""

from __future__ import annotations

from tests.screens.conftest import Journey, Open
from tests.scripted import Hold, Reply, Scripted, end, says, start, text, thinking
from tests.test_foreign_blocks import CALLED, READ, SEARCHED
from tui.ui.app import StreamChat


def rows(journey: Journey) -> list[str]:
    """Return the rows of the newest reply, without its heading; blank ones as ''."""
    transcript = journey.transcript
    entry, width = transcript.entries[-1], transcript.text_width
    found = [
        entry.row(at, width)[1].content.plain.rstrip() for at in range(1, entry.height(width))
    ]
    return found[: found.index("", found.index(READ[-1]) + 1)]


SHOWN = [READ[0], "", READ[1], READ[2], "", READ[3]]


async def test_a_search_is_a_line_in_its_place_while_it_streams_and_after(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    server.will(Reply([*SEARCHED.steps[:-2], hold, *SEARCHED.steps[-2:]]))
    async with opened() as journey:
        await journey.ask("How is it there?")
        await journey.until(lambda: READ[-1] in journey.seen)
        assert rows(journey) == SHOWN
        hold.release()
        await journey.until_done()
        assert rows(journey) == SHOWN
        assert journey.replies == ["Let me look that up.\n\nIt is mild in spring."]
        # The same when it is read from the history.
        await journey.press("ctrl+n", "ctrl+pagedown")
        await journey.until(lambda: READ[-1] in journey.seen)
        assert rows(journey) == SHOWN


async def test_a_call_that_nobody_answers_is_seen(opened: Open, server: Scripted) -> None:
    server.will(CALLED)
    async with opened() as journey:
        await journey.ask("What time is it?")
        await journey.until_done()
        assert "▸ clock" in journey.seen
        assert "tool use: the model waits for a tool" in journey.figures[0]


async def test_a_fence_left_open_before_a_tool_ends_there(
    opened: Open, server: Scripted
) -> None:
    steps = list(SEARCHED.steps)
    steps[1:5] = text(0, "```py\n", "x = 1", "\n``")
    server.will(Reply([start(), *steps[1:]]))
    async with opened() as journey:
        await journey.ask("How is it there?")
        await journey.until_done()
        found = rows(journey)
        assert found[-4:] == SHOWN[-4:]
        assert " x = 1" in found


async def test_y_copies_only_the_texts(opened: Open, server: Scripted) -> None:
    server.will(SEARCHED)
    async with opened() as journey:
        await journey.ask("How is it there?")
        await journey.go_to_messages()
        app: StreamChat = journey.app
        await journey.press("y")
        await journey.until(
            lambda: app.clipboard == "Let me look that up.\n\nIt is mild in spring."
        )


async def test_a_continued_fence_stays_open_below_thinking(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    rest = [*thinking(0, "Hm."), *text(1, "two\n```\n\nDone."), *end()]
    server.will(
        says("```py\none\n", stop_reason="max_tokens"),
        Reply([start(), *rest[:-2], hold, *rest[-2:]]),
    )
    async with opened() as journey:
        await journey.ask("Count.")
        await journey.go_to_messages()
        await journey.press("o")
        await journey.until(lambda: "Done." in journey.seen)
        while_streaming = [row for row in journey.seen.splitlines() if "two" in row]
        hold.release()
        await journey.until_done()
        assert [row for row in journey.seen.splitlines() if "two" in row] == while_streaming
        assert "```" not in journey.seen


async def test_alternating_thinking_and_texts_are_kept_apart_while_they_stream(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    steps = [
        *thinking(0, "One."),
        *text(1, "First."),
        *thinking(2, "Two."),
        *text(3, "Second."),
    ]
    server.will(Reply([start(), *steps, hold, *end()]))
    async with opened() as journey:
        await journey.ask("Why?")
        await journey.until(lambda: "Second." in journey.seen)
        assert journey.replies == ["First.\n\nSecond."]
        before = [row.strip() for row in journey.seen.splitlines()]
        assert not any("First.Second." in row for row in before)
        hold.release()
        await journey.until_done()
        await journey.press("ctrl+t")
        await journey.until(lambda: "One." in journey.seen)
        assert "One.Two." not in journey.seen
