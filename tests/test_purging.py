"""A purge removes the text from every file, but not the costs from the request log."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.scripted import Close, Reply, Scripted, end, refuses, says, start, text, thinking
from tests.turns import MODEL, SetClock, converse, on_disk, reply_to
from tui.chat import turn
from tui.chat.undo_stack import UNDO_SECONDS, UndoStack
from tui.claude import Claude
from tui.domain.conversation import Conversation
from tui.domain.parameters import Parameters
from tui.store import HistoryError, Store, open_store

SECRETS = (
    "xylophonequestion",
    "xylophonereply",
    "xylophonethought",
    "xylophoneerror",
    "鯨鯢秘",
    "xylophonesystem",
)


def found_in(folder: Path, secret: str) -> list[str]:
    """Return the files below a folder that contain a word, in any encoding."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and secret.lower().encode() in path.read_bytes().lower()
    ]


async def secret_conversation(server: Scripted, claude: Claude, store: Store) -> str:
    """Make a conversation with unique words; return its id."""
    server.will(
        Reply(
            [
                start(),
                *thinking(0, "a xylophonethought "),
                *text(1, "the xylophonereply ", "鯨鯢秘 " * 50),
                *end(),
            ]
        )
    )
    message = await converse(store, claude, "a xylophonequestion", system="xylophonesystem")
    server.will(refuses(400, "invalid_request_error", "no xylophoneerror"))
    await converse(store, claude, "more xylophonequestion", after=message)
    return message.conversation_id


async def fill(server: Scripted, claude: Claude, store: Store, number: int = 20) -> None:
    for each in range(number):
        server.will(says(f"answer {each} " + "lorem ipsum " * 30))
        await converse(store, claude, f"question {each} dolor")


