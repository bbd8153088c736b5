"""Texts that take long to lay out, while they arrive, are opened or are pasted."""

from __future__ import annotations

import os
import threading

import pytest
from textual import events

from tests.bombs import BOMBS, bomb
from tests.conftest import wait_until
from tests.screens.conftest import Journey, Open
from tests.screens.test_transcript import TranscriptApp, message
from tests.scripted import Hold, Reply, Scripted, block, delta, end, says, start
from tui.domain.conversation import as_question
from tui.text.markdown import parse
from tui.text.sanitise import clean
from tui.ui.widgets.composed_text import LONGEST_LINE
from tui.ui.widgets.entry import Entry
from tui.ui.widgets.layout_thread import Job, LayoutThread
from tui.ui.widgets.message_content import LARGE, MessageContent

SLOW = "".join(f"- *item* {n}\n\n" for n in range(4_000)) + "```python\nx = 1\n```\n\nLASTWORD"
"""A reply whose layout takes longer than a user waits for a key."""


USUAL = [
    *("opening brackets", "columns", "link references", "nested quotes", "one line"),
    *("line ends of Windows", "comment never closed", "long code line", "families"),
]
for_some_bombs = pytest.mark.parametrize(
    "name", BOMBS if os.environ.get("FAULTS") == "full" else USUAL
)


def is_laid_out(entry: Entry, width: int) -> bool:
    return entry.is_parsed and entry.pending_layout(width) is None


def assert_is_as_parsed(entry: Entry, width: int) -> None:
    """Compare the leaves, without one line of the head and two of the foot."""
    lines = [list(leaf) for _, leaf in entry.lines(width)]
    assert lines == [list(leaf.lines()) for leaf in parse(entry.content.source)]


