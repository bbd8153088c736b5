"""A reply's journal, and the reply that is recovered from it when the program has died."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chosen import connected
from tests.conftest import wait_until
from tests.scripted import (
    Event,
    Hold,
    Reply,
    Scripted,
    block,
    delta,
    end,
    start,
    text,
)
from tests.scripted import thinking as thinks
from tests.turns import MODEL, ask, kept, on_disk, reply_to
from tui.chat import turn
from tui.chat.draft_store import DraftStore
from tui.chat.finishing import SaveFailed
from tui.chat.reply_scheduler import ReplyScheduler
from tui.claude import Claude
from tui.domain.journal import entry, replay
from tui.domain.parameters import Parameters
from tui.domain.reply import StreamingReply
from tui.domain.reply_events import (
    BlockDelta,
    BlockStarted,
    BlockStopped,
    MessageDelta,
    ReplyEvent,
    Started,
)
from tui.domain.usage import Usage
from tui.store import HistoryError, Store, open_store

JSON: st.SearchStrategy[Any] = st.dictionaries(
    st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5), max_size=3
)
INDEX = st.integers(0, 3)
# With halves of surrogate pairs: a delta may end inside a pair.
WORDS = st.text(st.characters(), max_size=12)
EVENTS: st.SearchStrategy[ReplyEvent] = st.one_of(
    st.builds(Started, WORDS, WORDS, st.builds(Usage, JSON), st.none() | WORDS),
    st.builds(
        BlockStarted,
        INDEX,
        st.sampled_from(("text", "thinking", "tool_use", "new")).flatmap(
            lambda kind: st.builds(lambda wire: {"type": kind} | wire, JSON)
        ),
    ),
    st.builds(
        BlockDelta,
        INDEX,
        st.sampled_from(("text_delta", "thinking_delta", "input_json_delta")),
        WORDS,
    ),
    st.builds(BlockStopped, INDEX, st.just({"type": "text", "text": "whole"})),
    st.builds(MessageDelta, st.none() | WORDS, st.none() | JSON, st.builds(Usage, JSON)),
)


def folded(reply: StreamingReply) -> tuple[Any, ...]:
    parts = {index: (part.wire, "".join(part.words)) for index, part in reply.parts.items()}
    return parts, reply.usage, reply.model, reply.api_message_id, reply.stop_reason


@given(st.lists(st.lists(EVENTS, max_size=8), max_size=4))
def test_a_journal_makes_the_draft_that_it_was_written_of(
    entries: list[list[ReplyEvent]],
) -> None:
    shown, replayed = StreamingReply("m", "c", MODEL), StreamingReply("m", "c", MODEL)
    for events in entries:
        for event in events:
            shown.take(event)
        written = entry(events)
        assert written.isascii()
        replay(replayed, written)
    assert folded(replayed) == folded(shown)


def test_events_from_a_later_version_are_skipped() -> None:
    draft = StreamingReply("m", "c", MODEL)
    replay(draft, '[["hologram", 1], ["block", 0, {"type": "text", "text": "Hi"}], []]')
    assert draft.words("text") == "Hi"


def journal(history: Path) -> str:
    return "".join(row["payload"] for row in on_disk(history, "SELECT payload FROM journal"))


async def test_words_are_on_disk_soon_after_they_were_shown(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    hold = Hold()
    server.will(Reply([start(), *text(0, "First words")[:-1], hold, *end()]))
    question = await ask(store)
    running = asyncio.create_task(reply_to(store, claude, question))
    await wait_until(lambda: "First words" in journal(history))
    hold.release()
    await running
    assert journal(history) == ""


async def test_text_on_the_screen_of_a_program_that_died_is_kept(
    server: Scripted, claude: Claude, store: Store, history: Path, tmp_path: Path
) -> None:
    hold = Hold()
    half = delta(1, "text_delta", text="caf\u00e9 \ud83d")
    other_half = delta(1, "text_delta", text="\ude00 and more")
    server.will(
        Reply(
            [
                start(),
                *thinks(0, "A thought."),
                *block(1, {"type": "text", "text": ""}, half, other_half)[:-1],
                *block(2, {"type": "tool_use", "id": "t", "name": "n", "input": {}})[:-1],
                hold,
            ]
        )
    )
    question = await ask(store)
    running = asyncio.create_task(reply_to(store, claude, question))
    await wait_until(lambda: "tool_use" in journal(history))
    # A copy of the disk, as if the program had died now, without its lock.
    copied = tmp_path / "copied" / "history.db"
    copied.parent.mkdir()
    with closing(sqlite3.connect(history)) as now, closing(sqlite3.connect(copied)) as copy:
        now.backup(copy)
    with open_store(copied) as found:
        assert await found.recover() == 1
        conversation = await found.newest(is_demo=False)
        assert conversation is not None
        _, message = await found.read_path(conversation.tip_id)
        assert await found.recover() == 0
        assert [message] == (await found.read_path(conversation.tip_id))[1:]
    hold.release()
    running.cancel()
    await asyncio.wait([running])
    assert (message.state, message.text, message.thinking) == (
        "interrupted",
        "café 😀 and more",
        "A thought.",
    )
    assert message.figures is not None
    assert message.figures.usage.input_tokens == 25
    (request,) = on_disk(copied, "SELECT * FROM requests")
    assert (request["state"], request["request_id"]) == ("interrupted", "req_scripted")
    assert on_disk(copied, "SELECT * FROM journal") == []
    found_words = "SELECT count(*) AS n FROM blocks_fts WHERE blocks_fts MATCH 'café'"
    assert on_disk(copied, found_words)[0]["n"] == 1


async def test_an_attempt_that_failed_leaves_nothing_in_the_journal(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    hold = Hold()
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}

    server.will(
        Reply([start("first"), Event(overloaded)]),
        Reply([start("second"), *text(0, "words")[:-1], hold, *end()]),
    )
    question = await ask(store)
    running = asyncio.create_task(reply_to(store, claude, question))
    await wait_until(lambda: "words" in journal(history))
    assert '"first"' not in journal(history)
    hold.release()
    assert (await running).state == "complete"


async def test_nothing_is_added_to_the_journal_of_a_reply_that_has_ended(
    claude: Claude, store: Store, history: Path
) -> None:
    message = await reply_to(store, claude, await ask(store))
    await store.append_journal(message.id, 7, "[]")
    assert on_disk(history, "SELECT * FROM journal") == []


# A history that cannot be written


def fill(store: Store) -> None:
    """Stop the file from growing, as a full disk does."""
    pages = store.threads.writer().execute("PRAGMA page_count").fetchone()[0]
    store.threads.writer().execute(f"PRAGMA max_page_count = {pages}")


def make_room(store: Store) -> None:
    store.threads.writer().execute("PRAGMA max_page_count = 1000000")


async def test_a_full_disk_loses_nothing_that_was_shown(
    server: Scripted, claude: Claude, store: Store
) -> None:
    hold, words = Hold(), ["word " * 2000] * 10
    server.will(Reply([start(), *text(0, words[0])[:-1], hold, *text(0, *words)[1:], *end()]))
    question = await ask(store)
    draft = turn.empty_reply(store, question, Parameters(MODEL))
    shown: list[str] = []
    running = asyncio.create_task(
        turn.reply(
            store,
            claude,
            question,
            draft,
            lambda d: shown.append(d.words("text")),
            parameters=Parameters(MODEL),
            tip_id=question.id,
        )
    )
    await wait_until(lambda: shown and shown[-1])
    fill(store)
    hold.release()
    with pytest.raises(SaveFailed, match="full") as failed:
        await running
    assert draft.ended is not None
    assert draft.ended.state == "complete"
    assert draft.ended.text == shown[-1]
    with pytest.raises(HistoryError, match="full"):
        await failed.value.again()
    make_room(store)
    await failed.value.again()
    message = await kept(store, draft.ended)
    assert (message.state, message.text) == ("complete", shown[-1])


async def test_a_disk_error_is_shown_while_the_reply_continues(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    first, second = Hold(), Hold()
    long = "word " * 20_000
    server.will(
        Reply([start(), *text(0, "a")[:-1], first, *text(0, long)[1:-1], second, *end()])
    )
    question = await ask(store)
    draft = turn.empty_reply(store, question, Parameters(MODEL))
    running = asyncio.create_task(
        turn.reply(
            store,
            claude,
            question,
            draft,
            lambda _: None,
            parameters=Parameters(MODEL),
            tip_id=question.id,
        )
    )
    await wait_until(lambda: "a" in journal(history))
    fill(store)
    first.release()
    await wait_until(lambda: draft.save_problem)
    assert "full" in draft.save_problem
    make_room(store)
    await wait_until(lambda: not draft.save_problem)
    assert long in journal(history)
    second.release()
    assert (await running).state == "complete"


class Task:
    """A worker without Textual."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self.task = asyncio.create_task(work)

    def cancel(self) -> None:
        self.task.cancel()

    async def wait(self) -> None:
        await self.task


