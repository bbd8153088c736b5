"""Which program may ask on a branch, as the history records it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.headless import Headless
from tests.turns import ask, converse, on_disk
from tui.chat import turn
from tui.claude import Claude
from tui.domain.conversation import Conversation, Message
from tui.domain.parameters import Parameters
from tui.store import BranchBusy, HistoryError, Store, open_store
from tui.store.claims import Tip


@pytest.fixture
def other(history: Path, store: Store) -> Iterator[Store]:
    """The same history, opened as another program does."""
    assert store.path == history
    with open_store(history) as other:
        yield other


async def read(store: Store, message: Message) -> Conversation:
    found = await store.conversation(message.conversation_id)
    assert found is not None
    return found


def claims(history: Path) -> list[str]:
    return [row["message_id"] for row in on_disk(history, "SELECT message_id FROM streams")]


async def test_a_question_keeps_its_branch_before_its_reply_has_begun(
    store: Store, other: Store, history: Path
) -> None:
    question = await ask(store, "one")
    assert claims(history) == [question.id]
    assert await other.claims.tip(question.conversation_id) == Tip(
        "user", "complete", is_busy=True
    )
    with pytest.raises(BranchBusy, match="another window"):
        await turn.ask(other, await read(other, question), "two")
    # A program does not wait for its own reply, and another branch is free.
    assert await store.claims.tip(question.conversation_id) == Tip(
        "user", "complete", is_busy=False
    )
    _, beside = await turn.ask_after(other, await read(other, question), "two", parent_id=None)
    assert claims(history) == [question.id, beside.id]


async def test_a_question_that_is_asked_again_keeps_its_branch_too(
    store: Store, other: Store, claude: Claude, history: Path
) -> None:
    reply = await converse(store, claude, "one")
    await claude.close()
    question_id, before = str(reply.parent_id), await read(other, reply)
    await store.branches.ask_again(before, question_id)
    assert claims(history) == [question_id]
    assert await other.claims.tip(reply.conversation_id) == Tip(
        "user", "complete", is_busy=True
    )
    # It would be sent without the reply before it.
    with pytest.raises(BranchBusy):
        await turn.ask(other, await read(other, reply), "two")
    with pytest.raises(BranchBusy):
        await other.branches.ask_again(before, question_id)
    # The program itself may try again, and the branch that was left is free.
    await store.branches.ask_again(before, question_id)
    await turn.ask(other, before, "two")


async def test_a_program_that_is_gone_claims_nothing(
    store: Store, other: Store, history: Path
) -> None:
    question = await ask(store, "one")
    store.claims.close()
    store.claims._owner = None
    assert claims(history) == [question.id]
    assert await other.claims.tip(question.conversation_id) == Tip(
        "user", "complete", is_busy=False
    )
    await turn.ask(other, await read(other, question), "two")
    assert await other.recover() == 0
    assert question.id not in claims(history)


async def test_a_question_after_another_programs_question_is_too_late(
    store: Store, other: Store, claude: Claude
) -> None:
    reply = await converse(store, claude, "one")
    before = await read(other, reply)
    await converse(store, claude, "two", after=reply)
    with pytest.raises(BranchBusy):
        await turn.ask(other, before, "three")
    _, question = await turn.ask(other, await read(other, reply), "three")
    assert [each.text for each in await other.read_path(question.id)][::2] == [
        "one",
        "two",
        "three",
    ]
    await claude.close()


async def test_a_reply_that_a_dead_program_left_is_ended_before_anything_follows_it(
    store: Store, other: Store, claude: Claude, history: Path
) -> None:
    reply = await converse(store, claude, "one")
    await claude.close()
    unfinished = "UPDATE messages SET state = 'streaming' WHERE id = ?"
    await store.claims.release(reply.id)
    change_on_disk(history, unfinished, reply.id)
    with pytest.raises(BranchBusy):
        await turn.ask(other, await read(other, reply), "two")
    assert await other.recover() == 1
    await turn.ask(other, await read(other, reply), "two")


async def test_a_question_whose_reply_cannot_begin_keeps_nobody_waiting(
    history: Path, claude: Claude
) -> None:
    program = Headless(history, claude)
    change_on_disk(
        history,
        "CREATE TRIGGER full BEFORE INSERT ON requests BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    with open_store(history) as store:
        question = await ask(store, "one")
        with pytest.raises(HistoryError):
            await turn.reply(
                store,
                claude,
                question,
                turn.empty_reply(store, question, Parameters("model")),
                lambda _: None,
                parameters=Parameters("model"),
                tip_id=question.id,
            )
        assert claims(history) == []
        await turn.ask(program.store, await read(program.store, question), "two")
    await program.leave(is_interrupted=False)
    await claude.close()


def change_on_disk(history: Path, sql: str, *parameters: object) -> None:
    with closing(sqlite3.connect(history)) as connection, connection:
        connection.execute(sql, parameters)
