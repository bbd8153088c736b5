"""A path is read in one snapshot, whatever another program writes meanwhile."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.headless import Headless
from tests.turns import MODEL, ask
from tui.claude import Claude
from tui.domain.conversation import Message, State
from tui.domain.request import Request
from tui.store import open_store

Seen = tuple[str | None, list[tuple[State, str]], list[int]]
"""The tip, each message's state and text, and the numbers of versions."""


@pytest.fixture
async def running(tmp_path: Path) -> Path:
    """A history with a running reply of another program."""
    history = tmp_path / "running" / "history.db"
    history.parent.mkdir()
    with open_store(history) as store:
        question = await ask(store)
        reply = Message(
            id="r1",
            conversation_id=question.conversation_id,
            role="assistant",
            blocks=(),
            created_ms=question.created_ms,
            parent_id=question.id,
            state="streaming",
            model=MODEL,
        )
        request = Request(store.new_id(), reply.conversation_id, "r1", "host", MODEL, 1)
        await store.begin_reply(reply, request, tip_id=question.id)
    return history


def end_and_go_on(history: Path) -> None:
    """End the reply as another program does, and add a version of it as the new tip."""
    with closing(sqlite3.connect(history)) as other, other:
        other.executescript("""
            BEGIN;
            INSERT INTO messages (id, conversation_id, parent_id, role, created_ms, state)
                SELECT 'r2', conversation_id, parent_id, role, created_ms, 'complete'
                FROM messages WHERE id = 'r1';
            INSERT INTO blocks (message_id, seq, type, text, data)
                VALUES ('r1', 0, 'text', 'Hello', '{"type":"text","text":null}'),
                ('r2', 0, 'text', 'Once more', '{"type":"text","text":null}');
            UPDATE messages SET state = 'complete' WHERE id = 'r1';
            UPDATE conversations SET tip_id = 'r2';
            DELETE FROM streams;
            COMMIT;
        """)


async def read_while(history: Path, claude: Claude, at: int | None) -> tuple[Seen, bool]:
    """Open the conversation; before query number `at`, let the other program write.

    Returns what was read, and whether there were that many queries.
    """
    program = Headless(history, claude)
    (conversation,) = await program.store.conversations()
    queries = 0

    def count(statement: str) -> None:
        nonlocal queries
        is_query = statement.lstrip().startswith(("SELECT", "WITH"))
        if is_query and queries == at:
            end_and_go_on(history)
        queries += is_query

    program.store.threads.reader.set_trace_callback(count)
    # The conversation as it was a moment ago.
    await program.current.open(replace(conversation, title="Earlier"))
    program.store.threads.reader.set_trace_callback(None)
    current = program.current
    seen = (
        current.conversation.tip_id,
        [(message.state, message.text) for message in current.path],
        [len(ids) for ids in current.versions.values()],
    )
    await program.leave(is_interrupted=False)
    return seen, at is None or queries > at


async def test_a_conversation_is_shown_as_it_was_before_or_after_what_another_writes(
    running: Path, claude: Claude, tmp_path: Path
) -> None:
    before: Seen = ("r1", [("complete", "Hi"), ("streaming", "")], [])
    after: Seen = ("r2", [("complete", "Hi"), ("complete", "Once more")], [2])
    assert (await read_while(running, claude, None))[0] == before
    at, is_further = 0, True
    while is_further:
        history = tmp_path / f"{at}" / "history.db"
        shutil.copytree(running.parent, history.parent)
        seen, is_further = await read_while(history, claude, at)
        assert seen in (before, after), f"at query {at}"
        at += 1
    assert at > 3
