"""The store turns every failure below it into a `HistoryError` with one line of text."""

from __future__ import annotations

import asyncio
import inspect
import resource
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.turns import MODEL, ask
from tui.chat.undo_stack import UndoStack
from tui.domain.conversation import ComposerDraft, Conversation, Message, ScrollAnchor
from tui.domain.conversation_list import Listing
from tui.domain.parameters import Parameters
from tui.domain.query import parse
from tui.domain.request import Request
from tui.store import HistoryError, Store, connection, open_store

Fault = Callable[[Path], AbstractContextManager[None]]

PARTS = (
    "claims",
    "branches",
    "drafts",
    "finding",
    "labels",
    "lost",
    "purging",
    "recordings",
    "recovery",
)
"""The public parts of a store."""


class Calls:
    """Every public method of a store and its parts, ready to be called."""

    def __init__(self, store: Store, question: Message) -> None:
        self.store, self.question, self.id = store, question, question.conversation_id
        self.now_ms = store.clock.now_ms()
        self.reply = _reply_to(store, question)
        self.request = _request(store, self.reply)

    def all(self) -> dict[str, Callable[[], Awaitable[object]]]:
        """Return the calls by their names."""
        return self._of_store() | self._of_branches() | self._of_drafts() | self._of_others()

    def _of_store(self) -> dict[str, Callable[[], Awaitable[object]]]:
        store, ids, now_ms = self.store, [self.id], self.now_ms
        query = parse("words", now_ms)
        listing = Listing((), (), now_ms, ())
        return {
            "add_question": lambda: ask(store, "more"),
            "back_up": store.back_up,
            "begin_attempt": lambda: store.begin_attempt(self.request, None, self.request),
            "begin_reply": lambda: store.begin_reply(self.reply, self.request, tip_id=None),
            "by_last_use": store.by_last_use,
            "conversation": lambda: store.conversation(self.id),
            "conversations": store.conversations,
            "delete": lambda: store.delete(ids),
            "finding.messages": lambda: store.finding.messages(query),
            "finding.titles": lambda: store.finding.titles("words"),
            "finish_reply": lambda: store.finish_reply(self.reply, self.request, None),
            "is_changed_elsewhere": store.is_changed_elsewhere,
            "is_demo": lambda: store.is_demo(self.id),
            "is_known": lambda: store.is_known(self.id),
            "append_journal": lambda: store.append_journal("r", 1, "{}"),
            "save_models": lambda: store.save_models("host", []),
            "read_path": lambda: store.read_path(self.question.id),
            "listing": store.listing,
            "matching": lambda: store.matching("abc"),
            "models": lambda: store.models("host"),
            "neighbour": lambda: store.neighbour(self.id, 1),
            "newest": lambda: store.newest(is_demo=False),
            "page": lambda: store.page(listing, 0),
            "purge": lambda: store.purge(before_ms=now_ms),
            "recover": store.recover,
            "restore": lambda: store.restore(ids),
            "message_rows": lambda: store.message_rows(self.id),
            "reply_row": lambda: store.reply_row(self.question.id),
            "snapshot": lambda: store.snapshot(Conversation(self.id, Parameters(MODEL), 1, 1)),
            "recordings.trim": lambda: store.recordings.trim(0),
        }

    def _of_branches(self) -> dict[str, Callable[[], Awaitable[object]]]:
        branches, message = self.store.branches, self.question
        fork = Conversation(self.store.new_id(), Parameters(MODEL), 1, 1)
        return {
            "branches.ask_again": lambda: branches.ask_again(fork, message.id),
            "branches.delete": lambda: branches.delete(message.id),
            "branches.end_of": lambda: branches.end_of(message),
            "branches.fork": lambda: branches.fork(fork, message.id),
            "branches.message": lambda: branches.message(message.id),
            "branches.move_tip": lambda: branches.move_tip(self.id, None),
            "branches.restore": lambda: branches.restore(message.id, None),
            "branches.tree": lambda: branches.tree(self.id),
            "branches.versions": lambda: branches.versions(message.id),
        }

    def _of_drafts(self) -> dict[str, Callable[[], Awaitable[object]]]:
        drafts = self.store.drafts
        return {
            "drafts.conversation_ids": drafts.conversation_ids,
            "drafts.save": lambda: drafts.save(self.id, ComposerDraft("so far")),
            "drafts.save_scroll_anchor": lambda: drafts.save_scroll_anchor(
                self.id, ScrollAnchor()
            ),
            "drafts.newest_unsaved": drafts.newest_unsaved,
            "drafts.scroll_anchor": lambda: drafts.scroll_anchor(self.id),
            "drafts.read_last": drafts.read_last,
            "drafts.draft": lambda: drafts.draft(self.id),
        }

    def _of_others(self) -> dict[str, Callable[[], Awaitable[object]]]:
        labels, purging, ids = self.store.labels, self.store.purging, [self.id]
        claims = self.store.claims
        return {
            "claims.arrived": lambda: claims.arrived("r", first=0, after=0),
            "claims.release": lambda: claims.release(self.question.id),
            "claims.tip": lambda: claims.tip(self.id),
            "labels.all_tags": labels.all_tags,
            "labels.archive": lambda: labels.archive(ids, is_archived=True),
            "labels.add_request": lambda: labels.add_request(self.request),
            "labels.recent_models": labels.recent_models,
            "labels.set_parameters": lambda: labels.set_parameters(self.id, Parameters(MODEL)),
            "labels.pin": lambda: labels.pin(ids, is_pinned=True),
            "labels.rename": lambda: labels.rename(self.id, "A title", by="person"),
            "labels.set_tags": lambda: labels.set_tags(ids, ["work"]),
            "labels.tags": lambda: labels.tags(self.id),
            "lost.save": self.store.lost.save,
            "purging.back_up": purging.back_up,
            "purging.deleted": purging.deleted,
            "purging.purge": lambda: purging.purge(ids),
            "recovery.run": self.store.recovery.run,
            "undo_stack.empty": UndoStack(self.store).empty,
            "undo_stack.put": lambda: UndoStack(self.store).put(self.id),
        }


