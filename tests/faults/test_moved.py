"""The history file is moved, removed, replaced or overwritten while it is open."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from tests.conftest import IS_FULL
from tests.faults.test_recovery import ROOT
from tests.screens.conftest import Open
from tests.scripted import Hold, Reply, Scripted, end, says, start, text
from tests.terminal import terminal
from tests.turns import ask, converse, on_disk
from tui.claude import Claude
from tui.store import HistoryError, Store, backup, open_store
from tui.store.watching import FileWatch, belongs, header_of, log_of


def logs_aside(history: Path) -> list[Path]:
    return list(history.parent.glob("history.db.replaced-*-wal"))


def is_whole(history: Path) -> bool:
    return bool(on_disk(history, "PRAGMA integrity_check")[0][0] == "ok")


def content(history: Path) -> bytes:
    # Not in this process: closing the file here would release SQLite's locks.
    return subprocess.check_output(["cat", str(history)])


def titles(history: Path) -> set[str]:
    with open_store(history) as store:
        return {each.title for each in asyncio.run(store.conversations())}


async def titles_of(store: Store) -> set[str]:
    return {each.title for each in await store.conversations()}


async def backed_up(store: Store) -> Path:
    """Make a backup with one conversation; the history and its WAL have others."""
    await ask(store, "in the backup")
    copy = backup.daily(store.path, date(2026, 11, 1))
    backup.make(store.path, copy)
    for number in range(40):
        await ask(store, f"later {number} " + "words " * 900)
    return copy


def removed(history: Path, _copy: Path) -> None:
    history.unlink()


def moved(history: Path, _copy: Path) -> None:
    history.rename(history.with_name("elsewhere.db"))


def replaced(history: Path, copy: Path) -> None:
    new = history.with_name("new")
    shutil.copyfile(copy, new)
    new.replace(history)


def overwritten(history: Path, copy: Path) -> None:
    # In another process: closing the file here would release SQLite's locks.
    subprocess.run(["cp", str(copy), str(history)], check=True)


def emptied(history: Path, _copy: Path) -> None:
    subprocess.run(["sh", "-c", f": > {history}"], check=True)


EVERY = pytest.mark.parametrize("change", [removed, moved, replaced, overwritten, emptied])


# Through the screen


@EVERY
async def test_the_loss_of_the_file_is_reported_and_the_screen_can_be_saved(
    server: Scripted,
    opened: Open,
    store: Store,
    history: Path,
    change: Callable[[Path, Path], None],
) -> None:
    copy = await backed_up(store)
    hold = Hold()
    server.will(
        says("The first answer."),
        Reply([start(), *text(0, "Half")[:-1], hold, *text(0, " of it")[1:], *end()]),
    )
    async with opened(size=(140, 40)) as journey:
        await journey.press("ctrl+n")
        await journey.ask("What is seen?")
        await journey.until_done()
        await journey.ask("And this?")
        await journey.until(lambda: "Half" in journey.seen)
        change(history, copy)
        await journey.until(lambda: "Nothing is saved" in journey.seen)
        # The reply continues, and nothing of it disappears from the screen.
        hold.release()
        await journey.until(lambda: "Half of it" in journey.seen)
        assert sum("Nothing is saved" in notice for notice in journey.notices) <= 3
        await journey.app._chat.action_run("chat.save")
        await journey.until(lambda: any("Saved as" in each for each in journey.notices))
        (saved,) = history.parent.glob("conversation-*.md")
        for words in ("What is seen?", "The first answer.", "And this?", "Half of it"):
            assert words in saved.read_text(encoding="utf-8")
        assert saved.stat().st_mode & 0o777 == 0o600
        if change in (removed, moved, replaced):
            await journey.until(lambda: any("whole history" in n for n in journey.notices))
            (whole,) = history.parent.glob("history.db.saved-*")
            with open_store(whole) as saved_store:
                found = " ".join(await titles_of(saved_store))
            assert "What is seen?" in found
            assert "later 39 words" in found


@pytest.mark.parametrize("change", [overwritten, emptied])
@pytest.mark.parametrize("is_noticed", [True, False])
async def test_leaving_changes_nothing_of_a_file_that_was_written_over(
    server: Scripted,
    claude: Claude,
    history: Path,
    change: Callable[[Path, Path], None],
    *,
    is_noticed: bool,
) -> None:
    with open_store(history) as store:
        await ask(store, "in the backup")
        copy = backup.daily(store.path, date(2026, 11, 1))
        backup.make(store.path, copy)
        # After a reply, closing the store runs SQLite's `PRAGMA optimize`.
        server.will(says("Hi"))
        await converse(store, claude)
        await store.is_changed_elsewhere()
        change(history, copy)
        if is_noticed:
            await store.is_changed_elsewhere()
        put = content(history)
    assert history.read_bytes() == put


async def test_a_file_that_was_moved_back_is_written_again(
    server: Scripted, opened: Open, history: Path
) -> None:
    hold = Hold()
    server.will(Reply([start(), *text(0, "Half")[:-1], hold, *text(0, " of it")[1:], *end()]))
    away = history.with_name("away.db")
    async with opened() as journey:
        await journey.ask("Well?")
        await journey.until(lambda: "Half" in journey.seen)
        history.rename(away)
        await journey.until(lambda: "Nothing is saved" in journey.seen)
        hold.release()
        await journey.until(lambda: journey.app.session.scheduler.unsaved)
        away.rename(history)
        await journey.until(lambda: not journey.app.session.scheduler.unsaved)
        await journey.until(lambda: "Nothing is saved" not in journey.seen.split("not on")[0])
        (_, message) = await journey.line()
        assert (message.state, message.text) == ("complete", "Half of it")


def test_the_user_is_told_within_a_moment(empty_home: Path, server: Scripted) -> None:
    server.will(says("An answer"))
    environ = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": server.url}
    with terminal(home=empty_home, environ=environ, size=(120, 30)) as screen:
        screen.until_seen("Ask anything")
        screen.press("A question\r")
        screen.until_seen("first text")
        (history,) = empty_home.rglob("history.db")
        history.rename(history.with_name("away.db"))
        screen.until_seen("Nothing is saved")
        screen.press("\x10Save as a file\r")
        screen.until(lambda: list(history.parent.glob("conversation-*.md")))
        screen.press("\x11")
        screen.until_left()
    (saved,) = history.parent.glob("conversation-*.md")
    assert "An answer" in saved.read_text(encoding="utf-8")


# A restored file has the contents of the copy


@pytest.mark.parametrize("change", [replaced, overwritten])
async def test_a_backup_restored_while_it_runs_loses_nothing_that_it_held(
    history: Path, change: Callable[[Path, Path], None]
) -> None:
    with open_store(history) as store:
        copy = await backed_up(store)
        held = copy.read_bytes()
        change(history, copy)
        # The next write notices, long before the check of the next second.
        with pytest.raises(HistoryError, match="Nothing is saved"):
            await ask(store, "too late")
        assert history.read_bytes() == held
    assert history.read_bytes() == held
    assert len(logs_aside(history)) == 1
    with open_store(history) as store:
        assert await titles_of(store) == {"in the backup"}
        await ask(store, "afterwards")
    assert is_whole(history)
    with open_store(history) as store:
        assert await titles_of(store) == {"in the backup", "afterwards"}


_KILLED = """
import asyncio, sys, time
from pathlib import Path
from tests.faults.test_moved import backed_up
from tui.store import open_store

