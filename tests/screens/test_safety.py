"""What the user sees when something goes wrong, and what they can undo."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from tests.screens.conftest import Journey, Open
from tests.scripted import Event, Hold, Reply, Scripted, refuses, says, start, text
from tests.test_purging import found_in
from tests.turns import ask, on_disk
from tui.chat import purge_schedule, undo_stack
from tui.store import Store, backup, open_store
from tui.ui.screens.chat import ChatScreen
from tui.ui.widgets.inline_question import InlineQuestion


async def test_a_long_wait_is_asked_about_and_waited_for(
    opened: Open, server: Scripted
) -> None:
    server.will(refuses(429, "rate_limit_error", "slow down", retry_after="90"))
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.until(lambda: "The endpoint asks to wait 1 min 30 s" in journey.seen)
        # Typing does not answer the question.
        await journey.press(*"yny", "enter")
        await journey.until(lambda: "1. yny" in journey.seen)
        assert isinstance(journey.app.screen, ChatScreen)
        assert "Attempt 2" not in journey.seen
        await journey.press("f8")
        await journey.until(lambda: "Attempt 2 in 1 min" in journey.seen)
        await journey.until(lambda: "asks to wait" not in journey.seen)
        # It counts down, here and in the sidebar.
        await journey.until(lambda: "Attempt 2 in 1 min 28 s" in journey.seen)
        assert any("↻" in row and "1 min 2" in row for row in journey.sidebar)
        await journey.press("escape")
        await journey.until_done()
    assert len(server.asked) == 1


async def test_a_long_wait_that_nobody_wants_ends_the_reply(
    opened: Open, server: Scripted
) -> None:
    server.will(refuses(429, "rate_limit_error", "slow down", retry_after="90"))
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.until(lambda: "The endpoint asks to wait" in journey.seen)
        await journey.press("escape")
        await journey.until_done()
        assert not journey.app.screen.query_one(InlineQuestion).display
        assert "90 seconds" in journey.figures[0]
        assert journey.composer == ""


async def test_a_long_wait_is_asked_about_only_where_it_is(
    opened: Open, server: Scripted
) -> None:
    server.will(refuses(429, "rate_limit_error", "slow down", retry_after="90"))
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.until(lambda: "The endpoint asks to wait" in journey.seen)
        await journey.press("ctrl+n")
        await journey.until(lambda: "The endpoint asks to wait" not in journey.seen)
        await journey.press("f8", "alt+down")
        await journey.until(lambda: "The endpoint asks to wait" in journey.seen)
        # A click answers too.
        screen = journey.app.screen
        await journey.pilot.click(screen.query_one("#question .answers"), offset=(4, 0))
        await journey.until(lambda: "Attempt 2 in 1 min" in journey.seen)
        await journey.press("escape")
        await journey.until_done()


async def test_a_silence_is_named_and_counted(opened: Open, server: Scripted) -> None:
    hold = Hold()
    ping = Event({"type": "ping"})
    server.will(Reply([start(), *text(0, "Half")[:-1], ping, hold]))
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.until(lambda: "Half" in journey.seen)
        (draft,) = journey.app.session.scheduler.streaming.values()
        assert "nothing new" not in journey.seen
        # As if the last word had arrived that long ago.
        assert draft.content_at is not None
        draft.content_at -= 40
        await journey.until(lambda: "nothing new for 4" in journey.seen)
        await journey.press("escape")
        await journey.until_done()


async def test_a_reply_that_was_not_saved_is_saved_when_there_is_room(
    opened: Open, server: Scripted, store: Store, history: Path
) -> None:
    hold, words = Hold(), "word " * 9000
    server.will(Reply([start(), hold, *text(0, words), *says("").steps[-2:]]))
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.until(hold.reached.is_set)
        # Free pages from a migration would have room for the next question.
        store.threads.writer().execute("VACUUM")
        pages = store.threads.writer().execute("PRAGMA page_count").fetchone()[0]
        store.threads.writer().execute(f"PRAGMA max_page_count = {pages}")
        hold.release()
        await journey.until(lambda: journey.app.session.scheduler.unsaved)
        await journey.until(lambda: "full" in journey.seen)
        assert journey.replies == [words]
        # A question that would be sent without the reply is not sent.
        await journey.ask("a")
        await journey.until(lambda: journey.composer == "a")
        await journey.until(lambda: "a reply could not be saved yet" in journey.seen)
        await journey.press("backspace")
        # A question that cannot be saved is not sent, and no typed text is lost.
        await journey.ask("more" * 2000)
        await journey.until(lambda: journey.composer == "more" * 2000)
        # Quitting would lose the text, so the app asks.
        await journey.press("ctrl+q")
        await journey.until(lambda: "lose" in journey.seen)
        await journey.press("n")
        store.threads.writer().execute("PRAGMA max_page_count = 1000000")
        await journey.until(lambda: not journey.app.session.scheduler.unsaved)
        await journey.until(lambda: "saved" in journey.seen.lower())
    kept = on_disk(history, "SELECT state, text FROM transcript WHERE role = 'assistant'")
    assert [tuple(row) for row in kept] == [("complete", words)]


async def test_changes_of_another_window_are_shown(opened: Open, history: Path) -> None:
    async with opened() as journey:
        await journey.ask("Here")
        await journey.until_done()
        with open_store(history) as other:
            elsewhere = await ask(other, "Elsewhere")
            await journey.until(lambda: any("Elsewhere" in row for row in journey.sidebar))
            (here,) = [c for c in await other.conversations() if c.title == "Here"]
            line = await other.read_path(here.tip_id)
            await ask(other, "Here, from there", after=line[-1])
            await journey.until(lambda: "Here, from there" in journey.questions)
            await other.delete([elsewhere.conversation_id])
            await journey.until(lambda: not any("Elsewhere" in r for r in journey.sidebar))
            await other.delete([here.id])
            await journey.until(lambda: journey.title == "New conversation")


async def two_conversations(journey: Journey) -> None:
    for word in ("First", "Second"):
        await journey.press("ctrl+n")
        await journey.ask(word)
        await journey.until_done()


async def test_x_deletes_a_conversation_and_u_brings_it_back(
    opened: Open, store: Store
) -> None:
    async with opened() as journey:
        await two_conversations(journey)
        await journey.press("ctrl+s", "tab", "x")
        await journey.until(lambda: journey.title == "First")
        await journey.until(lambda: not any("✗" in r or "Second" in r for r in journey.sidebar))
        assert "Deleted “Second”" in journey.seen
        await journey.press("u")
        await journey.until(lambda: journey.title == "Second")
        assert journey.questions == ["Second"]
        assert [found.title for found in await store.conversations()] == ["Second", "First"]
        await journey.press("u")
        await journey.until(lambda: "nothing to undo" in journey.seen)


async def test_the_last_conversation_that_is_deleted_leaves_a_new_one(
    opened: Open, store: Store
) -> None:
    async with opened() as journey:
        await journey.ask("Only")
        await journey.until_done()
        await journey.press("ctrl+s", "tab", "x")
        await journey.until(lambda: journey.title == "New conversation")
        assert await store.conversations() == []


async def test_deleting_stops_the_reply_that_is_being_written(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    server.will(Reply([start(), *text(0, "Half")[:-1], hold]))
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.until(lambda: "Half" in journey.seen)
        await journey.press("ctrl+s", "tab", "x")
        await journey.until(lambda: not journey.app.session.scheduler.streaming)
        await journey.press("u")
        await journey.until(lambda: journey.title == "Hi")
        assert journey.replies == ["Half"]


async def test_an_earlier_deletion_is_purged_at_the_next_start(
    opened: Open, store: Store, history: Path
) -> None:
    async with opened() as journey:
        await journey.ask("Wordtobegone")
        await journey.until_done()
    (found,) = await store.conversations()
    await store.delete([found.id])
    async with opened() as journey:
        await journey.until(
            lambda: on_disk(history, "SELECT count(*) FROM messages")[0][0] == 0
        )


async def test_a_file_of_copied_words_goes_with_what_an_earlier_run_deleted(
    opened: Open, store: Store, tmp_path: Path
) -> None:
    found = await ask(store, "Wordtobegone")
    await store.delete([found.conversation_id])
    copied = tmp_path / "copied.txt"
    copied.write_text("Wordtobegone", encoding="utf-8")
    async with opened() as journey:
        await journey.until(lambda: not copied.exists())


async def test_a_backup_that_cannot_be_removed_ends_no_start_and_is_reported(
    opened: Open, store: Store, history: Path
) -> None:
    found = await ask(store, "Wordtobegone")
    await store.delete([found.conversation_id])
    backup.make_daily(history, date(2026, 11, 1))
    # As if the folder belonged to another user.
    folder = backup.folder_of(history)
    folder.rename(history.with_name("elsewhere"))
    folder.symlink_to(folder)
    async with opened() as journey:
        await journey.until(
            lambda: any("Deleted text may still be in" in told for told in journey.notices)
        )
        await journey.ask("Hi")
        await journey.until_done()
        assert journey.replies
        assert "Traceback" not in journey.seen


async def test_a_folder_among_the_backups_ends_no_start(
    opened: Open, store: Store, history: Path
) -> None:
    found = await ask(store, "Wordtobegone")
    await store.delete([found.conversation_id])
    (backup.folder_of(history) / "history.db-2026-11-01").mkdir(parents=True)
    async with opened() as journey:
        gone = "SELECT 1 FROM conversations WHERE purged_ms IS NOT NULL"
        await journey.until(lambda: on_disk(history, gone))
        await journey.ask("Hi")
        await journey.until_done()
        assert journey.replies


async def test_a_title_made_of_a_deleted_question_leaves_the_screen_with_it(
    opened: Open, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (purge_schedule, undo_stack):
        monkeypatch.setattr(module, "UNDO_SECONDS", 0.1)
    async with opened() as journey:
        await journey.ask("Wordtobegone")
        await journey.until_done()
        await journey.ask("Something else")
        await journey.go_to_messages()
        assert journey.title == "Wordtobegone"
        await journey.press("g", "x")
        await journey.until(lambda: journey.title == "Something else")
        await journey.until(lambda: not any("Wordtobegone" in row for row in journey.sidebar))
        assert found_in(history.parent, "Wordtobegone") == []


async def test_a_purge_that_another_program_delays_is_done_later(
    opened: Open, store: Store, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge_schedule, "AGAIN_AFTER", 0.1)
    found = await ask(store, "Wordtobegone")
    await store.delete([found.conversation_id])
    store.threads.writer().conn.execute("PRAGMA busy_timeout = 50")
    purged = "SELECT 1 FROM conversations WHERE purged_ms IS NOT NULL"
    with closing(sqlite3.connect(history, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM messages").fetchone()
        async with opened() as journey:
            gone = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM messages)"
            await journey.until(lambda: on_disk(history, gone))
            assert found_in(history.parent, "Wordtobegone")
            assert not on_disk(history, purged)
            reader.execute("COMMIT")
            await journey.until(lambda: on_disk(history, purged))
            assert found_in(history.parent, "Wordtobegone") == []
