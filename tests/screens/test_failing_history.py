"""What the user sees when the history fails for a moment; nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.screens.conftest import Open
from tests.screens.failing import Failing, told
from tests.scripted import Scripted, says, scripted
from tests.turns import ask, converse, on_disk
from tui.claude import Claude
from tui.claude.demo import connect
from tui.domain.endpoint import Endpoint
from tui.store import HistoryError, Store


def refuse(history: Path, table: str, *, what: str = "INSERT") -> None:
    """Make SQLite refuse every write of a kind to a table."""
    with closing(sqlite3.connect(history)) as connection:
        connection.execute(
            f"CREATE TRIGGER refused_{table}_{what} BEFORE {what} ON {table}"
            " BEGIN SELECT raise(ABORT, 'refused'); END"
        )


def allow(history: Path, table: str, *, what: str = "INSERT") -> None:
    with closing(sqlite3.connect(history)) as connection:
        connection.execute(f"DROP TRIGGER refused_{table}_{what}")


async def test_a_place_that_cannot_be_saved_keeps_nobody_from_another_conversation(
    opened: Open, store: Store, history: Path
) -> None:
    for title in ("One", "Two"):
        await ask(store, title)
    async with opened() as journey:
        await journey.until(lambda: "Two" in " ".join(journey.sidebar))
        await journey.press("alt+down")
        await journey.until(lambda: journey.title == "Two")
        refuse(history, "places")
        await journey.press("alt+down")
        await journey.until(lambda: journey.title == "One")
        allow(history, "places")
        # It is saved as soon as that is possible.
        sql = "SELECT conversation_id FROM places ORDER BY read_ms DESC LIMIT 1"
        one = next(each for each in await store.conversations() if each.title == "One")
        await journey.until(lambda: on_disk(history, sql)[0][0] == one.id)


async def test_a_question_is_not_asked_elsewhere_when_a_new_conversation_cannot_be_opened(
    opened: Open, server: Scripted, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo's replies are never sent to the endpoint."""
    await converse(store, connect(), "to the demo")
    async with opened() as journey:
        await journey.until(lambda: "to the demo" in " ".join(journey.sidebar))
        await journey.press("alt+down")
        await journey.until(lambda: journey.title == "to the demo")
        await journey.ask("to Claude")
        await journey.until(lambda: "Ask in a new one" in journey.seen)

        async def fails(*_args: object) -> None:
            raise HistoryError("The disk is gone for a moment.")

        with monkeypatch.context() as broken:
            broken.setattr(store.drafts, "draft", fails)
            broken.setattr(store.drafts, "scroll_anchor", fails)
            await journey.press("f8")
            await journey.until(lambda: any("disk" in line for line in journey.notices))
        assert server.asked == []
        await journey.until(lambda: journey.composer == "to Claude")


async def test_text_of_another_window_is_shown_however_long_reading_takes(
    opened: Open, store: Store, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted() as server:
        server.will(says("a1"))
        claude = Claude(Endpoint(server.url, api_key="sk-test"))
        reply = await converse(store, claude, "q1")
    async with opened() as journey:
        await journey.until(lambda: "q1" in " ".join(journey.sidebar))
        await journey.press("alt+down")
        await journey.until(lambda: journey.replies == ["a1"])
        read = store.conversation

        async def slowly(conversation_id: str) -> object:
            await asyncio.sleep(1.3)
            return await read(conversation_id)

        monkeypatch.setattr(store, "conversation", slowly)
        with closing(sqlite3.connect(history)) as other:
            other.execute("UPDATE messages SET state = 'stopped' WHERE id = ?", [reply.id])
            other.commit()
        await journey.until(lambda: "stopped" in journey.figures[0])


async def test_the_last_conversation_opens_later_if_it_cannot_be_read_at_first(
    opened: Open, store: Store, history: Path
) -> None:
    one = await ask(store, "One")
    await ask(store, "Two")
    async with opened() as journey:
        await journey.app.session.open(one.conversation_id)
        sql = "SELECT conversation_id FROM places ORDER BY read_ms DESC LIMIT 1"
        await journey.until(
            lambda: [tuple(row) for row in on_disk(history, sql)] == [(one.conversation_id,)]
        )
    Failing(store, ["drafts.read_last"], 1)
    async with opened() as journey:
        await journey.until(lambda: told("drafts.read_last") in journey.notices)
        await journey.until(lambda: journey.title == "One")


async def test_conversations_that_are_gone_do_not_prevent_deleting_others(
    opened: Open, store: Store, history: Path
) -> None:
    for title in ("One", "Two", "Three"):
        await ask(store, title)
    newest = (await store.conversations())[0]
    async with opened() as journey:
        await journey.until(lambda: "One" in " ".join(journey.sidebar))
        await journey.press("ctrl+s", "tab", "home", "space", "space")
        await store.delete([newest.id])
        await journey.press("x")
        await journey.until(lambda: [row[0] for row in left(history)] == ["One"])
        assert any("Two" in line for line in journey.notices)


def left(history: Path) -> list[sqlite3.Row]:
    return on_disk(history, "SELECT title FROM conversations WHERE deleted_ms IS NULL")


async def test_hidden_conversations_are_not_deleted_with_visible_ones(
    opened: Open, store: Store, history: Path
) -> None:
    for title in ("One", "Two", "Three"):
        await ask(store, title)
    async with opened() as journey:
        await journey.until(lambda: "One" in " ".join(journey.sidebar))
        await journey.press("ctrl+s", "tab", "home", "space")
        await journey.press("slash", *"One")
        await journey.until(lambda: "Three" not in " ".join(journey.sidebar))
        await journey.press("tab", "home", "space", "x")
        await journey.until(lambda: [row[0] for row in left(history)] == ["Two", "Three"])
