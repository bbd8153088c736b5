"""A history with garbage from other programs: every command still ends normally.

Twelve histories by default, three hundred with FAULTS=full.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.chosen import app_settings, connected
from tests.commands import run_here
from tests.conftest import IS_FULL, wait_until
from tests.faults.test_recovery import WORDS, orphan
from tests.screens.conftest import Open
from tests.scripted import Reply, Scripted, end, refuses, says, scripted, start, text, thinking
from tests.turns import MODEL, converse
from tui.claude import Claude
from tui.domain.clock import AFTER_MS, FIRST_MS, Clock
from tui.domain.conversation import ComposerDraft, ScrollAnchor
from tui.domain.conversation_list import group_start
from tui.domain.endpoint import Endpoint
from tui.domain.parameters import Parameters
from tui.store import HistoryError, foreign, open_store
from tui.text import formatting
from tui.ui.app import StreamChat

EXAMPLES, SCREENS = (300, 25) if IS_FULL else (12, 3)

TABLES = {
    "conversations": "id title title_by model system tip_id forked_from is_pinned created_ms"
    " updated_ms archived_ms deleted_ms folded_title effort max_tokens thinking_display",
    "messages": "id conversation_id parent_id role state created_ms finished_ms model"
    " stop_reason stop_details failure endpoint context is_continuation copied_from"
    " system_digest",
    "blocks": "message_id seq type text pairs data is_sendable",
    "requests": "id message_id purpose attempt endpoint state model request_id started_ms"
    " since_first_ms first_text_ms duration_ms error_type error_message input_tokens usage"
    " effort max_tokens thinking_display",
    "system_prompts": "digest text",
    "streams": "owner started_ms",
    "journal": "k payload",
    "model_lists": "host fetched_ms models",
    "drafts": "conversation_id text queued edited_id edit updated_ms",
    "places": "message_id leaf line position read_ms",
    "tags": "tag",
    "recordings": "started_ms size content",
}
COLUMNS = [(table, name) for table, names in TABLES.items() for name in names.split()]


class Garbage(NamedTuple):
    """A value to write into a column, in one row or in all."""

    table: str
    column: str
    text: str
    number: int
    row: int
    kind: int


GARBAGE = st.builds(
    lambda where, *rest: Garbage(*where, *rest),
    st.sampled_from(COLUMNS),
    st.text(max_size=20)
    | st.sampled_from(("", "null", "[]", "{}", "[[]]", '{"message": 7}', "../../x", "1e999")),
    st.integers(-(2**63), 2**63 - 1) | st.sampled_from((0, -1, 2**63 - 1, -(2**63), AFTER_MS)),
    st.integers(-1, 8),
    st.integers(0, 3),
)


async def _fill(path: Path, url: str) -> None:
    claude = Claude(Endpoint(url, api_key="sk-test"))
    with open_store(path) as store:
        first = await converse(store, claude, "the first question")
        await converse(store, claude, "and then", after=first, system="Be brief.")
        await converse(store, claude, "another one")
        await converse(store, claude, "a refused one")
        await orphan(store, WORDS)
        asked = Parameters(MODEL, "Be brief.", 2000, "omitted", "low")
        await store.labels.set_parameters(first.conversation_id, asked)
        await store.labels.set_tags([first.conversation_id], ["work"])
        await store.drafts.save(first.conversation_id, ComposerDraft("written", ("queued",)))
        await store.drafts.save_scroll_anchor(
            first.conversation_id, ScrollAnchor(first.id, 1, 1, 1)
        )
    await claude.close()


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A history with something in every table."""
    with tempfile.TemporaryDirectory() as folder, scripted() as server:
        server.will(
            Reply([start(), *thinking(0, "A thought."), *text(1, "The words"), *end()]),
            says("more words"),
            says("other words"),
            refuses(400, "invalid_request_error", "no"),
        )
        path = Path(folder) / "template.db"
        asyncio.run(_fill(path, server.url))
        yield path


WITHOUT_ROWID = ("streams", "journal", "model_lists", "drafts", "places", "tags")
NOT_UTF_8 = "CAST(x'ff66ff' AS TEXT)"
"""Bytes such as a broken disk leaves."""


