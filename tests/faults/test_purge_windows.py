"""Two windows delete, purge and back up at once, and are killed; no deleted word remains.

A few seconds by default, a minute with FAULTS=full.
"""

from __future__ import annotations

import asyncio
import functools
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import IS_FULL
from tests.faults.killing import is_killed_at, needs_fork, steps_to_kill_at
from tests.test_purging import found_in
from tests.turns import ask, on_disk
from tui.chat.undo_stack import UndoStack
from tui.store import Store, backup, open_store
from tui.store.process_lock import fcntl

pytestmark = [needs_fork, pytest.mark.skipif(fcntl is None, reason="needs locks")]

SECRET = "xylophone"
KEPT = "marimba"
SECONDS = 60 if IS_FULL else 3

WINDOW = """
import asyncio, random, sys
from datetime import date, timedelta
from pathlib import Path
from tests.turns import SetClock, ask
from tui.store import HistoryError, backup, open_store
from tui.chat.undo_stack import UndoStack, UNDO_SECONDS

path, seed = Path(sys.argv[1]), int(sys.argv[2])
chance, clock = random.Random(seed), SetClock()

async def step(store, undo_stack):
    question = await ask(store, f"a xylophone {chance.random()}")
    await store.labels.set_tags([question.conversation_id], ["xylophone"])
    if chance.random() < 0.5:
        await undo_stack.put(question.conversation_id)
    else:
        await undo_stack.put_message(question.conversation_id, question.id, question.id)
    if chance.random() < 0.5:
        day = date(2026, 1, 1) + timedelta(chance.randrange(300))
        await asyncio.to_thread(backup.make_daily, path, day)
    if chance.random() < 0.5:
        clock.later += UNDO_SECONDS + 1
        await undo_stack.empty()

async def main():
    with open_store(path, clock) as store:
        undo_stack = UndoStack(store)
        while True:
            try:
                await step(store, undo_stack)
            except HistoryError as error:
                if "locked" not in str(error):
                    raise
            print("done", flush=True)

asyncio.run(main())
"""


def start(path: Path, seed: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WINDOW, str(path), str(seed)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent.parent,
    )


def kill(window: subprocess.Popen[bytes]) -> None:
    """Kill a window, which must still be alive."""
    assert window.poll() is None
    window.send_signal(signal.SIGKILL)
    with window:
        window.wait(10)


def after_first_step(window: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    assert window.stdout is not None
    assert window.stdout.readline() == b"done\n"
    return window


async def delete_all_and_empty(path: Path) -> None:
    with open_store(path) as store:
        # Also conversations that lost a message but kept their tags, and those that a killed
        # window did not delete in time.
        found = await store.conversations()
        await store.delete([each.id for each in found if each.title != KEPT])
        assert await UndoStack(store).empty()
        assert found_in(path.parent, SECRET) == []


def test_two_windows_that_are_killed_at_random_leave_no_deleted_word(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    path, chance = folder / "history.db", random.Random(1)

    async def make() -> None:
        with open_store(path) as store:
            await ask(store, KEPT)

    asyncio.run(make())
    until, kills, seed = time.monotonic() + SECONDS, 0, 2
    windows = [start(path, seed) for seed in (0, 1)]
    while time.monotonic() < until:
        window = after_first_step(windows.pop(0))
        time.sleep(chance.uniform(0, 0.3))
        kill(window)
        kills += 1
        if chance.random() < 0.3:
            # One window is still open, and may still undo a deletion.
            asyncio.run(look_and_empty(path))
        windows.append(start(path, seed))
        seed += 1
    for window in windows:
        kill(after_first_step(window))
    asyncio.run(delete_all_and_empty(path))
    assert found_in(folder, SECRET) == []
    assert on_disk(path, "PRAGMA integrity_check")[0][0] == "ok"
    assert found_in(folder, KEPT)
    print(f"{kills} kills")
    assert kills > 1


async def look_and_empty(path: Path) -> None:
    with open_store(path) as store:
        await UndoStack(store).empty()


def test_a_window_that_stays_open_ends_the_purge_of_one_that_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()

    async def make() -> None:
        with open_store(folder / "history.db") as store:
            await ask(store, KEPT)
            for number in range(3):
                question = await ask(store, f"{SECRET} {number}")
                await store.delete([question.conversation_id])
            await store.back_up()

    def empty(path: Path) -> None:
        asyncio.run(look_and_empty(path))

    asyncio.run(make())
    for step in steps_to_kill_at(25):
        copy = folder.with_name(f"copy-{step}")
        shutil.copytree(folder, copy)
        path = copy / "history.db"
        with open_store(path) as store:
            is_killed = is_killed_at(step, copy, functools.partial(empty, path))
            asyncio.run(still_open(store, copy))
        shutil.rmtree(copy)
        if not is_killed:
            return


async def still_open(store: Store, folder: Path) -> None:
    assert await UndoStack(store).empty()
    assert found_in(folder, SECRET) == []
    assert backup.unfinished(store.path) == []
    assert [each.title for each in await store.conversations()] == [KEPT]
