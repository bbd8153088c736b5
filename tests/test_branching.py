"""Whatever is done with a tree of messages, in whatever order, nothing of it is lost.

A machine does at random what a person does: asks, edits, asks again, branches off,
deletes, brings back, stops, leaves and comes back, sometimes two things at once. What
the history holds must be what a plain model of it says, and the server, which refuses
what the real one refuses, must have had nothing to refuse.

Two hundred runs as a rule; with FAULTS=full many more, and longer ones.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.program import Program
from tests.scripted import Json, Scripted
from tests.strict import OPUS, Piece, Plan, Strict
from tests.turns import MODEL
from tui.claude import Claude
from tui.continuing import can_go_on
from tui.conversation import Message
from tui.endpoint import Endpoint
from tui.reading import Reading, Refused
from tui.store import open_store
from tui.trash import UNDO_SECONDS, OneMessage
from tui.tree import drawn

T = TypeVar("T")

IS_FULL = os.environ.get("FAULTS") == "full"
RUNS = int(os.environ.get("BRANCHING_RUNS", "500" if IS_FULL else "200"))
STEPS = 60 if IS_FULL else 25

TEXT, MORE = Piece("text", ("Hello", " 東京")), Piece("text", ("```\ncode ", "x" * 20))
BLANK, EMPTY = Piece("text", (" ", "\n")), Piece("text")
THOUGHT, UNREADABLE = Piece("thinking", ("Hm", " so")), Piece("thinking")
UNSIGNED = Piece("thinking", ("Hm, but",), is_signed=False)
REDACTED, CALL = Piece("redacted_thinking"), Piece("tool_use")
SHAPES: list[tuple[Piece, ...]] = [
    (TEXT,),
    (THOUGHT, TEXT),
    (UNREADABLE, MORE),
    (THOUGHT, TEXT, THOUGHT, MORE),
    (REDACTED, THOUGHT, MORE),
    (TEXT, REDACTED, MORE, THOUGHT),
    (THOUGHT, BLANK, THOUGHT, TEXT),
    (BLANK, TEXT, EMPTY),
    (THOUGHT,),
    (THOUGHT, BLANK, REDACTED),
    (THOUGHT, TEXT, CALL),
    (THOUGHT, CALL, CALL),
    (UNSIGNED, TEXT),
    (EMPTY,),
    (),
]
PLANS = st.builds(
    Plan,
    st.sampled_from(SHAPES),
    st.sampled_from(["end_turn"] * 5 + ["max_tokens", "refusal", "tool_use", "tea_time"]),
    st.sampled_from(["whole"] * 7 + ["cut", "error", "overloaded"]),
    st.integers(0, 14),
    st.sampled_from([False, False, True]),
)
AT = st.integers(0, 40)
"""Which of what there is, counted round."""


@dataclass(frozen=True)
class Row:
    """A message as it is on disk."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: str
    state: str
    text: str
    is_continuation: bool
    is_copy: bool
    is_deleted: bool
    kept: str
    """All of it that is never changed, with its blocks."""
    blocks: list[Json]
    api_message_id: str | None


def _without_failure(kept: str) -> object:
    fixed, blocks = json.loads(kept)
    return {**fixed, "failure": fixed["failure"] is None}, blocks


