"""The open conversation: its path, its versions, and going from one to another."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.headless import Headless
from tests.screens.failing import Failing, told
from tests.scripted import Scripted
from tests.strict import OPUS, Piece, Plan, Strict
from tests.turns import MODEL, on_disk
from tui.chat import (
    asking,
    conversation_commands,
    message_commands,
    path_commands,
    purge_schedule,
    question_commands,
)
from tui.chat.changes import Change, PathChanged, TitleChanged
from tui.chat.open_conversation import OpenConversation, Refused
from tui.chat.session import Session
from tui.chat.undo_stack import UNDO_SECONDS
from tui.claude import Claude
from tui.store import HistoryError, Store, open_store

CUT = Plan((Piece("text", ("The moon rises",)),), ending="cut", until=2)
HELD = Plan((Piece("text", ("Hello", " there")),), is_held=True, until=2)


def saying(words: str) -> Plan:
    return Plan((Piece("text", (words,)),))


class Reader:
    """A user with an open conversation, and the server that answers."""

    def __init__(self, headless: Headless, server: Scripted) -> None:
        self.headless = headless
        self.server = server
        self.strict = Strict(server)

    @property
    def session(self) -> Session:
        return self.headless.session

    @property
    def current(self) -> OpenConversation:
        return self.session.current

    async def ask(self, text: str, plan: Plan) -> None:
        self.strict.plans.append(plan)
        await question_commands.submit(self.session, self.session.open_id, text)
        await self.until_quiet()

    async def edit(self, at: int, text: str, plan: Plan) -> None:
        self.strict.plans.append(plan)
        await asking.edit(self.current, self.id(at), text)
        await self.until_quiet()

    async def regenerate(self, at: int, plan: Plan, model: str | None = None) -> None:
        self.strict.plans.append(plan)
        await asking.regenerate(self.current, self.id(at), model)
        await self.until_quiet()

    async def delete(self, message_id: str) -> None:
        await path_commands.delete(self.current, self.session.undo_stack, message_id)

    async def release(self) -> None:
        for said in self.strict.running():
            said.hold.release()
        await self.until_quiet()

    async def until_quiet(self) -> None:
        await self.headless.until_quiet(self.strict)

    def id(self, at: int) -> str:
        return self.current.path[at].id

    @property
    def seen(self) -> list[str]:
        """The texts of the open path."""
        return [message.text for message in self.current.path]

    async def line(self) -> list[str]:
        """Return the same texts from the history."""
        conversation = await self.headless.store.conversation(self.session.open_id)
        assert conversation is not None
        assert conversation.tip_id == self.current.conversation.tip_id
        return [
            message.text for message in await self.headless.store.read_path(conversation.tip_id)
        ]


@pytest.fixture
async def reader(history: Path, server: Scripted, claude: Claude) -> AsyncIterator[Reader]:
    reader = Reader(Headless(history, claude), server)
    yield reader
    await reader.headless.leave(is_interrupted=False)
    await claude.close()
    assert reader.strict.refusals == []


async def test_an_edit_is_a_version_of_the_question_and_the_old_one_keeps_its_replies(
    reader: Reader,
) -> None:
    await reader.ask("one", saying("first"))
    await reader.ask("two", saying("second"))
    old = reader.id(2)
    await reader.edit(2, "two, better", saying("third"))
    assert reader.seen == await reader.line() == ["one", "first", "two, better", "third"]
    assert reader.current.versions == {reader.id(2): (old, reader.id(2))}
    assert await path_commands.step_version(reader.current, reader.id(2), -1) == old
    assert reader.seen == await reader.line() == ["one", "first", "two", "second"]


async def test_the_first_question_has_versions_too(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    await reader.edit(0, "another", saying("second"))
    assert reader.seen == await reader.line() == ["another", "second"]
    assert await path_commands.step_version(reader.current, reader.id(0), -1) is not None
    assert reader.seen == ["one", "first"]


async def test_another_model_is_asked_and_stays_the_conversations_model(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    await reader.regenerate(1, saying("second"), OPUS["id"])
    await reader.ask("two", saying("third"))
    asked = [seen.json["model"] for seen in reader.server.asked]
    assert asked == [MODEL, OPUS["id"], OPUS["id"]]
    assert reader.seen == ["one", "second", "two", "third"]


async def test_versions_are_gone_through_to_either_end(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    for words in ("second", "third"):
        await reader.regenerate(1, saying(words))
    found = []
    for step in (1, -1, -1, -1, 1):
        is_other = (
            await path_commands.step_version(reader.current, reader.id(1), step) is not None
        )
        found.append((is_other, reader.seen[1]))
    assert found == [
        (False, "third"), (True, "second"), (True, "first"), (False, "first"), (True, "second"),
    ]  # fmt: skip
    assert await reader.line() == reader.seen


async def test_a_fork_has_the_line_up_to_there_and_leaves_what_it_left(reader: Reader) -> None:
    await reader.ask("one", Plan((Piece("thinking", ("Hm",)), Piece("text", ("first",)))))
    await reader.ask("two", saying("second"))
    before, taken = await reader.line(), reader.strict.thoughts_taken
    left, blocks = reader.session.open_id, [each.blocks for each in reader.current.path[:2]]
    await message_commands.fork(reader.session, left, reader.id(1))
    assert [each.blocks for each in reader.current.path] == blocks
    await reader.ask("three", saying("third"))
    assert reader.seen == await reader.line() == ["one", "first", "three", "third"]
    # The thinking is bound to everything before it, which has not changed.
    assert reader.strict.thoughts_taken == taken + 1
    await reader.session.open(left)
    assert reader.seen == await reader.line() == before


async def test_a_continuation_follows_the_reply_that_broke_off(reader: Reader) -> None:
    await reader.ask("one", CUT)
    reader.strict.plans.append(saying(" in the east"))
    await asking.continue_reply(reader.current, reader.id(1))
    await reader.until_quiet()
    assert await reader.line() == reader.seen
    assert (reader.seen[1], reader.seen[3]) == ("The moon rises", " in the east")
    assert reader.current.path[2].is_continuation
    with pytest.raises(Refused, match="that broke off"):
        await asking.continue_reply(reader.current, reader.id(3))


async def test_the_rest_is_not_asked_again_of_a_reply_that_was_deleted(
    reader: Reader,
) -> None:
    await reader.ask("one", CUT)
    reader.strict.plans.append(saying(" in the east"))
    await asking.continue_reply(reader.current, reader.id(1))
    await reader.until_quiet()
    await reader.delete(reader.id(1))
    await reader.ask("two", saying("second"))
    assert "The moon" not in json.dumps(reader.server.asked[-1].json)
    for at in (2, 1):
        # Also for the continuation, and for its question if that is the last message.
        with pytest.raises(Refused, match="this continues was deleted"):
            await asking.regenerate(reader.current, reader.id(at))
        for _ in reader.current.path[at:]:
            await reader.delete(reader.id(at))
    assert reader.seen == await reader.line() == ["one"]


async def test_a_deleted_version_gives_way_to_another(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    await reader.regenerate(1, saying("second"))
    await reader.delete(reader.id(1))
    assert reader.seen == await reader.line() == ["one", "first"]
    await reader.delete(reader.id(1))
    assert reader.seen == await reader.line() == ["one"]


async def test_while_claude_answers_nothing_else_is_asked_here(reader: Reader) -> None:
    await reader.ask("one", CUT)
    await reader.ask("two", HELD)
    current = reader.current
    for work in (
        asking.ask(current, "three"),
        asking.edit(current, reader.id(0), "three"),
        asking.regenerate(current, reader.id(1)),
        asking.continue_reply(current, reader.id(1)),
        path_commands.fork(current, current.conversation.tip_id or ""),
    ):
        with pytest.raises(Refused, match="still answering"):
            await work
    await reader.release()
    assert reader.seen == await reader.line() == ["one", "The moon rises", "two", "Hello there"]


async def test_a_question_cannot_be_deleted_while_it_is_answered(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    await reader.ask("two", HELD)
    with pytest.raises(Refused, match="still answering"):
        await reader.delete(reader.id(2))
    # The message before it can be regenerated.
    await reader.delete(reader.id(1))
    assert reader.current.reply is not None
    await reader.release()
    assert reader.seen == await reader.line() == ["one", "two", "Hello there"]
    await reader.delete(reader.id(1))
    assert reader.seen == await reader.line() == ["one", "Hello there"]


async def test_a_reply_does_not_take_a_tip_that_has_moved(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    first = reader.id(1)
    await reader.regenerate(1, HELD)
    draft = reader.current.reply
    assert draft is not None
    await path_commands.go_to(reader.current, first)
    assert reader.current.reply is None
    await reader.release()
    assert reader.seen == await reader.line() == ["one", "first"]
    await path_commands.go_to(reader.current, draft.id)
    assert reader.seen == await reader.line() == ["one", "Hello there"]


async def test_read_before_the_reply_has_begun_the_next_question_still_follows_it(
    reader: Reader,
) -> None:
    reader.strict.plans.append(saying("first"))
    # Read again at once, before the reply is on disk.
    await asyncio.gather(asking.ask(reader.current, "one"), reader.current.reload())
    await reader.until_quiet()
    await reader.ask("two", saying("second"))
    assert reader.seen == await reader.line() == ["one", "first", "two", "second"]


async def test_a_message_of_another_conversation_is_not_gone_to(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    elsewhere = reader.id(0)
    await reader.session.new()
    await reader.ask("two", saying("second"))
    with pytest.raises(Refused, match="deleted"):
        await path_commands.go_to(reader.current, elsewhere)
    assert reader.seen == await reader.line() == ["two", "second"]


async def test_later_messages_stay_when_a_message_is_restored(
    reader: Reader,
) -> None:
    await reader.ask("one", saying("first"))
    await reader.delete(reader.id(0))
    await reader.ask("two", saying("second"))
    await conversation_commands.undo(reader.session)
    assert reader.seen == await reader.line() == ["one", "first", "two", "second"]


async def test_a_version_that_is_brought_back_is_read_again(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    await reader.regenerate(1, saying("second"))
    await reader.delete(reader.id(1))
    await reader.ask("two", saying("third"))
    await conversation_commands.undo(reader.session)
    assert reader.seen == await reader.line() == ["one", "second"]


async def test_a_restored_path_ends_with_the_reply_that_is_being_written(
    reader: Reader,
) -> None:
    await reader.ask("one", saying("first"))
    await reader.ask("two", saying("second"))
    question_id = reader.id(2)
    await reader.delete(reader.id(3))
    await reader.edit(0, "one, again", saying("third"))
    elsewhere = reader.id(0)
    # Its reply was deleted, so the path ends with the question.
    await path_commands.go_to(reader.current, question_id)
    await reader.delete(reader.id(1))
    await reader.regenerate(1, HELD)
    await path_commands.go_to(reader.current, elsewhere)
    await conversation_commands.undo(reader.session)
    assert reader.seen == ["one", "first", "two"]
    assert reader.current.reply is not None
    assert await reader.line() == [*reader.seen, ""]
    await reader.release()
    assert reader.seen == await reader.line() == ["one", "first", "two", "Hello there"]


async def brought_back_above(reader: Reader) -> None:
    """Open a path whose tip is a restored reply above a message that was added meanwhile."""
    await reader.ask("one", saying("first"))
    await reader.delete(reader.id(1))
    await reader.ask("two", saying("second"))
    await reader.edit(0, "one, again", saying("third"))
    await conversation_commands.undo(reader.session)
    assert reader.seen == await reader.line() == ["one", "first"]


async def test_a_question_asked_beside_another_has_a_version_mark(reader: Reader) -> None:
    await brought_back_above(reader)
    await reader.ask("three", saying("fourth"))
    assert len(reader.current.versions[reader.id(2)]) == 2


async def test_a_question_from_the_queue_beside_another_has_a_version_mark(
    reader: Reader,
) -> None:
    await brought_back_above(reader)
    reader.session.drafts.queue(reader.session.open_id, "three")
    reader.strict.plans.append(saying("fourth"))
    await question_commands.submit_queued(reader.session, reader.session.open_id)
    await reader.until_quiet()
    assert reader.seen == ["one", "first", "three", "fourth"]
    assert len(reader.current.versions[reader.id(2)]) == 2


async def test_two_are_brought_back_at_once(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    for _ in range(2):
        await reader.delete(reader.id(0))
    await asyncio.gather(
        conversation_commands.undo(reader.session), conversation_commands.undo(reader.session)
    )
    await reader.current.reload()
    assert reader.seen == await reader.line() == ["one", "first"]
    assert await reader.session.undo_stack.take_back() is None


async def test_after_a_reply_that_could_not_begin_the_path_is_complete(
    reader: Reader, history: Path
) -> None:
    await reader.ask("one", saying("first"))
    full = "CREATE TRIGGER full BEFORE INSERT ON requests BEGIN SELECT RAISE(ABORT, 'no'); END"
    change(history, full)
    await reader.ask("two", saying("never asked for"))
    assert reader.headless.problems == ["The history could not be written: no."]
    change(history, "DROP TRIGGER full")
    reader.strict.plans.clear()
    await reader.ask("three", saying("third"))
    assert reader.seen == await reader.line() == ["one", "first", "two", "three", "third"]
    parents = on_disk(history, "SELECT parent_id FROM messages WHERE parent_id IS NOT NULL")
    known = on_disk(history, "SELECT id FROM messages")
    assert {row[0] for row in parents} <= {row[0] for row in known}


def change(history: Path, sql: str) -> None:
    with closing(sqlite3.connect(history)) as connection:
        connection.execute(sql)
        connection.commit()


async def test_a_queued_question_is_not_put_on_another_path(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    await reader.regenerate(1, HELD)
    draft = reader.current.reply
    assert draft is not None
    await question_commands.submit(reader.session, reader.session.open_id, "two")
    first = reader.current.versions[draft.id][0]
    await path_commands.go_to(reader.current, first)
    await reader.release()
    # The question follows the tip, which is the open path's end.
    assert reader.seen == await reader.line() == ["one", "first", "two", "Hello there"]
    current, question = reader.current, reader.current.path[2]
    await path_commands.step_version(current, first, 1)
    assert reader.seen == ["one", "Hello there"]
    assert not current.begun(current.conversation, question, draft)
    assert reader.seen == await reader.line() == ["one", "Hello there"]


class HeldWriter:
    """Decides when the program's writes are done."""

    def __init__(self, store: Store) -> None:
        self._thread = store.threads.writer_thread
        self._holds: list[threading.Event] = []

    async def hold(self) -> threading.Event:
        """Make the next writes wait until the event is set."""
        goes_on = threading.Event()
        self._holds.append(goes_on)
        self._thread.submit(goes_on.wait)
        if len(self._holds) == 1:
            await self.until_waiting(0)
        return goes_on

    async def until_waiting(self, count: int) -> None:
        """Wait until this many writes and holds wait behind the first hold."""
        await wait_until(lambda: self._thread._work_queue.qsize() == count)

    def release(self) -> None:
        """Let every write go on."""
        for each in self._holds:
            each.set()


