from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.scripted import Reply, Scripted, end, refuses, start, text, thinking
from tests.turns import MODEL, SetClock, ask, converse, on_disk
from tui.chat import turn
from tui.claude import Claude
from tui.domain.cjk import query_bigrams
from tui.domain.conversation import Block, Conversation, Message
from tui.domain.parameters import Parameters
from tui.domain.request import Request
from tui.store import HistoryError, Store, open_store, schema
from tui.store import connection as opening
from tui.store.connection import connect
from tui.store.migration import version_of
from tui.store.preparing import prepare
from tui.text.sanitise import fix_surrogates

ANY_TEXT = st.text(st.characters() | st.sampled_from("\0\ud83d\ude00\u691c"))
"""Text of any characters, with NUL and halves of surrogate pairs."""

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
    max_leaves=8,
)
BLOCKS = st.builds(
    lambda fields, order: {name: fields[name] for name in order(fields)},
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "thinking", "hologram"]) | ANY_JSON},
        optional={"text": ANY_JSON, "thinking": ANY_JSON, "signature": ANY_TEXT},
    ).flatmap(lambda known: st.dictionaries(ANY_TEXT, ANY_JSON).map(lambda more: more | known)),
    st.sampled_from([sorted, list, lambda names: list(names)[::-1]]),
)


def storable(value: Any) -> Any:
    """Return a JSON value with the surrogates in its strings fixed."""
    if isinstance(value, dict):
        return {storable(name): storable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [storable(inner) for inner in value]
    return fix_surrogates(value) if isinstance(value, str) else value


async def begin(
    store: Store, question: Message, *, owner: str | None = None
) -> tuple[Message, Request]:
    """Begin a reply, as a turn does before its request."""
    now = store.clock.now_ms()
    message = Message(
        id=store.new_id(),
        conversation_id=question.conversation_id,
        role="assistant",
        blocks=(),
        created_ms=now,
        parent_id=question.id,
        state="streaming",
        model=MODEL,
        endpoint=owner or "somewhere",
    )
    request = Request(
        store.new_id(), message.conversation_id, message.id, "somewhere", MODEL, now
    )
    await store.begin_reply(message, request, tip_id=question.id)
    return message, request


# Round trips


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(wires=st.lists(BLOCKS, min_size=1, max_size=3))
@example(wires=[{"text": "a\0b", "type": "text"}, {"type": "thinking", "thinking": "\ud83d"}])
@example(wires=[{"type": "\ud83d"}, {"type": "text", "text": None}, {}])
async def test_any_block_comes_back_as_it_was_stored(
    store: Store, wires: list[dict[str, Any]]
) -> None:
    now = store.clock.now_ms()
    conversation = Conversation(store.new_id(), Parameters(MODEL), now, now)
    message = Message(
        id=store.new_id(),
        conversation_id=conversation.id,
        role="user",
        blocks=tuple(Block(wire, is_sendable=bool(at % 2)) for at, wire in enumerate(wires)),
        created_ms=now,
    )
    await store.add_question(conversation, message)
    (found,) = await store.read_path(message.id)
    assert json.dumps([block.wire for block in found.blocks]) == json.dumps(storable(wires))
    assert [block.is_sendable for block in found.blocks] == [
        block.is_sendable for block in message.blocks
    ]


async def test_surrogates_in_titles_and_system_prompts_are_fixed(store: Store) -> None:
    now = store.clock.now_ms()
    conversation = Conversation(
        store.new_id(), Parameters(MODEL, "\ude00b"), now, now, title="a\ud83d"
    )
    await turn.ask(store, conversation, "\ud83d")
    found = await store.conversation(conversation.id)
    assert found is not None
    assert (found.title, found.parameters.system) == ("a\ufffd", "\ufffdb")


async def test_a_reply_that_has_not_begun_yet_is_a_version_of_the_open_one(
    store: Store, claude: Claude
) -> None:
    """The path may be read again before the running reply is on disk."""
    first = await converse(store, claude)
    (question, _) = await store.read_path(first.id)
    draft = turn.empty_reply(store, question, Parameters(MODEL))
    conversation = await store.conversation(first.conversation_id)
    assert conversation is not None
    beside = (first.id, draft.id)
    assert (await store.snapshot(conversation, draft)).versions == {first.id: beside}
    assert await store.branches.versions(question.id, draft) == {draft.id: beside}


async def test_a_conversation_takes_over_the_model_and_system_prompt_asked_with(
    store: Store,
) -> None:
    first = await ask(store, system="Be brief.")
    conversation = await store.conversation(first.conversation_id)
    assert conversation is not None
    newer = Conversation(
        conversation.id,
        Parameters("other", "Be kind."),
        0,
        0,
        title="ignored",
        tip_id=first.id,
        saved_parameters=conversation.parameters,
    )
    _, second = await turn.ask(store, newer, "More")
    found = await store.conversation(conversation.id)
    assert found is not None
    assert (found.parameters, found.title) == (Parameters("other", "Be kind."), "Hi")
    assert (found.tip_id, found.created_ms) == (second.id, conversation.created_ms)
    assert [message.id for message in await store.read_path(second.id)] == [first.id, second.id]


async def test_the_conversation_used_last_comes_first(store: Store) -> None:
    asked = [await ask(store, word) for word in ("one", "two", "three")]
    # Within one millisecond no time is later than another.
    store.clock.start_after(store.clock.now_ms())
    await ask(store, "again", after=asked[0])
    assert [found.title for found in await store.conversations()] == ["one", "three", "two"]
    assert [found.title for found in await store.conversations(limit=1)] == ["one"]


async def test_a_write_is_done_even_if_nobody_waits_for_it(store: Store, history: Path) -> None:
    questions = [await ask(store, "one")]
    with closing(sqlite3.connect(history, isolation_level=None)) as other:
        # While another program writes, the writes of this one are queued.
        other.execute("BEGIN IMMEDIATE")
        tasks = [asyncio.create_task(ask(store, word, after=None)) for word in ("two", "three")]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() for task in tasks)
        other.execute("ROLLBACK")
    await ask(store, "four", after=questions[0])
    words = on_disk(history, "SELECT text FROM transcript ORDER BY message_id")
    assert [row["text"] for row in words] == ["one", "two", "three", "four"]


