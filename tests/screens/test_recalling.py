"""Earlier questions are recalled into the composer, and the draft comes back as it was."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from textual.widgets.text_area import Selection

from tests.screens.conftest import Journey, Open
from tests.scripted import Hold, Reply, Scripted, delta, says, start, text
from tests.turns import ask
from tui.domain.conversation import ComposerDraft
from tui.store import Store
from tui.ui.screens.recall import RecallScreen
from tui.ui.widgets.composed_text import LONGEST_LINE
from tui.ui.widgets.composer import Composer

ENTER, UP, DOWN, CTRL_R = "\r", "\x1b[A", "\x1b[B", "\x12"


def composer(journey: Journey) -> Composer:
    return journey.app._chat.composer


async def kept(journey: Journey) -> ComposerDraft:
    """Return the open conversation's draft on disk."""
    await journey.app.session.drafts.save()
    return await journey.app._store.drafts.draft(composer(journey).conversation_id)


async def asked(store: Store, *texts: str) -> None:
    for each in texts:
        await ask(store, each)


async def test_up_steps_back_and_down_returns_to_the_draft_with_its_cursor(
    opened: Open, store: Store
) -> None:
    await asked(store, "one", "two\nlines", "three")
    async with opened() as journey:
        await journey.write("a draft")
        composer(journey).move_cursor((0, 3))
        seen = []
        for key in ("up", "up", "up", "up", "down", "down", "down"):
            await journey.press(key)
            seen.append(journey.composer)
        assert seen == ["three", "two\nlines", "one", "one", "two\nlines", "three", "a draft"]
        assert composer(journey).selection == Selection.cursor((0, 3))
        await journey.press("down")
        assert journey.composer == "a draft"
        assert composer(journey).cursor_location == (0, 7)
        assert journey.questions == []


async def test_up_moves_the_cursor_except_on_the_first_line(opened: Open, store: Store) -> None:
    await asked(store, "earlier")
    async with opened() as journey:
        await journey.write("first\nsecond")
        await journey.press("up")
        assert composer(journey).cursor_location == (0, 5)
        await journey.press("down")
        assert composer(journey).cursor_location == (1, 6)
        await journey.press("up", "shift+up")
        assert composer(journey).selected_text == "first"
        await journey.press("up", "up")
        assert journey.composer == "earlier"


async def test_a_wrapped_line_counts_as_several_lines(opened: Open, store: Store) -> None:
    await asked(store, "earlier")
    async with opened(size=(80, 30)) as journey:
        await journey.write("word " * 20)
        await journey.press("up")
        assert journey.composer == "word " * 20
        await journey.press("up")
        assert journey.composer == "earlier"


async def test_without_earlier_questions_up_goes_to_the_beginning(opened: Open) -> None:
    async with opened() as journey:
        await journey.write("a draft")
        await journey.press("up")
        assert (journey.composer, composer(journey).cursor_location) == ("a draft", (0, 0))


async def test_a_changed_question_is_there_again_on_the_way_back(
    opened: Open, store: Store
) -> None:
    await asked(store, "one", "two")
    async with opened() as journey:
        await journey.write("draft")
        await journey.press("up", "!", "up")
        assert journey.composer == "one"
        await journey.press("down")
        assert journey.composer == "two!"
        await journey.press("down")
        assert journey.composer == "draft"
        await journey.press("up")
        assert journey.composer == "two!"


async def test_the_last_question_is_the_newest(
    opened: Open, server: Scripted, store: Store
) -> None:
    await asked(store, "old")
    server.will(says("a1"))
    async with opened() as journey:
        await journey.press("up", "down")
        await journey.ask("new")
        await journey.until_done()
        await journey.press("up")
        assert journey.composer == "new"
        await journey.press("up")
        assert journey.composer == "old"


async def test_further_pages_are_read_when_they_are_needed(opened: Open, store: Store) -> None:
    await asked(store, *(f"q{number}" for number in range(45)))
    async with opened() as journey:
        await journey.press(*["up"] * 45)
        assert journey.composer == "q0"