async def test_a_reply_that_could_not_be_written_is_written_when_there_is_room(
    server: Scripted, claude: Claude, store: Store
) -> None:
    hold, ended, tasks = Hold(), list[str | None](), list[Task]()

    def run(work: Coroutine[Any, Any, None], _name: str) -> Task:
        task = Task(work)
        tasks.append(task)
        return task

    server.will(Reply([start(), hold, *text(0, "word " * 9000), *end()]))
    question = await ask(store)
    conversation = await store.conversation(question.conversation_id)
    assert conversation is not None

    class ReplyListener:
        def reply_begun(self, *_: object) -> None:
            raise AssertionError

        def reply_ended(self, _reply: StreamingReply, problem: str | None) -> None:
            ended.append(problem)

        def all_saved(self) -> None:
            pass

        def next_not_asked(self, *_: object) -> None:
            raise AssertionError

    replies = ReplyScheduler(
        store,
        connected(claude),
        Parameters(MODEL),
        drafts=DraftStore(store),
        run=run,
        listener=ReplyListener(),
        at_once=1,
    )
    draft = replies.begin(claude, conversation, question)
    await asyncio.to_thread(hold.reached.wait)
    fill(store)
    hold.release()
    await wait_until(lambda: ended)
    assert "full" in str(ended[0])
    assert list(replies.unsaved) == [draft.id]
    assert not await replies.save_unsaved()
    make_room(store)
    # The save is tried again without the user.
    await wait_until(lambda: not replies.unsaved)
    assert draft.ended is not None
    assert (await kept(store, draft.ended)).text == "word " * 9000
    for task in tasks:
        await task.wait()


