"""What can happen to a history file: each case has its message, and no byte is lost."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from tests.scripted import Scripted, says
from tests.turns import ask, converse, hits, on_disk
from tui.claude import Claude
from tui.domain.query import parse
from tui.store import HistoryError, Store, open_store, schema
from tui.store import backup as backups
from tui.store.filesystem import shared_kind


async def fill(
    store: Store, server: Scripted, claude: Claude, count: int, name: str = "turn"
) -> None:
    for number in range(count):
        server.will(says(f"reply {number} " + "words " * 40))
        await converse(store, claude, f"{name} {number} " + "more " * 20)


@pytest.fixture
async def filled(history: Path, server: Scripted, claude: Claude) -> Path:
    with open_store(history) as store:
        await fill(store, server, claude, 30)
    return history


def wreck(path: Path, *, seed: int = 1, pages: int = 3) -> bytes:
    """Overwrite pages of rows with noise; return the file's new content."""
    noise = random.Random(seed)
    content = bytearray(path.read_bytes())
    pages_at = range(len(content) // 8192 * 4096, len(content), 4096)
    # Without the schema, no row can be found.
    rows_at = [at for at in pages_at if b"CREATE " not in content[at : at + 4096]]
    for at in noise.sample(rows_at, pages):
        content[at : at + 4096] = noise.randbytes(4096)
    path.write_bytes(content)
    return bytes(content)


def check(path: Path) -> None:
    assert on_disk(path, "PRAGMA integrity_check")[0][0] == "ok"
    assert on_disk(path, "PRAGMA foreign_key_check") == []


async def titles(store: Store) -> set[str]:
    return {found.title.split(" more")[0] for found in await store.conversations()}


# Damaged


async def test_a_damaged_history_is_set_aside_and_rebuilt_from_readable_rows(
    filled: Path,
) -> None:
    (filled.parent / "run").mkdir(exist_ok=True)
    (filled.parent / "run" / "history.db.check").touch()
    damaged = wreck(filled)
    with open_store(filled) as store:
        assert "damaged" in store.notice
        found = await titles(store)
        # It can be written, and searched.
        await ask(store, "A new question")
    (aside,) = filled.parent.glob("history.db.damaged-*")
    assert aside.read_bytes() == damaged
    assert aside.name in store.notice
    assert len(found) > 15
    check(filled)
    with open_store(filled) as store:
        assert store.notice == ""
        assert await titles(store) == found | {"A new question"}


async def test_a_damaged_history_has_what_its_backup_had_and_what_came_after(
    filled: Path, server: Scripted, claude: Claude
) -> None:
    with open_store(filled) as store:
        await store.back_up()
        before = await titles(store)
        await fill(store, server, claude, 10, "later")
    # Without the first page nothing is readable: only the rows of the backup remain.
    content = bytearray(filled.read_bytes())
    content[100:4096] = bytes(3996)
    filled.write_bytes(content)
    with open_store(filled) as store:
        assert "the backup of" in store.notice
        assert before <= await titles(store)
    check(filled)


async def test_a_history_cut_to_nothing_comes_back_from_its_backup(filled: Path) -> None:
    with open_store(filled) as store:
        await store.back_up()
        before = await titles(store)
    filled.write_bytes(b"")
    with open_store(filled) as store:
        assert "the backup of" in store.notice
        assert await titles(store) == before


async def test_an_empty_file_without_a_backup_is_a_new_history(history: Path) -> None:
    history.touch()
    with open_store(history) as store:
        assert store.notice == ""
        await ask(store)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_damaged_it_opens_and_can_be_used(filled: Path, seed: int) -> None:
    with open_store(filled) as store:
        await store.back_up()
    (filled.parent / "run" / "history.db.check").touch()
    content = bytearray(filled.read_bytes())
    noise = random.Random(seed)
    for _ in range(4):
        at = noise.randrange(0, len(content) - 3000)
        content[at : at + 2500] = noise.randbytes(2500)
    filled.write_bytes(content)
    with open_store(filled) as store:
        assert "damaged" in store.notice
        assert len(await titles(store)) == 30
        await ask(store, "still here")
    check(filled)


async def test_damage_met_while_running_is_mended_at_the_next_start(filled: Path) -> None:
    with open_store(filled) as store:
        await store.back_up()
        with closing(sqlite3.connect(filled)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (root,) = other.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = 'blocks'"
            ).fetchone()
        content = bytearray(filled.read_bytes())
        content[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
        # Written below SQLite, as a failing disk does; SQLite has no copy of it.
        descriptor = os.open(filled, os.O_WRONLY)
        os.write(descriptor, content)
        (found, *_) = await store.conversations()
        with pytest.raises(HistoryError, match="Restart"):
            await store.read_path(found.tip_id)
    with open_store(filled) as store:
        assert "damaged" in store.notice
        assert await store.read_path(found.tip_id)
    os.close(descriptor)


def test_two_that_open_a_damaged_history_mend_it_once(tmp_path: Path) -> None:
    path = tmp_path / "history.db"

    async def make() -> None:
        with open_store(path) as store:
            for number in range(20):
                await ask(store, f"turn {number}")
            await store.back_up()

    asyncio.run(make())
    path.write_bytes(path.read_bytes()[:5000] + b"\xff" * 9000)
    (tmp_path / "run").mkdir(exist_ok=True)
    ready = threading.Barrier(4)

    def open_it() -> int:
        ready.wait(10)
        with open_store(path) as store:
            return len(asyncio.run(store.conversations()))

    with ThreadPoolExecutor(4) as pool:
        opened = [pool.submit(open_it) for _ in range(4)]
        assert [each.result(60) for each in opened] == [20] * 4
    assert len(list(tmp_path.glob("history.db.damaged-*"))) == 1


@pytest.mark.parametrize(
    "content", [b"Dear diary, " * 400, b"no", b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_file_that_is_not_ours_is_not_mended(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "diary.db"
    path.write_bytes(content)
    with pytest.raises(HistoryError, match=r"damaged|not a database"), open_store(path):
        pass
    assert path.read_bytes() == content
    assert [found.name for found in tmp_path.glob("diary*")] == ["diary.db"]


def test_a_file_of_another_program_is_not_repaired(filled: Path) -> None:
    backups.make_daily(filled, date(2026, 11, 1))
    letter = filled.with_name("history.txt")
    letter.write_text("Dear diary, " * 400)
    foreign = bytearray(filled.read_bytes())
    foreign[68:72] = b"ABCD"
    newer = bytearray(filled.read_bytes())
    newer[60:64] = (schema.VERSION + 1).to_bytes(4)
    for content in (foreign, newer):
        content[100:4096] = bytes(3996)
        filled.write_bytes(content)
        with pytest.raises(HistoryError), open_store(filled):
            pass
        assert filled.read_bytes() == content
    with pytest.raises(HistoryError), open_store(letter):
        pass
    assert letter.read_text() == "Dear diary, " * 400
    assert list(filled.parent.glob("*.damaged-*")) == []


async def test_damage_to_the_index_alone_is_mended(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as connection, connection:
        connection.execute("UPDATE blocks_fts_data SET block = x'ffffffffffff' WHERE id = 10")
    with open_store(filled) as store:
        query = parse("reply ", store.clock.now_ms())
        with pytest.raises(HistoryError, match="Restart"):
            await hits(store, query)
    with open_store(filled) as store:
        assert len(await hits(store, query)) == 30
    with open_store(filled) as store:
        assert not (filled.parent / "run" / "history.db.check").exists()


def test_a_file_that_another_program_has_open_is_not_moved(filled: Path) -> None:
    backups.make_daily(filled, date(2026, 11, 1))
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "c.execute('SELECT count(*) FROM messages').fetchone(); print('open', flush=True);"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(filled)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        content = bytearray(filled.read_bytes())
        content[100:4096] = bytes(3996)
        descriptor = os.open(filled, os.O_WRONLY)
        os.write(descriptor, content)
        os.close(descriptor)
        with pytest.raises(HistoryError, match="another window"), open_store(filled):
            pass
        assert filled.read_bytes() == content
        other.kill()
    with open_store(filled) as store:
        assert "damaged" in store.notice


# Read-only


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder that another user can open."""
    folder = Path(tempfile.mkdtemp(prefix="history-"))
    folder.chmod(0o755)
    yield folder
    subprocess.run(["chmod", "-R", "u+rwX", str(folder)], check=True)
    shutil.rmtree(folder)


def as_somebody_else(path: Path) -> dict[str, object]:
    """Open a history as a user for whom file modes count; they do not for root."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        told: dict[str, object] = {}
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            with open_store(path) as store:
                told["notice"] = store.notice
                told["titles"] = [c.title for c in asyncio.run(store.conversations())]
                try:
                    asyncio.run(ask(store, "More"))
                except HistoryError as error:
                    told["refused"] = str(error)
        except HistoryError as error:
            told["error"] = str(error)
        except BaseException as error:  # noqa: BLE001 - told to the test
            told["broken"] = repr(error)
        os.write(write, json.dumps(told).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    found: dict[str, object] = json.loads(said)
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="needs modes")
@pytest.mark.parametrize("has_log", [False, True])
def test_a_read_only_history_is_read(elsewhere: Path, *, has_log: bool) -> None:
    path = elsewhere / "history.db"
    with open_store(path) as store:
        asyncio.run(ask(store, "A question"))
        if has_log:
            shutil.copyfile(path, elsewhere / "kept")
            shutil.copyfile(f"{path}-wal", elsewhere / "kept-wal")
    if has_log:
        # The state that a killed program leaves.
        (elsewhere / "kept").rename(path)
        (elsewhere / "kept-wal").rename(f"{path}-wal")
    for file in elsewhere.iterdir():
        file.chmod(0o555 if file.is_dir() else 0o444)
    elsewhere.chmod(0o555)
    before = path.read_bytes()
    told = as_somebody_else(path)
    if has_log:
        # The log cannot be read, and the rest must not be shown as if it were everything.
        assert "error" in told or told["titles"] == ["A question"]
    else:
        assert told["titles"] == ["A question"]
        assert "read-only" in str(told["notice"])
        assert "read-only" in str(told["refused"])
    assert "broken" not in told
    assert path.read_bytes() == before


# A newer version


async def test_a_newer_history_is_read_and_nothing_is_written(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = filled.read_bytes()
    with open_store(filled) as store:
        assert f"history version {schema.VERSION + 1}" in store.notice
        assert len(await titles(store)) == 30
        assert await store.recover() == 0
        with pytest.raises(HistoryError, match="newer"):
            await ask(store)
        assert await store.purge(before_ms=store.clock.now_ms()) == []
        await store.back_up()
    assert filled.read_bytes() == before
    assert not backups.folder_of(filled).exists()


# A file system that machines share

MOUNTED = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 21 0:35 / /home/me/far\\040away rw shared:9 - nfs4 server:/export rw
41 40 0:36 / /home/me/far\\040away/near rw - tmpfs tmpfs rw
42 21 0:37 / /mnt/share rw master:3 - fuse.sshfs me@host: rw
broken line
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/me", None),
        ("/home/me/far away", "nfs4"),
        ("/home/me/far away/deeper/still", "nfs4"),
        ("/home/me/far away/near", None),
        ("/home/me/far awayish", None),
        ("/mnt/share/x", "fuse.sshfs"),
    ],
)
def test_the_innermost_mount_tells_the_kind(
    tmp_path: Path, folder: str, kind: str | None
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTED, encoding="utf-8")
    assert shared_kind(Path(folder), mounts) == kind
    assert shared_kind(Path(folder), tmp_path / "none") is None


async def test_on_a_shared_file_system_there_is_no_wal(tmp_path: Path) -> None:
    path, mounts = tmp_path / "history.db", tmp_path / "mounts"
    mounts.write_text(f"1 1 0:1 / {tmp_path} rw - nfs4 host:/x rw\n", encoding="utf-8")
    with open_store(path) as store:
        await ask(store)
    assert on_disk(path, "PRAGMA journal_mode")[0][0] == "wal"
    with open_store(path, mounts=mounts) as store:
        assert "nfs4" in store.notice
        await ask(store)
        assert on_disk(path, "PRAGMA journal_mode")[0][0] == "delete"
        assert not path.with_name("history.db-wal").exists()


# Backups


async def test_there_is_a_backup_a_day_and_three_are_kept(filled: Path) -> None:
    for day in range(1, 6):
        backups.make_daily(filled, date(2026, 11, day))
    folder = backups.folder_of(filled)
    assert sorted(copy.name for copy in folder.iterdir()) == [
        f"history.db-2026-11-0{day}" for day in (3, 4, 5)
    ]
    newest = folder / "history.db-2026-11-05"
    before = newest.stat()
    backups.make_daily(filled, date(2026, 11, 5))
    assert newest.stat().st_mtime_ns == before.st_mtime_ns
    assert before.st_mode & 0o777 == 0o600
    with open_store(newest) as store:
        assert len(await titles(store)) == 30


async def test_a_backup_that_cannot_be_made_leaves_nothing(
    filled: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backups.folder_of(filled).write_text("in the way")
    with open_store(filled) as store:
        await store.back_up()
        assert "no backup was made" in caplog.text
        await ask(store, "goes on")
    backups.folder_of(filled).unlink()
    content = filled.read_bytes()
    filled.write_bytes(content[: len(content) // 2])
    backups.make_daily(filled, date(2026, 11, 1))
    assert list(backups.folder_of(filled).iterdir()) == []


async def test_after_a_purge_the_backups_are_new(
    filled: Path, server: Scripted, claude: Claude
) -> None:
    with open_store(filled) as store:
        server.will(says("xylophone"))
        message = await converse(store, claude, "xylophone")
        backups.make_daily(filled, date(2026, 11, 1))
        await store.delete([message.conversation_id])
        await store.purge(before_ms=store.clock.now_ms())
    found = [
        p.name
        for p in filled.parent.rglob("*")
        if p.is_file() and b"xylophone" in p.read_bytes()
    ]
    assert found == []
    assert len(list(backups.folder_of(filled).iterdir())) == 1