@pytest.fixture
def writer(reader: Reader) -> Iterator[HeldWriter]:
    writer = HeldWriter(reader.session.store)
    yield writer
    writer.release()


@pytest.mark.parametrize("moved_by", ["another version", "undo"])
async def test_a_queued_question_is_open_even_if_the_path_changed_while_it_was_asked(
    reader: Reader, writer: HeldWriter, moved_by: str
) -> None:
    session, open_id = reader.session, reader.session.open_id
    await reader.ask("one", saying("first"))
    await reader.regenerate(1, saying("second"))
    if moved_by == "undo":
        await reader.delete(reader.id(1))
        await reader.regenerate(1, saying("third"))
    session.drafts.queue(open_id, "two")
    await session.drafts.save()
    reader.strict.plans.append(saying("fourth"))
    move = await writer.hold()
    works = [
        asyncio.create_task(
            conversation_commands.undo(session)
            if moved_by == "undo"
            else message_commands.step_version(session, open_id, reader.id(1), -1)
        )
    ]
    await writer.until_waiting(1)
    question = await writer.hold()
    works.append(asyncio.create_task(question_commands.submit_queued(session, open_id)))
    # By then it has read where the tip is.
    await writer.until_waiting(3)
    move.set()
    await works[0]
    question.set()
    await works[1]
    await reader.until_quiet()
    answer = "second" if moved_by == "undo" else "first"
    assert reader.seen == await reader.line() == ["one", answer, "two", "fourth"]


