"""The history's file is moved, removed, replaced or written over while it is open."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from tests.faults.test_recovery import ROOT
from tests.screens.conftest import Open
from tests.scripted import Hold, Reply, Scripted, end, says, start, text
from tests.terminal import terminal
from tests.turns import ask, converse, on_disk
from tui.claude import Claude
from tui.store import HistoryError, Store, backup, open_store
from tui.store.watching import Watch, belongs, header_of, log_of


def logs_aside(history: Path) -> list[Path]:
    return list(history.parent.glob("history.db.replaced-*-wal"))


def is_whole(history: Path) -> bool:
    return bool(on_disk(history, "PRAGMA integrity_check")[0][0] == "ok")


def content(history: Path) -> bytes:
    # Not in this process: closing the file here would drop SQLite's locks.
    return subprocess.check_output(["cat", str(history)])


def titles(history: Path) -> set[str]:
    with open_store(history) as store:
        return {each.title for each in asyncio.run(store.conversations())}


async def titles_of(store: Store) -> set[str]:
    return {each.title for each in await store.conversations()}


async def backed_up(store: Store) -> Path:
    """A backup with one conversation; the history has others, in its log too."""
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
    # In a process of its own: closing the file here would drop SQLite's locks.
    subprocess.run(["cp", str(copy), str(history)], check=True)


def emptied(history: Path, _copy: Path) -> None:
    subprocess.run(["sh", "-c", f": > {history}"], check=True)


EVERY = pytest.mark.parametrize("change", [removed, moved, replaced, overwritten, emptied])


# Through the screen


@EVERY
async def test_it_is_told_what_became_of_the_file_and_what_is_seen_can_be_saved(
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
        # It goes on, and nothing of it goes from the screen.
        hold.release()
        await journey.until(lambda: "Half of it" in journey.seen)
        assert sum("Nothing is saved" in notice for notice in journey.notices) <= 3
        await journey.app._chat.run_action("save_file")
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
        # After a reply SQLite's planner wants figures of the tables at the end.
        server.will(says("Hi"))
        await converse(store, claude)
        await store.is_changed_elsewhere()
        change(history, copy)
        if is_noticed:
            await store.is_changed_elsewhere()
        put = content(history)
    assert history.read_bytes() == put


async def test_what_was_moved_back_is_saved_again(
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
        await journey.until(lambda: journey.app.replies.unkept)
        away.rename(history)
        await journey.until(lambda: not journey.app.replies.unkept)
        await journey.until(lambda: "Nothing is saved" not in journey.seen.split("not on")[0])
        (_, message) = await journey.line()
        assert (message.state, message.text) == ("complete", "Half of it")


def test_a_person_at_a_terminal_is_told_within_a_moment(
    empty_home: Path, server: Scripted
) -> None:
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


# What was restored holds what the copy held


@pytest.mark.parametrize("change", [replaced, overwritten])
async def test_a_backup_restored_while_it_runs_loses_nothing_that_it_held(
    history: Path, change: Callable[[Path, Path], None]
) -> None:
    with open_store(history) as store:
        copy = await backed_up(store)
        held = copy.read_bytes()
        change(history, copy)
        # The very next write, long before a second has passed.
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
    # The end of the one that was there before is kept, and belongs to that one.
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


# What is no change


async def test_what_sqlite_itself_does_to_the_file_is_no_change(
    store: Store, history: Path
) -> None:
    watch = Watch(history)
    with open_store(history) as other:
        for number in range(60):
            await ask(store if number % 2 else other, "words " * 900)
            if number % 7 == 0:
                mode = ("PASSIVE", "FULL", "RESTART", "TRUNCATE")[number // 7 % 4]
                with closing(sqlite3.connect(history)) as third:
                    third.execute(f"PRAGMA wal_checkpoint({mode})")
            assert watch.look() is None
            assert belongs(header_of(history), log_of(history))
        with closing(sqlite3.connect(history)) as third:
            third.execute("VACUUM")
        assert watch.look() is None
    assert watch.look() is None
    assert not await store.is_changed_elsewhere()
    assert store.lost.why == ""
    watch.close()


async def test_looking_at_the_file_drops_none_of_sqlites_locks(
    store: Store, history: Path
) -> None:
    await ask(store)
    for _ in range(3):
        watch = Watch(history)
        watch.look()
        watch.close()
        header_of(history)
    locked = Path("/proc/locks").read_text(encoding="ascii") if sys.platform == "linux" else ""
    node = f":{history.stat().st_ino} "
    assert sys.platform != "linux" or (node in locked and f" {os.getpid()} " in locked)
