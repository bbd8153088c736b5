"""A purge removes deleted text everywhere, and late writes do not bring it back."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.scripted import Hold, Reply, Scripted, refuses, says
from tests.test_purging import found_in
from tests.turns import MODEL, SetClock, ask, converse, on_disk, reply_to
from tui.chat import titles, turn
from tui.chat.draft_store import DraftStore
from tui.chat.undo_stack import UNDO_SECONDS, UndoStack
from tui.claude import Claude
from tui.config.settings import SMALL_MODEL
from tui.domain.conversation import ComposerDraft, Conversation, Message
from tui.domain.parameters import Parameters
from tui.store import HistoryError, Store, backup, open_store
from tui.store.process_lock import fcntl
from tui.terminal import clipboard

SECRET = "xylophone"
SOON = date(2026, 11, 1)

needs_locks = pytest.mark.skipif(fcntl is None, reason="needs locks")


async def purge(store: Store) -> None:
    await store.purge(before_ms=store.clock.now_ms())


async def delete_and_purge(store: Store, *conversation_ids: str) -> None:
    await store.delete(conversation_ids)
    await purge(store)


async def title_of(store: Store, conversation_id: str) -> str:
    found = await store.conversation(conversation_id)
    assert found is not None
    return found.title


# Backups


async def test_an_unfinished_backup_of_a_dead_program_goes_with_the_purge(
    claude: Claude, store: Store, history: Path
) -> None:
    reply = await converse(store, claude, SECRET)
    backup.folder_of(history).mkdir()
    for name in (".history.db-2026-11-01.4711", ".history.db-before-v3.4711"):
        (backup.folder_of(history) / name).write_text(SECRET)
    await delete_and_purge(store, reply.conversation_id)
    assert found_in(history.parent, SECRET) == []


async def test_an_unfinished_backup_of_a_dead_program_is_removed_by_the_next_start(
    claude: Claude, store: Store, history: Path
) -> None:
    await converse(store, claude)
    await store.back_up()
    unfinished = backup.folder_of(history) / ".history.db-2026-11-01.4711"
    unfinished.write_text(SECRET)
    await store.back_up()
    assert not unfinished.exists()
    assert len(list(backup.folder_of(history).iterdir())) == 1


COPIES_SLOWLY = """
import sys, sqlite3
from datetime import date
from pathlib import Path
from tui.store import backup

def is_good(copy):
    # It has its copy, and takes its time before it gives it its name.
    print("copied", flush=True)
    sys.stdin.readline()
    return True

