"""After a kill at any step of a purge, backup or repair, the next start finishes the purge.

A sample of the steps by default, every step with FAULTS=full.
"""

from __future__ import annotations

import asyncio
import functools
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from tests.faults.killing import is_killed_at, needs_fork, steps_to_kill_at
from tests.scripted import Scripted, refuses, says
from tests.test_purging import found_in
from tests.turns import MODEL, converse, on_disk
from tui.chat.undo_stack import UndoStack
from tui.claude import Claude
from tui.domain.conversation import ComposerDraft
from tui.store import Store, backup, open_store
from tui.store.process_lock import fcntl

pytestmark = needs_fork

SECRET = "xylophone"
KEPT = "marimba"


async def fill(store: Store, server: Scripted, claude: Claude) -> None:
    """Make a conversation to keep, and one to delete whose text is everywhere."""
    for number in range(3):
        server.will(says(f"the {KEPT} answers {number}"))
        await converse(store, claude, f"{KEPT} {number}")
    server.will(says(f"{SECRET} " * 40))
    reply = await converse(store, claude, f"{SECRET} question")
    server.will(refuses(400, "invalid_request_error", f"no {SECRET}"))
    await converse(store, claude, f"more {SECRET}", after=reply)
    await store.labels.set_tags([reply.conversation_id], [SECRET])
    await store.drafts.save(reply.conversation_id, ComposerDraft(SECRET))


def run(path: Path, work: Callable[[Store], object]) -> None:
    """Open the history at a path, and do something with it."""

    async def main() -> None:
        with open_store(path) as store:
            result = work(store)
            if asyncio.iscoroutine(result):
                await result

    asyncio.run(main())


async def delete_secret(store: Store) -> None:
    ids = [each.id for each in await store.conversations() if SECRET in each.title]
    await store.delete(ids)


async def empty_trash(store: Store) -> None:
    assert await UndoStack(store).empty()


@pytest.fixture
def folder(tmp_path: Path, server: Scripted, claude: Claude) -> Path:
    """A folder with a history that has the secret words."""
    folder = tmp_path / "data"
    folder.mkdir()

    async def make() -> None:
        with open_store(folder / "history.db") as store:
            await fill(store, server, claude)

    asyncio.run(make())
    assert found_in(folder, SECRET)
    return folder


def check(folder: Path) -> None:
    """Check that no file has the deleted words, and that the rest is complete."""
    assert found_in(folder, SECRET) == []
    path = folder / "history.db"
    assert on_disk(path, "PRAGMA integrity_check")[0][0] == "ok"
    said = on_disk(path, "SELECT text FROM transcript WHERE text LIKE ?", f"%{KEPT}%")
    assert len(said) == 6
    with closing(sqlite3.connect(path)) as connection:
        for index in ("blocks_fts", "pairs_fts"):
            connection.execute(f"INSERT INTO {index} ({index}) VALUES ('integrity-check')")
        connection.execute("CREATE VIRTUAL TABLE temp.v USING fts5vocab(main, blocks_fts, row)")
        found = [term for (term,) in connection.execute("SELECT term FROM v")]
    assert KEPT in found
    assert SECRET not in found


def kill_at_each_step(
    folder: Path, work: Callable[[Path], object], then: Callable[[Path], object], *, sample: int
) -> int:
    """Work on copies of a folder, each killed at another step; return the steps' number."""
    for step in steps_to_kill_at(sample):
        copy = folder.with_name(f"copy-{step}")
        shutil.copytree(folder, copy)
        path = copy / "history.db"
        is_killed = is_killed_at(step, copy, functools.partial(work, path))
        then(path)
        check(copy)
        shutil.rmtree(copy)
        if not is_killed:
            return step
    raise AssertionError


def test_a_purge_that_is_killed_is_ended_by_the_next_start(folder: Path) -> None:
    path = folder / "history.db"
    backup.make_daily(path, date(2026, 11, 1))
    path.with_name("history.db.damaged-20261101T100000Z").write_bytes(path.read_bytes())
    run(path, delete_secret)
    assert len(found_in(folder, SECRET)) == 3

    steps = kill_at_each_step(
        folder,
        work=lambda path: run(path, empty_trash),
        then=lambda path: run(path, empty_trash),
        sample=9,
    )
    print(f"{steps} steps")
    assert steps > 50


def test_a_backup_that_is_killed_leaves_nothing_after_the_next_purge(folder: Path) -> None:
    async def delete_and_empty(store: Store) -> None:
        await store.back_up()
        assert backup.unfinished(store.path) == []
        assert len(backup.newest_first(store.path)) == 1
        await delete_secret(store)
        await empty_trash(store)

    steps = kill_at_each_step(
        folder,
        work=lambda path: run(path, Store.back_up),
        then=lambda path: run(path, delete_and_empty),
        sample=3,
    )
    print(f"{steps} steps")
    assert steps > 30


@pytest.mark.skipif(fcntl is None, reason="needs locks")
@pytest.mark.parametrize("has_log", [False, True])
def test_a_repair_that_is_killed_loses_nothing_and_leaves_nothing_after_the_next_purge(
    folder: Path, *, has_log: bool
) -> None:
    path = folder / "history.db"
    (root,) = on_disk(path, "SELECT rootpage FROM sqlite_master WHERE name = 'tags'")[0]
    if has_log:
        leave_log(path)
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    # The mark that a program leaves when it finds the damage.
    (folder / "run").mkdir(exist_ok=True)
    (folder / "run" / "history.db.check").touch()

    async def delete_and_empty(store: Store) -> None:
        models = {each.parameters.model for each in await store.conversations()}
        assert models == {"log" if has_log else MODEL}
        await delete_secret(store)
        await empty_trash(store)

    steps = kill_at_each_step(
        folder,
        work=lambda path: run(path, expect_repair),
        then=lambda path: run(path, delete_and_empty),
        sample=11,
    )
    print(f"{steps} steps")
    assert steps > 50


def expect_repair(store: Store) -> None:
    assert "damaged" in store.notice


def leave_log(path: Path) -> None:
    """Leave a change in a history's WAL only, as a killed program does."""
    kept, log = path.with_name("kept"), path.with_name("history.db-wal")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        # Only the WAL has this change.
        connection.execute("UPDATE conversations SET model = 'log'")
        shutil.copyfile(path, kept)
        shutil.copyfile(log, path.with_name("kept-wal"))
    kept.rename(path)
    path.with_name("kept-wal").rename(log)