async def test_undo_and_redo_go_through_recalled_questions(opened: Open, store: Store) -> None:
    await asked(store, "one", "x" * (LONGEST_LINE + 1))
    async with opened() as journey:
        await journey.send("abc")
        await journey.press("left", "up", "up", "!")
        assert journey.composer == "one!"
        seen = []
        for _ in range(4):
            await journey.press("ctrl+z")
            seen.append((composer(journey).whole, composer(journey).cursor_location))
        assert seen == [
            ("one", (0, 3)),
            ("x" * (LONGEST_LINE + 1), (0, 0)),
            ("abc", (0, 2)),
            ("", (0, 0)),
        ]
        await journey.press(*["ctrl+y"] * 4)
        assert journey.composer == "one!"
        await journey.press("down")
        assert composer(journey).whole == "x" * (LONGEST_LINE + 1)


async def test_the_draft_stays_on_disk_while_a_recalled_question_is_shown(
    opened: Open, server: Scripted, store: Store
) -> None:
    await asked(store, "earlier")
    server.will(says("a1"), says("a2"))
    async with opened() as journey:
        await journey.ask("first")
        await journey.until_done()
        await journey.send("a draft")
        await journey.press("up")
        assert journey.composer == "first"
        assert await kept(journey) == ComposerDraft("a draft")
        # A reply that ends does not replace it, nor does an unsaved draft elsewhere.
        await journey.press("ctrl+n")
        assert journey.composer == ""
        await journey.press("alt+down")
        await journey.until(lambda: journey.title == "first")
        assert journey.composer == "a draft"
        await journey.press("up", "!")
        assert await kept(journey) == ComposerDraft("first!\na draft")
        await journey.press("down")
        assert await kept(journey) == ComposerDraft("a draft")


async def test_the_draft_comes_back_after_the_recalled_question_was_sent(
    opened: Open, server: Scripted, store: Store
) -> None:
    await asked(store, "earlier", "newer")
    server.will(says("a1"), says("a2"))
    async with opened() as journey:
        await journey.send("a draft\x1b[D")
        await journey.press("up", "up")
        assert journey.composer == "earlier"
        # Another Enter in the same moment does not send it.
        await journey.send(ENTER + ENTER)
        await journey.until(lambda: journey.composer == "a draft")
        await journey.until_done()
        assert composer(journey).cursor_location == (0, 6)
        assert await kept(journey) == ComposerDraft("a draft")
        # Also after one that was changed, and after a command; Up begins with the newest.
        await journey.press("up")
        assert journey.composer == "earlier"
        await journey.send("!" + ENTER)
        await journey.until(lambda: journey.composer == "a draft")
        await journey.until_done()
        assert journey.questions == ["earlier", "earlier!"]
        await journey.press("up", "ctrl+u")
        await journey.send("/sidebar")
        await journey.press("escape", "enter")
        await journey.until(lambda: journey.composer == "a draft")
        # The draft itself does not come back.
        composer(journey).focus()
        await journey.press("end", "enter")
        await journey.until_done()
        assert journey.questions == ["earlier", "earlier!", "a draft"]
        assert journey.composer == ""
        assert await kept(journey) == ComposerDraft()


async def test_the_draft_is_on_disk_while_the_recalled_question_is_sent(
    opened: Open, store: Store
) -> None:
    await asked(store, "earlier")
    async with opened() as journey:
        await journey.write("a draft")
        await journey.press("up")
        connection = store.threads.writer().conn
        connection.execute(
            "CREATE TEMP TRIGGER refused BEFORE INSERT ON messages"
            " BEGIN SELECT raise(ABORT, 'refused'); END"
        )
        taken = composer(journey).take()
        assert (taken, journey.composer) == ("earlier", "")
        assert await kept(journey) == ComposerDraft("a draft")
        # If it cannot be sent, it is recalled again.
        composer(journey).give_back(taken)
        assert journey.composer == "earlier"
        await journey.press("enter")
        await journey.until(lambda: journey.composer == "earlier" and journey.notices)
        await journey.press("escape")
        assert journey.composer == "a draft"


