"""The conversation that is read: its line, its versions, and moving about in it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.program import Program
from tests.scripted import Scripted
from tests.strict import OPUS, Piece, Plan, Strict
from tests.turns import MODEL, on_disk
from tui.claude import Claude
from tui.reading import Reading, Refused

CUT = Plan((Piece("text", ("The moon rises",)),), ending="cut", until=2)
HELD = Plan((Piece("text", ("Hello", " there")),), is_held=True, until=2)


def saying(words: str) -> Plan:
    return Plan((Piece("text", (words,)),))


class Reader:
    """Somebody who reads, and what is answered."""

    def __init__(self, program: Program, server: Scripted) -> None:
        self.program = program
        self.server = server
        self.strict = Strict(server)

    @property
    def reading(self) -> Reading:
        return self.program.reading

    async def ask(self, text: str, plan: Plan) -> None:
        self.strict.plans.append(plan)
        await self.program.send(text)
        await self.until_quiet()

    async def edit(self, at: int, text: str, plan: Plan) -> None:
        self.strict.plans.append(plan)
        await self.reading.edit(self.id(at), text)
        await self.until_quiet()

    async def regenerate(self, at: int, plan: Plan, model: str | None = None) -> None:
        self.strict.plans.append(plan)
        await self.reading.regenerate(self.id(at), model)
        await self.until_quiet()

    async def release(self) -> None:
        for said in self.strict.running():
            said.hold.release()
        await self.until_quiet()

    async def until_quiet(self) -> None:
        await self.program.until_quiet(self.strict)

    def id(self, at: int) -> str:
        return self.reading.line[at].id

    @property
    def seen(self) -> list[str]:
        """The words of what is read."""
        return [message.text for message in self.reading.line]

    async def line(self) -> list[str]:
        """The same, as the history has it."""
        conversation = await self.program.store.conversation(self.program.open_id)
        assert conversation is not None
        assert conversation.tip_id == self.reading.conversation.tip_id
        return [message.text for message in await self.program.store.line(conversation.tip_id)]


@pytest.fixture
async def reader(history: Path, server: Scripted, claude: Claude) -> AsyncIterator[Reader]:
    reader = Reader(Program(history, claude), server)
    yield reader
    await reader.program.leave(is_interrupted=False)
    await claude.close()
    assert reader.strict.refusals == []


async def test_an_edit_stands_beside_the_question_and_the_old_one_keeps_what_followed(
    reader: Reader,
) -> None:
    await reader.ask("one", saying("first"))
    await reader.ask("two", saying("second"))
    old = reader.id(2)
    await reader.edit(2, "two, better", saying("third"))
    assert reader.seen == await reader.line() == ["one", "first", "two, better", "third"]
    assert reader.reading.versions == {reader.id(2): (old, reader.id(2))}
    assert await reader.reading.step_version(reader.id(2), -1) == old
    assert reader.seen == await reader.line() == ["one", "first", "two", "second"]


async def test_the_first_question_has_versions_too(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    await reader.edit(0, "another", saying("second"))
    assert reader.seen == await reader.line() == ["another", "second"]
    assert await reader.reading.step_version(reader.id(0), -1) is not None
    assert reader.seen == ["one", "first"]


async def test_another_model_is_asked_and_gone_on_with(reader: Reader) -> None:
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
        is_other = await reader.reading.step_version(reader.id(1), step) is not None
        found.append((is_other, reader.seen[1]))
    assert found == [
        (False, "third"), (True, "second"), (True, "first"), (False, "first"), (True, "second"),
    ]  # fmt: skip
    assert await reader.line() == reader.seen


async def test_a_fork_has_the_line_up_to_there_and_leaves_what_it_left(reader: Reader) -> None:
    await reader.ask("one", Plan((Piece("thinking", ("Hm",)), Piece("text", ("first",)))))
    await reader.ask("two", saying("second"))
    before, taken = await reader.line(), reader.strict.thoughts_taken
    left, blocks = reader.program.open_id, [each.blocks for each in reader.reading.line[:2]]
    await reader.program.fork(reader.id(1), is_read=True)
    assert [each.blocks for each in reader.reading.line] == blocks
    await reader.ask("three", saying("third"))
    assert reader.seen == await reader.line() == ["one", "first", "three", "third"]
    # The thought is bound to what stands before it, and that is the same.
    assert reader.strict.thoughts_taken == taken + 1
    await reader.program.open(left)
    assert reader.seen == await reader.line() == before


async def test_what_broke_off_is_gone_on_with_after_it(reader: Reader) -> None:
    await reader.ask("one", CUT)
    reader.strict.plans.append(saying(" in the east"))
    await reader.reading.go_on(reader.id(1))
    await reader.until_quiet()
    assert await reader.line() == reader.seen
    assert (reader.seen[1], reader.seen[3]) == ("The moon rises", " in the east")
    assert reader.reading.line[2].is_continuation
    with pytest.raises(Refused, match="that broke off"):
        await reader.reading.go_on(reader.id(3))


async def test_a_deleted_version_gives_way_to_another(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    await reader.regenerate(1, saying("second"))
    await reader.reading.delete(reader.id(1))
    assert reader.seen == await reader.line() == ["one", "first"]
    await reader.reading.delete(reader.id(1))
    assert reader.seen == await reader.line() == ["one"]


async def test_while_claude_answers_nothing_else_is_asked_here(reader: Reader) -> None:
    await reader.ask("one", CUT)
    await reader.ask("two", HELD)
    reading = reader.reading
    for work in (
        reading.ask("three"),
        reading.edit(reader.id(0), "three"),
        reading.regenerate(reader.id(1)),
        reading.go_on(reader.id(1)),
        reading.fork(reading.conversation.tip_id or ""),
    ):
        with pytest.raises(Refused, match="still answering"):
            await work
    await reader.release()
    assert reader.seen == await reader.line() == ["one", "The moon rises", "two", "Hello there"]


async def test_a_question_cannot_be_deleted_while_it_is_answered(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    await reader.ask("two", HELD)
    with pytest.raises(Refused, match="still answering"):
        await reader.reading.delete(reader.id(2))
    # What stands before it can.
    await reader.reading.delete(reader.id(1))
    assert reader.reading.draft is not None
    await reader.release()
    assert reader.seen == await reader.line() == ["one", "two", "Hello there"]
    await reader.reading.delete(reader.id(1))
    assert reader.seen == await reader.line() == ["one", "Hello there"]


async def test_a_reply_does_not_take_a_tip_that_has_moved(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    first = reader.id(1)
    await reader.regenerate(1, HELD)
    draft = reader.reading.draft
    assert draft is not None
    await reader.reading.go_to(first)
    assert reader.reading.draft is None
    await reader.release()
    assert reader.seen == await reader.line() == ["one", "first"]
    await reader.reading.go_to(draft.id)
    assert reader.seen == await reader.line() == ["one", "Hello there"]


async def test_read_before_the_reply_has_begun_the_next_question_still_follows_it(
    reader: Reader,
) -> None:
    reader.strict.plans.append(saying("first"))
    # Read anew at once: the reply is not on disk then.
    await asyncio.gather(reader.reading.ask("one"), reader.reading.reload())
    await reader.until_quiet()
    await reader.ask("two", saying("second"))
    assert reader.seen == await reader.line() == ["one", "first", "two", "second"]


async def test_a_message_of_another_conversation_is_not_gone_to(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    elsewhere = reader.id(0)
    await reader.program.open(None)
    await reader.ask("two", saying("second"))
    with pytest.raises(Refused, match="gone"):
        await reader.reading.go_to(elsewhere)
    assert reader.seen == await reader.line() == ["two", "second"]


async def test_what_was_said_since_stays_when_a_message_is_brought_back(
    reader: Reader,
) -> None:
    await reader.ask("one", saying("first"))
    await reader.reading.delete(reader.id(0))
    await reader.ask("two", saying("second"))
    await reader.program.undo()
    assert reader.seen == await reader.line() == ["one", "first", "two", "second"]


async def test_a_version_that_is_brought_back_is_read_again(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    await reader.regenerate(1, saying("second"))
    await reader.reading.delete(reader.id(1))
    await reader.ask("two", saying("third"))
    await reader.program.undo()
    assert reader.seen == await reader.line() == ["one", "second"]


async def brought_back_above(reader: Reader) -> None:
    """Read a reply that was brought back, after which something was said meanwhile."""
    await reader.ask("one", saying("first"))
    await reader.reading.delete(reader.id(1))
    await reader.ask("two", saying("second"))
    await reader.edit(0, "one, again", saying("third"))
    await reader.program.undo()
    assert reader.seen == await reader.line() == ["one", "first"]


async def test_a_question_asked_beside_another_has_a_version_mark(reader: Reader) -> None:
    await brought_back_above(reader)
    await reader.ask("three", saying("fourth"))
    assert len(reader.reading.versions[reader.id(2)]) == 2


async def test_a_question_from_the_queue_beside_another_has_a_version_mark(
    reader: Reader,
) -> None:
    await brought_back_above(reader)
    reader.program.desk.queue(reader.program.open_id, "three")
    reader.strict.plans.append(saying("fourth"))
    await reader.program.replies.ask_next(reader.program.open_id)
    await reader.until_quiet()
    assert reader.seen == ["one", "first", "three", "fourth"]
    assert len(reader.reading.versions[reader.id(2)]) == 2


async def test_two_are_brought_back_at_once(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    for _ in range(2):
        await reader.reading.delete(reader.id(0))
    await asyncio.gather(reader.program.undo(), reader.program.undo())
    await reader.reading.reload()
    assert reader.seen == await reader.line() == ["one", "first"]
    assert await reader.program.trash.take_back() is None


async def test_after_a_reply_that_could_not_begin_the_line_is_whole(
    reader: Reader, history: Path
) -> None:
    await reader.ask("one", saying("first"))
    full = "CREATE TRIGGER full BEFORE INSERT ON streams BEGIN SELECT RAISE(ABORT, 'no'); END"
    change(history, full)
    await reader.ask("two", saying("never asked for"))
    assert reader.program.problems == ["The history could not be written: no."]
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


async def test_a_question_from_the_queue_is_not_put_on_another_line(reader: Reader) -> None:
    await reader.ask("one", saying("first"))
    await reader.regenerate(1, HELD)
    draft = reader.reading.draft
    assert draft is not None
    await reader.program.send("two")
    first = reader.reading.versions[draft.id][0]
    await reader.reading.go_to(first)
    await reader.release()
    # It was asked where the tip was: at what is read.
    assert reader.seen == await reader.line() == ["one", "first", "two", "Hello there"]
    reading, question = reader.reading, reader.reading.line[2]
    await reading.step_version(first, 1)
    assert reader.seen == ["one", "Hello there"]
    assert not reading.begun(reading.conversation, question, draft)
    assert reader.seen == await reader.line() == ["one", "Hello there"]
