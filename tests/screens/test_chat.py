from __future__ import annotations

import asyncio
import re
import sqlite3
import webbrowser
from contextlib import closing
from pathlib import Path

import pytest
from textual.widgets import Footer

from tests.screens.conftest import Open
from tests.scripted import (
    Close,
    Hold,
    Reply,
    Scripted,
    block,
    delta,
    end,
    refuses,
    says,
    start,
    text,
    thinking,
)
from tests.turns import ask, on_disk, reply_to
from tui.claude import Claude, demo
from tui.domain.conversation import Message
from tui.store import Store
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.sidebar import Sidebar
from tui.ui.widgets.transcript import Transcript

HOSTILE = "[/nope] [@click=app.quit]x[/] \x1b]52;c;aGk=\x07 \x9b31m"


def half(hold: Hold, *words: str) -> Reply:
    """Return a reply that says `words`, then waits for `hold`, then says ` end`."""
    deltas = (delta(0, "text_delta", text=word) for word in words)
    steps = block(0, {"type": "text", "text": ""}, *deltas)
    rest = delta(0, "text_delta", text=" end")
    return Reply([start(), *steps[:-1], hold, rest, steps[-1], *end()])


async def test_a_question_is_answered_on_the_screen_and_saved(
    opened: Open, server: Scripted
) -> None:
    server.will(says("# Hel", "lo\n\nthere"))
    async with opened() as journey:
        await journey.ask("What is this?")
        await journey.until_done()
        assert journey.questions == ["What is this?"]
        assert journey.replies == ["# Hello\n\nthere"]
        assert "Hello" in journey.seen
        assert journey.title == "What is this?"
        assert journey.sidebar == ["Today", "What is this? now"]
        question, reply = await journey.line()
    assert (question.text, reply.text, reply.state) == (
        "What is this?",
        "# Hello\n\nthere",
        "complete",
    )


async def test_the_line_below_a_reply_tells_what_it_took(opened: Open) -> None:
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until_done()
        (figures,) = journey.figures
    assert figures.startswith("100 in · 68 % cached · 42 out · ")
    assert "s to first text" in figures


async def test_words_are_drawn_as_they_arrive(opened: Open, server: Scripted) -> None:
    hold = Hold()
    server.will(half(hold, "first ", "second"))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until(lambda: "first second" in journey.seen)
        assert "writing · ≈" in journey.seen
        hold.release()
        await journey.until_done()
        assert journey.replies == ["first second end"]


async def test_esc_stops_the_reply_and_keeps_what_has_arrived(
    opened: Open, server: Scripted
) -> None:
    server.will(half(Hold(), "so far"))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until(lambda: "so far" in journey.seen)
        await journey.press("escape")
        await journey.until_done()
        assert journey.replies == ["so far"]
        assert "stopped" in journey.figures[0]
        assert await asyncio.to_thread(server.asked[0].closed_by_client.wait, 5)
        assert (await journey.line())[1].state == "stopped"


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        (refuses(401, "authentication_error"), "failed: The API key was refused."),
        (refuses(404, "not_found_error", "model: nope"), "failed: Not found: model: nope"),
        (Reply([start(), *text(0, "half of"), Close()]), "cut off"),
    ],
    ids=["401", "404", "cut"],
)
async def test_after_an_error_the_question_stays_and_r_asks_again(
    opened: Open, server: Scripted, store: Store, reply: Reply, shown: str
) -> None:
    server.will(reply, says("all of it"))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until_done()
        assert shown in journey.figures[0]
        assert (journey.questions, journey.composer) == (["hi"], "")
        await journey.press("shift+tab", "r")
        await journey.until(lambda: journey.replies == ["all of it"])
        await journey.until_done()
        question, newest = await journey.line()
    versions = on_disk(
        store.path,
        "SELECT state, text FROM transcript WHERE parent_id = ? ORDER BY message_id",
        question.id,
    )
    assert [version["state"] for version in versions][1] == "complete"
    assert versions[0]["state"] in ("failed", "cut_off")
    assert newest.text == "all of it"


async def test_the_palette_asks_again_too(opened: Open, server: Scripted) -> None:
    server.will(refuses(400, "invalid_request_error"), says("better"))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until_done()
        await journey.press("ctrl+p")
        await journey.press(*"regenerate")
        await journey.until(lambda: "r on a message" in journey.seen)
        await journey.press("enter")
        await journey.until(lambda: journey.replies == ["better"])