def _reply_to(store: Store, question: Message) -> Message:
    return Message(
        id=store.new_id(),
        conversation_id=question.conversation_id,
        role="assistant",
        blocks=(),
        created_ms=1,
        parent_id=question.id,
        state="streaming",
    )


def _request(store: Store, reply: Message) -> Request:
    return Request(store.new_id(), reply.conversation_id, reply.id, "host", MODEL, 1)


def named(store: Store) -> Iterator[str]:
    """Yield the names of a store's asynchronous methods, and of its parts'."""
    owners = {"": store} | {f"{part}.": getattr(store, part) for part in PARTS}
    for prefix, owner in owners.items():
        for name, _ in inspect.getmembers(type(owner), inspect.iscoroutinefunction):
            if not name.startswith("_"):
                yield prefix + name


# Faults for the time of a block; each one with real files or the real system.


@contextmanager
def no_descriptors(_history: Path) -> Generator[None]:
    """Make every opening of a file fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def no_room(_history: Path) -> Generator[None]:
    """Make every growth of a file fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def no_tables(history: Path) -> Generator[None]:
    """Drop the tables."""
    with closing(sqlite3.connect(history, isolation_level=None)) as other:
        other.execute("PRAGMA foreign_keys = off")
        found = other.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE TABLE%'")
        for (name,) in found.fetchall():
            if "_fts" not in name:
                other.execute(f'DROP TABLE "{name}"')
    yield


@contextmanager
def no_pages(history: Path) -> Generator[None]:
    """Overwrite the file, except its header."""
    with closing(sqlite3.connect(history)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with history.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * (history.stat().st_size - 100))
    yield


@contextmanager
def other_files(history: Path) -> Generator[None]:
    """Replace each folder beside the history by a file."""
    for name in ("run", "backups"):
        (history.parent / name).write_text("not a folder")
    yield


@contextmanager
def other_folders(history: Path) -> Generator[None]:
    """Replace each lock file beside the history by a folder."""
    for name in ("copies", "undo", "repair"):
        (history.parent / "run" / f"{history.name}.{name}").mkdir(parents=True)
    yield


@contextmanager
def nameless_folders(history: Path) -> Generator[None]:
    """Replace each folder beside the history by a link to an impossible name."""
    for name in ("run", "backups"):
        (history.parent / name).symlink_to("y" * 300)
    yield


@contextmanager
def another_writer(history: Path) -> Generator[None]:
    """Hold the write lock of the history."""
    with closing(sqlite3.connect(history, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


FAULTS: dict[Fault, set[str]] = {
    no_descriptors: {"add_question", "finding.messages", "finding.titles", "undo_stack.put"},
    no_room: {"add_question", "purge", "drafts.save"},
    no_tables: {
        "conversation",
        "read_path",
        "recover",
        "purge",
        "drafts.save",
        "finding.messages",
    },
    no_pages: {
        "conversation",
        "read_path",
        "recover",
        "purge",
        "drafts.save",
        "finding.messages",
    },
    other_files: {"purge", "begin_reply"},
    other_folders: {"purge"},
    nameless_folders: {"purge", "begin_reply"},
    another_writer: {"add_question", "purge", "drafts.save", "recover"},
}
"""Each fault, with some of the methods that must fail because of it."""


async def fill(store: Store) -> None:
    """Make a conversation, delete one, and leave a running reply whose program is gone."""
    await ask(store, "Some words")
    deleted = await ask(store, "Deleted text")
    await store.delete([deleted.conversation_id])
    question = await ask(store, "A question")
    reply = _reply_to(store, question)
    await store.begin_reply(reply, _request(store, reply), tip_id=question.id)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history that tests copy."""
    history = tmp_path_factory.mktemp("filled") / "history.db"
    with open_store(history) as store:
        asyncio.run(fill(store))
    return history


async def told_by(history: Path, name: str, fault: Fault) -> str | None:
    """Call one method during a fault; return the error's text, or None."""
    with open_store(history) as store:
        first, *_ = reversed(await store.conversations())
        question = (await store.read_path(first.tip_id))[0]
        call = Calls(store, question).all()[name]
        with fault(history):
            try:
                await call()
            except HistoryError as error:
                return str(error)
    return None


async def test_every_public_method_is_called(store: Store) -> None:
    called = Calls(store, await ask(store)).all().keys()
    assert set(named(store)) <= called


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_a_failure_below_the_store_is_reported_in_one_line(
    tmp_path: Path, filled: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT", 0.05)
    told = dict[str, str]()
    with open_store(tmp_path / "names.db") as store:
        names = Calls(store, await ask(store)).all().keys()
    for number, name in enumerate(names):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        shutil.copyfile(filled, folder / "history.db")
        if line := await told_by(folder / "history.db", name, fault):
            told[name] = line
    assert FAULTS[fault] <= told.keys()
    for line in told.values():
        assert line
        assert "\n" not in line


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_failure_at_opening_or_closing_is_reported_in_one_line(
    tmp_path: Path, filled: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT", 0.05)
    history = tmp_path / "history.db"
    shutil.copyfile(filled, history)
    with ExitStack() as closed_last:
        with open_store(history):
            closed_last.enter_context(fault(history))
        told = "Nothing."
        try:
            with open_store(history) as store:
                told = store.notice or told
        except HistoryError as error:
            told = str(error)
        assert len(told.splitlines()) == 1