async def test_closing_waits_for_the_writes_asked_for(history: Path) -> None:
    with open_store(history) as store:
        task = asyncio.create_task(ask(store, "late"))
        await asyncio.sleep(0)
    await task
    assert len(on_disk(history, "SELECT * FROM messages")) == 1


async def test_a_write_that_fails_is_reported(
    history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "BUSY_TIMEOUT", 0.05)
    with open_store(history) as store, closing(sqlite3.connect(history)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError, match="could not be written: database is locked"):
            await ask(store)
        other.execute("ROLLBACK")
        await ask(store)
    assert len(on_disk(history, "SELECT * FROM messages")) == 1


async def test_a_write_that_fails_leaves_nothing_of_itself(store: Store, history: Path) -> None:
    question = await ask(store)
    with pytest.raises(HistoryError):
        # The id exists already, which fails only after the conversation was written.
        await store.add_question(
            Conversation(store.new_id(), Parameters(MODEL), 0, 0), question
        )
    assert len(on_disk(history, "SELECT * FROM conversations")) == 1
    assert (await store.read_path(question.id))[0].text == "Hi"


# Views for other programs


def columns(history: Path, view: str) -> list[str]:
    return [row["name"] for row in on_disk(history, f"PRAGMA table_info({view})")]


async def test_the_transcript_view_reads_as_promised(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    server.will(
        Reply([start(), *thinking(0, "H", "m"), *text(1, "One"), *text(2, " two"), *end()])
    )
    reply = await converse(store, claude, "What?")
    assert columns(history, "transcript") == [
        "conversation_id",
        "title",
        "message_id",
        "parent_id",
        "role",
        "state",
        "text",
        "thinking",
        "model",
        "stop_reason",
        "created_at",
    ]
    asked, answered = (
        dict(row) for row in on_disk(history, "SELECT * FROM transcript ORDER BY message_id")
    )
    created_at = datetime.fromisoformat(answered.pop("created_at"))
    assert round(created_at.timestamp() * 1000) == reply.created_ms
    assert answered == {
        "conversation_id": reply.conversation_id,
        "title": "What?",
        "message_id": reply.id,
        "parent_id": reply.parent_id,
        "role": "assistant",
        "state": "complete",
        "text": "One two",
        "thinking": "Hm",
        "model": MODEL,
        "stop_reason": "end_turn",
    }
    assert asked["created_at"].endswith("Z")
    assert (asked["role"], asked["text"], asked["thinking"]) == ("user", "What?", "")


async def test_the_replies_view_has_the_documented_columns(
    server: Scripted, claude: Claude, history: Path
) -> None:
    server.will(refuses(529, "overloaded_error"))
    with open_store(history, SetClock()) as store:
        reply = await converse(store, claude)
        server.will(refuses(401, "authentication_error"))
        failed = await converse(store, claude)
    assert columns(history, "replies") == [
        "message_id",
        "conversation_id",
        "model",
        "state",
        "stop_reason",
        "input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "thinking_tokens",
        "first_text_ms",
        "duration_ms",
        "attempts",
        "request_id",
        "error_type",
        "effort",
        "max_tokens",
        "thinking_display",
        "system",
        "price_usd",
        "is_price_minimum",
    ]
    first, second = (
        dict(row) for row in on_disk(history, "SELECT * FROM replies ORDER BY message_id")
    )
    assert reply.figures is not None
    assert first == {
        "message_id": reply.id,
        "conversation_id": reply.conversation_id,
        "model": MODEL,
        "state": "complete",
        "stop_reason": "end_turn",
        "input_tokens": 25,
        "output_tokens": 42,
        "cache_read_input_tokens": 68,
        "cache_creation_input_tokens": 7,
        "thinking_tokens": 11,
        "first_text_ms": reply.figures.timing.first_text_ms,
        "duration_ms": reply.figures.timing.duration_ms,
        "attempts": 2,
        "request_id": "req_scripted",
        "error_type": None,
        "effort": None,
        "max_tokens": 16_000,
        "thinking_display": "summarized",
        "system": None,
        "price_usd": None,
        "is_price_minimum": 0,
    }
    assert second["message_id"] == failed.id
    assert (second["state"], second["error_type"]) == ("failed", "authentication_error")
    assert second["input_tokens"] is None
    assert second["attempts"] == 1


async def test_the_trash_is_not_in_the_views(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    reply = await converse(store, claude)
    with closing(sqlite3.connect(history)) as other, other:
        other.execute("UPDATE conversations SET deleted_ms = 1")
    assert on_disk(history, "SELECT * FROM transcript") == []
    assert on_disk(history, "SELECT * FROM replies") == []
    assert await store.conversation(reply.conversation_id) is None
    assert len(server.asked) == 1


# Search


def found(history: Path, index: str, query: str) -> list[str]:
    """Return the types of the blocks that an index finds."""
    sql = (
        f"SELECT b.type FROM {index} JOIN blocks AS b ON b.n = {index}.rowid"
        f" WHERE {index} MATCH ? ORDER BY b.n"
    )
    return [row["type"] for row in on_disk(history, sql, query)]


def check_indexes(history: Path) -> None:
    """Fail if an index differs from its contents."""
    with closing(sqlite3.connect(history)) as connection:
        for index in ("blocks_fts", "pairs_fts"):
            connection.execute(
                f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)"
            )


async def test_words_are_found_in_text_and_in_thinking(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    server.will(
        Reply([start(), *thinking(0, "per", "haps"), *text(1, "Cer", "tainly"), *end()])
    )
    await converse(store, claude, "In a Café?")
    assert found(history, "blocks_fts", "perhaps") == ["thinking"]
    assert found(history, "blocks_fts", "certainly") == ["text"]
    assert found(history, "blocks_fts", "certain*") == ["text"]
    assert found(history, "blocks_fts", "café") == found(history, "blocks_fts", "cafe")
    assert found(history, "blocks_fts", "cafe") == ["text"]
    assert found(history, "blocks_fts", "signature") == []
    check_indexes(history)


@pytest.mark.parametrize(
    ("sentence", "part"),
    [
        ("全文検索の実装について", "検索"),
        ("東京へ行きます。", "東京"),
        ("これは日本語です", "日本語"),
        ("한국어 문장입니다", "국어"),
        ("ภาษาไทยไม่มีช่องว่าง", "ไทย"),
        ("It says 検索 there", "検索"),
    ],
)
async def test_words_without_spaces_are_found_by_their_pairs(
    store: Store, history: Path, sentence: str, part: str
) -> None:
    await ask(store, sentence)
    await ask(store, "索検 京東 語本日 and nothing else")
    assert found(history, "pairs_fts", f'"{query_bigrams(part)[0]}"') == ["text"]
    check_indexes(history)


async def test_the_indexes_follow_what_other_programs_delete_and_change(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    server.will(Reply([start(), *thinking(0, "考える"), *text(1, "東京 certainly"), *end()]))
    reply = await converse(store, claude, "検索?")
    await ask(store, "日本語 remains")
    with closing(sqlite3.connect(history, isolation_level=None)) as other:
        other.execute("PRAGMA foreign_keys = on")
        other.execute(
            "UPDATE blocks SET text = 'possibly', pairs = NULL"
            " WHERE message_id = ? AND type = 'text'",
            [reply.id],
        )
        check_indexes(history)
        assert found(history, "blocks_fts", "certainly") == []
        assert found(history, "blocks_fts", "possibly") == ["text"]
        other.execute("DELETE FROM conversations WHERE id = ?", [reply.conversation_id])
    check_indexes(history)
    assert found(history, "blocks_fts", "possibly") == []
    assert found(history, "pairs_fts", f'"{query_bigrams("検索")[0]}"') == []
    assert found(history, "pairs_fts", f'"{query_bigrams("日本語")[0]}"') == ["text"]
    assert len(on_disk(history, "SELECT * FROM blocks")) == 1


# The file


def modes(folder: Path) -> dict[str, int]:
    """Return the modes of the files in a folder, without the test's home."""
    return {
        path.name: path.stat().st_mode & 0o777
        for path in folder.iterdir()
        if path.name != "home"
    }


async def test_the_file_and_the_files_beside_it_are_private(
    history: Path, tmp_path: Path
) -> None:
    with open_store(history) as store:
        await begin(store, await ask(store))
        lock = f"{store.claims.own()}.lock"
        assert modes(tmp_path) == {
            "history.db": 0o600,
            "history.db-shm": 0o600,
            "history.db-wal": 0o600,
            "run": 0o700,
        }
        assert modes(tmp_path / "run") == {lock: 0o600}
    assert modes(tmp_path / "run") == {}


def test_a_file_others_may_read_is_made_private(history: Path) -> None:
    with open_store(history):
        pass
    history.chmod(0o644)
    with open_store(history):
        assert history.stat().st_mode & 0o777 == 0o600


def test_an_empty_file_becomes_a_history(history: Path) -> None:
    history.touch()
    with open_store(history):
        pass
    assert on_disk(history, "PRAGMA user_version")[0][0] == schema.VERSION


def test_a_history_is_found_as_it_was_left(history: Path) -> None:
    with open_store(history) as store:
        question = asyncio.run(ask(store, "Still there?"))
    with open_store(history) as store:
        (message,) = asyncio.run(store.read_path(question.id))
    assert message == question
    assert on_disk(history, "PRAGMA application_id")[0][0] == schema.APPLICATION_ID
    assert on_disk(history, "PRAGMA journal_mode")[0][0] == "wal"


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE notes (words TEXT)")


def of_another_program_that_is_empty(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 7")


def of_another_program_with_a_journal(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE notes (words TEXT)")


def writing(words: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(words)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (of_another_program, "another program"),
        (of_another_program_that_is_empty, "another program"),
        (of_another_program_with_a_journal, "another program"),
        (writing(b"Dear diary, " * 400), "not a database"),
        (writing(b"no"), "not a database"),
        (writing(b"SQLite format 3\0" + b"\xff" * 5000), "not a database"),
    ],
)
def test_a_file_that_is_not_ours_is_left_as_it_is(
    history: Path, make: Callable[[Path], object], words: str
) -> None:
    make(history)
    history.chmod(0o644)
    before = history.read_bytes()
    with pytest.raises(HistoryError, match=words) as caught, open_store(history):
        pass
    assert str(history) in str(caught.value)
    assert history.read_bytes() == before
    assert history.stat().st_mode & 0o777 == 0o644
    assert list(history.parent.glob("history.db*")) == [history]


def unwritable(folder: Path) -> Path:
    if os.geteuid() == 0:
        # File modes do not stop root.
        return Path("/proc")
    folder.chmod(0o500)
    return folder


def test_a_missing_or_read_only_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="does not exist"), open_store(tmp_path / "no" / "h"):
        pass
    with pytest.raises(HistoryError, match="is a folder"), open_store(tmp_path):
        pass
    folder = tmp_path / "locked"
    folder.mkdir()
    with (
        pytest.raises(HistoryError, match="cannot be"),
        open_store(unwritable(folder) / "history.db"),
    ):
        pass


def test_programs_that_start_at_once_all_open_the_history(tmp_path: Path) -> None:
    programs = 8
    for at in range(8):
        path = tmp_path / f"{at}.db"
        ready = threading.Barrier(programs)

        def open_it(path: Path = path, ready: threading.Barrier = ready) -> None:
            ready.wait(10)
            with open_store(path) as store:
                asyncio.run(ask(store))

        with ThreadPoolExecutor(programs) as pool:
            for opened in [pool.submit(open_it) for _ in range(programs)]:
                opened.result(60)
        assert len(on_disk(path, "SELECT * FROM messages")) == programs
        assert on_disk(path, "PRAGMA user_version")[0][0] == schema.VERSION


def test_a_history_that_another_program_makes_meanwhile_is_not_taken_for_foreign(
    history: Path,
) -> None:
    history.touch()
    maker = threading.Thread(target=prepare, args=[history])

    def make_it(statement: str) -> None:
        if "sqlite_master" in statement:
            connection.set_trace_callback(None)
            maker.start()
            maker.join(0.3)

    with closing(connect(history)) as connection:
        connection.set_trace_callback(make_it)
        assert version_of(connection, history) == 0
    maker.join()
    with open_store(history):
        pass


# Ids


async def test_ids_rise_though_the_clock_jumps_back(store: Store) -> None:
    clock = SetClock()
    made = []
    for jump_ms in (0, -3_600_000, 10, -10_000_000_000, 3_600_000, -1):
        clock.ahead_ms += jump_ms
        made += [clock.new_id() for _ in range(5000)]
    assert made == sorted(set(made))
    assert len(store.new_id()) == 36


async def test_ids_continue_after_the_newest_of_the_history(history: Path) -> None:
    clock = SetClock()
    clock.ahead_ms = 50_000_000
    with open_store(history, clock) as store:
        questions = [await ask(store, f"{n}") for n in range(20)]
        last = await ask(store, "last", after=questions[0])
    earlier = SetClock()
    with open_store(history, earlier) as store:
        assert store.new_id() > last.id
        assert store.clock.now_ms() >= last.created_ms
        await ask(store, "newest")
        assert [c.title for c in await store.conversations(limit=1)] == ["newest"]


async def test_ids_rise_in_every_thread(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: [store.new_id() for _ in range(2000)], range(4)))
    assert all(ids == sorted(ids) for ids in made)
    assert len({identity for ids in made for identity in ids}) == 8000


# Programs that die

_STREAMING_PROGRAM = """
import asyncio, sys, time
from pathlib import Path
from tests.test_store import begin
from tests.turns import ask
from tui.store import open_store

async def stream(store):
    question = await ask(store)
    message, _ = await begin(store, question)
    print(message.id, flush=True)
    time.sleep(600)

with open_store(Path(sys.argv[1])) as store:
    asyncio.run(stream(store))
"""


@contextmanager
def streaming_program(history: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a program in the middle of a reply; give its process and the reply's id."""
    with subprocess.Popen(
        [sys.executable, "-c", _STREAMING_PROGRAM, str(history)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def state_of(history: Path, message_id: str) -> str:
    (row,) = on_disk(history, "SELECT state FROM messages WHERE id = ?", message_id)
    return str(row["state"])


async def test_a_reply_of_a_program_that_died_is_interrupted(
    store: Store, history: Path
) -> None:
    with streaming_program(history) as (process, message_id):
        assert state_of(history, message_id) == "streaming"
        assert await store.recover() == 0
        os.kill(process.pid, signal.SIGSTOP)
        assert await store.recover() == 0
        assert state_of(history, message_id) == "streaming"
        process.kill()
        process.wait()
    assert await store.recover() == 1
    (_, message) = await store.read_path(message_id)
    assert message.state == "interrupted"
    assert message.finished_ms is not None
    (request,) = on_disk(history, "SELECT state FROM requests")
    assert request["state"] == "interrupted"
    assert on_disk(history, "SELECT * FROM streams") == []
    assert list((history.parent / "run").glob("*")) == []
    before = on_disk(history, "SELECT * FROM messages")
    assert await store.recover() == 0
    assert [tuple(row) for row in on_disk(history, "SELECT * FROM messages")] == [
        tuple(row) for row in before
    ]


async def test_this_programs_own_reply_is_not_interrupted(store: Store, history: Path) -> None:
    message, _ = await begin(store, await ask(store))
    assert await store.recover() == 0
    with open_store(history) as other:
        assert await other.recover() == 0
    assert state_of(history, message.id) == "streaming"


async def test_a_reply_nobody_owns_is_interrupted(store: Store, history: Path) -> None:
    message, _ = await begin(store, await ask(store))
    with closing(sqlite3.connect(history)) as other, other:
        other.execute("DELETE FROM streams")
    assert await store.recover() == 1
    assert state_of(history, message.id) == "interrupted"


# Cost


async def plans(store: Store, history: Path, work: Callable[[], Any]) -> list[str]:
    """Return SQLite's query plans for the reads of `work`."""
    queries: list[str] = []
    store.threads.reader.set_trace_callback(queries.append)
    await work()
    store.threads.reader.set_trace_callback(None)
    assert queries
    return [
        row["detail"]
        for query in queries
        for row in on_disk(history, f"EXPLAIN QUERY PLAN {query}")
    ]


def is_indexed(step: str) -> bool:
    return not step.startswith("SCAN") or "INDEX" in step


async def test_the_hot_queries_read_no_more_than_they_return(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    reply = await converse(store, claude)
    work: list[Callable[[], Any]] = [
        lambda: store.conversations(limit=50),
        lambda: store.conversation(reply.conversation_id),
        lambda: store.read_path(reply.id),
        lambda: store.is_demo(reply.conversation_id),
        lambda: store.models("somewhere"),
        store.recover,
    ]
    steps = [step for each in work for step in await plans(store, history, each)]
    for view in ("transcript", "replies"):
        sql = f"EXPLAIN QUERY PLAN SELECT * FROM {view} WHERE conversation_id = ?"
        steps += [row["detail"] for row in on_disk(history, sql, reply.conversation_id)]
    for step in steps:
        # A subquery, the path and the running replies have few rows.
        few = ("SCAN (", "SCAN path", "SCAN streams")
        assert step.startswith(few) or is_indexed(step), step
    listing = await plans(store, history, work[0])
    assert not any("TEMP B-TREE" in step for step in listing)
    assert len(server.asked) == 1
