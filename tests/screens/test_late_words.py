"""Typed text and the scroll position, when something else happens at that moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.screens.conftest import Open
from tests.screens.test_failing_history import allow, refuse
from tests.scripted import Hold, Reply, Scripted, says, start
from tests.turns import ask, converse
from tui.chat import changes, message_commands
from tui.claude import Claude
from tui.domain.conversation import ScrollAnchor
from tui.store import Store
from tui.ui.screens.chat import ChatScreen
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.transcript import Transcript


async def test_text_typed_while_another_conversation_opens_stays_with_the_first(
    opened: Open, store: Store
) -> None:
    one, two = [await ask(store, title) for title in ("One", "Two")]
    async with opened() as journey:
        session = journey.app.session
        await session.open(one.conversation_id)
        await journey.until(lambda: journey.title == "One")
        await session.open(two.conversation_id)
        # It is open, but not shown yet, and the screen gets the words after that.
        await journey.write("late words")
        await journey.until(lambda: journey.title == "Two")
        assert journey.composer == ""
        await session.open(one.conversation_id)
        await journey.until(lambda: journey.composer == "late words")


async def test_a_late_change_of_a_conversation_that_is_not_open_moves_nothing(
    opened: Open, store: Store, server: Scripted, claude: Claude
) -> None:
    server.will(says("\n\n".join(f"Line {number}" for number in range(200))))
    reply = await converse(store, Claude(claude.endpoint), "Long")
    other = await ask(store, "Other")
    async with opened() as journey:
        session = journey.app.session
        await session.open(reply.conversation_id)
        await journey.until(lambda: journey.replies)
        await journey.press("shift+tab", "g")
        await journey.until(lambda: journey.transcript.place.message_id)
        place = journey.transcript.place
        session.publish(changes.ConversationOpened(other.conversation_id, ScrollAnchor()))
        session.publish(changes.PathChanged(other.conversation_id))
        await journey.pilot.pause()
        assert journey.title == "Long"
        assert journey.transcript.place == place


async def test_text_typed_just_before_an_edit_is_there_after_it(
    opened: Open, store: Store
) -> None:
    question = await ask(store, "One")
    async with opened() as journey:
        await journey.app.session.open(question.conversation_id)
        await journey.until(lambda: journey.questions == ["One"])
        chat = journey.app.screen
        assert isinstance(chat, ChatScreen)
        # The screen gets the key before it gets the words.
        with chat.composer.prevent(Composer.Changed):
            chat.composer.insert("late words")
        chat.post_message(
            Transcript.ActionRequested("edit", question.conversation_id, question.id)
        )
        await journey.until(lambda: journey.composer == "One")
        await journey.press("escape")
        await journey.until(lambda: journey.composer == "late words")


async def test_text_that_is_posted_after_an_edit_has_begun_does_not_become_the_edit(
    opened: Open, store: Store
) -> None:
    question = await ask(store, "One")
    async with opened() as journey:
        session = journey.app.session
        await session.open(question.conversation_id)
        await journey.until(lambda: journey.questions == ["One"])
        await journey.write("late words")
        composer = journey.app.screen.query_one(Composer)
        # The edit has begun, and the composer still shows the draft.
        journey.app.screen.post_message(Composer.Changed(composer))
        await message_commands.begin_edit(session, question.conversation_id, question.id)
        await journey.until(lambda: composer.edited_id == question.id)
        assert journey.composer == "One"
        await journey.press("escape")
        await journey.until(lambda: journey.composer == "late words")


async def test_text_typed_into_an_edit_stays_when_an_earlier_question_comes_back(
    opened: Open, store: Store, history: Path
) -> None:
    question = await ask(store, "One")
    where = question.conversation_id
    async with opened() as journey:
        await journey.app.session.open(where)
        await journey.until(lambda: journey.questions == ["One"])
        chat = journey.app.screen
        assert isinstance(chat, ChatScreen)
        chat.post_message(Transcript.ActionRequested("edit", where, question.id))
        await journey.until(lambda: journey.composer == "One")
        refuse(history, "messages")
        # The screen does not get these words before the question is back.
        with chat.composer.prevent(Composer.Changed):
            chat.composer.insert(" and late words")
        chat.post_message(Composer.Submitted(where, "sent before", None))
        await journey.until(lambda: any("refused" in line for line in journey.notices))
        assert journey.composer == "One and late words"
        await journey.press("escape")
        await journey.until(lambda: journey.composer == "sent before")


async def test_a_change_of_another_window_does_not_scroll(
    opened: Open, store: Store, server: Scripted, claude: Claude, history: Path
) -> None:
    server.will(says("\n\n".join(f"Line {number}" for number in range(200))))
    other = Claude(claude.endpoint)
    reply = await converse(store, other, "Hi")
    async with opened() as journey:
        await journey.app.session.open(reply.conversation_id)
        await journey.until(lambda: journey.replies)
        await journey.press("shift+tab", "g")
        await journey.until(lambda: "Line 1" in journey.seen)
        place = journey.transcript.place
        with closing(sqlite3.connect(history)) as program:
            program.execute("UPDATE messages SET state = 'stopped' WHERE id = ?", [reply.id])
            program.commit()
        await journey.until(lambda: "stopped" in journey.figures[0])
        assert journey.transcript.place == place


async def test_a_change_of_another_window_during_a_reply_is_shown_after_it(
    opened: Open, server: Scripted, history: Path
) -> None:
    hold = Hold()
    async with opened() as journey:
        server.will(says("first"), Reply([start(), hold, *says("second").steps[1:]]))
        await journey.ask("one")
        await journey.until_done()
        await journey.ask("two")
        await journey.until(hold.reached.is_set)
        with closing(sqlite3.connect(history)) as program:
            first = journey.transcript.entries[1].id
            program.execute("UPDATE messages SET state = 'stopped' WHERE id = ?", [first])
            program.execute("UPDATE conversations SET title = 'Another', title_by = 'person'")
            program.commit()
        # The next poll notices the write, once.
        await journey.until(lambda: journey.title == "Another")
        hold.release()
        await journey.until(lambda: journey.replies == ["first", "second"])
        await journey.until(lambda: "stopped" in journey.figures[0])


async def test_the_place_of_what_is_shown_is_not_saved_for_what_is_opened(
    opened: Open, store: Store, server: Scripted, claude: Claude, history: Path
) -> None:
    server.will(says("\n\n".join(f"Line {number}" for number in range(200))))
    long = await converse(store, Claude(claude.endpoint), "Long")
    other = await ask(store, "Other")
    async with opened() as journey:
        await journey.app.session.open(long.conversation_id)
        await journey.until(lambda: journey.replies)
        await journey.press("shift+tab", "g")
        await journey.until(lambda: journey.transcript.place.message_id)
        chat = journey.app.screen
        assert isinstance(chat, ChatScreen)
        with closing(sqlite3.connect(history)) as program:
            program.execute(
                "CREATE TRIGGER refused BEFORE INSERT ON places"
                f" WHEN new.conversation_id = '{other.conversation_id}'"
                " AND new.message_id IS NOT NULL BEGIN SELECT raise(ABORT, 'refused'); END"
            )
        await journey.app.session.open(other.conversation_id)
        # It saves the old conversation's position while the new one is not shown yet.
        await chat.action_run("chat.new")
        await journey.until(lambda: journey.title == "New conversation")
        assert [line for line in journey.notices if "refused" in line] == []


async def test_a_question_that_cannot_be_saved_is_back_in_the_composer(
    opened: Open, server: Scripted, history: Path
) -> None:
    async with opened() as journey:
        refuse(history, "messages")
        await journey.ask("Hi")
        await journey.until(lambda: journey.composer == "Hi")
        assert any("refused" in line for line in journey.notices)
        allow(history, "messages")
        server.will(says("Hello"))
        await journey.press("enter")
        await journey.until(lambda: journey.replies == ["Hello"])
        assert journey.questions == ["Hi"]


async def test_a_change_that_comes_when_its_widgets_are_gone_breaks_nothing(
    opened: Open,
) -> None:
    async with opened() as journey:
        session = journey.app.session
        # The same state exists for a moment while the app closes.
        await journey.app.screen.query("#heading, #empty, #pill").remove()
        session.publish(changes.TitleChanged(session.open_id))
        await journey.pilot.pause()
    assert journey.app.failures == []