async def test_a_retry_is_shown_and_esc_stops_it(opened: Open, server: Scripted) -> None:
    server.will(refuses(529, "overloaded_error", retry_after="30"))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until(lambda: "Attempt 2 in" in journey.seen)
        assert any(re.fullmatch(r"↻ hi \d+ s", row) for row in journey.sidebar)
        await journey.press("escape")
        await journey.until_done()
        assert "stopped" in journey.figures[0]
    assert len(server.asked) == 1


async def test_two_replies_stream_while_a_third_conversation_is_read(
    opened: Open, server: Scripted, store: Store
) -> None:
    first, second = Hold(), Hold()
    server.will(says("old"), half(first, "one"), half(second, "two"))
    async with opened() as journey:
        await journey.ask("the oldest")
        await journey.until_done()
        for question, hold in (("ask one", first), ("ask two", second)):
            await journey.press("ctrl+n")
            await journey.ask(question)
            await asyncio.to_thread(hold.reached.wait, 10)
        await journey.press("alt+down", "alt+down")
        await journey.until(lambda: journey.replies == ["old"])
        assert journey.sidebar[1:] == ["● ask two now", "● ask one now", "the oldest now"]
        first.release()
        second.release()
        await journey.until_done()
        await journey.until(lambda: journey.sidebar[1].startswith("✓"))
        assert journey.replies == ["old"]
    texts = on_disk(store.path, "SELECT text, state FROM transcript WHERE role = 'assistant'")
    assert {(row["text"], row["state"]) for row in texts} == {
        ("old", "complete"),
        ("one end", "complete"),
        ("two end", "complete"),
    }