def write(path: Path, garbage: list[Garbage]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = on")
        for table, column, text_, number, row, kind in garbage:
            said = f"CASE typeof({column}) WHEN 'integer' THEN :number ELSE :text END"
            if kind == 0:
                said = f"CASE typeof({column}) WHEN 'text' THEN {NOT_UTF_8} ELSE {column} END"
            where = "1"
            if row >= 0 and table not in WITHOUT_ROWID:
                where = f"rowid = (SELECT rowid FROM {table} LIMIT 1 OFFSET {row})"
            # The schema may refuse the value; then it is not in the history.
            with suppress(sqlite3.DatabaseError):
                connection.execute(
                    f"UPDATE OR IGNORE {table} SET {column} = {said} WHERE {where}",
                    {"number": number, "text": text_.encode("utf-8", "replace").decode()},
                )


def last_six(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = foreign.text_of
        found = connection.execute("SELECT id FROM conversations ORDER BY rowid").fetchone()
    return str(found[0])[-6:] or "x"


@pytest.mark.timeout(1800 if IS_FULL else 240)
@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(garbage=st.lists(GARBAGE, min_size=1, max_size=6))
@example(garbage=[Garbage("messages", "state", "asleep", 0, -1, 1)])
@example(garbage=[Garbage("messages", "failure", "[7]", 0, -1, 1)])
@example(garbage=[Garbage("blocks", "data", "no", 0, -1, 1)])
@example(garbage=[Garbage("blocks", "type", "hologram", 0, 0, 1)])
@example(garbage=[Garbage("requests", "usage", "[", 0, 0, 1)])
@example(garbage=[Garbage("conversations", "updated_ms", "", -(2**63), 0, 1)])
@example(garbage=[Garbage("conversations", "updated_ms", "", 2**63 - 1, 0, 1)])
@example(garbage=[Garbage("messages", "created_ms", "", 2**63 - 1, 0, 1)])
@example(garbage=[Garbage("conversations", "id", "0zzz", 0, 0, 1)])
@example(garbage=[Garbage("conversations", "title", "", 0, 0, 0)])
@example(garbage=[Garbage("model_lists", "models", "{", 0, 0, 1)])
def test_every_command_ends_well_whatever_is_in_the_history(
    template: Path, garbage: list[Garbage]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        shutil.copyfile(template, path)
        write(path, garbage)
        for command in (
            ["log"],
            ["log", last_six(path)],
            ["log", last_six(path), "--json"],
            ["log", "--json"],
            ["log", "--search", "words"],
            ["log", "--search", "words", "--json"],
            ["doctor", "--offline", "--json"],
            ["ask", "--demo", "--no-stream", "Hello"],
        ):
            done = run_here(path, *command)
            assert done.code in (0, 1), (command, done)
            assert "Traceback" not in done.err
            assert "internal error occurred" not in done.err, (command, done)
            if "--json" in command and done.out:
                json.loads(done.out)
        # The question is saved, whatever else is in the history.
        assert done.code == 0, done
        assert "Hello" in run_here(path, "log").out


def damaged(template: Path, history: Path, *statements: str) -> None:
    shutil.copyfile(template, history)
    with closing(sqlite3.connect(history, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = on")
        for statement in statements:
            connection.execute(statement)


CIRCLE = (
    "UPDATE messages SET parent_id = (SELECT tip_id FROM conversations AS c"
    " WHERE c.id = messages.conversation_id) WHERE parent_id IS NULL"
)


async def test_a_line_that_goes_round_in_a_circle_is_read_once(
    template: Path, history: Path
) -> None:
    damaged(template, history, CIRCLE)
    with open_store(history) as store:
        for conversation in await store.conversations():
            line = await store.read_path(conversation.tip_id)
            assert line
            assert len({message.id for message in line}) == len(line)
            assert all(len(message.blocks) <= 2 for message in line)
            await store.branches.versions(conversation.tip_id)
            assert await store.branches.end_of(line[0])
            await store.branches.tree(conversation.id)
            if line[-1].state != "streaming":
                fork = replace(conversation, id=store.new_id())
                await store.branches.fork(fork, line[-1].id)


ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT"


def endless(table: str, columns: str) -> str:
    """Return a view that has the columns of a table and an endless number of rows."""
    named = ", ".join(f"'x' || i AS {name}" for name in columns.split())
    return f"CREATE VIEW {table} AS {ENDLESS} {named} FROM n ORDER BY i DESC"


TRANSCRIPT = (
    "conversation_id title message_id parent_id role state text thinking model stop_reason"
    " created_at"
)
HANGS = f"BEGIN SELECT * FROM ({ENDLESS} max(i) FROM n); END"


@pytest.mark.parametrize(
    "statements",
    [
        ["DROP VIEW transcript", endless("transcript", TRANSCRIPT)],
        [f"CREATE TRIGGER t BEFORE UPDATE ON messages {HANGS}"],
        [f"CREATE TRIGGER t BEFORE INSERT ON messages {HANGS}"],
        [
            "ALTER TABLE messages RENAME TO others",
            endless("messages", f"n deleted_ms {TABLES['messages']}"),
        ],
    ],
    ids=["view", "update", "insert", "table"],
)
@pytest.mark.parametrize(
    "command",
    [["log"], ["log", "--json"], ["log", "--search", "words"], ["doctor", "--offline"],
     ["ask", "--demo", "Hello"]],
    ids="-".join,
)  # fmt: skip
def test_an_endless_answer_is_cut_off(
    template: Path,
    history: Path,
    monkeypatch: pytest.MonkeyPatch,
    statements: list[str],
    command: list[str],
) -> None:
    monkeypatch.setattr(foreign, "LONGEST", 0.3)
    damaged(template, history, "PRAGMA legacy_alter_table = on", *statements)
    done = run_here(history, *command)
    assert done.code in (0, 1)
    assert "Traceback" not in done.err
    assert "internal error occurred" not in done.err


async def test_unreadable_rows_are_shown_as_such_among_readable_ones(
    template: Path, history: Path, opened: Open
) -> None:
    with closing(sqlite3.connect(template)) as source, closing(sqlite3.connect(history)) as to:
        source.backup(to)
    with closing(sqlite3.connect(history)) as other, other:
        other.execute("UPDATE blocks SET data = '{' WHERE text = 'The words'")
        other.execute("UPDATE blocks SET data = '[]', text = NULL WHERE text = 'more words'")
        other.execute("UPDATE messages SET created_ms = 9223372036854775807, failure = '7'")
        other.execute("UPDATE conversations SET updated_ms = -9000000000000000000")
    async with opened() as journey:
        await journey.until(lambda: "The words" in journey.seen)
        assert "This part of the message cannot be read" in journey.seen
        assert "the first question" in journey.seen
        assert "at an unknown time" in journey.seen
        assert "At an unknown time" in journey.seen


async def test_text_that_is_not_utf_8_is_read_with_a_sign_for_it(
    template: Path, history: Path
) -> None:
    damaged(template, history, "UPDATE conversations SET title = CAST(x'41ff42' AS TEXT)")
    with open_store(history) as store:
        assert {each.title for each in await store.conversations()} == {"A\ufffdB"}
        assert not (history.parent / "run" / "history.db.check").exists()


async def test_a_row_of_an_unknown_kind_is_reported_in_one_line(
    template: Path, history: Path
) -> None:
    damaged(
        template,
        history,
        "PRAGMA legacy_alter_table = on",
        "ALTER TABLE conversations RENAME TO old",
        "CREATE TABLE conversations AS SELECT * FROM old",
        "ALTER TABLE conversations DROP COLUMN title_by",
    )
    with open_store(history) as store, pytest.raises(HistoryError, match="does not know"):
        await store.conversations()


@given(ms=st.integers(-(2**63), 2**63 - 1), now_ms=st.integers(0, 4_000_000_000_000))
@example(ms=FIRST_MS, now_ms=0)
@example(ms=FIRST_MS - 1, now_ms=0)
@example(ms=AFTER_MS - 1, now_ms=0)
@example(ms=AFTER_MS, now_ms=0)
def test_a_time_outside_the_calendar_is_shown_as_such(ms: int, now_ms: int) -> None:
    has_date = FIRST_MS <= ms < AFTER_MS
    assert (formatting.utc(ms) is not None) == has_date
    assert ("unknown" in formatting.day_and_time(ms)) != has_date
    assert ("unknown" in formatting.timestamp(ms, now_ms)) != has_date
    assert ("unknown" in formatting.date_group(ms, now_ms)) != has_date
    assert (formatting.age(ms, now_ms) == "?") != has_date
    # Otherwise the list would never end.
    assert group_start(ms, now_ms) <= ms


def test_ids_that_are_none_of_ours_do_not_set_the_clock(template: Path, history: Path) -> None:
    damaged(
        template,
        history,
        "UPDATE conversations SET id = 'ffffffff-ffff-7fff-8fff-ffffffffffff' WHERE rowid = 1",
        "UPDATE conversations SET id = '0zzz' WHERE rowid = 2",
    )
    clock = Clock()
    with open_store(history, clock) as store:
        assert store.new_id()
        assert clock.now_ms() < 4_000_000_000_000


@pytest.mark.timeout(1800 if IS_FULL else 240)
@settings(
    max_examples=SCREENS,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(garbage=st.lists(GARBAGE, min_size=1, max_size=6))
def test_the_app_opens_and_is_read_through_whatever_is_in_the_history(
    template: Path, server: Scripted, garbage: list[Garbage]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        shutil.copyfile(template, path)
        write(path, garbage)
        asyncio.run(_read_through(path, server))


async def _read_through(path: Path, server: Scripted) -> None:
    with open_store(path) as store:
        app = StreamChat(
            store,
            connected(Claude(Endpoint(server.url, api_key="sk-test"))),
            app_settings(path.parent),
        )
        async with app.run_test(size=(110, 34)) as pilot:
            for key in ("ctrl+pagedown", "ctrl+pagedown", "ctrl+pageup", "shift+tab", "v"):
                await pilot.press(key)
                await pilot.pause()
            await pilot.press("escape", "escape", "ctrl+s", "down", "escape")
            server.will(says("still here"))
            await pilot.press("ctrl+n")
            app._chat.composer.insert("Hello")
            await pilot.press("enter")
            await wait_until(lambda: "still here" in kept_texts(path))
            await app.session.scheduler.stop_all()


def kept_texts(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = foreign.text_of
        return [row[0] for row in connection.execute("SELECT text FROM blocks")]