async def test_a_queued_question_is_open_at_once_even_if_another_window_moved_the_tip(
    reader: Reader, history: Path
) -> None:
    await reader.ask("one", saying("first"))
    await reader.regenerate(1, saying("second"))
    session, open_id = reader.session, reader.session.open_id
    with open_store(history) as other:
        await other.branches.move_tip(open_id, reader.current.versions[reader.id(1)][0])
    shown = list[Change]()
    session.subscribe(shown.append)
    session.drafts.queue(open_id, "two")
    reader.strict.plans.append(HELD)
    await question_commands.submit_queued(session, open_id)
    await reader.until_quiet()
    assert reader.seen == ["one", "first", "two"]
    assert reader.current.reply is session.scheduler.streaming[open_id]
    assert PathChanged(open_id) in shown
    await reader.release()
    assert reader.seen == await reader.line() == ["one", "first", "two", "Hello there"]


async def test_a_question_sent_before_another_conversation_opens_stays_in_its_own(
    reader: Reader,
) -> None:
    await reader.ask("one", saying("first"))
    left, session = reader.session.open_id, reader.session
    reader.strict.plans.append(saying("second"))
    async with session.current.lock:
        # While another change is in progress there.
        opening = asyncio.create_task(session.new())
        await asyncio.wait([opening], timeout=0.3)
        assert session.open_id == left or opening.done()
        asking = asyncio.create_task(question_commands.submit(session, left, "two"))
        await asyncio.wait([asking], timeout=0.3)
    await asyncio.gather(asking, opening)
    await reader.until_quiet()
    assert session.open_id != left
    assert reader.seen == []
    await session.open(left)
    assert reader.seen == await reader.line() == ["one", "first", "two", "second"]