class Disk:
    """The history as another program sees it."""

    def __init__(self, history: Path) -> None:
        with closing(sqlite3.connect(history)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")
            self._blocks = defaultdict[str, list[sqlite3.Row]](list)
            for block in connection.execute("SELECT * FROM blocks ORDER BY message_id, seq"):
                self._blocks[block["message_id"]].append(block)
            answers = {
                row["message_id"]: row["api_message_id"]
                for row in connection.execute("SELECT * FROM requests ORDER BY attempt")
            }
            found = connection.execute("SELECT * FROM messages ORDER BY n")
            self.rows = {row["id"]: self._row(row, answers) for row in found}
            self.conversations = {
                row["id"]: dict(row)
                for row in connection.execute("SELECT * FROM conversations ORDER BY id")
            }

    def _row(self, row: sqlite3.Row, answers: dict[str, str | None]) -> Row:
        blocks = self._blocks[row["id"]]
        fixed = {
            name: value
            for name, value in dict(row).items()
            if name not in ("deleted_ms", "purged_ms")
        }
        kept = [
            tuple(value for name, value in dict(block).items() if name != "n")
            for block in blocks
        ]
        return Row(
            id=row["id"],
            conversation_id=row["conversation_id"],
            parent_id=row["parent_id"],
            role=row["role"],
            state=row["state"],
            text="".join(block["text"] or "" for block in blocks if block["type"] == "text"),
            is_continuation=bool(row["is_continuation"]),
            is_copy=row["copied_from"] is not None,
            is_deleted=row["deleted_ms"] is not None,
            kept=json.dumps([fixed, kept]),
            blocks=[_wire(block) for block in blocks],
            api_message_id=answers.get(row["id"]),
        )

    def of(self, conversation_id: str) -> list[Row]:
        return [row for row in self.rows.values() if row.conversation_id == conversation_id]

    def dump(self, conversation_id: str) -> str:
        """Everything of a conversation."""
        rows = [(row.kept, row.is_deleted) for row in self.of(conversation_id)]
        return json.dumps([self.conversations[conversation_id], rows])

    def path(self, tip_id: str | None) -> list[Row]:
        """The messages from the first to a tip, those deleted too."""
        found: list[Row] = []
        while tip_id is not None:
            found.append(self.rows[tip_id])
            tip_id = self.rows[tip_id].parent_id
        return found[::-1]

    def line(self, tip_id: str | None) -> list[Row]:
        return [row for row in self.path(tip_id) if not row.is_deleted]

    def children(self, row: Row | None, conversation_id: str) -> list[Row]:
        parent_id = None if row is None else row.id
        return [each for each in self.of(conversation_id) if each.parent_id == parent_id]

    def below(self, row: Row) -> Iterator[Row]:
        yield row
        for child in self.children(row, row.conversation_id):
            yield from self.below(child)

    def end_of(self, row: Row) -> str:
        """The newest message on any line through a message."""
        order = list(self.rows)
        living = [each.id for each in self.below(row) if not each.is_deleted]
        return max(living, key=order.index)

    def versions(self, row: Row) -> list[str]:
        return [
            each.id
            for each in self.of(row.conversation_id)
            if (each.parent_id, each.role) == (row.parent_id, row.role) and not each.is_deleted
        ]


def _wire(block: sqlite3.Row) -> Json:
    wire: Json = json.loads(block["data"])
    if block["text"] is not None:
        wire[block["type"]] = block["text"]
    return wire


@dataclass
class Gone:
    """What was deleted, and can be brought back."""

    ids: tuple[str, ...]
    conversation_id: str
    tip_id: str | None
    dump: str | None
    """How its conversation was; None if a reply was still being written into it."""
    is_message: bool
    step: int = 0
    """When it was deleted."""


@dataclass
class Model:
    """What must be true of the history."""

    kept: dict[str, str] = field(default_factory=dict)
    """Every message that has ended, as it was when it had."""
    conversations: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The messages of each that was not purged."""
    tips: dict[str, str | None] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    """Messages and conversations."""
    purged: set[str] = field(default_factory=set)
    trash: list[Gone] = field(default_factory=list)
    queued: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    written: dict[str, str] = field(default_factory=lambda: defaultdict(str))
    wanted: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """The questions that are to be asked: where, and after what, or at the `TIP`."""
    loose: set[str] = field(default_factory=set)
    """Replies of which more may have come than was seen, or less be kept."""


TIP = "the tip"
ANYWHERE = "anywhere"


@dataclass
class Place:
    """What all runs share: it takes longer to make than a run."""

    folder: Path
    template: Path
    loop: asyncio.AbstractEventLoop
    strict: Strict
    claudes: list[Claude]
    runs: int = 0
    steps: int = 0
    kinds: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def fresh(self) -> Path:
        self.runs += 1
        history = self.folder / str(self.runs) / "history.db"
        history.parent.mkdir()
        return history


class Branching(RuleBasedStateMachine):
    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place, self.strict = place, place.strict
        self.strict.clear()
        self.history = place.fresh()
        shutil.copy(place.template, self.history)
        self.account = 0
        self.model = Model()
        self.number = self.steps = 0
        self.program = Program(self.history, place.claudes[0])
        self.do(self.program.start())
        self.disk = Disk(self.history)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.place.loop.run_until_complete(work)

    def act(self, work: Coroutine[Any, Any, T], *, is_refused: bool = False) -> T | None:
        """Do something, and wait until nothing more happens; it may have to be refused."""
        found: T | None = None
        try:
            found = self.do(work)
        except Refused:
            if not is_refused:
                raise
            self.place.kinds["refused by us"] += 1
        else:
            assert not is_refused, "this should have been refused"
            self.place.kinds[getattr(work, "__qualname__", "")] += 1
        self.settle()
        return found

    def settle(self) -> None:
        self.do(self.program.until_quiet(self.strict))
        self.disk = Disk(self.history)
        self.observe()

    # What is there to be done things with

    @property
    def reading(self) -> Reading:
        return self.program.reading

    @property
    def is_busy(self) -> bool:
        return self.program.replies.is_busy(self.program.open_id)

    @property
    def living(self) -> list[str]:
        """The conversations, the oldest first."""
        return sorted(self.model.conversations.keys() - self.model.deleted)

    def a_message(self, at: int) -> Message:
        return self.reading.line[at % len(self.reading.line)]

    def a_conversation(self, at: int) -> str:
        return self.living[at % len(self.living)]

    def a_text(self, *, parent_id: str | None = TIP) -> str:
        self.number += 1
        text = f"question {self.number} 🌒"
        self.model.wanted[text] = (self.program.open_id, parent_id)
        return text

    # What a person does

    @rule(plans=st.lists(PLANS, min_size=1, max_size=3))
    def ask(self, plans: list[Plan]) -> None:
        """Ask as many questions; those that come while a reply is written have to wait."""
        for plan in plans:
            self.strict.plans.append(plan)
            text = self.a_text()
            self.model.queued[self.program.open_id].append(text)
            self.act(self.program.send(text))

    @rule(at=AT, plan=PLANS)
    def edit(self, at: int, plan: Plan) -> None:
        self.read_something()
        question = self.a_message(at)
        if question.role != "user" or question.is_continuation:
            return
        self.strict.plans.append(plan)
        text = self.a_text(parent_id=question.parent_id)
        if self.is_busy:
            del self.model.wanted[text]
        self.act(self.reading.edit(question.id, text), is_refused=self.is_busy)

    @rule(at=AT, plan=PLANS, model=st.sampled_from([None, MODEL, OPUS["id"]]))
    def regenerate(self, at: int, plan: Plan, model: str | None) -> None:
        self.read_something()
        message, row = self.a_message(at), self.disk.rows[self.a_message(at).id]
        line = [each.id for each in self.reading.line]
        parent = self.disk.rows.get(row.parent_id or "")
        question: Row | None = row
        if message.role == "assistant":
            question = parent
        elif line[-1] != message.id:
            question = None
        is_there = question is not None and not question.is_deleted
        is_refused = self.is_busy or not is_there or question.role != "user"  # type: ignore[union-attr]
        if not is_refused and question is not None:
            self.model.tips[self.program.open_id] = question.id
        self.strict.plans.append(plan)
        self.act(self.reading.regenerate(message.id, model), is_refused=is_refused)

    @rule(at=AT, plan=PLANS)
    def go_on(self, at: int, plan: Plan) -> None:
        self.read_something()
        # Seldom one that has come to its end.
        broken_off = [message for message in self.reading.line if can_go_on(message)]
        some = broken_off if broken_off and at % 8 else self.reading.line
        reply = some[at % len(some)]
        is_refused = self.is_busy or not can_go_on(reply)
        if not is_refused:
            self.model.wanted[f"after {reply.id}"] = (self.program.open_id, reply.id)
        self.strict.plans.append(plan)
        self.act(self.reading.go_on(reply.id), is_refused=is_refused)

    @rule(at=AT, step=st.sampled_from([-1, 1]))
    def step_version(self, at: int, step: int) -> None:
        self.read_something()
        ids = [message.id for message in self.reading.line]
        if self.reading.draft is not None:
            ids.append(self.reading.draft.id)
        row = self.disk.rows[ids[at % len(ids)]]
        versions = self.disk.versions(row)
        to = versions.index(row.id) + step
        expected = versions[to] if 0 <= to < len(versions) else None
        if expected is not None:
            self.read(expected)
        assert self.act(self.reading.step_version(row.id, step)) == expected

    @rule(at=AT)
    def go_to(self, at: int) -> None:
        self.read_something()
        rows = self.disk.of(self.program.open_id)
        row = rows[at % len(rows)]
        if not row.is_deleted:
            self.read(row.id)
        self.act(self.reading.go_to(row.id), is_refused=row.is_deleted)

    def read(self, message_id: str) -> None:
        """Expect the newest line through a message, unless it is on the present one."""
        if message_id not in [message.id for message in self.reading.line]:
            end = self.disk.end_of(self.disk.rows[message_id])
            self.model.tips[self.program.open_id] = end

    @rule(at=AT, is_read=st.booleans())
    def fork(self, at: int, is_read: bool) -> None:  # noqa: FBT001 - Hypothesis names it
        self.read_something()
        message = self.a_message(at)
        source = self.disk.line(message.id)
        fork_id = self.act(self.program.fork(message.id, is_read=is_read))
        assert fork_id is not None
        copies = self.disk.of(fork_id)
        assert [(row.role, json.dumps(row.blocks)) for row in copies] == [
            (row.role, json.dumps(row.blocks)) for row in source
        ]
        parents = [None, *(row.id for row in copies[:-1])]
        assert [row.parent_id for row in copies] == parents

    @rule(at=AT)
    def delete(self, at: int) -> None:
        self.read_something()
        message, model = self.a_message(at), self.model
        open_id, draft = self.program.open_id, self.reading.draft
        running = self.program.replies.drafts.get(open_id)
        if draft is not None and at % 4 == 0:
            message = self.reading.line[-1]
        if running is not None and running.parent_id == message.id:
            self.act(self.reading.delete(message.id), is_refused=True)
            return
        dump = None if running else self.disk.dump(open_id)
        model.trash.append(
            Gone(
                (message.id,),
                open_id,
                model.tips[open_id],
                dump,
                is_message=True,
                step=self.steps,
            )
        )
        model.deleted.add(message.id)
        versions = self.disk.versions(self.disk.rows[message.id])
        others = [each for each in versions if each != message.id]
        if message.id == self.reading.line[-1].id and others and draft is None:
            model.tips[open_id] = self.disk.end_of(self.disk.rows[others[-1]])
        self.act(self.reading.delete(message.id))

    @rule(at=AT)
    def delete_conversation(self, at: int) -> None:
        self.read_something()
        found = self.a_conversation(at)
        is_running = found in self.program.replies.drafts
        dump = None if is_running else self.disk.dump(found)
        tip_id = self.model.tips[found]
        self.model.trash.append(Gone((found,), found, tip_id, dump, is_message=False))
        self.model.deleted.add(found)
        self.act(self.program.delete(found))

    @rule()
    def undo(self) -> None:
        last = self.model.trash.pop() if self.model.trash else None
        if last is not None:
            self.model.deleted -= set(last.ids)
            if last.is_message:
                tip_id = self.model.tips[last.conversation_id]
                if last.ids[0] not in [row.id for row in self.disk.path(tip_id)]:
                    self.model.tips[last.conversation_id] = last.tip_id
        self.act(self.program.undo())
        # A deleted conversation cannot change.
        is_same = last is not None and (not last.is_message or last.step == self.steps - 1)
        if last is not None and last.dump is not None and is_same:
            assert self.disk.dump(last.conversation_id) == last.dump

    @rule()
    def let_time_pass(self) -> None:
        model = self.model
        self.program.clock.later += UNDO_SECONDS + 1
        for gone in [each for each in model.deleted if each in model.conversations]:
            model.purged |= model.conversations.pop(gone) | {gone}
            model.tips.pop(gone, None)
        model.purged |= model.deleted
        model.trash.clear()
        self.do(self.program.trash.empty())
        disk = Disk(self.history)
        for row in disk.rows.values():
            # What asks for the rest of a reply quotes it, and its words go with it.
            if row.is_continuation and row.parent_id in model.purged:
                assert row.blocks == []
                model.kept[row.id] = row.kept
            # So may an error of whoever was sent the message, and only that goes.
            elif row.id in model.kept.keys() - model.purged and any(
                above.id in model.purged for above in disk.path(row.id)
            ):
                before = model.kept[row.id]
                assert _without_failure(row.kept) == _without_failure(before)
                model.kept[row.id] = row.kept
        self.settle()

    @rule(at=AT)
    def release_one(self, at: int) -> None:
        self.release(at)

    @rule(at=AT)
    def release(self, at: int) -> None:
        held = [said for said in self.strict.running() if said.is_held]
        if held:
            held[at % len(held)].hold.release()
            self.settle()

    @rule()
    def stop(self) -> None:
        is_running = self.program.open_id in self.program.replies.drafts
        self.do(self._stop(is_running=is_running))
        self.settle()

    async def _stop(self, *, is_running: bool) -> None:
        assert self.program.replies.stop(self.program.open_id) == is_running

    @rule(at=AT)
    def open(self, at: int) -> None:
        self.read_something()
        self.act(self.program.open(self.a_conversation(at)))

    @rule(plan=PLANS)
    def ask_in_new(self, plan: Plan) -> None:
        self.act(self.program.open(None))
        self.ask([plan])

    def read_something(self) -> None:
        """Read a conversation in which there is something; ask it if there is none."""
        if not self.reading.line and self.living:
            self.act(self.program.open(self.living[-1]))
        if not self.reading.line:
            self.ask([Plan()])
        # All of it may be deleted while a reply is being written, and the question wait.
        assume(self.reading.line)

    @rule(
        is_killed=st.booleans(),
        is_late=st.booleans(),
        is_interrupted=st.booleans(),
        account=st.sampled_from([0, 0, 0, 1]),
        at=AT,
    )
    def start_again(
        self,
        is_killed: bool,  # noqa: FBT001 - Hypothesis names them
        is_late: bool,  # noqa: FBT001
        is_interrupted: bool,  # noqa: FBT001
        account: int,
        at: int,
    ) -> None:
        model = self.model
        if is_killed:
            if is_late and self.program.replies.drafts:
                # By then what has come is in the journal.
                self.do(asyncio.sleep(0.3))
            else:
                model.loose |= {each.id for each in self.program.replies.drafts.values()}
            self.do(self.program.desk.keep())
            left, self.history = self.history, self.place.fresh()
            with (
                closing(sqlite3.connect(left)) as before,
                closing(sqlite3.connect(self.history)) as after,
            ):
                before.backup(after)
        self.do(self.program.leave(is_interrupted=is_interrupted))
        for conversation_id, queued in model.queued.items():
            if conversation_id not in model.purged:
                text = "\n\n".join([*queued, model.written[conversation_id]])
                model.written[conversation_id] = text.removesuffix("\n\n")
                queued.clear()
        model.trash.clear()
        ahead_ms = self.program.clock.ahead_ms
        self.program = Program(self.history, self.place.claudes[account], ahead_ms=ahead_ms)
        self.do(self.program.start())
        self.settle()
        for conversation_id in model.written:
            self.do(self.program.desk.open(conversation_id))
        if self.living:
            self.do(self.program.open(self.a_conversation(at)))

    # Twice, that it comes twice as often: in what order things happen then is chance.
    @rule(first=AT, second=AT, at=AT, other=AT, plans=st.lists(PLANS, min_size=2, max_size=2))
    def do_two_more_at_once(
        self, first: int, second: int, at: int, other: int, plans: list[Plan]
    ) -> None:
        self.do_two_at_once(first, second, at, other, plans)

    @rule(first=AT, second=AT, at=AT, other=AT, plans=st.lists(PLANS, min_size=2, max_size=2))
    def do_two_at_once(
        self, first: int, second: int, at: int, other: int, plans: list[Plan]
    ) -> None:
        self.read_something()
        self.strict.plans.extend(plans)
        model = self.model
        model.loose |= {each.id for each in self.program.replies.drafts.values()}
        works = [self.some_work(which, at) for which, at in ((first, at), (second, other))]
        found = self.do(_both(*works))
        for each in found:
            assert each is None or isinstance(each, Refused | str | tuple | bool), repr(each)
        self.do(self.program.until_quiet(self.strict))
        self.disk = Disk(self.history)
        # Either may have been the first.
        model.deleted = {row.id for row in self.disk.rows.values() if row.is_deleted} | {
            gone
            for gone in model.deleted
            if gone in model.conversations or gone in model.purged
        }
        for conversation_id in model.conversations:
            model.tips[conversation_id] = self.disk.conversations[conversation_id]["tip_id"]
        model.trash = [
            Gone(each.ids, each.conversation_id, each.tip_id, None, is_message=True)
            if isinstance(each, OneMessage)
            else Gone(
                each.ids, each.ids[0], model.tips.get(each.ids[0]), None, is_message=False
            )
            for each in self.program.trash._deleted
        ]
        self.observe(is_loose=True)

    def some_work(self, which: int, at: int) -> Coroutine[Any, Any, object]:
        """One of what can be done at any moment."""
        message, program = self.a_message(at), self.program
        works: list[Callable[[], Coroutine[Any, Any, object]]] = [
            lambda: self._ask_at_once(program.send),
            lambda: self._ask_at_once(functools.partial(self.reading.edit, message.id)),
            lambda: self.reading.regenerate(message.id),
            lambda: self.reading.delete(message.id),
            lambda: self.reading.step_version(message.id, 1 if at % 2 else -1),
            lambda: self.reading.go_to(list(self.disk.rows)[at % len(self.disk.rows)]),
            program.undo_message,
            lambda: self._release(at),
            self._stop_soon,
            lambda: program.replies.ask_next(program.open_id),
            self.reading.reload,
        ]
        return works[which % len(works)]()

    async def _ask_at_once(self, ask: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        text, queued = self.a_text(parent_id=ANYWHERE), self.model.queued[self.program.open_id]
        if ask == self.program.send:
            queued.append(text)
        try:
            await ask(text)
        except Refused:
            # It is given back to who wrote it.
            del self.model.wanted[text]
            if text in queued:
                queued.remove(text)

    async def _release(self, at: int) -> None:
        held = [said for said in self.strict.running() if said.is_held]
        if held:
            held[at % len(held)].hold.release()
            await asyncio.sleep(0.01 * (at % 3))

    async def _stop_soon(self) -> None:
        self.program.replies.stop(self.program.open_id)

    # What must be true

    def observe(self, *, is_loose: bool = False) -> None:
        """Take what is new in the history for true where it was to be expected."""
        model = self.model
        for row in self.disk.rows.values():
            known = model.conversations[row.conversation_id]
            if row.id not in known:
                known.add(row.id)
                self._observe_new(row, is_loose=is_loose)
            if row.state == "streaming":
                continue
            if row.id in model.purged:
                assert not row.blocks
            elif row.id in model.kept:
                assert row.kept == model.kept[row.id]
            else:
                model.kept[row.id] = row.kept
                self._check_reply(row)

    def _observe_new(self, row: Row, *, is_loose: bool) -> None:
        model, conversation_id = self.model, row.conversation_id
        tip_id = model.tips.get(conversation_id)
        if row.is_copy:
            model.tips[conversation_id] = row.id
            return
        if row.role == "assistant":
            question = self.disk.rows[row.parent_id or ""]
            assert (question.role, question.conversation_id) == ("user", conversation_id)
            if tip_id == question.id:
                model.tips[conversation_id] = row.id
            return
        key = f"after {row.parent_id}" if row.is_continuation else row.text
        where, parent_id = model.wanted.pop(key)
        assert where == conversation_id
        if parent_id != ANYWHERE and not is_loose:
            assert row.parent_id == (tip_id if parent_id == TIP else parent_id)
        queued = model.queued[conversation_id]
        if row.text in queued:
            self.place.kinds["from the queue"] += len(queued) > 1
            assert queued.pop(0) == row.text or is_loose
        if not is_loose:
            model.tips[conversation_id] = row.id

    def _check_reply(self, row: Row) -> None:
        """Check that of what the server said, nothing is missing."""
        said = self.strict.said.get(row.api_message_id or "")
        if row.role == "user" or row.is_copy:
            return
        self.place.kinds[row.state] += 1
        if said is None:
            assert not row.blocks
            return
        if row.state in ("complete", "max_tokens", "refused"):
            assert row.blocks == _readable((each, True) for each in said.blocks)
            return
        full = "".join(
            each.get("text", "") for each in _readable((each, True) for each in said.blocks)
        )
        assert full.startswith(row.text)
        if row.id not in self.model.loose:
            events = said.before if said.is_held else said.events
            assert row.blocks == _readable(said.arrived(events))

    @invariant()
    def everything_is_as_it_must_be(self) -> None:
        self.nothing_was_refused()
        self.nothing_is_lost()
        self.every_question_is_asked_or_waits()
        self.what_was_deleted_just_now_can_be_brought_back()
        self.what_is_read_is_the_line_to_the_tip()
        self.every_line_can_be_read()
        self.the_picture_has_every_message_once()

    def nothing_was_refused(self) -> None:
        self.place.steps += 1
        self.steps += 1
        assert self.strict.refusals == []
        assert self.program.problems == []

    def nothing_is_lost(self) -> None:
        model, disk = self.model, self.disk
        for conversation_id, ids in model.conversations.items():
            assert {row.id for row in disk.of(conversation_id)} == ids
            found = disk.conversations[conversation_id]
            assert found["tip_id"] == model.tips[conversation_id]
            assert (found["deleted_ms"] is not None) == (conversation_id in model.deleted)
        for row in disk.rows.values():
            assert row.is_deleted == (row.id in model.deleted)

    def every_question_is_asked_or_waits(self) -> None:
        model = self.model
        for conversation_id in {*model.queued, *model.written} - model.purged:
            unsent = self.program.desk.unsent(conversation_id)
            assert list(unsent.queued) == model.queued[conversation_id]
            assert unsent.text == model.written[conversation_id]
        waiting = {text for texts in model.queued.values() for text in texts}
        written = "\n\n".join(model.written.values()).split("\n\n")
        assert model.wanted.keys() <= waiting | set(written)

    def what_was_deleted_just_now_can_be_brought_back(self) -> None:
        ids = [each.ids for each in self.program.trash._deleted]
        assert ids == [gone.ids for gone in self.model.trash]
        assert {each for some in ids for each in some} <= self.model.deleted

    def what_is_read_is_the_line_to_the_tip(self) -> None:
        open_id, disk = self.program.open_id, self.disk
        if open_id not in self.model.conversations:
            assert self.reading.line == []
            return
        draft = self.program.replies.drafts.get(open_id)
        line = disk.line(self.model.tips[open_id])
        reading, on_disk = self.reading.conversation, disk.conversations[open_id]
        assert reading.tip_id == self.model.tips[open_id]
        assert reading.model == on_disk["model"]
        is_read = draft is not None and draft.id in [row.id for row in line]
        assert self.reading.draft is (draft if is_read else None)
        ids = [row.id for row in line if draft is None or row.id != draft.id]
        assert [message.id for message in self.reading.line] == ids
        versions = {row.id: disk.versions(row) for row in line}
        found = {
            each: list(ids) for each, ids in self.reading.versions.items() if each in versions
        }
        assert found == {each: ids for each, ids in versions.items() if len(ids) > 1}

    def every_line_can_be_read(self) -> None:
        parents = {row.parent_id for row in self.disk.rows.values()}
        ends = self.disk.rows.keys() - parents
        self.do(self._check_lines({*self.model.tips.values(), *ends}))

    async def _check_lines(self, tips: Iterable[str | None]) -> None:
        for tip_id in tips:
            line = self.disk.line(tip_id)
            read = await self.program.store.line(tip_id)
            assert [message.id for message in read] == [row.id for row in line]
            for message, row in zip(read, line, strict=True):
                assert (message.parent_id, message.role) == (row.parent_id, row.role)
                assert message.conversation_id == row.conversation_id
                blocks = [block.wire for block in message.blocks]
                assert json.dumps(blocks) == json.dumps(row.blocks)

    def the_picture_has_every_message_once(self) -> None:
        open_id, disk = self.program.open_id, self.disk
        rows = disk.of(open_id)
        nodes = self.do(self.program.store.branches.tree(open_id))
        ids = [branch.node.id for branch in drawn(nodes)]
        expected = [
            row.id for row in rows if any(not each.is_deleted for each in disk.below(row))
        ]
        assert sorted(ids) == sorted(expected)
        for row in rows:
            if row.id in ids and row.parent_id in ids:
                assert ids.index(row.parent_id) < ids.index(row.id)

    def teardown(self) -> None:
        for said in self.strict.running():
            said.hold.release()
        self.do(self.program.leave(is_interrupted=False))
        self.place.kinds[f"steps {self.steps // 5 * 5}"] += 1
        for folder in self.place.folder.iterdir():
            shutil.rmtree(folder)


async def _both(*works: Coroutine[Any, Any, object]) -> list[object]:
    return list(await asyncio.gather(*works, return_exceptions=True))


def _readable(blocks: Iterable[tuple[Json, bool]]) -> list[Json]:
    """What is kept: what came whole, and what else has words; but no text without any."""
    return [
        each
        for each, is_whole in blocks
        if (is_whole and each["type"] != "text")
        or (each.get("text") or each.get("thinking") or "").strip()
    ]


@pytest.mark.timeout(3600)
def test_nothing_is_lost_whatever_is_done(server: Scripted, tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    template = tmp_path / "template.db"
    with open_store(template):
        pass
    (tmp_path / "runs").mkdir()
    claudes = [Claude(Endpoint(server.url, api_key=key)) for key in ("sk-one", "sk-two")]
    place = Place(tmp_path / "runs", template, loop, Strict(server), claudes)
    try:
        run_state_machine_as_test(
            lambda: Branching(place),  # type: ignore[arg-type]
            settings=settings(
                max_examples=RUNS,
                stateful_step_count=STEPS,
                deadline=None,
                # The same each time, where nobody is there to look into what is new.
                derandomize=not IS_FULL,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        for claude in claudes:
            loop.run_until_complete(claude.close())
        loop.close()
    print(f"{place.runs} runs, {place.steps} steps, {dict(place.kinds)}")
    print(f"{place.strict.thoughts_taken} thoughts went back")