backup.is_good = is_good
backup.make_daily(Path(sys.argv[1]), date(2026, 11, 1))
"""


@needs_locks
async def test_a_backup_begun_in_another_window_gets_no_name_after_the_purge(
    claude: Claude, history: Path
) -> None:
    with open_store(history) as store:
        reply = await converse(store, claude, SECRET)
        other = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", COPIES_SLOWLY, str(history)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
        )
        assert other.stdout is not None
        assert await other.stdout.readline() == b"copied\n"
        await store.delete([reply.conversation_id])
        purging = asyncio.create_task(purge(store))
        # It waits for the other one or is done; both are right.
        await asyncio.wait([purging], timeout=1)
        await other.communicate(b"\n")
        await purging
        assert found_in(history.parent, SECRET) == []


@needs_locks
async def test_a_purge_that_cannot_wait_for_a_backup_is_done_later(
    claude: Claude, store: Store, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "PATIENCE", 0.05)
    reply = await converse(store, claude, SECRET)
    undo_stack, clock = UndoStack(store), store.clock
    await undo_stack.put(reply.conversation_id)
    monkeypatch.setattr(clock, "monotonic", lambda: 1e9)
    backup.make_daily(history, SOON)
    with backup.locked(history):
        assert not await undo_stack.empty()
    assert found_in(history.parent, SECRET)
    assert await undo_stack.empty()
    assert found_in(history.parent, SECRET) == []


async def test_two_histories_in_one_folder_leave_each_others_backups_alone(
    tmp_path: Path, claude: Claude
) -> None:
    notes, work = tmp_path / "notes", tmp_path / "notes-work"
    with open_store(work) as store:
        await converse(store, claude, "the work")
    for day in range(1, 4):
        backup.make_daily(work, date(2026, 11, day))
    copies = backup.newest_first(work)
    with open_store(notes) as store:
        for day in range(1, 6):
            backup.make_daily(notes, date(2026, 11, day))
        assert len(backup.newest_first(notes)) == 3
        reply = await converse(store, claude, "a note")
        await delete_and_purge(store, reply.conversation_id)
    assert backup.newest_first(work) == copies
    assert len(backup.newest_first(notes)) == 1
    assert all(found_in(tmp_path, "the work") for _ in copies)


async def test_a_history_is_not_repaired_from_anothers_backup(
    tmp_path: Path, claude: Claude
) -> None:
    notes, work = tmp_path / "notes", tmp_path / "notes-work"
    with open_store(work) as store:
        await converse(store, claude, "the work")
    backup.make_daily(work, SOON)
    # Nothing is left of a history without a backup.
    notes.touch()
    with open_store(notes) as store:
        assert store.notice == ""
        assert await store.conversations() == []


@pytest.mark.parametrize("name", ["history.db-2026-11-01", "history.db-2026-10-01"])
async def test_a_folder_among_the_backups_ends_nothing(
    claude: Claude, store: Store, history: Path, name: str
) -> None:
    (backup.folder_of(history) / name).mkdir(parents=True)
    reply = await converse(store, claude, SECRET)
    backup.make_daily(history, SOON)
    await delete_and_purge(store, reply.conversation_id)
    assert found_in(history.parent, SECRET) == []
    assert (backup.folder_of(history) / name).is_dir()
    assert on_disk(history, "SELECT purged_ms FROM conversations")[0][0] is not None


async def change_attribute(attribute: str, path: Path) -> bool:
    try:
        process = await asyncio.create_subprocess_exec(
            "chattr", attribute, str(path), stderr=subprocess.DEVNULL
        )
    except FileNotFoundError:
        return False
    return await process.wait() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that cannot be removed")
async def test_a_backup_that_cannot_be_removed_is_named_and_tried_again(
    claude: Claude, store: Store, history: Path
) -> None:
    reply = await converse(store, claude, SECRET)
    stuck = backup.daily(history, SOON)
    backup.make_daily(history, SOON)
    backup.make_daily(history, date(2026, 11, 2))
    if not await change_attribute("+i", stuck):
        pytest.skip("no file can be made unremovable here")
    try:
        await store.delete([reply.conversation_id])
        with pytest.raises(HistoryError, match="Remove it by hand") as told:
            await purge(store)
        assert str(stuck) in str(told.value)
        # The other files are purged.
        relative = str(stuck.relative_to(history.parent))
        assert found_in(history.parent, SECRET) == [relative]
    finally:
        assert await change_attribute("-i", stuck)
    await purge(store)
    assert found_in(history.parent, SECRET) == []


@pytest.mark.parametrize("name", ["backups", "run"])
async def test_a_file_in_the_place_of_a_folder_is_named_and_the_rest_is_done(
    claude: Claude, store: Store, history: Path, name: str
) -> None:
    reply = await converse(store, claude, SECRET)
    folder = history.parent / name
    if folder.is_dir():
        folder.rename(history.parent / "elsewhere")
    folder.write_text("in the way")
    await store.delete([reply.conversation_id])
    if name == "run":
        with pytest.raises(HistoryError, match=str(folder)):
            await purge(store)
        folder.unlink()
        (history.parent / "elsewhere").rename(folder)
    else:
        await purge(store)
    assert found_in(history.parent, SECRET) == []


async def test_a_wal_that_cannot_be_emptied_is_reported_in_words(
    claude: Claude, store: Store, history: Path
) -> None:
    reply = await converse(store, claude, SECRET)
    await store.delete([reply.conversation_id])
    # Only the last write of the purge fails, as on a disk that is just full.
    connection = store.threads.writer().conn
    connection.set_authorizer(_no_checkpoint)
    with pytest.raises(HistoryError, match="could not be written"):
        await purge(store)
    connection.set_authorizer(None)
    await purge(store)
    assert found_in(history.parent, SECRET) == []


def _no_checkpoint(action: int, first: str | None, *_: object) -> int:
    is_checkpoint = action == sqlite3.SQLITE_PRAGMA and first == "wal_checkpoint"
    return sqlite3.SQLITE_DENY if is_checkpoint else sqlite3.SQLITE_OK


# Damaged files, and the files that a repair leaves


async def test_a_damaged_file_that_was_set_aside_goes_with_the_purge(
    claude: Claude, history: Path
) -> None:
    with open_store(history) as store:
        reply = await converse(store, claude, SECRET)
    with history.open("r+b") as file:
        file.seek(100)
        file.write(bytes(3996))
    backup.folder_of(history).mkdir()
    (backup.folder_of(history) / "history.db-2026-11-01").write_bytes(b"")
    neighbour = history.with_name("history.db.damaged-notes")
    neighbour.write_text("mine")
    with open_store(history) as store:
        (aside,) = history.parent.glob("history.db.damaged-2*")
        assert found_in(history.parent, SECRET)
        assert "next deletion removes it" in store.notice
        reply = await converse(store, claude, "another")
        await delete_and_purge(store, reply.conversation_id)
        assert not aside.exists()
        assert neighbour.read_text() == "mine"
    assert found_in(history.parent, SECRET) == []


async def test_the_purge_removes_the_files_of_a_killed_repair(
    claude: Claude, store: Store, history: Path
) -> None:
    reply = await converse(store, claude, SECRET)
    folder = history.with_name(".salvage-x1y2z3")
    folder.mkdir()
    for path in (
        folder / "history.db",
        folder / "history.db-wal",
        history.with_name(".history.db.new"),
        history.with_name(".history.db.new-wal"),
    ):
        path.write_text(SECRET)
    # It belongs to another history.
    theirs = history.with_name(".salvage-theirs")
    theirs.mkdir()
    (theirs / "other.db").write_text("theirs")
    await delete_and_purge(store, reply.conversation_id)
    assert found_in(history.parent, SECRET) == []
    assert (theirs / "other.db").read_text() == "theirs"


@pytest.mark.parametrize(
    "name", [".history.db.new", ".history.db.old", "run/history.db.copies"]
)
async def test_a_repair_that_cannot_be_done_names_what_is_in_its_way(
    claude: Claude, history: Path, name: str
) -> None:
    with open_store(history) as store:
        await converse(store, claude)
    with history.open("r+b") as file:
        file.seek(100)
        file.write(bytes(3996))
    before = history.read_bytes()
    (history.parent / name).mkdir(parents=True)
    with (
        pytest.raises(HistoryError, match="not be repaired") as told,
        open_store(history),
    ):
        pass
    assert str(history.parent / name) in str(told.value)
    assert history.read_bytes() == before
    assert not list(history.parent.glob("*.damaged-*"))
    (history.parent / name).rmdir()
    with open_store(history) as store:
        assert "damaged" in store.notice


# Late writes


def refuses_with(words: str) -> Reply:
    return refuses(400, "invalid_request_error", words)


async def being_answered(
    server: Scripted, claude: Claude, store: Store, after: Message, answer: Reply
) -> tuple[Message, Hold, asyncio.Task[Message]]:
    """Ask a question whose reply the server holds."""
    hold = Hold()
    server.will(replace(answer, before=[hold]))
    question = await ask(store, "and then?", after=after)
    replying = asyncio.create_task(reply_to(store, claude, question))
    await wait_until(hold.reached.is_set)
    return question, hold, replying


@pytest.mark.parametrize("what", ["conversation", "question"])
async def test_a_late_error_that_repeats_purged_text_is_saved_without_it(
    server: Scripted, claude: Claude, store: Store, history: Path, what: str
) -> None:
    first = await converse(store, claude, f"a {SECRET} question")
    answer = refuses_with(f"no {SECRET} allowed")
    question, hold, replying = await being_answered(server, claude, store, first, answer)
    if what == "conversation":
        await store.delete([first.conversation_id])
    else:
        await store.branches.delete(first.parent_id or "")
    await purge(store)
    hold.release()
    await replying
    # The WAL must be clean now, before the next commit overwrites it.
    assert found_in(history.parent, SECRET) == []
    (row,) = on_disk(
        history,
        "SELECT state, http_status, error_type, error_message FROM requests"
        " ORDER BY id DESC LIMIT 1",
    )
    assert tuple(row) == ("failed", 400, "invalid_request_error", None)
    if what == "question":
        (_, _, failed) = await store.read_path(replying.result().id)
        assert failed.failure is not None
        assert failed.failure.type == "invalid_request_error"
        assert "removed" in failed.failure.message
        assert failed.parent_id == question.id


async def test_a_late_attempt_that_repeats_purged_text_is_saved_without_it(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    first = await converse(store, claude, f"a {SECRET} question")
    answer = refuses(529, "overloaded_error", f"no {SECRET} now", retry_after="0")
    _, hold, replying = await being_answered(server, claude, store, first, answer)
    server.will(says("at last"))
    await store.branches.delete(first.parent_id or "")
    await purge(store)
    hold.release()
    assert (await replying).state == "complete"
    assert found_in(history.parent, SECRET) == []
    assert on_disk(history, "SELECT count(*) FROM requests")[0][0] == 3


async def test_errors_and_their_recordings_go_with_the_question_they_repeat(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    first = await converse(store, claude, f"a {SECRET} question")
    other = await converse(store, claude, "another")
    server.will(refuses_with(f"no {SECRET} allowed"), refuses_with("no other allowed"))
    failed = await converse(store, claude, "and?", after=first)
    unrelated = await converse(store, claude, "and?", after=other)
    assert on_disk(history, "SELECT count(*) FROM recordings")[0][0] == 4
    await store.branches.delete(first.parent_id or "")
    await purge(store)
    assert found_in(history.parent, SECRET) == []
    assert on_disk(history, "SELECT count(*) FROM recordings")[0][0] == 3
    (*_, failed) = await store.read_path(failed.id)
    assert failed.failure is not None
    assert failed.failure.status == 400
    # Other conversations lose nothing.
    (*_, kept) = await store.read_path(unrelated.id)
    assert kept.failure == unrelated.failure


async def test_until_it_is_purged_an_error_keeps_its_words(
    server: Scripted, claude: Claude, store: Store
) -> None:
    first = await converse(store, claude, "a question")
    answer = refuses_with("no such allowed")
    _, hold, replying = await being_answered(server, claude, store, first, answer)
    await store.branches.delete(first.parent_id or "")
    hold.release()
    failed = await replying
    await store.branches.restore(first.parent_id or "", failed.id)
    (*_, kept) = await store.read_path(failed.id)
    assert kept.failure == failed.failure
    assert "no such allowed" in str(kept.failure)


async def test_nothing_is_answered_in_a_conversation_that_was_purged(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    first = await converse(store, claude, SECRET)
    question = (await store.read_path(first.id))[0]
    await delete_and_purge(store, first.conversation_id)
    server.will(says(f"the {SECRET} again"))
    with pytest.raises(HistoryError, match="deleted in another window"):
        await reply_to(store, claude, question)
    assert found_in(history.parent, SECRET) == []


async def test_the_rest_is_not_asked_of_a_reply_that_was_purged(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    server.will(says(f"half a {SECRET}", stop_reason="max_tokens"))
    half = await converse(store, claude, "a question")
    conversation = await store.conversation(half.conversation_id)
    assert conversation is not None
    await store.branches.delete(half.id)
    await purge(store)
    with pytest.raises(HistoryError, match="deleted in another window"):
        await turn.continue_reply(store, conversation, half)
    assert found_in(history.parent, SECRET) == []


async def test_a_fork_takes_no_quote_of_a_reply_that_was_deleted(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    server.will(says(f"half a {SECRET}", stop_reason="max_tokens"), says("the rest"))
    half = await converse(store, claude, "a question")
    conversation = await store.conversation(half.conversation_id)
    assert conversation is not None
    _, asked = await turn.continue_reply(store, conversation, half)
    rest = await reply_to(store, claude, asked)
    await store.branches.delete(half.id)
    now_ms = store.clock.now_ms()
    fork = Conversation(
        store.new_id(), Parameters(MODEL), now_ms, now_ms, title="a question (fork)"
    )
    await store.branches.fork(fork, rest.id)
    await purge(store)
    assert found_in(history.parent, SECRET) == []


@pytest.mark.parametrize("is_purged", [False, True])
async def test_a_fork_holds_what_its_path_showed_of_a_reply_that_was_deleted(
    server: Scripted, claude: Claude, store: Store, *, is_purged: bool
) -> None:
    """The question that continues the reply quotes it, and stays without the quote."""
    server.will(says(f"half a {SECRET}", stop_reason="max_tokens"), says("the rest"))
    half = await converse(store, claude, "a question")
    conversation = await store.conversation(half.conversation_id)
    assert conversation is not None
    _, asked = await turn.continue_reply(store, conversation, half)
    rest = await reply_to(store, claude, asked)
    # The first message that is left is a continuation.
    for message_id in (half.parent_id, half.id):
        await store.branches.delete(message_id or "")
    if is_purged:
        await purge(store)
    now_ms = store.clock.now_ms()
    fork = Conversation(
        store.new_id(), Parameters(MODEL), now_ms, now_ms, title="a question (fork)"
    )
    await store.branches.fork(fork, rest.id)
    kept = await store.conversation(fork.id)
    assert kept is not None
    for tip_id in (rest.id, kept.tip_id):
        line = await store.read_path(tip_id)
        assert [message.text for message in line] == ["", "the rest"]
        assert line[0].is_continuation


async def test_words_that_are_brought_back_are_quoted_again(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.will(says(f"half a {SECRET}", stop_reason="max_tokens"), says("the rest"))
    half = await converse(store, claude, "a question")
    conversation = await store.conversation(half.conversation_id)
    assert conversation is not None
    _, asked = await turn.continue_reply(store, conversation, half)
    rest = await reply_to(store, claude, asked)
    before = await store.read_path(rest.id)
    await store.branches.delete(half.id)
    assert SECRET not in "".join(message.text for message in await store.read_path(rest.id))
    await store.branches.restore(half.id, rest.id)
    assert await store.read_path(rest.id) == before


async def test_the_rest_is_not_asked_of_a_reply_that_is_deleted_while_it_waits(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.will(says(f"half a {SECRET}", stop_reason="max_tokens"))
    half = await converse(store, claude, "a question")
    conversation = await store.conversation(half.conversation_id)
    assert conversation is not None
    _, asked = await turn.continue_reply(store, conversation, half)
    await store.branches.delete(half.id)
    kept = await reply_to(store, claude, asked)
    assert kept.state == "failed"
    assert "was deleted" in str(kept.failure)
    assert len(server.asked) == 1


async def test_late_tags_of_a_purged_conversation_are_not_saved(
    claude: Claude, store: Store, history: Path
) -> None:
    reply = await converse(store, claude)
    await delete_and_purge(store, reply.conversation_id)
    await store.labels.set_tags([reply.conversation_id], [SECRET])
    assert found_in(history.parent, SECRET) == []


# Drafts


async def test_the_edit_of_a_purged_question_is_gone_and_the_draft_stays(
    claude: Claude, store: Store, history: Path
) -> None:
    reply = await converse(store, claude, f"a {SECRET} question")
    conversation_id, question_id = reply.conversation_id, reply.parent_id
    drafts = DraftStore(store)
    await drafts.open(conversation_id)
    drafts.write(conversation_id, "what I was writing")
    drafts.edit(conversation_id, question_id or "", f"a better {SECRET} question")
    await drafts.save()
    await store.branches.delete(question_id or "")
    await purge(store)
    assert found_in(history.parent, SECRET) == []
    # The next key does not bring it back, here or in another window.
    drafts.write(conversation_id, f"an even better {SECRET} question")
    await drafts.save()
    assert found_in(history.parent, SECRET) == []
    assert await store.drafts.draft(conversation_id) == ComposerDraft("what I was writing")


async def test_the_draft_of_a_purged_conversation_does_not_come_back(
    claude: Claude, store: Store, history: Path
) -> None:
    reply = await converse(store, claude)
    await delete_and_purge(store, reply.conversation_id)
    await store.drafts.save(reply.conversation_id, ComposerDraft(SECRET, queued=(SECRET,)))
    assert found_in(history.parent, SECRET) == []
    assert await store.drafts.conversation_ids() == set()


async def test_until_it_is_purged_a_draft_can_be_written(claude: Claude, store: Store) -> None:
    reply = await converse(store, claude)
    await store.delete([reply.conversation_id])
    await store.drafts.save(reply.conversation_id, ComposerDraft("not yet"))
    await store.restore([reply.conversation_id])
    assert await store.drafts.draft(reply.conversation_id) == ComposerDraft("not yet")


# Titles


async def test_a_title_made_of_a_purged_question_is_made_of_the_next(
    claude: Claude, store: Store, history: Path
) -> None:
    first = await converse(store, claude, f"a {SECRET} question")
    await converse(store, claude, "Ist die Ähre reif?", after=first)
    await store.branches.delete(first.parent_id or "")
    await purge(store)
    assert found_in(history.parent, SECRET) == []
    assert await title_of(store, first.conversation_id) == "Ist die Ähre reif?"
    assert await store.finding.titles("ähre") is not None


async def test_a_title_for_which_no_question_is_left_says_so(
    claude: Claude, store: Store, history: Path
) -> None:
    reply = await converse(store, claude, f"a {SECRET} question")
    await store.branches.delete(reply.parent_id or "")
    await purge(store)
    assert found_in(history.parent, SECRET) == []
    assert await title_of(store, reply.conversation_id) == "Untitled"


@pytest.mark.parametrize("index", [0, 1])
async def test_a_models_title_goes_with_either_message_it_was_made_of(
    server: Scripted, claude: Claude, store: Store, history: Path, index: int
) -> None:
    server.will(says("Some words"), says(f"About the {SECRET}"))
    reply = await converse(store, claude, "First words")
    await titles.improve(store, claude, reply.conversation_id, SMALL_MODEL)
    assert SECRET in await title_of(store, reply.conversation_id)
    await store.branches.delete((reply.parent_id, reply.id)[index] or "")
    await purge(store)
    assert found_in(history.parent, SECRET) == []


async def test_a_title_that_comes_after_the_purge_of_what_it_is_made_of_is_not_taken(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    for answer in (says(f"About the {SECRET}"), refuses_with(f"no {SECRET}")):
        hold = Hold()
        server.will(says("Some words"), replace(answer, before=[hold]))
        reply = await converse(store, claude, "First words")
        improving = asyncio.create_task(
            titles.improve(store, claude, reply.conversation_id, SMALL_MODEL)
        )
        await wait_until(hold.reached.is_set)
        await store.branches.delete(reply.id)
        await purge(store)
        hold.release()
        assert not await improving
        assert found_in(history.parent, SECRET) == []


async def test_a_persons_title_stays_whatever_is_deleted(claude: Claude, store: Store) -> None:
    reply = await converse(store, claude, f"a {SECRET} question")
    await store.labels.rename(reply.conversation_id, "Mine", by="person")
    await store.branches.delete(reply.parent_id or "")
    await purge(store)
    assert await title_of(store, reply.conversation_id) == "Mine"


async def test_the_samples_that_sqlite_keeps_of_titles_and_tags_go_too(
    claude: Claude, store: Store, history: Path
) -> None:
    reply = await converse(store, claude, f"a {SECRET} question")
    other = await converse(store, claude, f"another {SECRET} question")
    for purged, is_message in ((reply, False), (other, True)):
        with closing(sqlite3.connect(history)) as connection, connection:
            # ANALYZE does this if SQLite is built with SQLITE_ENABLE_STAT4.
            connection.execute("PRAGMA writable_schema = on")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS sqlite_stat4 (tbl, idx, neq, nlt, ndlt, sample)"
            )
            connection.execute("INSERT INTO sqlite_stat4 (sample) VALUES (?)", [SECRET])
        if is_message:
            await store.branches.delete(purged.parent_id or "")
        else:
            await store.delete([purged.conversation_id])
        await purge(store)
    assert found_in(history.parent, SECRET) == []


# The time to undo, and who can still undo


async def test_ten_seconds_are_the_stopwatchs_where_the_clock_was_once_ahead(
    claude: Claude, history: Path
) -> None:
    clock = SetClock()
    clock.ahead_ms = 400 * 24 * 3600 * 1000
    with open_store(history, clock) as store:
        await converse(store, claude, "from the future")
    clock = SetClock()
    with open_store(history, clock) as store:
        reply = await converse(store, claude, SECRET)
        undo_stack = UndoStack(store)
        await undo_stack.put(reply.conversation_id)
        await undo_stack.empty()
        assert found_in(history.parent, SECRET)
        clock.later = UNDO_SECONDS + 0.5
        await undo_stack.empty()
        assert await undo_stack.take_back() is None
        assert found_in(history.parent, SECRET) == []


async def test_a_clock_that_jumps_ahead_shortens_no_ten_seconds(
    claude: Claude, history: Path
) -> None:
    clock = SetClock()
    with open_store(history, clock) as store:
        reply = await converse(store, claude)
        undo_stack = UndoStack(store)
        await undo_stack.put(reply.conversation_id)
        clock.ahead_ms = 3600 * 1000
        await undo_stack.empty()
        assert await undo_stack.take_back() is not None
        assert await store.conversation(reply.conversation_id) is not None


async def test_the_next_start_purges_what_an_earlier_run_deleted_whatever_the_clock_says(
    claude: Claude, history: Path
) -> None:
    clock = SetClock()
    clock.ahead_ms = 400 * 24 * 3600 * 1000
    with open_store(history, clock) as store:
        reply = await converse(store, claude, SECRET)
        await UndoStack(store).put(reply.conversation_id)
    with open_store(history) as store:
        await UndoStack(store).empty()
        assert found_in(history.parent, SECRET) == []


@needs_locks
async def test_a_start_purges_nothing_that_another_window_can_bring_back(
    claude: Claude, history: Path
) -> None:
    clock = SetClock()
    with open_store(history, clock) as store, open_store(history) as other:
        replies = [await converse(store, claude, SECRET) for _ in range(2)]
        undo_stack, others = UndoStack(store), UndoStack(other)
        await undo_stack.put(replies[0].conversation_id)
        await undo_stack.put(replies[1].conversation_id)
        assert not await others.empty()
        assert await undo_stack.take_back() is not None
        # The deletion cannot be undone any more: any program may purge it.
        clock.later = UNDO_SECONDS + 0.5
        assert await undo_stack.empty()
        await store.delete([replies[1].conversation_id])
        assert await others.empty()
    assert found_in(history.parent, SECRET) == []


@needs_locks
async def test_a_window_that_was_suspended_with_its_trash_holds_up_no_other_for_long(
    claude: Claude, history: Path
) -> None:
    clock = SetClock()
    with open_store(history) as suspended, open_store(history, clock) as store:
        reply = await converse(suspended, claude, SECRET)
        await UndoStack(suspended).put(reply.conversation_id)
        undo_stack = UndoStack(store)
        assert not await undo_stack.empty()
        clock.later = UNDO_SECONDS - 1
        assert not await undo_stack.empty()
        assert await store.purging.deleted()
        clock.later = UNDO_SECONDS + 1
        assert await undo_stack.empty()
        assert found_in(history.parent, SECRET) == []


async def test_a_purge_begun_by_another_window_is_not_half_undone(
    claude: Claude, history: Path
) -> None:
    with open_store(history) as store, open_store(history) as other:
        reply = await converse(store, claude, "one")
        message = await converse(store, claude, "two")
        undo_stack = UndoStack(store)
        await undo_stack.put(reply.conversation_id)
        await undo_stack.put_message(message.conversation_id, message.id, None)
        ids = [reply.conversation_id, message.id]
        for each in ids:
            await other.purging._remove_some(each)
        await undo_stack.take_back()
        await undo_stack.take_back()
        assert await store.conversation(reply.conversation_id) is None
        assert await store.branches.message(message.id) is None
        # After a second deletion, the purge still continues.
        await store.delete([reply.conversation_id])
        await store.restore([reply.conversation_id])
        assert await store.conversation(reply.conversation_id) is None
        await purge(other)
        assert await store.purging.deleted() == {}


async def test_a_row_restored_and_deleted_again_during_a_purge_is_purged_later(
    claude: Claude, store: Store, history: Path
) -> None:
    reply = await converse(store, claude, SECRET)
    await store.delete([reply.conversation_id])
    purging = asyncio.create_task(purge(store))
    restoring = asyncio.create_task(store.restore([reply.conversation_id]))
    deleting = asyncio.create_task(store.delete([reply.conversation_id]))
    await asyncio.gather(purging, restoring, deleting)
    await purge(store)
    assert found_in(history.parent, SECRET) == []


async def test_a_row_restored_before_its_purge_is_later_purged_from_backups_too(
    claude: Claude, store: Store, history: Path
) -> None:
    reply = await converse(store, claude, SECRET)
    await store.purging.purge([reply.conversation_id])
    await store.back_up()
    assert len(found_in(history.parent, SECRET)) > 1
    await store.delete([reply.conversation_id])
    assert await store.purging.purge([reply.conversation_id])
    assert found_in(history.parent, SECRET) == []


# The clipboard's file


async def test_a_text_that_no_clipboard_took_goes_with_the_purge(
    claude: Claude, store: Store, tmp_path: Path
) -> None:
    reply = await converse(store, claude, SECRET)
    folder = tmp_path / "log"
    folder.mkdir()
    await clipboard.copy(
        SECRET,
        what="the message",
        osc52=lambda _: None,
        environ={"TERM": "dumb", "PATH": ""},
        folder=folder,
    )
    assert found_in(tmp_path, SECRET)
    await store.delete([reply.conversation_id])
    assert await UndoStack(store, along=lambda: clipboard.files(folder)).empty()
    assert found_in(tmp_path, SECRET) == []
