"""Histories of every shape there has been come to today's, whole, whatever happens."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.data.make import lines
from tests.turns import hits, on_disk
from tui import schema
from tui.search import STATES, parse
from tui.store import open_store
from tui.store.backup import before_version
from tui.store.connection import prepare

DATA = Path(__file__).parent / "data"
SHAPES = sorted(DATA.glob("history-v*.db"))


@pytest.fixture
def copied(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "history.db"
    shutil.copyfile(request.param, path)
    return path


def version_of(path: Path) -> int:
    return int(on_disk(path, "PRAGMA user_version")[0][0])


def test_there_is_a_history_of_every_shape() -> None:
    assert [path.stem for path in SHAPES] == [
        f"history-v{version}" for version in range(1, schema.VERSION + 1)
    ]


@pytest.mark.parametrize(
    ("copied", "shape"), [(p, p) for p in SHAPES], indirect=["copied"], ids=lambda p: p.stem
)
async def test_each_comes_to_todays_shape_with_everything_in_it(
    copied: Path, shape: Path
) -> None:
    with open_store(copied) as store:
        assert await lines(store) == json.loads(shape.with_suffix(".json").read_text("utf-8"))
        query = parse("東京 ", store.clock.now_ms())
        assert [hit.role for hit in await hits(store, query)] == ["user"]
    assert version_of(copied) == schema.VERSION
    assert on_disk(copied, "PRAGMA integrity_check")[0][0] == "ok"
    assert on_disk(copied, "PRAGMA foreign_key_check") == []
    for index in ("blocks_fts", "pairs_fts"):
        with closing(sqlite3.connect(copied)) as connection:
            connection.execute(f"INSERT INTO {index} ({index}) VALUES ('integrity-check')")


@pytest.mark.parametrize("copied", SHAPES[:-1], indirect=True, ids=lambda p: p.stem)
def test_before_it_changes_there_is_a_copy_of_the_old(copied: Path) -> None:
    old = version_of(copied)
    prepare(copied)
    copy = before_version(copied, schema.VERSION)
    assert version_of(copy) == old
    assert copy.stat().st_mode & 0o777 == 0o600
    assert copy.parent.stat().st_mode & 0o777 == 0o700


def changed(path: Path, *statements: str) -> None:
    """Do to a history what another program may."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = on")
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("copied", SHAPES, indirect=True, ids=lambda p: p.stem)
@pytest.mark.parametrize("table", ["messages", "requests"])
def test_a_reply_may_end_in_todays_states_in_a_history_of_any_shape(
    copied: Path, table: str
) -> None:
    prepare(copied)
    for state in STATES:
        changed(copied, f"UPDATE {table} SET state = '{state}'")
    with pytest.raises(sqlite3.IntegrityError):
        changed(copied, f"UPDATE {table} SET state = 'tea_time'")


@pytest.mark.parametrize("copied", SHAPES[:-1], indirect=True, ids=lambda p: p.stem)
def test_every_shape_comes_to_the_same_tables(copied: Path, tmp_path: Path) -> None:
    def shape(path: Path) -> set[tuple[str, str, str]]:
        rows = on_disk(
            path, "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
        )
        return {(kind, name, " ".join((sql or "").split())) for kind, name, sql in rows}

    prepare(copied)
    prepare(tmp_path / "new.db")
    assert shape(copied) == shape(tmp_path / "new.db")


@pytest.mark.parametrize("copied", SHAPES[2:-1], indirect=True, ids=lambda p: p.stem)
def test_what_others_have_added_to_a_history_outlives_a_change_of_shape(copied: Path) -> None:
    changed(
        copied,
        "CREATE VIEW ours AS SELECT state, text FROM transcript",
        "CREATE VIEW raw AS SELECT state FROM messages JOIN requests USING (state)",
        "CREATE INDEX by_model ON messages (model)",
        "CREATE TABLE log (id TEXT)",
        "CREATE TRIGGER logged AFTER DELETE ON messages BEGIN"
        " INSERT INTO log VALUES (old.id); END",
    )
    before = [tuple(row) for row in on_disk(copied, "SELECT * FROM ours")]
    prepare(copied)
    assert [tuple(row) for row in on_disk(copied, "SELECT * FROM ours")] == before
    assert on_disk(copied, "SELECT count(*) FROM raw")[0][0] > 0
    assert on_disk(copied, "SELECT count(*) FROM log")[0][0] == 0
    plan = on_disk(copied, "EXPLAIN QUERY PLAN SELECT n FROM messages WHERE model = 'x'")
    assert "by_model" in plan[0]["detail"]
    changed(copied, "DELETE FROM conversations")
    assert on_disk(copied, "SELECT count(*) FROM blocks")[0][0] == 0
    assert on_disk(copied, "SELECT count(*) FROM log")[0][0] > 0


def die_at(path: Path, step: int) -> None:
    """Prepare a history, and be killed at a statement."""
    connect, seen = sqlite3.connect, 0

    def counted(_statement: str) -> None:
        nonlocal seen
        seen += 1
        if seen > step:
            os.kill(os.getpid(), signal.SIGKILL)

    class Counted(sqlite3.Connection):
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[arg-type]
            self.set_trace_callback(counted)

    sqlite3.connect = lambda *a, **o: connect(*a, **(o | {"factory": Counted}))
    prepare(path)


@pytest.mark.parametrize("copied", SHAPES[:-1], indirect=True, ids=lambda p: p.stem)
def test_killed_in_the_middle_it_is_old_or_new_and_the_next_start_goes_on(
    copied: Path, tmp_path: Path
) -> None:
    spawn = multiprocessing.get_context("fork")
    old = version_of(copied)
    found, step = set(), 0
    while True:
        path = tmp_path / f"{step}" / "history.db"
        path.parent.mkdir()
        shutil.copyfile(copied, path)
        process = spawn.Process(target=die_at, args=(path, step))
        process.start()
        process.join(60)
        version = version_of(path)
        found.add(version)
        assert version in (old, schema.VERSION)
        assert on_disk(path, "PRAGMA integrity_check")[0][0] == "ok"
        prepare(path)
        assert version_of(path) == schema.VERSION
        if process.exitcode == 0:
            break
        step += 3
    assert found == {old, schema.VERSION}
    assert step > 15


def test_what_is_kept_of_each_shape_is_never_written_anew() -> None:
    known = {
        "history-v1": "a5fdde5b2b8e",
        "history-v2": "5bfe3ca9aa4e",
        "history-v3": "eb3fbd061e77",
        "history-v4": "0cd106fffeb6",
    }
    assert {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in SHAPES
    } == known
