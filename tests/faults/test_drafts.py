"""An app that is killed a second after the last key loses nothing of a draft."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.scripted import Hold, Reply, Scripted, delta, start, text
from tests.terminal import Terminal, terminal
from tui.domain.conversation import ComposerDraft
from tui.store import open_store

SIZE = (100, 30)
SHIFT_TAB = "\x1b[Z"


@pytest.fixture
def environ(server: Scripted) -> dict[str, str]:
    return {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": server.url}


def kill_a_second_later(screen: Terminal) -> None:
    # The second is what we promise; it is not a wait for luck.
    time.sleep(1)
    screen.process.kill()
    screen.process.wait()


def draft(home: Path) -> list[ComposerDraft]:
    """Return the drafts on disk, of any conversation."""
    (history,) = home.rglob("history.db")

    async def read() -> list[ComposerDraft]:
        with open_store(history) as store:
            ids = await store.drafts.conversation_ids()
            return [await store.drafts.draft(each) for each in ids]

    return asyncio.run(read())


def test_a_draft_is_there_on_the_next_start(
    empty_home: Path, server: Scripted, environ: dict[str, str]
) -> None:
    with terminal(home=empty_home, size=SIZE, environ=environ) as screen:
        screen.until_seen("Ask anything")
        # Ctrl+J breaks the line.
        screen.press("never sent, 漢字 👍\nbut kept")
        screen.until_seen("but kept")
        kill_a_second_later(screen)
    assert draft(empty_home) == [ComposerDraft("never sent, 漢字 👍\nbut kept")]
    with terminal(home=empty_home, size=SIZE, environ=environ) as screen:
        screen.until_seen("never sent, 漢")
        screen.until_seen("but kept")
        # The queue is now one text, which can be edited.
        screen.press(" for ever\r")
        screen.until_seen("Hello there")
        (asked,) = server.asked
        question = asked.json["messages"][0]["content"][0]["text"]
        assert question == "never sent, 漢字 👍\nbut kept for ever"
        # Now in a conversation with a question: first a draft, then an edit of the question.
        screen.press("a draft below")
        screen.until_seen("a draft below")
        screen.press(SHIFT_TAB)
        screen.until_seen("Regenerate")
        screen.press("k")
        screen.press("e")
        screen.until_seen("Editing a question")
        screen.press(", edited")
        screen.until_seen("for ever, edited")
        kill_a_second_later(screen)
    (kept,) = draft(empty_home)
    assert (kept.text, kept.edit) == ("a draft below", f"{question}, edited")
    with terminal(home=empty_home, size=SIZE, environ=environ) as screen:
        # The conversation is open again, and the edit continues.
        screen.until_seen("Editing a question")
        screen.until_seen("for ever, edited")
        screen.until_seen("Hello there")
        screen.press("\x1b")
        screen.until_seen("a draft below")
        screen.until(lambda: "for ever, edited" not in screen.text)
    assert len(server.asked) == 1


def test_the_draft_that_a_recalled_question_replaces_is_saved(
    empty_home: Path, server: Scripted, environ: dict[str, str]
) -> None:
    with terminal(home=empty_home, size=SIZE, environ=environ) as screen:
        screen.until_seen("Ask anything")
        screen.press("earlier\r")
        screen.until_seen("Hello there")
        screen.press("half a draft")
        screen.until_seen("│ half a draft")
        screen.press("\x1b[A")
        screen.until_seen("│ earlier ")
        kill_a_second_later(screen)
    assert draft(empty_home) == [ComposerDraft("half a draft")]
    with terminal(home=empty_home, size=SIZE, environ=environ) as screen:
        screen.until_seen("│ half a draft")
        screen.press("\x1b[A")
        screen.until_seen("│ earlier ")
        # What was made of it is kept, and the draft behind it.
        screen.press("!")
        screen.until_seen("│ earlier!")
        kill_a_second_later(screen)
    assert draft(empty_home) == [ComposerDraft("earlier!\nhalf a draft")]
    assert len(server.asked) == 1


def test_a_queue_becomes_text_at_the_next_start_and_nothing_is_sent_by_itself(
    empty_home: Path, server: Scripted, environ: dict[str, str]
) -> None:
    hold = Hold()
    server.will(Reply([start(), text(0)[0], delta(0, "text_delta", text="Half"), hold]))
    with terminal(home=empty_home, size=SIZE, environ=environ) as screen:
        screen.until_seen("Ask anything")
        screen.press("first\r")
        screen.until(hold.reached.is_set)
        screen.press("second\r")
        screen.until_seen("1. second")
        kill_a_second_later(screen)
    assert draft(empty_home) == [ComposerDraft(queued=("second",))]
    with terminal(home=empty_home, size=SIZE, environ=environ) as screen:
        screen.until_seen("interrupted")
        screen.until_seen("│ second")
        # It is sent only when the user sends it, once.
        screen.press("\r")
        screen.until_seen("Hello there")
        screen.press("\x11")
        assert screen.until_left() == 0
    asked = [seen.json["messages"][-1]["content"][-1]["text"] for seen in server.asked]
    assert asked == ["first", "second"]
    assert draft(empty_home) == []