async def test_a_running_reply_has_no_gap_when_its_conversation_is_opened_again(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    server.will(half(hold, "begun"))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until(lambda: "begun" in journey.seen)
        await journey.press("ctrl+n")
        await journey.until(lambda: journey.replies == [])
        await journey.press("alt+down")
        await journey.until(lambda: journey.replies == ["begun"])
        hold.release()
        await journey.until_done()
        assert journey.replies == ["begun end"]


async def test_a_second_question_waits_for_the_first_reply(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    server.will(half(hold, "busy"), says("answered"))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until(lambda: "busy" in journey.seen)
        await journey.ask("and this?")
        await journey.until(lambda: "and this?" in journey.seen)
        assert journey.composer == ""
        assert journey.questions == ["hi"]
        assert len(server.asked) == 1
        hold.release()
        await journey.until(lambda: journey.replies == ["busy end", "answered"])
        assert journey.questions == ["hi", "and this?"]


async def test_markup_and_escapes_are_shown_as_text(opened: Open, server: Scripted) -> None:
    server.will(says(HOSTILE))
    async with opened() as journey:
        await journey.ask(HOSTILE)
        await journey.until_done()
        seen = journey.seen
        assert "[/nope]" in journey.title
        assert "[@click=app.quit]x[/]" in seen
        assert not any(ord(letter) < 32 and letter != "\n" for letter in seen)
        assert "\x9b" not in seen
        assert (await journey.line())[1].text == HOSTILE


async def test_thinking_is_folded_and_ctrl_t_shows_it(opened: Open, server: Scripted) -> None:
    server.will(Reply([start(), *thinking(0, "let me see"), *text(1, "yes"), *end()]))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until_done()
        assert "▸ Thought" in journey.seen
        assert "let me see" not in journey.seen
        await journey.press("ctrl+t")
        assert "let me see" in journey.seen
        await journey.press("shift+tab", "enter")
        assert "let me see" not in journey.seen


async def test_enter_sends_exactly_what_was_typed_before_it(opened: Open) -> None:
    async with opened() as journey:
        await journey.press(*"help", "enter", *"more")
        await journey.until(lambda: journey.questions == ["help"])
        assert journey.composer == "more"


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter", "shift+\r", "ctrl+\r"])
async def test_a_new_line_key_does_not_send(opened: Open, key: str) -> None:
    async with opened() as journey:
        await journey.press("a", key, "b")
        assert journey.composer == "a\nb"


async def test_a_backslash_before_enter_breaks_the_line(opened: Open) -> None:
    async with opened() as journey:
        await journey.press("a", "backslash", "enter", "b")
        assert journey.composer == "a\nb"


async def test_nothing_blank_is_sent(opened: Open, server: Scripted) -> None:
    async with opened() as journey:
        await journey.ask("  \n ")
        assert journey.questions == []
    assert server.asked == []


async def test_ctrl_c_stops_the_reply_then_quits_at_the_second_press(
    opened: Open, server: Scripted
) -> None:
    server.will(half(Hold(), "so far"))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until(lambda: "so far" in journey.seen)
        await journey.press("ctrl+c")
        await journey.until_done()
        assert "stopped" in journey.figures[0]
        await journey.press("ctrl+c")
        await journey.until(lambda: "again to quit" in journey.seen)
        await journey.press("ctrl+c")
        await journey.until(lambda: not journey.app.is_running)


async def test_ctrl_c_copies_what_is_selected(opened: Open) -> None:
    async with opened() as journey:
        await journey.write("some words")
        journey.app.screen.query_one(Composer).select_all()
        await journey.press("ctrl+c")
        assert journey.app.clipboard == "some words"


async def test_quitting_while_a_reply_streams_asks_and_keeps_it(
    opened: Open, server: Scripted, store: Store
) -> None:
    server.will(half(Hold(), "so far"))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until(lambda: "so far" in journey.seen)
        await journey.press("ctrl+q")
        await journey.until(lambda: "Stop and quit?" in journey.seen)
        await journey.press("escape")
        await journey.until(lambda: "so far" in journey.seen)
        await journey.press("ctrl+q", "enter")
        await journey.until(lambda: not journey.app.is_running)
    (row,) = on_disk(store.path, "SELECT state, text FROM transcript WHERE role = 'assistant'")
    assert dict(row) == {"state": "stopped", "text": "so far"}


async def test_a_demo_conversation_is_not_continued_by_claude(
    opened: Open, server: Scripted
) -> None:
    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    async with opened(demo.connect(at_once)) as journey:
        assert "Offline demo" in journey.seen
        assert "Ctrl+O" in journey.seen
        await journey.ask("hello")
        await journey.until_done()
        assert "script" in journey.replies[0]
    async with opened() as journey:
        await journey.until(lambda: "hello now" in journey.sidebar)
        await journey.press("ctrl+pagedown")
        await journey.until(lambda: journey.questions == ["hello"])
        await journey.ask("and now?")
        await journey.until(lambda: "in a new one?" in journey.seen)
        # The text can be edited further; typing does not answer the question.
        await journey.press(*" yes", "enter")
        await journey.until(lambda: journey.composer == "and now? yes")
        assert server.asked == []
        await journey.press("f8")
        await journey.until(lambda: journey.replies == ["Hello there"])
    assert [message["role"] for message in server.asked[0].json["messages"]] == ["user"]


async def test_below_80_columns_the_sidebar_is_a_drawer(opened: Open) -> None:
    async with opened(size=(60, 24)) as journey:
        sidebar = journey.app.screen.query_one(Sidebar)
        assert not sidebar.display
        await journey.press("ctrl+s")
        assert sidebar.display
        await journey.press("tab")
        assert sidebar.has_focus
        await journey.press("escape")
        assert not sidebar.display
        await journey.pilot.resize_terminal(100, 24)
        await journey.pilot.pause()
        await journey.until(lambda: sidebar.display)


async def test_f1_lists_the_keys_and_esc_closes_it(opened: Open) -> None:
    async with opened() as journey:
        await journey.press("f1")
        await journey.until(lambda: "Everywhere" in journey.seen)
        await journey.press("escape")
        await journey.until(lambda: "Everywhere" not in journey.seen)


async def test_the_footer_of_a_focused_message_tells_its_keys(opened: Open) -> None:
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until_done()
        await journey.press("shift+tab")
        assert isinstance(journey.app.focused, Transcript)
        await journey.until(lambda: "Regenerate" in journey.seen)
        await journey.press("k", "y")
        assert journey.app.clipboard == "hi"
        assert journey.app.screen.query_one(Footer).is_attached


async def test_a_link_is_shown_before_it_is_opened(
    opened: Open, server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_urls: list[str] = []

    class Browser(webbrowser.BaseBrowser):
        def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002 - its signature
            opened_urls.append(url)
            return True

    monkeypatch.setattr(webbrowser, "_tryorder", ["x"])
    monkeypatch.setattr(webbrowser, "_browsers", {"x": [None, Browser()]})
    server.will(says("[safe](https://example.com/%E2) [bad](javascript:alert)"))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until_done()
        view = journey.transcript
        view.post_message(journey.transcript.LinkChosen("javascript:alert(1)"))
        await journey.until(lambda: "Not opened: javascript" in journey.seen)
        view.post_message(journey.transcript.LinkChosen("https://example.com/a"))
        await journey.until(lambda: "https://example.com/a" in journey.seen)
        # Letters and Enter belong to the composer.
        await journey.press("y", "enter")
        assert opened_urls == []
        await journey.press("f8")
        await journey.until(lambda: opened_urls == ["https://example.com/a"])


async def test_a_link_without_a_browser_is_copied(
    opened: Open, server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "_tryorder", [])
    monkeypatch.setattr(webbrowser, "_browsers", {})
    server.will(says("[safe](https://example.com/a)"))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until_done()
        journey.transcript.post_message(journey.transcript.LinkChosen("https://example.com/a"))
        await journey.until(lambda: "Open https" in journey.seen)
        await journey.press("f8")
        await journey.until(lambda: journey.app.clipboard == "https://example.com/a")
        assert any("No browser" in notice for notice in journey.notices)


async def test_a_new_conversation_clears_the_filter(opened: Open) -> None:
    async with opened() as journey:
        await journey.ask("Old")
        await journey.until_done()
        await journey.press("ctrl+s", *"old", "ctrl+n")
        await journey.until(lambda: journey.title == "New conversation")
        await journey.press(*"New", "enter")
        await journey.until_done()
        await journey.until(lambda: any("New" in row for row in journey.sidebar))


async def test_a_long_conversation_opens_at_its_end_and_g_goes_to_its_beginning(
    opened: Open, store: Store, claude: Claude
) -> None:
    newest: Message | None = None
    for number in range(25):
        question = await ask(store, f"q{number}", after=newest)
        newest = await reply_to(store, claude, question)
    async with opened() as journey:
        await journey.until(lambda: "q0 now" in journey.sidebar)
        await journey.press("alt+down")
        await journey.until(lambda: "q24" in journey.seen)
        assert journey.questions == [f"q{number}" for number in range(25)]
        await journey.press("shift+tab", "g")
        await journey.until(lambda: "q0" in journey.seen)


async def test_a_reader_who_scrolled_up_stays_until_ctrl_end(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    lines = [f"- line {number}\n" for number in range(60)]
    server.will(half(hold, *lines))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until(lambda: "line 59" in journey.seen)
        await journey.press("pageup", "pageup")
        await journey.until(lambda: "more below" in journey.seen)
        place = journey.transcript.scroll_y
        hold.release()
        await journey.until_done()
        assert journey.transcript.scroll_y == place
        await journey.press("ctrl+end")
        await journey.until(lambda: "line 59 end" in journey.seen)
        assert "more below" not in journey.seen


async def test_the_composer_grows_to_a_third_of_the_height(opened: Open) -> None:
    async with opened(size=(100, 30)) as journey:
        composer = journey.app.screen.query_one(Composer)
        assert composer.size.height == 1
        await journey.write("\n".join("line" for _ in range(5)))
        await journey.until(lambda: composer.size.height == 5)
        await journey.write("\n" * 40)
        await journey.until(lambda: composer.outer_size.height == 9)


async def test_a_reply_that_cannot_be_saved_says_so_and_stays_on_the_screen(
    opened: Open, server: Scripted, history: Path
) -> None:
    hold = Hold()
    server.will(half(hold, "so far"))
    async with opened() as journey:
        await journey.ask("hi")
        await journey.until(lambda: "so far" in journey.seen)
        with closing(sqlite3.connect(history)) as other:
            other.execute("ALTER TABLE requests RENAME TO elsewhere")
        hold.release()
        await journey.until(lambda: "could not be written" in journey.seen)
        assert journey.replies == ["so far end"]
        assert "writing ·" not in journey.seen
        with closing(sqlite3.connect(history)) as other:
            other.execute("ALTER TABLE elsewhere RENAME TO requests")
        await journey.ask("again")
        await journey.until(lambda: journey.replies[1:] == ["Hello there"])