async def test_a_purge_that_failed_is_tried_again_by_itself(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge_schedule, "AGAIN_AFTER", 0.01)
    await reader.ask("Hi", saying("Hello"))
    gone = reader.session.open_id
    await conversation_commands.delete(reader.session, [gone])
    reader.headless.clock.later = UNDO_SECONDS + 1
    Failing(reader.session.store, ["purging.deleted"], 1)
    with pytest.raises(HistoryError):
        await reader.headless.purges.purge()
    sql = "SELECT 1 FROM conversations WHERE id = ? AND purged_ms IS NOT NULL"
    history = reader.session.store.path
    await wait_until(lambda: on_disk(history, sql, gone))


@pytest.mark.parametrize("name", ["drafts.scroll_anchor", "snapshot", "drafts.draft"])
async def test_a_deletion_counts_even_if_no_other_conversation_can_be_opened(
    reader: Reader, name: str
) -> None:
    await reader.ask("Hi", saying("Hello"))
    gone = reader.session.open_id
    Failing(reader.session.store, [name], 1)
    assert [each.id for each in await conversation_commands.delete(reader.session, [gone])] == [
        gone
    ]
    assert reader.headless.problems == [told(name)]
    await reader.headless.other_windows.poll()
    assert reader.session.open_id != gone
    assert reader.headless.problems == [told(name)]
    await conversation_commands.undo(reader.session)
    assert (reader.session.open_id, len(reader.current.path)) == (gone, 2)


