"""Replies whose program died, or seems to be dead; nothing else depends on them."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands import run_here
from tests.conftest import wait_until
from tests.faults.test_file import as_somebody_else, elsewhere
from tests.screens.conftest import Open
from tests.scripted import Hold, Reply, Scripted, end, start, text
from tests.test_journal import journal
from tests.test_store import begin, state_of, streaming_program
from tests.turns import ask, kept, on_disk, reply_to
from tui.claude import Claude
from tui.domain.conversation import Message
from tui.store import HistoryError, Store, open_store
from tui.store.process_lock import is_held

__all__ = ["elsewhere"]

ROOT = Path(__file__).parent.parent.parent
WORDS = json.dumps(
    [["block", 0, {"type": "text", "text": ""}], ["delta", 0, "text_delta", "Hi"]]
)
DEAD = "019ac000-0000-7000-8000-000000000000"
"""The name of a lock that no program holds."""


def write(history: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(history)) as other, other:
        other.execute(sql, values)


async def orphan(store: Store, *entries: str) -> Message:
    """Make a reply whose program is gone, with its journal."""
    message, _ = await begin(store, await ask(store, "Why?"))
    for k, entry in enumerate(entries):
        await store.append_journal(message.id, k, entry)
    write(store.path, "UPDATE streams SET owner = ? WHERE message_id = ?", DEAD, message.id)
    return message


def refuse_changes_of(history: Path, message: Message) -> None:
    """Make every change of a message fail, as a broken file may."""
    write(
        history,
        "CREATE TRIGGER broken BEFORE UPDATE ON messages WHEN old.id ="
        f" '{message.id}' BEGIN SELECT raise(ABORT, 'it is broken'); END",
    )


# Recovery


async def test_an_orphan_that_cannot_be_recovered_holds_up_no_other(
    store: Store, history: Path
) -> None:
    first, second, third = [await orphan(store, WORDS) for _ in range(3)]
    refuse_changes_of(history, second)
    with pytest.raises(HistoryError, match="broken"):
        await store.recover()
    assert [(await kept(store, each)).text for each in (first, third)] == ["Hi", "Hi"]
    assert state_of(history, second.id) == "streaming"
    assert WORDS in journal(history)
    write(history, "DROP TRIGGER broken")
    assert await store.recover() == 1
    assert (await kept(store, second)).text == "Hi"


@pytest.mark.parametrize(
    "entry",
    [
        "{",
        "[" * 100_000,
        "7",
        "[7]",
        '[["delta", 0, "text_delta", 7]]',
        '[["block", [], {}]]',
        '[["block", 0, "text"]]',
        '[["start", "msg", "model", [], null]]',
        '[["stopping", {}, null, {}]]',
    ],
    ids=["json", "deep", "number", "event", "words", "index", "wire", "usage", "reason"],
)
async def test_an_unreadable_entry_ends_the_replay_and_earlier_text_is_kept(
    store: Store, history: Path, entry: str
) -> None:
    message = await orphan(store, WORDS, entry, '[["delta", 0, "text_delta", " there"]]')
    assert await store.recover() == 1
    found = await kept(store, message)
    assert (found.state, found.text) == ("interrupted", "Hi")
    assert found.failure is not None
    assert "table journal" in found.failure.message
    # Data that this program cannot read is still kept.
    assert entry in journal(history)
    assert await store.recover() == 0


@pytest.mark.parametrize(
    "wire",
    [
        '{"type": "tool_use", "input": ' + "[" * 900 + "]" * 900 + "}",
        '{"type": "twice"}',
    ],
    ids=["nested", "twice"],
)
async def test_a_reply_that_cannot_be_recovered_is_interrupted_and_its_journal_is_kept(
    store: Store, history: Path, wire: str
) -> None:
    entry = f'[["block", 0, {wire}], ["stop", 0, {wire}]]'
    message = await orphan(store, entry)
    if "twice" in entry:
        write(
            history,
            "INSERT INTO blocks (message_id, seq, type, data) VALUES (?, 0, 'x', '{}')",
            message.id,
        )
    assert await store.recover() == 1
    found = await kept(store, message)
    assert found.state == "interrupted"
    assert entry in journal(history)
    (request,) = on_disk(history, "SELECT state FROM requests")
    assert request["state"] == "interrupted"
    # The purge of the reply removes it.
    await store.branches.delete(message.id)
    await store.purge(before_ms=store.clock.now_ms())
    assert journal(history) == ""


@pytest.mark.parametrize("command", [["log"], ["log", "--json"], ["ask", "--demo", "Hello"]])
def test_no_command_depends_on_recovery(history: Path, command: list[str]) -> None:
    async def make() -> None:
        with open_store(history) as store:
            refuse_changes_of(history, await orphan(store, WORDS))

    asyncio.run(make())
    done = run_here(history, *command)
    assert done.code == 0
    assert done.out
    assert "it is broken" in done.err
    assert "Traceback" not in done.err


async def test_a_start_that_cannot_recover_makes_its_backup_all_the_same(
    opened: Open, store: Store, history: Path
) -> None:
    refuse_changes_of(history, await orphan(store, WORDS))
    async with opened() as journey:
        await journey.until(lambda: list((history.parent / "backups").glob("history.db-*")))
        assert any("it is broken" in notice for notice in journey.notices)
        assert "Why?" in journey.seen


# Whose reply is alive

_CROWDED_ASK = """
import asyncio, os, sys
from pathlib import Path
from tests.turns import ask
from tui.store import HistoryError, open_store

