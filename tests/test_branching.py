"""Random actions on a tree of messages, in any order, lose nothing.

A state machine does what a user does: asks, edits, regenerates, forks, deletes, undoes,
stops, quits and starts again, switches the connection, sometimes two things at once. The
history must agree with a simple model of it. The servers refuse what the real one refuses,
and must have had nothing to refuse.

A hundred and fifty runs by default; with FAULTS=full many more, and longer ones.
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
from dataclasses import dataclass, field, replace
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

from tests.conftest import IS_FULL
from tests.headless import Headless
from tests.scripted import Json, Scripted, scripted
from tests.strict import OPUS, Piece, Plan, Strict
from tests.turns import MODEL
from tui.chat import (
    connection_commands,
    conversation_commands,
    message_commands,
    parameter_commands,
    question_commands,
)
from tui.chat.connections import Connections
from tui.chat.open_conversation import OpenConversation, Refused
from tui.chat.session import Session
from tui.chat.undo_stack import UNDO_SECONDS, OneMessage
from tui.claude import Claude
from tui.domain.continuation import can_continue
from tui.domain.conversation import Message
from tui.domain.endpoint import Endpoint
from tui.domain.parameters import Parameters
from tui.domain.tree import drawn
from tui.store import open_store

T = TypeVar("T")

RUNS = int(os.environ.get("BRANCHING_RUNS", "500" if IS_FULL else "150"))
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
CHOSEN = st.builds(
    Parameters,
    st.sampled_from([MODEL, OPUS["id"]]),
    st.sampled_from(["", "Be brief.", "Be kind."]),
    thinking_display=st.sampled_from([None, "omitted"]),
    effort=st.sampled_from([None, "low", "max"]),
)
LOCAL: Json = {"id": "local-model", "type": "model", "display_name": "Local"}
"""A model of an endpoint that does not say what its models can do."""
PLACES = st.sampled_from([0, 0, 1, 2, 2, 3])
"""The index of an endpoint with an account; see `places_on`."""
AT = st.integers(0, 40)
"""An index, modulo the number of things to choose from."""


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
    """Everything in it that never changes, with its blocks."""
    blocks: list[Json]
    endpoint: str | None
    api_message_id: str | None


def _without_failure(kept: str) -> object:
    fixed, blocks = json.loads(kept)
    return {**fixed, "failure": fixed["failure"] is None}, blocks


class Disk:
    """The history, read as another program does."""

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
            endpoint=row["endpoint"],
            api_message_id=answers.get(row["id"]),
        )

    def of(self, conversation_id: str) -> list[Row]:
        return [row for row in self.rows.values() if row.conversation_id == conversation_id]

    def dump(self, conversation_id: str) -> str:
        """Return all rows of a conversation as a text."""
        rows = [(row.kept, row.is_deleted) for row in self.of(conversation_id)]
        return json.dumps([self.conversations[conversation_id], rows])

    def path(self, tip_id: str | None) -> list[Row]:
        """Return the messages from the first one to a tip, with deleted ones."""
        found: list[Row] = []
        while tip_id is not None:
            found.append(self.rows[tip_id])
            tip_id = self.rows[tip_id].parent_id
        return found[::-1]

    def line(self, tip_id: str | None) -> list[Row]:
        return [row for row in self.path(tip_id) if not row.is_deleted]

    def shown(self, row: Row) -> list[Json]:
        """Return the blocks that are shown and sent: no text of a deleted reply."""
        parent = self.rows.get(row.parent_id or "")
        is_quote = row.is_continuation and parent is not None and parent.is_deleted
        return [] if is_quote else row.blocks

    def children(self, row: Row | None, conversation_id: str) -> list[Row]:
        parent_id = None if row is None else row.id
        return [each for each in self.of(conversation_id) if each.parent_id == parent_id]

    def below(self, row: Row) -> Iterator[Row]:
        yield row
        for child in self.children(row, row.conversation_id):
            yield from self.below(child)

    def end_of(self, row: Row) -> str:
        """Return the newest message on any path through a message."""
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
    """A deletion that can be undone."""

    ids: tuple[str, ...]
    conversation_id: str
    tip_id: str | None
    dump: str | None
    """The dump of its conversation; None if a reply was still running in it."""
    is_message: bool
    step: int = 0
    """The step in which it was deleted."""


@dataclass
class Model:
    """What the history must contain."""

    kept: dict[str, str] = field(default_factory=dict)
    """Every message that has ended, as it was at its end."""
    conversations: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The messages of each conversation that was not purged."""
    tips: dict[str, str | None] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    """The ids of deleted messages and conversations."""
    purged: set[str] = field(default_factory=set)
    undo_stack: list[Gone] = field(default_factory=list)
    queued: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    written: dict[str, str] = field(default_factory=lambda: defaultdict(str))
    wanted: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """The questions to be asked: the conversation, and the parent or the `TIP`."""
    loose: set[str] = field(default_factory=set)
    """Replies of which more may have arrived than was seen, or less may be saved."""