async def fill(store):
    await backed_up(store)
    print("filled", flush=True)
    time.sleep(600)

with open_store(Path(sys.argv[1])) as store:
    asyncio.run(fill(store))
"""


@EVERY
def test_a_backup_restored_after_a_kill_loses_nothing_that_it_held(
    history: Path, change: Callable[[Path, Path], None]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(history)], stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    log = history.with_name("history.db-wal").read_bytes()
    assert log
    copy = backup.daily(history, date(2026, 11, 1))
    change(history, copy)
    with open_store(history) as store:
        (aside,) = logs_aside(history)
        assert aside.name in store.notice
    # The WAL of the earlier file is kept, and belongs to that file.
    assert aside.read_bytes() == log
    assert is_whole(history)
    assert titles(history) == {"in the backup"}
    if change is moved:
        elsewhere = history.with_name("elsewhere.db")
        aside.rename(f"{elsewhere}-wal")
        assert any("later 39" in title for title in titles(elsewhere))


def test_a_log_that_a_kill_left_is_the_history_s_own(history: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(history)], stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    with open_store(history) as store:
        assert store.notice == ""
    assert len(titles(history)) == 41
    assert logs_aside(history) == []


# Not a change


async def test_sqlites_own_work_on_the_file_is_not_a_change(
    store: Store, history: Path
) -> None:
    watch = FileWatch(history)
    with open_store(history) as other:
        for number in range(60):
            await ask(store if number % 2 else other, "words " * 900)
            if number % 7 == 0:
                mode = ("PASSIVE", "FULL", "RESTART", "TRUNCATE")[number // 7 % 4]
                with closing(sqlite3.connect(history)) as third:
                    third.execute(f"PRAGMA wal_checkpoint({mode})")
            assert watch.check() is None
            assert belongs(header_of(history), log_of(history))
        with closing(sqlite3.connect(history)) as third:
            third.execute("VACUUM")
        assert watch.check() is None
    assert watch.check() is None
    assert not await store.is_changed_elsewhere()
    assert store.lost.why == ""
    watch.close()


async def test_looking_at_the_file_drops_none_of_sqlites_locks(
    store: Store, history: Path
) -> None:
    await ask(store)
    for _ in range(3):
        watch = FileWatch(history)
        watch.check()
        watch.close()
        header_of(history)
    locked = Path("/proc/locks").read_text(encoding="ascii") if sys.platform == "linux" else ""
    node = f":{history.stat().st_ino} "
    assert sys.platform != "linux" or (node in locked and f" {os.getpid()} " in locked)


BUSY = """
import sqlite3, sys
from itertools import count
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
for number in count(1):
    connection.execute("BEGIN IMMEDIATE")
    for each in range(3):
        connection.execute(f"CREATE TABLE IF NOT EXISTS busy_{(3 * number + each) % 50} (data)")
    connection.execute("CREATE TABLE IF NOT EXISTS busy_0 (data)")
    connection.execute("INSERT INTO busy_0 VALUES (randomblob(20000))")
    connection.execute("COMMIT")
    if number % 17 == 0:
        for each in range(50):
            connection.execute(f"DROP TABLE IF EXISTS busy_{each}")
    if number % 4 == 0:
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
"""


def test_a_wal_that_restarts_during_a_read_is_not_another_file(
    history: Path,
) -> None:
    with open_store(history):
        pass
    windows = [subprocess.Popen([sys.executable, "-c", BUSY, str(history)]) for _ in range(2)]
    watch = FileWatch(history)
    try:
        until = time.monotonic() + (120 if IS_FULL else 3)
        while time.monotonic() < until:
            # Otherwise it looks closely only after the file was written.
            watch._seen = (0, 0)
            assert watch.check() is None
        assert all(window.poll() is None for window in windows)
    finally:
        watch.close()
        for window in windows:
            window.kill()
            window.wait()