# Replies of other programs


async def test_only_what_another_program_wrote_is_news(store: Store, history: Path) -> None:
    assert not await store.is_changed_elsewhere()
    await ask(store)
    await store.is_changed_elsewhere()
    await ask(store)
    assert not await store.is_changed_elsewhere()
    with open_store(history) as other:
        await ask(other)
        assert await store.is_changed_elsewhere()
        assert not await store.is_changed_elsewhere()


# Recordings


async def test_a_limit_of_size_drops_the_oldest_recordings(
    claude: Claude, store: Store, history: Path
) -> None:
    for number in range(4):
        await reply_to(store, claude, await ask(store, f"{number}"))
    with closing(sqlite3.connect(history)) as other, other:
        other.execute("DELETE FROM recordings")
        other.execute(
            "INSERT INTO recordings SELECT id, message_id, started_ms, 100, zeroblob(100)"
            " FROM requests"
        )
    await store.recordings.trim(250)
    left = on_disk(history, "SELECT request_id FROM recordings ORDER BY started_ms, request_id")
    newest = on_disk(history, "SELECT id FROM requests ORDER BY started_ms, id")[-2:]
    assert [row[0] for row in left] == [row[0] for row in newest]
    ((content,),) = on_disk(
        store.path, "SELECT content FROM recordings WHERE request_id = ?", left[0][0]
    )
    assert content == bytes(100)
    await store.recordings.trim(0)
    assert on_disk(history, "SELECT * FROM recordings") == []