def seen(app: TranscriptApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_a_large_reply_is_readable_at_once_and_laid_out_soon_after() -> None:
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.show([message(0, "?", "user"), message(1, SLOW)], None, now_ms=0)
        entry, width = app.transcript.entries[1], app.transcript.text_width
        assert not is_laid_out(entry, width)
        await pilot.pause()
        assert "LASTWORD" in seen(app)
        await wait_until(lambda: is_laid_out(entry, width))
        await pilot.pause()
        assert "LASTWORD" in seen(app)
        assert "```" not in seen(app)
        assert_is_as_parsed(entry, width)


async def test_a_reply_that_is_soon_laid_out_is_never_seen_as_it_was_written() -> None:
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)):
        # Patience enough for any machine.
        app.transcript.patience = 60
        text = "**word** " * (LARGE // 9 + 1)
        app.transcript.show([message(0, text)], None, now_ms=0)
        assert is_laid_out(app.transcript.entries[0], app.transcript.text_width)


async def test_a_large_reply_stays_in_its_place_when_the_window_grows() -> None:
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        transcript = app.transcript
        transcript.show([message(0, SLOW), message(1, "end")], None, now_ms=0)
        entry = transcript.entries[0]
        await wait_until(lambda: is_laid_out(entry, transcript.text_width))
        transcript.scroll_to(y=4_000, animate=False)
        await pilot.pause()
        place = transcript.place
        await pilot.resize_terminal(90, 24)
        await wait_until(lambda: is_laid_out(entry, 90 - 4))
        await pilot.pause()
        assert (transcript.place.leaf, transcript.place.line) == (place.leaf, place.line)


async def test_words_are_found_in_a_large_reply_where_they_are_laid_out(
    opened: Open, server: Scripted
) -> None:
    server.will(says(f"heron\n\n{SLOW}"))
    async with opened() as journey:
        await journey.ask("Where?")
        await journey.go_to_messages()
        await journey.press("ctrl+f", *"heron", "enter")
        await journey.until(lambda: "heron" in journey.seen and "1/1" in journey.seen)
        matches = journey.transcript.matches
        assert matches is not None
        [match] = matches.all
        lines = dict(journey.transcript.entries[1].lines(journey.transcript.text_width))
        assert lines[match.leaf][match.line] == "heron"


async def test_code_is_copied_from_a_large_reply(opened: Open, server: Scripted) -> None:
    server.will(says(SLOW))
    async with opened() as journey:
        await journey.ask("?")
        await journey.go_to_messages()
        await journey.press("c")
        await journey.until(lambda: journey.app.clipboard == "x = 1")


@for_some_bombs
async def test_keys_are_taken_while_a_text_of_any_kind_arrives(
    name: str, opened: Open, server: Scripted
) -> None:
    text = bomb(name, 0.03)
    hold = Hold()
    opening, closing = block(0, {"type": "text", "text": ""})
    pieces = [delta(0, "text_delta", text=piece) for piece in (text[::2], text[1::2])]
    server.will(Reply([start(), opening, pieces[0], hold, pieces[1], closing, *end()]))
    async with opened() as journey:
        await journey.ask("?")
        await journey.until(hold.reached.is_set)
        await journey.press(*"typed")
        assert journey.composer == "typed"
        hold.release()
        await journey.until_done()
        entry, width = journey.transcript.entries[-1], journey.transcript.text_width
        await journey.until(lambda: is_laid_out(entry, width))
        assert entry.content.source == text[::2] + text[1::2]
        assert_is_as_parsed(entry, width)


async def paste(journey: Journey, text: str) -> None:
    journey.app.post_message(events.Paste(text))
    await journey.pilot.pause()


async def test_a_paste_that_is_too_large_to_edit_is_sent_completely(
    opened: Open, server: Scripted
) -> None:
    server.will(says("Yes."))
    pasted = "x " * LONGEST_LINE
    async with opened() as journey:
        await journey.press(*"see ")
        await paste(journey, pasted)
        await journey.press(*"why")
        assert journey.composer == "why"
        assert f"{len(pasted) + 4:,} characters, then your text" in journey.seen
        await journey.press("enter")
        await journey.until_done()
        assert journey.questions == [f"see {pasted}why"]
        assert "characters, then" not in journey.seen
        assert (await journey.line())[0].text == f"see {pasted}why"


async def test_text_that_is_too_large_to_edit_can_be_removed_and_restored(
    opened: Open, server: Scripted
) -> None:
    pasted = "line\n" * 20_000
    server.will(says("Yes."))
    async with opened() as journey:
        await paste(journey, pasted)
        await journey.press("a", "home", "backspace")
        assert "characters, then" not in journey.seen
        assert journey.composer == "a"
        await journey.press("ctrl+z")
        assert "100,000 characters, then your text" in journey.seen
        await journey.press("enter")
        await journey.until_done()
        assert journey.questions == [f"{pasted}a"]


async def test_text_that_is_too_large_to_edit_is_part_of_the_draft(
    opened: Open, server: Scripted
) -> None:
    server.will(says("Yes."), says("Yes."))
    async with opened() as journey:
        await journey.ask("first")
        await journey.until_done()
        await paste(journey, "y" * 2 * LONGEST_LINE)
        await journey.press("ctrl+n", *"other")
        assert "characters, then" not in journey.seen
        await journey.press("ctrl+pagedown")
        await journey.until(lambda: "20,000 characters, then your text" in journey.seen)
        await journey.press("enter")
        await journey.until_done()
        assert journey.questions == ["first", "y" * 2 * LONGEST_LINE]


@for_some_bombs
async def test_a_question_of_any_kind_is_shown_and_every_word_can_be_typed_below(
    name: str, opened: Open, server: Scripted
) -> None:
    text = bomb(name, 0.1)
    server.will(says("Yes."))
    async with opened() as journey:
        await paste(journey, text)
        await journey.press(*"why", "enter")
        await journey.until_done()
        [question] = journey.questions
        # A plain assert would take hours to print the difference of such texts.
        is_whole = question == as_question(f"{clean(text)}why")
        assert is_whole
        await journey.press(*"on")
        assert journey.composer == "on"


async def test_a_layout_that_fails_leaves_the_message_as_it_was_written() -> None:
    def fail() -> list[object]:
        raise ValueError("no")

    told: list[Job[list[object]]] = []
    thread = LayoutThread()
    job = thread.submit(fail, told.append)
    assert job.wait(20)
    after = thread.submit(lambda: 1, lambda _: None)
    assert after.wait(20)
    assert (job.result, after.result, told) == (None, 1, [job])
    await wait_until(lambda: all(each.name != "layout" for each in threading.enumerate()))


def test_a_threads_layout_is_drawn_without_more_work() -> None:
    entry = Entry(MessageContent(message(0, SLOW)), now_ms=0, is_collapsed=True)
    work = entry.pending_layout(70)
    assert work is not None
    leaves = work()
    entry.adopt(leaves, 70)
    assert is_laid_out(entry, 70)
    assert entry.height(70) > 8_000
