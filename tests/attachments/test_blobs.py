from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.attachments.files import ask_with_file, encoded, new_conversation, pdf, picture
from tests.scripted import Scripted, says
from tests.strict import Strict
from tests.turns import MODEL, SetClock, ask, on_disk
from tui.chat.attachments.sending import with_attachments
from tui.claude import Claude
from tui.domain.conversation import Message
from tui.domain.failure import ReplyFailed
from tui.domain.parameters import Parameters
from tui.domain.prompt import prompt
from tui.store import HistoryError, Store, open_store, removal, repair
from tui.store.blobs import HELD_FOR_MS, Blobs

WORDS = b"the words of a file"
SHA256 = hashlib.sha256(WORDS).hexdigest()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(history: Path, clock: SetClock) -> Iterator[Store]:
    with open_store(history, clock) as store:
        yield store


@pytest.fixture
def blobs(store: Store) -> Blobs:
    return store.blobs


def stored(history: Path) -> set[str]:
    return {row[0] for row in on_disk(history, "SELECT sha256 FROM blobs")}


async def test_the_same_bytes_are_stored_once(
    store: Store, blobs: Blobs, history: Path
) -> None:
    for _ in range(3):
        assert await blobs.put(WORDS, conversation_id=store.new_id()) == SHA256
    assert on_disk(history, "SELECT count(*), sum(size) FROM blobs")[0][:] == (1, len(WORDS))
    assert await blobs.get([SHA256, "0" * 64]) == {SHA256: WORDS}


@pytest.mark.parametrize("content", [b"", b"\0\xff" * 1000], ids=["none", "binary"])
async def test_any_bytes_come_back(store: Store, blobs: Blobs, content: bytes) -> None:
    sha256 = await blobs.put(content, conversation_id=store.new_id())
    assert await blobs.get([sha256]) == {sha256: content}