async def fill(store):
    await store.conversations()
    while True:
        try:
            os.open(os.devnull, os.O_RDONLY)
        except OSError:
            break
    try:
        await ask(store)
    except HistoryError as error:
        print(error)
    print(len(await store.conversations()))

with open_store(Path(sys.argv[1])) as store:
    asyncio.run(fill(store))
"""


def test_too_few_descriptors_are_named_and_reading_works(store: Store, history: Path) -> None:
    asyncio.run(ask(store, "A question"))
    done = subprocess.run(
        ["sh", "-c", f"ulimit -n 64; exec {sys.executable} -c '{_CROWDED_ASK}' {history}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    told, count = done.stdout.splitlines()
    assert f"{history.parent} cannot be used: too many files are open" in told
    assert "ulimit -n" in told
    assert count == "1"


_CROWDED = """
import asyncio, os, sys
from pathlib import Path
from tests.turns import ask
from tui.store import open_store

async def recover(store):
    # What it needs is open already.
    await ask(store)
    opened = []
    while True:
        try:
            opened.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            break
    print(await store.recover())

with open_store(Path(sys.argv[1])) as store:
    asyncio.run(recover(store))
"""


def test_a_program_without_a_descriptor_left_takes_nobody_for_dead(history: Path) -> None:
    with streaming_program(history) as (_, message_id):
        done = subprocess.run(
            ["sh", "-c", f"ulimit -n 64; exec {sys.executable} -c '{_CROWDED}' {history}"],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        assert (done.stdout, done.stderr) == ("0\n", "")
        assert state_of(history, message_id) == "streaming"


def test_only_a_lock_that_is_not_there_or_can_be_taken_is_a_dead_program_s(
    tmp_path: Path,
) -> None:
    lock = tmp_path / "a.lock"
    assert not is_held(lock)
    lock.touch()
    assert not is_held(lock)
    lock.unlink()
    lock.symlink_to(lock)
    assert is_held(lock)
    (tmp_path / "file").touch()
    assert is_held(tmp_path / "file" / "a.lock")


async def test_a_name_that_no_program_of_ours_has_leads_to_no_file(
    store: Store, history: Path
) -> None:
    message = await orphan(store, WORDS)
    outside = history.parent / "precious.lock"
    outside.touch()
    write(history, "UPDATE streams SET owner = '../precious'")
    assert await store.recover() == 1
    assert outside.exists()
    assert (await kept(store, message)).text == "Hi"


async def test_a_reply_that_another_program_ended_is_completed_by_its_owner(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    hold = Hold()
    server.will(Reply([start(), *text(0, "First")[:-1], hold, *text(0, ", last")[1:], *end()]))
    question = await ask(store)
    running = asyncio.create_task(reply_to(store, claude, question))
    await wait_until(lambda: "First" in journal(history))
    for lock in (history.parent / "run").glob("*.lock"):
        lock.unlink()
    with open_store(history) as other:
        assert await other.recover() == 1
        (_, interrupted) = await other.read_path((await other.conversations())[0].tip_id)
    assert (interrupted.state, interrupted.text) == ("interrupted", "First")
    hold.release()
    message = await running
    assert message.state == "complete"
    assert (await kept(store, message)).text == "First, last"


async def test_a_lock_that_somebody_cleared_away_is_taken_again(
    store: Store, history: Path
) -> None:
    first, _ = await begin(store, await ask(store))
    for lock in (history.parent / "run").glob("*"):
        lock.unlink()
    (history.parent / "run").rmdir()
    second, _ = await begin(store, await ask(store))
    with open_store(history) as other:
        assert await other.recover() == 0
    assert [state_of(history, each.id) for each in (first, second)] == ["streaming"] * 2


async def test_locks_stand_beside_the_file_whatever_link_led_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, link = tmp_path / "real" / "history.db", tmp_path / "links" / "link.db"
    real.parent.mkdir()
    link.parent.mkdir()
    link.symlink_to(real)
    with streaming_program(real) as (_, message_id):
        with open_store(link) as store:
            assert await store.recover() == 0
            await begin(store, await ask(store))
            await store.back_up()
        assert state_of(real, message_id) == "streaming"
    monkeypatch.chdir(real.parent)
    with open_store(Path("history.db")) as store:
        monkeypatch.chdir(tmp_path)
        await begin(store, await ask(store))
    assert [found.name for found in link.parent.iterdir()] == ["link.db"]
    assert not (tmp_path / "run").exists()
    assert [copy.name[:11] for copy in (real.parent / "backups").iterdir()] == ["history.db-"]


# What may be in the place of the locks


def a_file(path: Path) -> None:
    path.touch()


def a_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("stands", [a_file, a_dangling_link, a_pipe])
async def test_a_lock_folder_that_is_none_is_named_and_reading_works(
    opened: Open, history: Path, stands: Callable[[Path], None]
) -> None:
    stands(history.parent / "run")
    async with opened() as journey:
        await journey.ask("A question")
        await journey.until(lambda: journey.notices)
        (told,) = journey.notices
        assert str(history.parent / "run") in told
        assert "Move the file away" in told
        # The question is saved and can be asked again.
        assert "A question" in journey.seen
    with open_store(history) as store:
        assert [each.title for each in await store.conversations()] == ["A question"]
        assert await store.recover() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to leave what is root's")
def test_files_left_by_a_start_with_sudo_are_named_and_read(elsewhere: Path) -> None:
    path = elsewhere / "history.db"
    elsewhere.chmod(0o777)
    with open_store(path) as store:
        asyncio.run(ask(store, "A question"))
    path.chmod(0o644)
    run_folder = elsewhere / "run"
    run_folder.mkdir(mode=0o700, exist_ok=True)
    told = as_somebody_else(path)
    assert told["titles"] == ["A question"]
    assert str(elsewhere) in str(told["notice"])
    assert "sudo chown" in str(told["notice"])
    assert "sudo chown" in str(told["refused"])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_a_file_made_read_only_while_it_is_open_is_named_and_read(elsewhere: Path) -> None:
    path = elsewhere / "history.db"
    elsewhere.chmod(0o777)
    read, tell = os.pipe()
    if os.fork() == 0:
        os.setgid(65534)
        os.setuid(65534)
        told = asyncio.run(_made_read_only(path))
        os.write(tell, told.encode())
        os._exit(0)
    os.close(tell)
    with os.fdopen(read, "rb") as pipe:
        refused, _, titles = pipe.read().decode().partition("\n")
    os.wait()
    assert str(elsewhere) in refused
    assert "belongs to another user" in refused
    assert titles == "A question"


async def _made_read_only(path: Path) -> str:
    with open_store(path) as first:
        await ask(first, "A question")
    with open_store(path) as store:
        path.chmod(0o444)
        try:
            await ask(store, "Another")
        except HistoryError as error:
            return f"{error}\n{(await store.conversations())[0].title}"
    return "it was written"


@pytest.mark.parametrize("command", [["log"], ["doctor", "--offline"], ["ask", "--demo", "Hi"]])
def test_a_pipe_in_the_place_of_the_history_is_no_history(
    history: Path, command: list[str], empty_home: Path
) -> None:
    os.mkfifo(history)
    done = subprocess.run(
        [sys.executable, "-m", "tui", *command, "--db", str(history)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        timeout=60,
        env=os.environ | {"HOME": str(empty_home)},
    )
    assert done.returncode == 1
    told = done.stdout + done.stderr
    assert "not a history file" in told or "not a file" in told
    assert "Traceback" not in done.stderr