@pytest.mark.parametrize("ending", ["edit", "draft"])
async def test_a_text_that_could_not_be_sent_comes_before_a_later_draft(
    reader: Reader, ending: str
) -> None:
    await reader.ask("Hi", saying("Hello"))
    here, question_id = reader.session.open_id, reader.id(0)
    reader.session.drafts.write(here, "a draft")
    await message_commands.begin_edit(reader.session, here, question_id)
    reader.session.drafts.write(here, "Hi!")
    edited_id = question_id if ending == "edit" else None
    message_commands.give_back(reader.session, here, "given back", edited_id)
    draft = reader.session.drafts.draft(here)
    assert (draft.text, draft.edit) == (
        ("a draft", "given back\nHi!") if edited_id else ("given back\na draft", "Hi!")
    )


async def test_a_title_that_could_not_be_read_is_shown_by_the_next_poll(reader: Reader) -> None:
    session, shown = reader.session, list[str]()
    await reader.ask("Hi", saying("Hello"))
    session.subscribe(
        lambda change: (
            shown.append(session.current.conversation.title)
            if isinstance(change, TitleChanged)
            else None
        )
    )
    Failing(session.store, ["conversation"], 1)
    await conversation_commands.rename(session, session.open_id, "Another title")
    assert shown == ["Hi"]
    await reader.headless.other_windows.poll()
    assert shown == ["Hi", "Another title"]
