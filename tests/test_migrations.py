"""Histories of every earlier schema are migrated completely, whatever happens."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import unicodedata
from contextlib import closing
from pathlib import Path

import pytest

from tests.data.make import paths
from tests.turns import ask, hits, on_disk
from tui.domain.parameters import Parameters
from tui.domain.query import STATES, parse
from tui.store import open_store, schema
from tui.store.backup import before_version
from tui.store.preparing import prepare

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
        assert await paths(store) == json.loads(shape.with_suffix(".json").read_text("utf-8"))
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
    """Change a history as another program might."""
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
def test_views_and_triggers_of_others_survive_a_migration(copied: Path) -> None:
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


def add_substring_index(path: Path) -> None:
    """Give a history of version 4 the optional index of substrings."""
    is_text = "{0}.type IN ('text', 'thinking') AND {0}.text IS NOT NULL"
    changed(
        path,
        "CREATE TABLE inside_built (below INTEGER NOT NULL) STRICT",
        "INSERT INTO inside_built VALUES (0)",
        "CREATE VIRTUAL TABLE inside_fts USING fts5 (text, content='searchable',"
        " content_rowid='n', tokenize='trigram', detail='none', columnsize=0)",
        f"CREATE TRIGGER inside_fts_insert AFTER INSERT ON blocks WHEN {is_text.format('new')}"
        " BEGIN INSERT INTO inside_fts (rowid, text) VALUES (new.n, new.text); END",
        f"CREATE TRIGGER inside_fts_delete AFTER DELETE ON blocks WHEN {is_text.format('old')}"
        " BEGIN INSERT INTO inside_fts (inside_fts, rowid, text)"
        " VALUES ('delete', old.n, old.text); END",
        "CREATE TRIGGER inside_fts_update AFTER UPDATE OF text, type ON blocks"
        " BEGIN INSERT INTO inside_fts (rowid, text) VALUES (new.n, new.text); END",
        "INSERT INTO inside_fts (rowid, text) SELECT n, text FROM searchable",
    )


@pytest.mark.parametrize(
    "statements",
    [
        (),
        # A program was killed while it removed the index.
        (
            "DROP TRIGGER inside_fts_insert",
            "DROP TRIGGER inside_fts_delete",
            "DROP TRIGGER inside_fts_update",
            "UPDATE inside_built SET below = -1",
            "REPLACE INTO inside_fts_data VALUES (1, x''), (10, x'00000000000000')",
        ),
        # The index is damaged.
        ("UPDATE inside_fts_data SET block = x'ffffffffffff' WHERE id = 10",),
        ("DELETE FROM inside_fts_data",),
    ],
    ids=["whole", "half gone", "damaged", "empty"],
)
async def test_the_index_of_parts_of_words_is_dropped(
    tmp_path: Path, statements: tuple[str, ...]
) -> None:
    path = tmp_path / "history.db"
    shutil.copyfile(DATA / "history-v4.db", path)
    add_substring_index(path)
    changed(path, *statements)
    with open_store(path) as store:
        kept = json.loads((DATA / "history-v4.json").read_text("utf-8"))
        assert await paths(store) == kept
        await ask(store, "A mainstream view")
        query = parse("*ainstr", store.clock.now_ms())
        assert len(await hits(store, query)) == 1
    assert on_disk(path, "SELECT name FROM sqlite_master WHERE sql LIKE '%inside%'") == []
    assert on_disk(path, "PRAGMA integrity_check")[0][0] == "ok"


def die_at(path: Path, step: int) -> None:
    """Open a history, and exit at the statement number `step`."""
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
def test_a_killed_migration_is_undone_or_done_and_the_next_start_completes_it(
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


@pytest.mark.parametrize("copied", SHAPES[:5], indirect=True, ids=lambda p: p.stem)
async def test_a_decomposed_text_of_an_older_shape_is_found_composed(copied: Path) -> None:
    said = unicodedata.normalize("NFD", "한국어 Ελλάδα")
    changed(copied, f"UPDATE blocks SET text = '{said}', pairs = NULL WHERE n = 1")
    with open_store(copied) as store:
        for typed in ("한국어 ", "ελλαδα "):
            query = parse(typed, store.clock.now_ms())
            assert [hit.snippet.text for hit in await hits(store, query)] == [said]


@pytest.mark.parametrize("copied", SHAPES[5:], indirect=True, ids=lambda p: p.stem)
async def test_each_conversation_is_asked_as_before(copied: Path) -> None:
    is_chosen = version_of(copied) >= 7
    with open_store(copied) as store:
        asked = {each.title: each.parameters for each in await store.conversations()}
    assert asked["A tool"] == Parameters("claude-sonnet-5-5", "Be brief.")
    assert asked["Été"] == (
        Parameters("claude-haiku-5-5", "Be kind.", 2000, "omitted", "low")
        if is_chosen
        else asked["A tool"]
    )
    told = on_disk(copied, "SELECT DISTINCT system FROM replies ORDER BY system")
    assert [system for (system,) in told] == ([None, "Be brief."] if is_chosen else [None])

    known = {
        "history-v1": "a5fdde5b2b8e",
        "history-v2": "5bfe3ca9aa4e",
        "history-v3": "eb3fbd061e77",
        "history-v4": "0cd106fffeb6",
        "history-v5": "6928ee7b4b87",
        "history-v6": "c628c1037001",
        "history-v7": "28722aa4ea2e",
        "history-v8": "26f2b134af22",
        "history-v9": "14f553413d0d",
    }
    assert {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in SHAPES
    } == known