async def test_esc_shows_the_draft_again(opened: Open, store: Store) -> None:
    await asked(store, "earlier")
    async with opened() as journey:
        await journey.send("a draft\x1b[D")
        await journey.press("up")
        assert "Back to the draft" in journey.footer
        await journey.press("escape")
        assert journey.composer == "a draft"
        assert composer(journey).cursor_location == (0, 6)
        await journey.press("up", "!", "escape")
        assert journey.composer == "earlier!"
        assert "Back to the draft" not in journey.footer


async def test_a_question_is_recalled_into_an_edit(opened: Open, server: Scripted) -> None:
    server.will(says("a1"), says("a2"))
    async with opened() as journey:
        for question in ("one", "two"):
            await journey.ask(question)
            await journey.until_done()
        await journey.send("draft")
        await journey.go_to_messages()
        await journey.press("k", "e")
        await journey.until(lambda: journey.composer == "two")
        await journey.press("up", "up")
        assert journey.composer == "one"
        assert await kept(journey) == ComposerDraft(
            "draft", (), composer(journey).edited_id, "two"
        )
        await journey.press("escape")
        assert journey.composer == "two"
        await journey.press("escape")
        assert journey.composer == "draft"


async def test_up_in_an_empty_field_with_a_queue_edits_the_queue(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    server.will(Reply([start(), text(0)[0], delta(0, "text_delta", text="Half"), hold]))
    async with opened() as journey:
        await journey.ask("one")
        await journey.ask("two")
        await journey.press("up")
        assert journey.composer == "two"
        assert journey.app.session.drafts.draft(journey.app.session.open_id).queued == ()
        await journey.press("ctrl+u", "up")
        assert journey.composer == "one"
        hold.release()


@pytest.mark.parametrize("keys", [UP + ENTER, UP + UP + DOWN + ENTER + ENTER])
async def test_a_recalled_question_is_sent_only_by_enter_and_once(
    opened: Open, server: Scripted, store: Store, keys: str
) -> None:
    await asked(store, "older", "earlier")
    server.will(says("a1"))
    async with opened() as journey:
        await journey.write("half a draft")
        await journey.send(keys)
        await journey.until_done()
        assert [seen.json["messages"][-1]["content"][-1]["text"] for seen in server.asked] == [
            "earlier"
        ]
        # The draft is back, and the second Enter was not meant for it.
        await journey.until(lambda: journey.composer == "half a draft")
        assert len(server.asked) == 1


async def test_up_alone_sends_nothing_and_other_keys_wait_for_it(
    opened: Open, server: Scripted, store: Store
) -> None:
    await asked(store, "older", "earlier")
    async with opened() as journey:
        await journey.send(UP + UP + " still" + DOWN + "!")
        await journey.until(lambda: journey.composer == "earlier!")
        assert server.asked == []


@contextmanager
def reading_held(store: Store) -> Iterator[None]:
    """Make the read of earlier questions wait."""
    released = threading.Event()
    store.finding.prompts._reader._thread.submit(released.wait)
    try:
        yield
    finally:
        released.set()


async def test_enter_before_the_question_arrives_sends_nothing(
    opened: Open, server: Scripted, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys wait only a short time for a question that is being read."""
    await asked(store, "earlier")
    monkeypatch.setattr("tui.ui.key_order.LONGEST_HOLD", 0.05)
    server.will(says("a1"))
    async with opened() as journey:
        await journey.send("half a draft")
        with reading_held(store):
            await journey.send(UP + ENTER)
            assert journey.composer == "half a draft"
            assert server.asked == []
        await journey.until(lambda: journey.composer == "earlier")
        assert server.asked == []
        await journey.press("enter")
        await journey.until_done()
        assert len(server.asked) == 1


async def test_what_is_typed_before_the_question_is_there_stays(
    opened: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asked(store, "earlier")
    monkeypatch.setattr("tui.ui.key_order.LONGEST_HOLD", 0.05)
    async with opened() as journey:
        await journey.send("half a draft")
        with reading_held(store):
            await journey.send(UP + "!")
            assert journey.composer == "half a draft!"
        await journey.until(lambda: not journey.app._chat.is_acting)
        assert journey.composer == "half a draft!"
        await journey.press("up")
        assert journey.composer == "earlier"
        await journey.press("down")
        assert journey.composer == "half a draft!"


# The search


async def rows(journey: Journey) -> list[str]:
    await journey.until(lambda: isinstance(journey.app.screen, RecallScreen))
    screen = journey.app.screen
    assert isinstance(screen, RecallScreen)
    await journey.until(screen._is_found.is_set)
    return [row.split(maxsplit=1)[1] for row in journey.options]


async def test_ctrl_r_searches_all_questions_and_inserts_the_chosen_one(
    opened: Open, server: Scripted, store: Store
) -> None:
    await asked(store, "grey herons", "Émile's café", "more herons", "nothing")
    async with opened() as journey:
        await journey.send("draft")
        await journey.press("ctrl+r")
        assert await rows(journey) == ["nothing", "more herons", "Émile's café", "grey herons"]
        await journey.press(*"HERON")
        await journey.until(lambda: "2 prompts" in journey.seen)
        assert await rows(journey) == ["more herons", "grey herons"]
        await journey.press("ctrl+r", "enter")
        assert journey.composer == "grey herons"
        assert journey.app.focused is composer(journey)
        await journey.press("down")
        assert journey.composer == "draft"
        await journey.press("ctrl+r", *"emile cafe", "enter")
        assert journey.composer == "Émile's café"
        # From there Up goes to earlier questions.
        await journey.press("up")
        assert journey.composer == "grey herons"
        await journey.press("down", "down")
        assert journey.composer == "draft"
        assert server.asked == []


async def test_esc_in_the_search_leaves_the_draft_with_cursor_and_selection(
    opened: Open, store: Store
) -> None:
    await asked(store, "earlier")
    async with opened() as journey:
        await journey.write("a draft\nof two lines")
        selection = Selection((0, 2), (1, 4))
        composer(journey).selection = selection
        await journey.press("ctrl+r", *"earl", "escape")
        assert journey.composer == "a draft\nof two lines"
        assert composer(journey).selection == selection
        assert journey.app.focused is composer(journey)


async def test_enter_without_a_result_waits_for_another_query(
    opened: Open, store: Store
) -> None:
    await asked(store, "earlier")
    async with opened() as journey:
        await journey.press("ctrl+r", *"stork", "enter")
        await journey.until(lambda: "No results." in journey.seen)
        await journey.press("ctrl+u", "enter")
        assert journey.composer == "earlier"


async def test_keys_in_one_write_search_for_the_whole_text(
    opened: Open, server: Scripted, store: Store
) -> None:
    await asked(store, "grey herons", "more herons", "an egret")
    server.will(says("a1"))
    async with opened() as journey:
        await journey.send(f"{CTRL_R}grey her{ENTER}!")
        await journey.until(lambda: journey.composer == "grey herons!")
        await asyncio.sleep(0)
        assert server.asked == []


async def test_the_palette_has_the_search(opened: Open, store: Store) -> None:
    await asked(store, "earlier")
    async with opened() as journey:
        await journey.press("ctrl+p", *"earlier prompts", "enter")
        assert await rows(journey) == ["earlier"]
        await journey.press("enter")
        assert journey.composer == "earlier"


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_a_match_is_visible_in_a_small_window(
    opened: Open, store: Store, size: tuple[int, int]
) -> None:
    await asked(store, "many words before " * 20 + "quinquagesima " + "after " * 20)
    async with opened(size=size) as journey:
        await journey.press("ctrl+r", *"quinqua")
        await journey.until(lambda: "1 prompt" in journey.seen)
        assert "quinqua" in (await rows(journey))[0]