TIP = "the tip"
ANYWHERE = "anywhere"


@dataclass(frozen=True)
class Place:
    """A connection: an endpoint and an account there."""

    server: Scripted
    claude: Claude
    models: tuple[str, ...]
    """The models to choose from, the connection's own first."""

    def a_model(self, model: str) -> str:
        """Return a model, or the connection's own if it does not have that one."""
        return model if model in self.models else self.models[0]


def places_on(server: Scripted, local: Scripted, gateway: Scripted) -> list[Place]:
    """Return two accounts at one endpoint, a local one, and one that lists no models."""
    local.models, gateway.models = [LOCAL], None
    both = MODEL, OPUS["id"]
    return [
        Place(server, Claude(Endpoint(server.url, api_key="sk-one")), both),
        Place(server, Claude(Endpoint(server.url, api_key="sk-two")), both),
        Place(local, Claude(Endpoint(local.url)), (LOCAL["id"],)),
        Place(gateway, Claude(Endpoint(gateway.url, api_key="sk-one")), (*both, "other")),
    ]


@dataclass
class Shared:
    """What all runs share, because it takes longer to make than a run."""

    folder: Path
    template: Path
    loop: asyncio.AbstractEventLoop
    strict: Strict
    places: list[Place]
    runs: int = 0
    steps: int = 0
    kinds: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def fresh(self) -> Path:
        self.runs += 1
        history = self.folder / str(self.runs) / "history.db"
        history.parent.mkdir()
        return history


