"""Parameters belong to the conversation, and each reply is saved with its own."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.headless import Headless
from tests.scripted import SONNET, Json, Scripted
from tests.strict import EFFORTS, OPUS, Piece, Plan, Strict
from tests.turns import MODEL, ask, converse, on_disk
from tui.chat import (
    asking,
    conversation_commands,
    message_commands,
    parameter_commands,
    question_commands,
)
from tui.chat.changes import ParametersChanged
from tui.chat.open_conversation import Refused
from tui.chat.session import Session
from tui.claude import Claude
from tui.domain import parameters
from tui.domain.endpoint import Endpoint
from tui.domain.parameters import Parameters
from tui.domain.prompt import Consequences
from tui.store import Store, open_store
from tui.store.migration import build
from tui.store.repair import repair

THOUGHT = Plan((Piece("thinking", ("Well.",)), Piece("text", ("Hello",))))
HELD = replace(THOUGHT, is_held=True, until=3)
CHOSEN = Parameters(OPUS["id"], "Be brief.", 2000, "omitted", "low")
texts = st.text(st.characters(exclude_categories=["Cs"]))


class Program:
    """A session, and a server that refuses what the API would refuse."""

    def __init__(self, headless: Headless, server: Scripted) -> None:
        self.headless = headless
        self.server = server
        self.strict = Strict(server)

    @property
    def session(self) -> Session:
        return self.headless.session

    @property
    def chosen(self) -> Parameters:
        return self.session.current.conversation.parameters

    async def ask(self, text: str = "Hi", plan: Plan = THOUGHT) -> None:
        self.strict.plans.append(plan)
        await question_commands.submit(self.session, self.session.open_id, text)
        await self.headless.until_quiet(self.strict)

    async def choose(self, conversation_id: str | None = None, **chosen: object) -> None:
        """Change some parameters; the others stay."""
        if conversation_id is None:
            conversation_id = self.session.open_id
        path = await self.session.at(conversation_id)
        new = replace(path.conversation.parameters, **chosen)  # type: ignore[arg-type]
        await parameter_commands.set_parameters(self.session, conversation_id, new)

    async def release(self) -> None:
        for said in self.strict.running():
            said.hold.release()
        await self.headless.until_quiet(self.strict)

    @property
    def sent(self) -> list[Json]:
        return [seen.json for seen in self.server.asked]


@pytest.fixture
async def program(history: Path, server: Scripted, claude: Claude) -> AsyncIterator[Program]:
    program = Program(Headless(history, claude), server)
    yield program
    await program.headless.leave(is_interrupted=False)
    await claude.close()
    assert program.strict.refusals == []


def wire(request: Json) -> tuple[object, ...]:
    """Return the parameters in a request."""
    return (
        request["model"],
        request.get("system"),
        request["max_tokens"],
        request.get("thinking", {}).get("display"),
        request.get("output_config", {}).get("effort"),
    )


# What a conversation keeps


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chosen=st.builds(
        Parameters,
        texts,
        texts,
        st.none() | st.integers(1, parameters.MOST_TOKENS),
        st.sampled_from([None, *parameters.THINKING_DISPLAYS]),
        st.sampled_from([None, *parameters.EFFORTS]),
    )
)
async def test_what_is_set_is_read(store: Store, chosen: Parameters) -> None:
    question = await ask(store)
    assert await store.labels.set_parameters(question.conversation_id, chosen)
    found = await store.conversation(question.conversation_id)
    assert found is not None
    assert found.parameters == chosen


async def test_the_next_question_is_asked_with_what_was_chosen(program: Program) -> None:
    heard: list[object] = []
    program.session.subscribe(heard.append)
    await program.ask()
    await program.choose(model=OPUS["id"], system="Be brief.", max_tokens=2000, effort="low")
    assert ParametersChanged(program.session.open_id) in heard
    await program.choose(thinking_display="omitted")
    assert program.chosen == CHOSEN
    await program.ask()
    assert list(map(wire, program.sent)) == [
        (MODEL, None, 16_000, "summarized", None),
        (OPUS["id"], "Be brief.", 2000, "omitted", "low"),
    ]


async def test_what_is_chosen_before_the_first_question_waits_for_it(
    program: Program, history: Path
) -> None:
    await program.ask()
    saved = program.session.open_id
    await program.session.new()
    unsaved = program.session.open_id
    await program.choose(system="Be brief.", max_tokens=2000)
    assert len(on_disk(history, "SELECT * FROM conversations")) == 1
    await program.session.open(saved)
    assert program.chosen == Parameters(MODEL)
    await program.session.new()
    assert program.session.open_id == unsaved
    assert program.chosen == Parameters(MODEL, "Be brief.", 2000)
    await program.ask()
    assert wire(program.sent[-1])[:3] == (MODEL, "Be brief.", 2000)
    found = await program.headless.store.conversation(unsaved)
    assert found is not None
    assert found.parameters == Parameters(MODEL, "Be brief.", 2000)


@pytest.mark.parametrize("draft", ["", "half a question"])
async def test_what_is_chosen_before_the_first_question_outlasts_the_program(
    program: Program, history: Path, server: Scripted, claude: Claude, draft: str
) -> None:
    await program.ask()
    await program.session.new()
    unsaved = program.session.open_id
    if draft:
        program.session.drafts.write(unsaved, draft)
    await parameter_commands.set_parameters(program.session, unsaved, CHOSEN)
    await program.session.drafts.save()
    again = Program(Headless(history, claude), server)
    await again.headless.start()
    await again.session.open(again.session.unsaved_id)
    assert again.session.open_id == unsaved
    assert again.chosen == CHOSEN
    assert again.session.drafts.draft(unsaved).text == draft
    again.session.drafts.write(unsaved, "")
    await again.ask()
    assert wire(again.sent[-1])[:3] == (OPUS["id"], "Be brief.", 2000)
    # From now on the conversation itself has them.
    await again.session.drafts.save()
    assert on_disk(history, "SELECT * FROM drafts") == []
    await again.headless.leave(is_interrupted=False)
    assert again.strict.refusals == []


async def test_another_endpoint_takes_all_but_the_model_of_what_waits_for_a_question(
    program: Program, history: Path
) -> None:
    unsaved = program.session.open_id
    await parameter_commands.set_parameters(program.session, unsaved, CHOSEN)
    await program.session.drafts.save()
    elsewhere = Claude(Endpoint("http://127.0.0.1:9", "sk-test"))
    again = Headless(history, elsewhere)
    await again.start()
    assert again.open_id == unsaved
    assert again.current.conversation.parameters == replace(CHOSEN, model=MODEL)
    await again.leave(is_interrupted=False)
    await elsewhere.close()


@pytest.mark.parametrize(
    "odd", ["[{}]", '["q", {"host": 1, "model": "m", "system": ""}]', '[{"host": []}]', "[[1]]"]
)
async def test_parameters_that_cannot_be_read_are_left_out(
    store: Store, history: Path, odd: str
) -> None:
    with closing(sqlite3.connect(history)) as connection, connection:
        sql = (
            "INSERT INTO drafts (conversation_id, text, queued, updated_ms) VALUES (?, ?, ?, 1)"
        )
        connection.execute(sql, ["c", "text", odd])
    found = await store.drafts.draft("c")
    assert (found.text, found.first) == ("text", None)


async def test_another_conversation_than_the_open_one_is_changed_by_its_id(
    program: Program,
) -> None:
    await program.ask()
    first = program.session.open_id
    await question_commands.submit_in_new(program.session, "elsewhere")
    await program.headless.until_quiet(program.strict)
    await program.choose(first, system="Be kind.")
    assert program.chosen == Parameters(MODEL)
    await program.session.open(first)
    assert program.chosen.system == "Be kind."


async def test_nothing_is_set_in_a_conversation_that_is_deleted(program: Program) -> None:
    await program.ask()
    gone = program.session.open_id
    await conversation_commands.delete(program.session, [gone])
    with pytest.raises(Refused, match="deleted"):
        await parameter_commands.set_parameters(program.session, gone, CHOSEN)


async def test_a_running_reply_keeps_its_own_and_what_waits_takes_the_new_ones(
    program: Program,
) -> None:
    await program.ask("one", HELD)
    await program.ask("two")
    await program.choose(model=OPUS["id"], effort="max", system="Be brief.")
    await program.release()
    assert [wire(each)[:2] for each in program.sent] == [
        (MODEL, None),
        (OPUS["id"], "Be brief."),
    ]
    assert program.chosen.effort == "max"
    assert [each.effort for each in program.session.current.path] == [None, None, None, "max"]


async def test_a_model_that_was_chosen_outlasts_the_one_of_the_command_line(
    history: Path, server: Scripted, claude: Claude
) -> None:
    headless = Headless(history, claude)
    program = Program(headless, server)
    question = await ask(headless.store)
    headless.session.current._is_model_asked_for = True
    headless.session.current._parameters = Parameters(OPUS["id"])
    await headless.session.open(question.conversation_id)
    assert program.chosen.model == OPUS["id"]
    await program.choose(model="claude-haiku-5-5")
    await headless.session.open(question.conversation_id)
    assert program.chosen.model == "claude-haiku-5-5"
    await headless.leave(is_interrupted=False)


async def test_a_fork_goes_on_as_the_conversation_was_asked(program: Program) -> None:
    await program.ask()
    await parameter_commands.set_parameters(program.session, program.session.open_id, CHOSEN)
    reply_id = program.session.current.path[-1].id
    await message_commands.fork(program.session, program.session.open_id, reply_id)
    assert program.chosen == CHOSEN


# What a reply keeps


async def test_a_reply_keeps_how_it_was_asked_for(program: Program, history: Path) -> None:
    await parameter_commands.set_parameters(program.session, program.session.open_id, CHOSEN)
    await program.ask("one")
    await program.choose(system="Be kind.", effort=None, max_tokens=None)
    reply_id = program.session.current.path[-1].id
    program.strict.plans.append(THOUGHT)
    await asking.regenerate(program.session.current, reply_id, MODEL)
    await program.headless.until_quiet(program.strict)
    assert program.chosen == Parameters(MODEL, "Be kind.", None, "omitted", None)
    rows = on_disk(
        history,
        "SELECT system, effort, max_tokens, thinking_display FROM replies ORDER BY message_id",
    )
    assert [tuple(row) for row in rows] == [
        ("Be brief.", "low", 2000, "omitted"),
        ("Be kind.", None, 16_000, "omitted"),
    ]


async def test_what_the_model_does_not_take_is_not_said_to_have_been_asked_for(
    program: Program, history: Path
) -> None:
    await program.choose(effort="low", max_tokens=900_000)
    await program.ask()
    assert wire(program.sent[-1])[2:] == (128_000, "summarized", None)
    (row,) = on_disk(history, "SELECT effort, max_tokens FROM replies")
    assert tuple(row) == (None, 128_000)
    assert program.session.current.path[-1].effort is None


OLD: Json = SONNET | {
    "id": "claude-opus-4-5",
    "max_tokens": 64_000,
    "capabilities": {
        "thinking": {"supported": True, "types": {"enabled": {"supported": True}}},
        "effort": {"supported": True, "low": {"supported": True}, "max": {"supported": False}},
    },
}
RETIRED: Json = OLD | {"id": "claude-opus-4-1", "lifecycle": "retired"}
BARE: Json = {"id": "local", "object": "model"}


@pytest.mark.parametrize("chosen", [None, *EFFORTS])
@pytest.mark.parametrize(
    ("models", "model"),
    [
        ([OPUS], OPUS["id"]),
        ([SONNET], SONNET["id"]),
        ([OLD], OLD["id"]),
        ([BARE], BARE["id"]),
        (None, "gateway/model"),
    ],
    ids=["current", "without effort", "old", "not described", "gateway"],
)
async def test_every_kind_of_model_is_asked_only_what_it_takes(
    program: Program, models: list[Json] | None, model: str, chosen: str | None
) -> None:
    program.server.models = models
    await parameter_commands.set_parameters(
        program.session,
        program.session.open_id,
        Parameters(model, "Be brief.", 500_000, "summarized", chosen),  # type: ignore[arg-type]
    )
    await program.ask()
    assert program.session.current.path[-1].state == "complete"
    described = (models or [{}])[0]
    sent = program.sent[-1]
    takes = described.get("capabilities", {}).get("effort", {}).get(chosen or "", {})
    assert sent.get("output_config") == ({"effort": chosen} if takes.get("supported") else None)
    assert sent["max_tokens"] == described.get("max_tokens", 500_000)
    assert ("thinking" in sent) == (models in ([OPUS], [SONNET]))


async def test_a_retired_model_is_not_found(program: Program) -> None:
    program.server.models = [RETIRED, SONNET]
    await program.choose(model=RETIRED["id"])
    await program.ask()
    failed = program.session.current.path[-1]
    assert failed.failure is not None
    assert (failed.state, failed.failure.status) == ("failed", 404)
    program.strict.refusals.clear()


async def test_a_history_that_is_made_anew_keeps_how_everything_was_asked(
    history: Path, claude: Claude
) -> None:
    with open_store(history) as store:
        message = await converse(store, claude, system="Be brief.")
        await store.labels.set_parameters(message.conversation_id, CHOSEN)
    with closing(sqlite3.connect(history)) as connection:
        connection.execute("INSERT INTO system_prompts VALUES ('x', 'of nobody')")
        connection.commit()
    repair(history, build)
    with open_store(history) as store:
        found = await store.conversation(message.conversation_id)
        assert found is not None
        assert found.parameters == CHOSEN
    assert [
        tuple(row) for row in on_disk(history, "SELECT system, max_tokens FROM replies")
    ] == [("Be brief.", 16_000)]
    assert len(on_disk(history, "SELECT * FROM system_prompts")) == 1


# What a change costs


async def test_what_a_change_costs_is_known_before_it_is_made(program: Program) -> None:
    async def cost(**chosen: object) -> Consequences:
        new = replace(program.chosen, **chosen)  # type: ignore[arg-type]
        described = {each.id: each for each in await parameter_commands.models(program.session)}
        open_id = program.session.open_id
        return await parameter_commands.cost_of(program.session, open_id, new, described)

    assert await cost(system="Be brief.", model=OPUS["id"]) == Consequences()
    await program.ask("one")
    await program.ask("two")
    assert program.strict.thoughts_taken == 1
    assert await cost() == await cost(max_tokens=2000) == Consequences()
    assert await cost(effort="low") == Consequences()
    assert await cost(model=OPUS["id"]) == Consequences(is_cache_lost=True)
    assert await cost(thinking_display="omitted") == Consequences(is_cache_lost=True)
    assert await cost(system="Be brief.") == Consequences(is_cache_lost=True, thoughts=2)
    await program.choose(system="Be brief.")
    await program.ask("three")
    assert program.strict.thoughts_taken == 1
    # Then the thinking before it is sent again; newer thinking is not.
    assert await cost(system="") == Consequences(is_cache_lost=True)


async def test_a_choice_that_the_profile_makes_already_costs_nothing(program: Program) -> None:
    program.session.scheduler.defaults = Parameters(MODEL, effort="low")
    await program.choose(model=OPUS["id"])
    await program.ask()
    assert wire(program.sent[-1])[-1] == "low"
    open_id = program.session.open_id
    described = {each.id: each for each in await parameter_commands.models(program.session)}
    for effort, is_lost in (("low", False), ("max", True), (None, False)):
        chosen = replace(program.chosen, effort=effort)  # type: ignore[arg-type]
        cost = await parameter_commands.cost_of(program.session, open_id, chosen, described)
        assert cost.is_cache_lost is is_lost
