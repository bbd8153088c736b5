"""Power loss: acknowledged commits survive, whatever the disk did with the rest.

The statements of the store are recorded from real turns and replayed through a VFS that
records every write and sync. The test cuts the replay, not the process, because the standard
library's SQLite cannot use a VFS. A crash image has everything that was synced. Later writes
are kept, dropped or torn at sectors, at random. There are a hundred images by default, three
hundred with FAULTS=full.

WAL needs shared memory, which a VFS made with apsw does not have. So the replay holds an
exclusive lock: this moves the WAL's index into memory and changes nothing on disk.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.conftest import IS_FULL
from tests.scripted import Reply, Scripted, Wait, delta, end, refuses, start, text
from tests.turns import ask, converse
from tui.claude import Claude
from tui.store import open_store
from tui.store.connection import WRITER_PRAGMAS

IMAGES = 300 if IS_FULL else 100
SECTOR = 512
TABLES = ("conversations", "messages", "blocks", "requests", "streams", "journal", "recordings")


@dataclass
class Disk:
    """The operations on the files, in order, and the acknowledged commits."""

    operations: list[tuple[Any, ...]] = field(default_factory=list)
    acknowledged: list[tuple[int, str]] = field(default_factory=list)
    """For each commit: the number of operations before it, and the history's digest."""


class NotedFile(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self._disk, self._name = disk, Path(path).name

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        super().xWrite(data, offset)
        self._disk.operations.append(("write", self._name, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:  # noqa: N802
        super().xTruncate(size)
        self._disk.operations.append(("truncate", self._name, size))

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._disk.operations.append(("sync", self._name))


class NotedFiles(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__("noted", "")

    def xOpen(self, name: Any, flags: list[int]) -> NotedFile:  # noqa: N802
        return NotedFile(self._disk, name, flags)


def held(connection: Any) -> str:
    """Return a digest of all contents of a history."""
    digest = hashlib.sha256()
    for table in TABLES:
        rows = list(connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2"))
        digest.update(repr([tuple(row) for row in rows]).encode())
    return digest.hexdigest()


async def statements(path: Path, server: Scripted, claude: Claude) -> list[str]:
    """Return the store's SQL statements in two turns, with a retry and a failure."""
    said: list[str] = []
    with open_store(path) as store:
        store.threads.writer().conn.set_trace_callback(said.append)
        deltas = [
            step
            for number in range(30)
            for step in (delta(0, "text_delta", text=f"word {number} " * 9), Wait(0.05))
        ]
        server.will(
            refuses(529, "overloaded_error", retry_after="0"),
            Reply([start(), text(0)[0], *deltas, text(0)[1], *end()]),
            Reply([start(), *text(0, "Half")[:-1]]),
        )
        message = await converse(store, claude, "A question")
        await converse(store, claude, "Another, 東京", after=message)
        await ask(store, "A third")
        store.threads.writer().conn.set_trace_callback(None)
    # SQLite also reports the work of triggers and indexes, as a repeated statement or as
    # one on the index's own tables. The replay does this work again by itself.
    told = [each for each in said if "'main'." not in each]
    return [each for each, before in zip(told, ["", *told], strict=False) if each != before]


def replay(path: Path, said: list[str], synchronous: str) -> Disk:
    disk = Disk()
    vfs = NotedFiles(disk)
    connection = apsw.Connection(str(path), vfs="noted")
    try:
        connection.execute("PRAGMA locking_mode = exclusive")
        for pragma in WRITER_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA wal_autocheckpoint = 30")
        disk.acknowledged.append((len(disk.operations), held(connection)))
        for each in said:
            connection.execute(each)
            if each == "COMMIT":
                disk.acknowledged.append((len(disk.operations), held(connection)))
    finally:
        connection.close()
        vfs.unregister()
    return disk


def image(
    disk: Disk, base: dict[str, bytes], cut: int, chance: random.Random
) -> dict[str, bytes]:
    """Return the files as a power loss after `cut` operations may leave them."""
    files = {name: bytearray(content) for name, content in base.items()}
    synced = {
        name: max(
            (at for at, done in enumerate(disk.operations[:cut]) if done[:2] == ("sync", name)),
            default=-1,
        )
        for name in {operation[1] for operation in disk.operations[:cut]}
    }
    for at, operation in enumerate(disk.operations[:cut]):
        kind, name = operation[:2]
        content = files.setdefault(name, bytearray())
        fate = "kept" if at < synced[name] else chance.choice(("kept", "dropped", "torn"))
        if kind == "truncate" and fate == "kept":
            del content[operation[2] :]
        elif kind == "write":
            write(content, operation[2], operation[3], fate, chance)
    return {name: bytes(content) for name, content in files.items()}


def write(
    content: bytearray, offset: int, data: bytes, fate: str, chance: random.Random
) -> None:
    if fate == "dropped":
        return
    content.extend(bytes(max(0, offset + len(data) - len(content))))
    for start_at in range(0, len(data), SECTOR):
        piece = data[start_at : start_at + SECTOR]
        if fate == "kept" or chance.random() < 0.5:
            content[offset + start_at : offset + start_at + len(piece)] = piece


def lost_and_damaged(
    disk: Disk, base: dict[str, bytes], folder: Path, images: int
) -> tuple[int, int]:
    """Return how many images lost an acknowledged commit, and how many are unreadable."""
    lost = damaged = 0
    chance = random.Random(7)
    first = disk.acknowledged[0][0]
    for number in range(images):
        cut = chance.randint(first, len(disk.operations))
        folder_of = folder / f"image-{number}"
        folder_of.mkdir()
        for name, content in image(disk, base, cut, chance).items():
            if not name.endswith("-shm"):
                (folder_of / name).write_bytes(content)
        promised = [kept for at, kept in disk.acknowledged if at <= cut][-1]
        later = [kept for at, kept in disk.acknowledged if at > cut]
        try:
            with closing(sqlite3.connect(folder_of / "history.db")) as connection:
                is_whole = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                found = held(connection)
        except sqlite3.DatabaseError:
            is_whole, found = False, ""
        damaged += not is_whole
        lost += is_whole and found not in (promised, *later)
        shutil.rmtree(folder_of)
    return lost, damaged


@pytest.fixture
async def said(tmp_path: Path, server: Scripted, claude: Claude) -> list[str]:
    path = tmp_path / "recorded" / "history.db"
    path.parent.mkdir()
    return await statements(path, server, claude)


def prepared(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    path = folder / "history.db"
    with open_store(path):
        pass
    yield path


@pytest.mark.parametrize("synchronous", ["full", "off"])
def test_a_power_cut_loses_nothing_that_was_acknowledged(
    tmp_path: Path, said: list[str], synchronous: str
) -> None:
    assert sum(each == "COMMIT" for each in said) > 8
    (path,) = prepared(tmp_path / "replayed")
    base = {file.name: file.read_bytes() for file in path.parent.glob("history.db*")}
    disk = replay(path, said, synchronous)
    lost, damaged = lost_and_damaged(disk, base, tmp_path, IMAGES)
    print(f"synchronous={synchronous}: {IMAGES} images, {damaged} damaged, {lost} lost")
    if synchronous == "full":
        assert (lost, damaged) == (0, 0)
    else:
        # The simulation finds what it is meant to find.
        assert lost + damaged > IMAGES / 10