class Branching(RuleBasedStateMachine):
    def __init__(self, shared: Shared) -> None:
        super().__init__()
        self.shared, self.strict = shared, shared.strict
        self.strict.clear()
        self.history = shared.fresh()
        shutil.copy(shared.template, self.history)
        self.model = Model()
        self.number = self.steps = 0
        self.place = shared.places[0]
        self.headless = Headless(self.history, self.connections())
        self.do(self.headless.start())
        self.disk = Disk(self.history)

    def connections(self) -> Connections:
        """Return connections that begin with the present place."""
        places = {str(at): each for at, each in enumerate(self.shared.places)}
        name = str(self.shared.places.index(self.place))
        return Connections(name, lambda each: places[each].claude)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.shared.loop.run_until_complete(work)

    def act(self, work: Coroutine[Any, Any, T], *, is_refused: bool = False) -> T | None:
        """Do something, and wait until nothing happens any more. It may have to be refused."""
        found: T | None = None
        try:
            found = self.do(work)
        except Refused:
            if not is_refused:
                raise
            self.shared.kinds["refused by us"] += 1
        else:
            assert not is_refused, "this should have been refused"
            self.shared.kinds[getattr(work, "__qualname__", "")] += 1
        self.settle()
        return found

    def settle(self) -> None:
        self.do(self.headless.until_quiet(self.strict))
        self.disk = Disk(self.history)
        self.observe()

    # Conversations and messages to choose from

    @property
    def session(self) -> Session:
        return self.headless.session

    @property
    def open_id(self) -> str:
        return self.session.open_id

    @property
    def current(self) -> OpenConversation:
        return self.session.current

    @property
    def is_busy(self) -> bool:
        return self.session.scheduler.is_busy(self.open_id)

    @property
    def living(self) -> list[str]:
        """The conversations that exist, the oldest first."""
        return sorted(self.model.conversations.keys() - self.model.deleted)

    def a_message(self, at: int) -> Message:
        return self.current.path[at % len(self.current.path)]

    def a_conversation(self, at: int) -> str:
        return self.living[at % len(self.living)]

    def a_text(self, *, parent_id: str | None = TIP) -> str:
        self.number += 1
        text = f"question {self.number} 🌒"
        self.model.wanted[text] = (self.open_id, parent_id)
        return text

    # What a user does

    @rule(plans=st.lists(PLANS, min_size=1, max_size=3))
    def ask(self, plans: list[Plan]) -> None:
        """Ask a question for each plan; those during a reply must be queued."""
        for plan in plans:
            self.strict.plans.append(plan)
            text = self.a_text()
            self.model.queued[self.open_id].append(text)
            self.act(question_commands.submit(self.session, self.open_id, text))

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
        work = message_commands.edit(self.session, self.open_id, question.id, text)
        self.act(work, is_refused=self.is_busy)

    @rule(at=AT, plan=PLANS, model=st.sampled_from([None, MODEL, OPUS["id"]]))
    def regenerate(self, at: int, plan: Plan, model: str | None) -> None:
        self.read_something()
        message, row = self.a_message(at), self.disk.rows[self.a_message(at).id]
        line = [each.id for each in self.current.path]
        parent = self.disk.rows.get(row.parent_id or "")
        question: Row | None = row
        if message.role == "assistant":
            question = parent
        elif line[-1] != message.id:
            question = None
        is_there = (
            question is not None and not question.is_deleted and bool(self.disk.shown(question))
        )
        is_refused = self.is_busy or not is_there or question.role != "user"  # type: ignore[union-attr]
        if not is_refused and question is not None:
            self.model.tips[self.open_id] = question.id
        self.strict.plans.append(plan)
        model = model and self.place.a_model(model)
        work = message_commands.regenerate(self.session, self.open_id, message.id, model)
        self.act(work, is_refused=is_refused)

    @rule(to=PLACES)
    def switch(self, to: int) -> None:
        """Choose another connection; the replies that run stay where they are."""
        self.act(self._switch(to))

    async def _switch(self, to: int) -> None:
        self.place = self.shared.places[to]
        parameters = Parameters(self.place.models[0])
        await connection_commands.switch(
            self.session, str(to), self.place.claude, parameters=parameters, title_model=None
        )
        await connection_commands.prepare(self.session)

    @rule(chosen=CHOSEN)
    def set_parameters(self, chosen: Parameters) -> None:
        chosen = replace(chosen, model=self.place.a_model(chosen.model))
        self.act(parameter_commands.set_parameters(self.session, self.open_id, chosen))
        assert self.current.conversation.parameters == chosen

    @rule(at=AT, plan=PLANS)
    def continue_reply(self, at: int, plan: Plan) -> None:
        self.read_something()
        # Rarely a complete one.
        broken_off = [message for message in self.current.path if can_continue(message)]
        some = broken_off if broken_off and at % 8 else self.current.path
        reply = some[at % len(some)]
        is_refused = self.is_busy or not can_continue(reply)
        if not is_refused:
            self.model.wanted[f"after {reply.id}"] = (self.open_id, reply.id)
        self.strict.plans.append(plan)
        work = message_commands.continue_reply(self.session, self.open_id, reply.id)
        self.act(work, is_refused=is_refused)

    @rule(at=AT, step=st.sampled_from([-1, 1]))
    def step_version(self, at: int, step: int) -> None:
        self.read_something()
        ids = [message.id for message in self.current.path]
        if self.current.reply is not None:
            ids.append(self.current.reply.id)
        row = self.disk.rows[ids[at % len(ids)]]
        versions = self.disk.versions(row)
        to = versions.index(row.id) + step
        expected = versions[to] if 0 <= to < len(versions) else None
        if expected is not None:
            self.read(expected)
        is_stepped = self.act(
            message_commands.step_version(self.session, self.open_id, row.id, step)
        )
        assert is_stepped == (expected is not None)
        if expected is not None:
            seen = [*self.current.path, self.current.reply]
            assert expected in [each.id for each in seen if each is not None]

    @rule(at=AT)
    def go_to(self, at: int) -> None:
        self.read_something()
        rows = self.disk.of(self.open_id)
        row = rows[at % len(rows)]
        if not row.is_deleted:
            self.read(row.id)
        self.act(
            message_commands.go_to(self.session, self.open_id, row.id),
            is_refused=row.is_deleted,
        )

    def read(self, message_id: str) -> None:
        """Expect the newest path through a message, unless it is on the present one."""
        if message_id not in [message.id for message in self.current.path]:
            end = self.disk.end_of(self.disk.rows[message_id])
            self.model.tips[self.open_id] = end

    @rule(at=AT)
    def fork(self, at: int) -> None:
        self.read_something()
        message = self.a_message(at)
        source = [(row, self.disk.shown(row)) for row in self.disk.line(message.id)]
        left = self.open_id
        self.act(message_commands.fork(self.session, left, message.id))
        assert self.open_id != left
        copies = self.disk.of(self.open_id)
        assert [(row.role, json.dumps(row.blocks)) for row in copies] == [
            (row.role, json.dumps(blocks)) for row, blocks in source
        ]
        parents = [None, *(row.id for row in copies[:-1])]
        assert [row.parent_id for row in copies] == parents

    @rule(at=AT)
    def delete(self, at: int) -> None:
        self.read_something()
        message, model = self.a_message(at), self.model
        open_id, draft = self.open_id, self.current.reply
        running = self.session.scheduler.streaming.get(open_id)
        if draft is not None and at % 4 == 0:
            message = self.current.path[-1]
        if running is not None and running.parent_id == message.id:
            self.act(
                message_commands.delete_message(self.session, open_id, message.id),
                is_refused=True,
            )
            return
        dump = None if running else self.disk.dump(open_id)
        model.undo_stack.append(
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
        if message.id == self.current.path[-1].id and others and draft is None:
            model.tips[open_id] = self.disk.end_of(self.disk.rows[others[-1]])
        self.act(message_commands.delete_message(self.session, open_id, message.id))

    @rule(at=AT)
    def delete_conversation(self, at: int) -> None:
        self.read_something()
        found = self.a_conversation(at)
        is_running = found in self.session.scheduler.streaming
        dump = None if is_running else self.disk.dump(found)
        tip_id = self.model.tips[found]
        self.model.undo_stack.append(Gone((found,), found, tip_id, dump, is_message=False))
        self.model.deleted.add(found)
        self.act(conversation_commands.delete(self.session, [found]))

    @rule()
    def undo(self) -> None:
        last = self.model.undo_stack.pop() if self.model.undo_stack else None
        if last is not None:
            self.model.deleted -= set(last.ids)
            if last.is_message:
                tip_id = self.model.tips[last.conversation_id]
                if last.ids[0] not in [row.id for row in self.disk.path(tip_id)]:
                    running = self.session.scheduler.streaming.get(last.conversation_id)
                    is_reply = running is not None and running.parent_id == last.tip_id
                    tip_id = running.id if running and is_reply else last.tip_id
                    self.model.tips[last.conversation_id] = tip_id
        self.act(conversation_commands.undo(self.session))
        # A deleted conversation must not change.
        is_same = last is not None and (not last.is_message or last.step == self.steps - 1)
        if last is not None and last.dump is not None and is_same:
            assert self.disk.dump(last.conversation_id) == last.dump

    @rule()
    def let_time_pass(self) -> None:
        model = self.model
        self.headless.clock.later += UNDO_SECONDS + 1
        for gone in [each for each in model.deleted if each in model.conversations]:
            model.purged |= model.conversations.pop(gone) | {gone}
            model.tips.pop(gone, None)
        model.purged |= model.deleted
        model.undo_stack.clear()
        self.do(self.headless.purges.purge())
        disk = Disk(self.history)
        for row in disk.rows.values():
            # A question that continues a reply quotes it, so its text is purged too.
            if row.is_continuation and row.parent_id in model.purged:
                assert row.blocks == []
                model.kept[row.id] = row.kept
            # An endpoint's error may quote the message too; only the error is purged.
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
        is_running = self.open_id in self.session.scheduler.streaming
        self.do(self._stop(is_running=is_running))
        self.settle()

    async def _stop(self, *, is_running: bool) -> None:
        assert self.session.scheduler.stop(self.open_id) == is_running

    @rule(at=AT)
    def open(self, at: int) -> None:
        self.read_something()
        self.act(self.session.open(self.a_conversation(at)))

    @rule(plan=PLANS)
    def ask_in_new(self, plan: Plan) -> None:
        self.act(self.session.new())
        self.ask([plan])

    def read_something(self) -> None:
        """Open a conversation that has messages; ask a question if there is none."""
        if not self.current.path and self.living:
            self.act(self.session.open(self.living[-1]))
        if not self.current.path:
            self.ask([Plan()])
        # All of it may be deleted during a reply, while the question is queued.
        assume(self.current.path)

    @rule(
        is_killed=st.booleans(),
        is_late=st.booleans(),
        is_interrupted=st.booleans(),
        to=PLACES,
        at=AT,
    )
    def start_again(
        self,
        is_killed: bool,  # noqa: FBT001 - Hypothesis names them
        is_late: bool,  # noqa: FBT001
        is_interrupted: bool,  # noqa: FBT001
        to: int,
        at: int,
    ) -> None:
        model = self.model
        if is_killed:
            if is_late and self.session.scheduler.streaming:
                # By then the text that has arrived is in the journal.
                self.do(asyncio.sleep(0.3))
            else:
                model.loose |= {each.id for each in self.session.scheduler.streaming.values()}
            self.do(self.session.drafts.save())
            left, self.history = self.history, self.shared.fresh()
            with (
                closing(sqlite3.connect(left)) as before,
                closing(sqlite3.connect(self.history)) as after,
            ):
                before.backup(after)
        self.do(self.headless.leave(is_interrupted=is_interrupted))
        for conversation_id, queued in model.queued.items():
            if conversation_id not in model.purged:
                text = "\n\n".join([*queued, model.written[conversation_id]])
                model.written[conversation_id] = text.removesuffix("\n\n")
                queued.clear()
        model.undo_stack.clear()
        ahead_ms = self.headless.clock.ahead_ms
        self.place = self.shared.places[to]
        self.headless = Headless(self.history, self.connections(), ahead_ms=ahead_ms)
        self.do(self.headless.start())
        # At a start, every conversation has its own model, which this place may not have.
        self.do(self._switch(to))
        self.settle()
        for conversation_id in model.written:
            self.do(self.session.drafts.open(conversation_id))
        if self.living:
            self.do(self.session.open(self.a_conversation(at)))

    # Twice, so that it is chosen twice as often: the order of events in it is random.
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
        model.loose |= {each.id for each in self.session.scheduler.streaming.values()}
        works = [self.some_work(which, at) for which, at in ((first, at), (second, other))]
        found = self.do(_both(*works))
        for each in found:
            assert each is None or isinstance(each, Refused | bool), repr(each)
        self.do(self.headless.until_quiet(self.strict))
        self.disk = Disk(self.history)
        # Either of the two may have been the first.
        model.deleted = {row.id for row in self.disk.rows.values() if row.is_deleted} | {
            gone
            for gone in model.deleted
            if gone in model.conversations or gone in model.purged
        }
        for conversation_id in model.conversations:
            model.tips[conversation_id] = self.disk.conversations[conversation_id]["tip_id"]
        model.undo_stack = [
            Gone(each.ids, each.conversation_id, each.tip_id, None, is_message=True)
            if isinstance(each, OneMessage)
            else Gone(
                each.ids, each.ids[0], model.tips.get(each.ids[0]), None, is_message=False
            )
            for each in self.session.undo_stack._deleted
        ]
        self.observe(is_loose=True)

    def some_work(self, which: int, at: int) -> Coroutine[Any, Any, object]:
        """Return one of the actions that are possible at any moment."""
        message, session, open_id = self.a_message(at), self.session, self.open_id
        works: list[Callable[[], Coroutine[Any, Any, object]]] = [
            lambda: self._ask_at_once(
                functools.partial(question_commands.submit, session, open_id)
            ),
            lambda: self._ask_at_once(
                functools.partial(message_commands.edit, session, open_id, message.id),
                is_edit=True,
            ),
            lambda: message_commands.regenerate(session, open_id, message.id),
            lambda: message_commands.delete_message(session, open_id, message.id),
            lambda: message_commands.step_version(
                session, open_id, message.id, 1 if at % 2 else -1
            ),
            lambda: message_commands.go_to(
                session, open_id, list(self.disk.rows)[at % len(self.disk.rows)]
            ),
            self._undo_message,
            lambda: self._release(at),
            self._stop_soon,
            lambda: self._switch(at % len(self.shared.places)),
            lambda: question_commands.submit_queued(session, open_id),
            self.current.reload,
        ]
        return works[which % len(works)]()

    async def _undo_message(self) -> None:
        """Undo the last deletion, if it is a message of the open conversation."""
        last = (
            self.session.undo_stack._deleted[-1] if self.session.undo_stack._deleted else None
        )
        if isinstance(last, OneMessage) and last.conversation_id == self.open_id:
            await conversation_commands.undo(self.session)

    async def _ask_at_once(
        self, ask: Callable[[str], Coroutine[Any, Any, object]], *, is_edit: bool = False
    ) -> None:
        text, queued = self.a_text(parent_id=ANYWHERE), self.model.queued[self.open_id]
        if not is_edit:
            queued.append(text)
        try:
            await ask(text)
        except Refused:
            # The text is put back into the composer.
            del self.model.wanted[text]
            if text in queued:
                queued.remove(text)

    async def _release(self, at: int) -> None:
        held = [said for said in self.strict.running() if said.is_held]
        if held:
            held[at % len(held)].hold.release()
            await asyncio.sleep(0.01 * (at % 3))

    async def _stop_soon(self) -> None:
        self.session.scheduler.stop(self.open_id)

    # Checks

    def observe(self, *, is_loose: bool = False) -> None:
        """Add expected new rows of the history to the model."""
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
            assert is_loose or row.endpoint == self.place.claude.endpoint.identity
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
            self.shared.kinds["from the queue"] += len(queued) > 1
            assert queued.pop(0) == row.text or is_loose
        if not is_loose:
            model.tips[conversation_id] = row.id

    def _check_reply(self, row: Row) -> None:
        """Check that nothing of the server's answer is missing."""
        said = self.strict.said.get(row.api_message_id or "")
        if row.role == "user" or row.is_copy:
            return
        self.shared.kinds[row.state] += 1
        if said is None:
            assert not row.blocks
            return
        assert f"{row.endpoint}".partition("#")[0] in said.url
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
        self.shared.steps += 1
        self.steps += 1
        assert self.strict.refusals == []
        assert self.headless.problems == []

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
            draft = self.session.drafts.draft(conversation_id)
            assert list(draft.queued) == model.queued[conversation_id]
            assert draft.text == model.written[conversation_id]
        waiting = {text for texts in model.queued.values() for text in texts}
        written = "\n\n".join(model.written.values()).split("\n\n")
        assert model.wanted.keys() <= waiting | set(written)

    def what_was_deleted_just_now_can_be_brought_back(self) -> None:
        ids = [each.ids for each in self.session.undo_stack._deleted]
        assert ids == [gone.ids for gone in self.model.undo_stack]
        assert {each for some in ids for each in some} <= self.model.deleted

    def what_is_read_is_the_line_to_the_tip(self) -> None:
        open_id, disk = self.open_id, self.disk
        if open_id not in self.model.conversations:
            assert self.current.path == []
            return
        draft = self.session.scheduler.streaming.get(open_id)
        line = disk.line(self.model.tips[open_id])
        current, on_disk = self.current.conversation, disk.conversations[open_id]
        assert current.tip_id == self.model.tips[open_id]
        asked = current.parameters
        assert asked.model in (on_disk["model"], self.session.connections.model)
        assert asked.model in self.place.models
        assert (asked.system, asked.effort) == (on_disk["system"], on_disk["effort"])
        is_read = draft is not None and draft.id in [row.id for row in line]
        assert self.current.reply is (draft if is_read else None)
        ids = [row.id for row in line if draft is None or row.id != draft.id]
        assert [message.id for message in self.current.path] == ids
        versions = {row.id: disk.versions(row) for row in line}
        found = {
            each: list(ids) for each, ids in self.current.versions.items() if each in versions
        }
        assert found == {each: ids for each, ids in versions.items() if len(ids) > 1}

    def every_line_can_be_read(self) -> None:
        parents = {row.parent_id for row in self.disk.rows.values()}
        ends = self.disk.rows.keys() - parents
        self.do(self._check_lines({*self.model.tips.values(), *ends}))

    async def _check_lines(self, tips: Iterable[str | None]) -> None:
        for tip_id in tips:
            line = self.disk.line(tip_id)
            read = await self.headless.store.read_path(tip_id)
            assert [message.id for message in read] == [row.id for row in line]
            for message, row in zip(read, line, strict=True):
                assert (message.parent_id, message.role) == (row.parent_id, row.role)
                assert message.conversation_id == row.conversation_id
                blocks = [block.wire for block in message.blocks]
                assert json.dumps(blocks) == json.dumps(self.disk.shown(row))

    def the_picture_has_every_message_once(self) -> None:
        open_id, disk = self.open_id, self.disk
        rows = disk.of(open_id)
        nodes = self.do(self.headless.store.branches.tree(open_id))
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
        self.do(self.headless.leave(is_interrupted=False))
        self.shared.kinds[f"steps {self.steps // 5 * 5}"] += 1
        for folder in self.shared.folder.iterdir():
            shutil.rmtree(folder)


async def _both(*works: Coroutine[Any, Any, object]) -> list[object]:
    return list(await asyncio.gather(*works, return_exceptions=True))


def _readable(blocks: Iterable[tuple[Json, bool]]) -> list[Json]:
    """Return what is saved: complete blocks, and cut ones with text; no blank text."""
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
    with scripted() as local, scripted() as gateway:
        places = places_on(server, local, gateway)
        strict = Strict(server, local, gateway)
        shared = Shared(tmp_path / "runs", template, loop, strict, places)
        try:
            run_state_machine_as_test(
                lambda: Branching(shared),  # type: ignore[arg-type]
                settings=settings(
                    max_examples=RUNS,
                    stateful_step_count=STEPS,
                    report_multiple_bugs=False,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            for place in places:
                loop.run_until_complete(place.claude.close())
            loop.close()
    print(f"{shared.runs} runs, {shared.steps} steps, {dict(shared.kinds)}")
    print(f"{strict.thoughts_taken} thoughts went back")