async def test_after_purging_no_file_holds_a_word_of_it(
    server: Scripted, claude: Claude, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with open_store(folder / "history.db") as store:
        await fill(server, claude, store)
        secret = await secret_conversation(server, claude, store)
        await fill(server, claude, store)
        assert all(found_in(folder, word) for word in SECRETS)
        await store.delete([secret])
        assert await store.purge(before_ms=store.clock.now_ms()) == [secret]
        # While the program still runs, before SQLite truncates the WAL.
        assert {word: found_in(folder, word) for word in SECRETS} == {
            word: [] for word in SECRETS
        }
        assert len(await store.conversations()) == 40
    assert {word: found_in(folder, word) for word in SECRETS} == {word: [] for word in SECRETS}


async def test_the_costs_stay_in_the_request_log(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    secret = await secret_conversation(server, claude, store)
    spent = "SELECT id, input_tokens, output_tokens, state FROM requests"
    before = [tuple(row) for row in on_disk(history, spent)]
    await store.delete([secret])
    await store.purge(before_ms=store.clock.now_ms())
    assert [tuple(row) for row in on_disk(history, spent)] == before
    assert len(before) == 2


async def test_until_it_is_purged_it_can_be_restored_as_it_was(
    server: Scripted, claude: Claude, store: Store
) -> None:
    secret = await secret_conversation(server, claude, store)
    before = await store.conversation(secret)
    assert before is not None
    line = await store.read_path(before.tip_id)
    await store.delete([secret])
    assert await store.conversation(secret) is None
    assert await store.conversations() == []
    assert on_disk(store.path, "SELECT * FROM transcript") == []
    await store.restore([secret])
    assert await store.conversation(secret) == before
    assert await store.read_path(before.tip_id) == line
    await store.delete([secret])
    await store.purge(before_ms=store.clock.now_ms())
    await store.restore([secret])
    assert await store.conversation(secret) is None


async def test_only_what_was_deleted_before_is_purged(
    server: Scripted, claude: Claude, store: Store
) -> None:
    secret = await secret_conversation(server, claude, store)
    before_ms = store.clock.now_ms() - 1
    await store.delete([secret])
    assert await store.purge(before_ms=before_ms) == []
    await store.restore([secret])
    assert await store.conversation(secret) is not None


async def test_a_purge_that_was_broken_off_is_taken_up_again(
    server: Scripted, claude: Claude, store: Store, tmp_path: Path
) -> None:
    secret = await secret_conversation(server, claude, store)
    await store.delete([secret])
    # The state after a program died before it merged the index.
    while await store.purging._remove_some(secret):
        pass
    assert found_in(tmp_path, "xylophonereply")
    assert await store.purge(before_ms=store.clock.now_ms()) == [secret]
    assert not found_in(tmp_path, "xylophonereply")
    assert await store.purge(before_ms=store.clock.now_ms()) == []


async def test_nothing_is_asked_in_a_conversation_that_is_deleted(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.will(says("Hello"))
    message = await converse(store, claude)
    await store.delete([message.conversation_id])
    conversation = await store.conversation(message.conversation_id)
    assert conversation is None
    gone = Conversation(message.conversation_id, Parameters(MODEL), 1, 1, title="Hi")
    with pytest.raises(HistoryError, match="deleted"):
        await turn.ask(store, gone, "more")


async def test_while_another_program_reads_it_is_not_done(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    secret = await secret_conversation(server, claude, store)
    await store.delete([secret])
    store.threads.writer().conn.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(history, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM messages").fetchone()
        await store.purge(before_ms=store.clock.now_ms())
        assert found_in(history.parent, "xylophonereply")
    await store.purge(before_ms=store.clock.now_ms())
    assert not found_in(history.parent, "xylophonereply")
    assert await store.purge(before_ms=store.clock.now_ms()) == []


async def test_no_file_holds_a_word_of_a_purged_message(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    await fill(server, claude, store)
    first = await converse(store, claude, "a question that stays")
    broken = text(0, "half a xylophonereply")[:-1]
    server.will(Reply([start(), *broken, Close()]), says("and the rest"))
    half = await converse(store, claude, "and another", after=first)
    conversation = await store.conversation(half.conversation_id)
    assert conversation is not None
    # The question that continues it quotes it.
    _, asked = await turn.continue_reply(store, conversation, half)
    assert "xylophonereply" in asked.text
    await reply_to(store, claude, asked)
    await store.branches.delete(half.id)
    assert await store.purge(before_ms=store.clock.now_ms()) == [half.id]
    assert found_in(history.parent, "xylophonereply") == []
    conversation = await store.conversation(half.conversation_id)
    assert conversation is not None
    line = await store.read_path(conversation.tip_id)
    assert [message.text for message in line] == [
        "a question that stays", "Hello there", "and another", "", "and the rest",
    ]  # fmt: skip
    # The conversation can continue: an empty message is not sent.
    await converse(store, claude, "more", after=line[-1])
    sent = server.asked[-1].json["messages"]
    assert [message["role"] for message in sent] == [
        "user", "assistant", "user", "assistant", "user",
    ]  # fmt: skip


async def test_a_message_restored_at_the_last_moment_keeps_its_text(
    claude: Claude, store: Store, history: Path
) -> None:
    reply = await converse(store, claude, "one")
    other = await converse(store, claude, "two")
    await store.branches.delete(reply.id)
    await store.delete([other.conversation_id])
    with closing(sqlite3.connect(history, isolation_level=None)) as program:
        # Until this ends nothing can be written; the rows to purge are read before that.
        program.execute("BEGIN IMMEDIATE")
        restoring = asyncio.gather(
            store.branches.restore(reply.id, reply.id), store.restore([other.conversation_id])
        )
        await asyncio.sleep(0)
        purging = asyncio.create_task(store.purge(before_ms=store.clock.now_ms()))
        await store.is_demo("")
        await store.is_demo("")
        program.execute("COMMIT")
    await asyncio.gather(restoring, purging)
    for kept in (reply, other):
        assert await store.read_path(kept.id) == [*await store.read_path(kept.parent_id), kept]
        assert await store.conversation(kept.conversation_id) is not None


async def test_a_row_that_is_being_purged_cannot_be_restored(
    claude: Claude, history: Path
) -> None:
    clock = SetClock()
    with open_store(history, clock) as store:
        reply = await converse(store, claude, "one")
        undo_stack = UndoStack(store)
        await undo_stack.put(reply.conversation_id)
        clock.later = UNDO_SECONDS + 1
        emptying = asyncio.create_task(undo_stack.empty())
        await asyncio.sleep(0)
        assert await undo_stack.take_back() is None
        assert await emptying
    assert on_disk(history, "SELECT count(*) FROM messages")[0][0] == 0


async def test_a_system_prompt_is_kept_as_long_as_a_reply_was_made_under_it(
    claude: Claude, store: Store, history: Path
) -> None:
    def prompts() -> list[str]:
        found = on_disk(history, "SELECT text FROM system_prompts ORDER BY text")
        return [text for (text,) in found]

    first = await converse(store, claude, "one", system="Be kind.")
    second = await converse(store, claude, "two", system="Be kind.")
    third = await converse(store, claude, "more", after=second, system="Be brief.")
    assert prompts() == ["Be brief.", "Be kind."]
    await store.delete([first.conversation_id])
    await store.purge(before_ms=store.clock.now_ms())
    assert prompts() == ["Be brief.", "Be kind."]
    await store.branches.delete(third.id)
    assert prompts() == ["Be brief.", "Be kind."]
    await store.purge(before_ms=store.clock.now_ms())
    assert prompts() == ["Be kind."]
    await store.delete([second.conversation_id])
    await store.purge(before_ms=store.clock.now_ms())
    assert prompts() == []