async def test_a_full_disk_is_named_and_nothing_is_half_stored(
    store: Store, blobs: Blobs, history: Path
) -> None:
    here = store.new_id()
    await blobs.put(WORDS, conversation_id=here)
    database = store.threads.database
    assert database is not None
    [(pages,)] = on_disk(history, "PRAGMA page_count")
    database.execute(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(HistoryError, match="could not be written: database or disk is full"):
        await blobs.put(WORDS * 10_000, conversation_id=here)
    assert stored(history) == {SHA256}
    database.execute("PRAGMA max_page_count = 1000000")
    await blobs.put(WORDS * 10_000, conversation_id=here)
    assert len(stored(history)) == 2


async def test_a_damaged_blob_is_not_sent(store: Store, blobs: Blobs, history: Path) -> None:
    question = await ask_with_file(store)
    with closing(sqlite3.connect(history, isolation_level=None)) as connection:
        connection.execute("UPDATE blobs SET content = ?", [WORDS[::-1]])
    assert await blobs.get([SHA256]) == {}
    sent = prompt(await store.read_path(question.id), endpoint="x")
    with pytest.raises(ReplyFailed, match=r"^The content of a\.txt is no longer in"):
        await with_attachments(blobs, sent)


async def test_what_a_message_refers_to_is_counted(store: Store, blobs: Blobs) -> None:
    question = await ask_with_file(store)
    assert await blobs.references(SHA256) == 1
    await ask_with_file(store, after=question)
    assert await blobs.references(SHA256) == 2
    here = await store.conversation(question.conversation_id)
    assert here is not None
    await store.branches.fork(replace(here, id=store.new_id()), question.id)
    assert await blobs.references(SHA256) == 3


async def test_a_changed_or_deleted_block_is_counted_again(
    store: Store, blobs: Blobs, history: Path
) -> None:
    """Also if another program changes it, with or without foreign keys."""
    await ask_with_file(store)
    other = "1" * 64
    with closing(sqlite3.connect(history, isolation_level=None)) as connection:
        connection.execute(
            "UPDATE blocks SET data = replace(data, ?, ?) WHERE seq = 0", [SHA256, other]
        )
        assert await blobs.references(SHA256) == 0
        assert await blobs.references(other) == 1
        connection.execute("UPDATE blocks SET data = 'not JSON' WHERE seq = 0")
        assert await blobs.references(other) == 0
        connection.execute(
            "INSERT INTO blocks (message_id, seq, type, data)"
            " SELECT message_id, 9, 'image', '{\"source\": 7' FROM blocks LIMIT 1"
        )
        connection.execute("DELETE FROM blocks")
    assert on_disk(history, "SELECT * FROM block_blobs") == []


async def test_a_purge_removes_what_no_message_refers_to(
    store: Store, blobs: Blobs, history: Path
) -> None:
    first = await ask_with_file(store)
    second = await ask_with_file(store)
    await store.branches.delete(first.id)
    await store.purge(before_ms=store.clock.now_ms())
    assert stored(history) == {SHA256}
    await store.delete([second.conversation_id])
    await blobs.remove_unused()
    # It can still be restored.
    assert stored(history) == {SHA256}
    await store.purge(before_ms=store.clock.now_ms())
    assert stored(history) == set()


async def test_the_bytes_are_in_no_file_any_more(store: Store, history: Path) -> None:
    question = await ask_with_file(store, WORDS * 2_000)
    await store.delete([question.conversation_id])
    ids = [question.conversation_id]
    with (history.parent / "history.db").open("rb") as file:
        wal = history.with_name("history.db-wal").read_bytes()
        assert WORDS in file.read() + wal
    assert await store.purging.purge(ids)
    for path in history.parent.rglob("*"):
        if path.is_file():
            assert WORDS not in path.read_bytes(), path


async def test_what_a_draft_holds_stays(store: Store, blobs: Blobs, history: Path) -> None:
    here = new_conversation(store)
    await blobs.put(WORDS, conversation_id=here.id)
    await blobs.remove_unused()
    assert stored(history) == {SHA256}
    other = await blobs.put(b"another", conversation_id=here.id)
    await blobs.release(here.id, sha256s=[SHA256])
    await blobs.remove_unused()
    assert stored(history) == {other}
    await blobs.release(here.id)
    await blobs.remove_unused()
    assert stored(history) == set()


async def test_what_a_dead_program_held_is_removed_after_a_day(
    store: Store, blobs: Blobs, clock: SetClock, history: Path
) -> None:
    await blobs.put(WORDS, conversation_id=store.new_id())
    clock.ahead_ms = HELD_FOR_MS - 60_000
    await blobs.remove_unused()
    assert stored(history) == {SHA256}
    clock.ahead_ms = HELD_FOR_MS + 60_000
    await blobs.remove_unused()
    assert stored(history) == set()


async def test_nothing_is_held_for_a_conversation_that_is_purged(
    store: Store, blobs: Blobs, history: Path
) -> None:
    question = await ask(store)
    await blobs.put(WORDS, conversation_id=question.conversation_id)
    await store.delete([question.conversation_id])
    await store.purge(before_ms=store.clock.now_ms())
    assert stored(history) == set()
    with pytest.raises(HistoryError, match="deleted in another window"):
        await blobs.put(WORDS, conversation_id=question.conversation_id)


async def test_many_blobs_are_removed_in_steps(
    store: Store, blobs: Blobs, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "BLOBS", 30)
    here = store.new_id()
    for number in range(8):
        await blobs.put(bytes([number]) * 10, conversation_id=here)
    await blobs.release(here)
    assert await blobs._remove_some()
    assert len(stored(history)) == 5
    await blobs.remove_unused()
    assert stored(history) == set()


async def test_more_blobs_than_one_step_looks_at_are_removed(
    blobs: Blobs, history: Path
) -> None:
    rows = [(f"{number:064}", 1, b"x") for number in range(250)]
    with closing(sqlite3.connect(history)) as connection, connection:
        connection.executemany("INSERT INTO blobs VALUES (?, ?, ?)", rows)
    assert len(stored(history)) == 250
    await blobs.remove_unused()
    assert stored(history) == set()


async def test_the_wire_is_the_same_bytes_after_a_restart_and_a_fork(
    store: Store, blobs: Blobs, history: Path, claude: Claude, server: Scripted
) -> None:
    """The cache and the thinking of the first reply need an equal prefix."""
    question = await ask_with_file(store)
    path = await store.read_path(question.id)
    sent = await with_attachments(blobs, prompt(path, endpoint="x"))
    assert sent.messages == [
        {
            "role": "user",
            "content": [
                {
                    "type": "document",
                    "source": {
                        "type": "text",
                        "media_type": "text/plain",
                        "data": WORDS.decode(),
                    },
                    "title": "a.txt",
                },
                {"type": "text", "text": "Hm?"},
            ],
        }
    ]
    server.will(says("One"), says("Two"))
    parameters = Parameters(MODEL)
    async for _ in claude.stream(sent.messages, parameters):
        pass
    here = await store.conversation(question.conversation_id)
    assert here is not None
    fork = replace(here, id=store.new_id())
    await store.branches.fork(fork, question.id)
    with open_store(history) as other:
        forked = await other.conversation(fork.id)
        assert forked is not None
        again = prompt(await other.read_path(forked.tip_id), endpoint="x")
        assert again.context == prompt(path, endpoint="x").context
        again = await with_attachments(other.blobs, again)
    async for _ in claude.stream(again.messages, parameters):
        pass
    first, second = (seen.body for seen in server.asked)
    assert first == second
    assert WORDS in first


EACH_KIND = {
    "text": b"words\n",
    "legacy text": "schöne Grüße aus München\n".encode("cp1252"),
    "table": b"a,b\n1,2\n3,4\n",
    "PDF": pdf(2),
    **{form: encoded(picture(2100, 30), form) for form in ("PNG", "JPEG", "GIF", "WEBP")},
    "transparent": encoded(picture(30, 30, "RGBA"), "WEBP"),
}


async def test_the_api_takes_each_kind_and_every_prefix_is_the_same(
    store: Store, blobs: Blobs, claude: Claude, server: Scripted
) -> None:
    strict = Strict(server)
    last: Message | None = None
    for content in EACH_KIND.values():
        last = await ask_with_file(store, content, after=last)
        sent = prompt(await store.read_path(last.id), endpoint="x")
        sent = await with_attachments(blobs, sent)
        async for _ in claude.stream(sent.messages, Parameters(MODEL)):
            pass
    assert strict.refusals == []
    bodies = [json.dumps(seen.json["messages"])[:-1] for seen in server.asked]
    assert len(bodies) == len(EACH_KIND)
    for before, after in pairwise(bodies):
        assert after.startswith(before)


async def test_a_prompt_without_attachments_is_not_touched(store: Store, blobs: Blobs) -> None:
    question = await ask(store)
    sent = prompt(await store.read_path(question.id), endpoint="x")
    assert await with_attachments(blobs, sent) is sent


async def test_a_repaired_history_has_the_files_that_are_sent_or_held(history: Path) -> None:
    with open_store(history) as store:
        question = await ask_with_file(store)
        held = await store.blobs.put(b"held", conversation_id=question.conversation_id)
        unused = await store.blobs.put(b"unused", conversation_id="x")
        await store.blobs.release("x")
    repair.repair(history, build)
    with open_store(history) as store:
        found = await store.blobs.get([SHA256, held, unused])
        assert found == {SHA256: WORDS, held: b"held"}
        assert await store.blobs.references(SHA256) == 1


def build(path: Path) -> None:
    with open_store(path):
        pass
