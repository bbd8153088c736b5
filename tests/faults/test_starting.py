"""If one step of the start fails, the others still happen, now or a little later."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.screens.conftest import Open
from tests.test_purging import found_in
from tests.turns import ask, on_disk
from tui.domain.conversation import Message
from tui.domain.request import Request
from tui.store import Store, backup, file_lock
from tui.terminal import clipboard
from tui.ui import app as application

SECRET = "xylophonequestion"


async def leave_reply(store: Store) -> None:
    """Leave a running reply behind whose program is gone."""
    question = await ask(store)
    reply = Message(
        id=store.new_id(),
        conversation_id=question.conversation_id,
        role="assistant",
        blocks=(),
        created_ms=1,
        parent_id=question.id,
        state="streaming",
    )
    request = Request(store.new_id(), reply.conversation_id, reply.id, "host", "m", 1)
    await store.begin_reply(reply, request, tip_id=question.id)
    with closing(sqlite3.connect(store.path)) as other, other:
        other.execute("UPDATE streams SET owner = 'nobody'")


async def test_a_start_on_a_locked_history_does_all_that_can_be_done(
    opened: Open, store: Store, history: Path
) -> None:
    await leave_reply(store)
    store.threads.writer().conn.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(history, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with opened() as journey:
            # The backup is the last step.
            await journey.until(lambda: backup.newest_first(history))
            assert [notice for notice in journey.notices if "Another program" in notice]
            assert on_disk(history, "SELECT state FROM messages ORDER BY n")[1][0] == (
                "streaming"
            )


async def test_a_backup_that_cannot_be_made_at_the_start_is_made_later(
    opened: Open,
    history: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(backup, "PATIENCE", 0.02)
    monkeypatch.setattr(application, "BACK_UP_EVERY", 0.05)
    lock = history.parent / "run" / f"{history.name}.copies"
    async with opened() as journey:
        with file_lock.exclusive(lock, wait=20), caplog.at_level(logging.ERROR):
            for copy in backup.newest_first(history):
                copy.unlink()
            caplog.clear()
            await journey.until(lambda: "no backup was made" in caplog.text)
            assert backup.newest_first(history) == []
        await journey.until(lambda: backup.newest_first(history))


async def test_a_trash_that_cannot_be_emptied_ends_no_start(
    opened: Open, store: Store, history: Path
) -> None:
    question = await ask(store, SECRET)
    await store.delete([question.conversation_id])
    run = history.parent / "run"
    run.rename(run.with_name("before"))
    # A file name cannot be so long, and looking for one raises a special error.
    run.symlink_to("x" * 300)
    async with opened() as journey:
        await journey.ask("Hi")
        await journey.until_done()
        assert journey.replies


async def test_a_text_that_no_clipboard_took_is_gone_when_its_conversation_is(
    opened: Open, store: Store, tmp_path: Path
) -> None:
    question = await ask(store, SECRET)
    await store.delete([question.conversation_id])
    copied, _ = clipboard.files(tmp_path)
    copied.write_text(SECRET)
    async with opened() as journey:
        await journey.until(lambda: not found_in(tmp_path, SECRET))
