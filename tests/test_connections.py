"""Which client gets a question, and how a command gets its client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.headless import Headless
from tests.scripted import (
    SONNET,
    Hold,
    Reply,
    Scripted,
    end,
    refuses,
    says,
    scripted,
    start,
    text,
    thinking,
)
from tests.turns import MODEL
from tui.chat import (
    connection_commands,
    message_commands,
    parameter_commands,
    question_commands,
)
from tui.chat.connections import Connections
from tui.chat.open_conversation import Refused
from tui.claude import Claude, demo
from tui.cli.connecting import connect
from tui.config.config import BadSetting
from tui.config.loading import Flags, load
from tui.domain.endpoint import ANTHROPIC, Endpoint
from tui.domain.parameters import Parameters

LOCAL = "http://127.0.0.1:11434"
PROFILES = f"""
[profiles.local]
base_url = "{LOCAL}"
model = "qwen3"
[profiles.work]
api_key_env = "WORK_KEY"
"""


@pytest.fixture
def other() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flags:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    path = tmp_path / "profiles.toml"
    path.write_text(PROFILES, encoding="utf-8")
    return Flags(config=path)


def test_each_profile_has_one_client_made_when_it_is_first_needed() -> None:
    made: list[str] = []

    def client(profile: str) -> Claude:
        made.append(profile)
        return Claude(Endpoint(api_key=profile))

    connections = Connections("one", client)
    assert made == []
    assert connections.current is connections.client("one")
    assert connections.client("two") is not connections.current
    assert made == ["one", "two"]


def test_a_command_is_connected_to_the_profile_that_is_chosen_and_can_reach_the_others(
    flags: Flags,
) -> None:
    connections, settings = connect(load(flags), flags)
    assert settings.model == "claude-sonnet-5-5"
    assert connections.current.endpoint == Endpoint(ANTHROPIC, api_key="sk-test")
    assert connections.client("local").endpoint == Endpoint(LOCAL)
    with pytest.raises(BadSetting, match="'work' has no key"):
        connections.client("work")


@pytest.mark.parametrize("is_demo", [True, False])
def test_the_demo_is_asked_where_it_is_chosen_and_where_there_is_no_key(
    flags: Flags, monkeypatch: pytest.MonkeyPatch, *, is_demo: bool
) -> None:
    if not is_demo:
        monkeypatch.delenv("ANTHROPIC_API_KEY")
    chosen = Flags(config=flags.config, is_demo=is_demo, model="of-flag")
    connections, settings = connect(load(chosen), chosen)
    assert connections.current.endpoint.is_demo
    assert (settings.model, settings.title_model) == ("demo", None)
    assert not settings.is_model_named


async def test_a_running_reply_keeps_its_client(
    history: Path, server: Scripted, other: Scripted
) -> None:
    hold = Hold()
    server.will(Reply([start(), *text(0, "Half", " and half")[:-1], hold, *end()]))
    other.will(says("From the other"))
    servers = {"one": server, "two": other}
    connections = Connections(
        "one", lambda name: Claude(Endpoint(servers[name].url, "sk-test"))
    )
    program = Headless(history, connections)
    await program.start()
    await program.send("One")
    await wait_until(hold.reached.is_set)
    connections.profile = "two"
    hold.release()
    await wait_until(lambda: not program.session.scheduler.streaming)
    await program.send("Two")
    await wait_until(lambda: not program.session.scheduler.streaming)
    assert (len(server.asked), len(other.asked)) == (1, 1)
    said = [message.text for message in program.current.path if message.role == "assistant"]
    assert said == ["Half and half", "From the other"]
    await program.leave(is_interrupted=False)
    await connections.close()


# Switched while the program runs


def half(hold: Hold) -> Reply:
    return Reply([start(), *text(0, "Half", " and half")[:-1], hold, *end()])


async def quiet(program: Headless) -> None:
    await wait_until(lambda: not program.session.scheduler.streaming)


async def switch(program: Headless, server: Scripted, model: str) -> None:
    client = Claude(Endpoint(server.url, "sk-test"))
    await connection_commands.switch(
        program.session, server.url, client, parameters=Parameters(model), title_model=None
    )


async def test_after_a_switch_a_running_reply_ends_where_it_began_and_what_waits_goes_on(
    history: Path, claude: Claude, server: Scripted, other: Scripted
) -> None:
    hold = Hold()
    server.will(half(hold))
    other.will(says("From the other"))
    program = Headless(history, claude)
    await program.start()
    await program.send("One")
    await program.send("Two")
    await wait_until(hold.reached.is_set)
    await switch(program, other, "other-model")
    hold.release()
    await wait_until(lambda: len(other.asked) == 1)
    await quiet(program)
    assert [seen.json["model"] for seen in server.asked] == [MODEL]
    assert [seen.json["model"] for seen in other.asked] == ["other-model"]
    said = [each.text for each in program.current.path if each.role == "assistant"]
    assert said == ["Half and half", "From the other"]
    await program.leave(is_interrupted=False)
    await program.session.connections.close()


async def test_a_conversation_keeps_its_model_only_at_the_host_that_answered_last(
    history: Path, claude: Claude, server: Scripted, other: Scripted
) -> None:
    program = Headless(history, claude)
    await program.start()
    await program.send("One")
    await quiet(program)
    first = program.open_id
    await switch(program, other, "other-model")
    assert program.current.conversation.parameters.model == "other-model"
    await program.session.new()
    assert program.current.conversation.parameters.model == "other-model"
    await program.send("In a new one")
    await quiet(program)
    second = program.open_id
    # Back, with another model: the first host knows what it was asked for.
    await switch(program, server, "third-model")
    assert program.current.conversation.parameters.model == "third-model"
    await program.session.open(first)
    assert program.current.conversation.parameters.model == MODEL
    await program.send("Two")
    await quiet(program)
    await program.session.open(second)
    assert program.current.conversation.parameters.model == "third-model"
    assert [seen.json["model"] for seen in server.asked] == [MODEL, MODEL]
    assert [seen.json["model"] for seen in other.asked] == ["other-model"]
    await program.leave(is_interrupted=False)
    await program.session.connections.close()


async def test_thinking_is_not_sent_to_another_endpoint(
    history: Path, claude: Claude, server: Scripted, other: Scripted
) -> None:
    server.will(Reply([start(), *thinking(0, "Hm"), *text(1, "Yes"), *end()]))
    program = Headless(history, claude)
    await program.start()
    await program.send("One")
    await quiet(program)
    await switch(program, other, MODEL)
    await program.send("Two")
    await quiet(program)
    sent = other.asked[0].json["messages"][1]["content"]
    assert [block["type"] for block in sent] == ["text"]
    await program.leave(is_interrupted=False)
    await program.session.connections.close()


async def test_after_a_switch_while_a_reply_runs_the_next_question_has_the_new_model(
    history: Path, claude: Claude, server: Scripted, other: Scripted
) -> None:
    hold = Hold()
    server.will(half(hold))
    program = Headless(history, claude)
    await program.start()
    await program.send("One")
    await wait_until(hold.reached.is_set)
    await switch(program, other, "other-model")
    assert program.current.conversation.parameters.model == "other-model"
    # Back and forth: the running reply came from the first host, which knows its model.
    await switch(program, server, "third-model")
    assert program.current.conversation.parameters.model == MODEL
    await switch(program, other, "other-model")
    hold.release()
    await quiet(program)
    await program.send("Two")
    await quiet(program)
    assert [seen.json["model"] for seen in other.asked] == ["other-model"]
    await program.leave(is_interrupted=False)
    await program.session.connections.close()


async def test_a_question_never_takes_one_connections_model_to_another(
    history: Path, claude: Claude, server: Scripted, other: Scripted
) -> None:
    """The user switches while the question is being saved."""
    program = Headless(history, claude)
    await program.start()
    await program.send("One")
    await quiet(program)
    await asyncio.gather(program.send("Two"), switch(program, other, "other-model"))
    await quiet(program)
    assert [seen.json["model"] for seen in server.asked] == [MODEL, MODEL]
    await program.send("Three")
    await quiet(program)
    assert [seen.json["model"] for seen in other.asked] == ["other-model"]
    await program.leave(is_interrupted=False)
    await program.session.connections.close()


async def test_a_model_that_the_connection_does_not_list_gives_way(
    history: Path, claude: Claude, server: Scripted, other: Scripted
) -> None:
    other.models = [SONNET | {"id": "other-model"}]
    program = Headless(history, claude)
    await program.start()
    await program.send("One")
    await quiet(program)
    await connection_commands.prepare(program.session)
    await switch(program, other, "other-model")
    await connection_commands.prepare(program.session)
    first = program.open_id
    # Chosen there, without a question: the newest reply is still the first host's.
    await parameter_commands.set_parameters(
        program.session, program.open_id, Parameters("other-model")
    )
    # Without any reply, no host is known to have the conversation's model.
    await message_commands.fork(program.session, program.open_id, program.current.path[0].id)
    await switch(program, server, MODEL)
    await program.send("Two")
    await quiet(program)
    await program.session.open(first)
    await program.send("Three")
    await quiet(program)
    assert [seen.json["model"] for seen in server.asked] == [MODEL] * 3
    await program.leave(is_interrupted=False)
    await program.session.connections.close()


async def test_what_waits_is_asked_of_the_model_that_was_chosen_after_the_switch(
    history: Path, claude: Claude, server: Scripted, other: Scripted
) -> None:
    hold = Hold()
    server.will(half(hold))
    program = Headless(history, claude)
    await program.start()
    await program.send("One")
    await program.send("Two")
    await wait_until(hold.reached.is_set)
    await switch(program, other, "other-model")
    await parameter_commands.set_parameters(
        program.session, program.open_id, Parameters("chosen-model")
    )
    hold.release()
    await wait_until(lambda: len(other.asked) == 1)
    await quiet(program)
    assert other.asked[0].json["model"] == "chosen-model"
    await program.leave(is_interrupted=False)
    await program.session.connections.close()


async def test_a_switch_takes_the_model_of_a_conversation_without_a_question_along(
    history: Path, claude: Claude, other: Scripted
) -> None:
    program = Headless(history, claude)
    await program.start()
    await program.send("One")
    await quiet(program)
    first = program.open_id
    await program.session.new()
    unsaved = program.open_id
    await parameter_commands.set_parameters(
        program.session, unsaved, Parameters("of-the-first", system="Be brief.")
    )
    await switch(program, other, "other-model")
    await program.session.open(first)
    await program.session.open(unsaved)
    await program.send("Two")
    await quiet(program)
    assert other.asked[0].json["model"] == "other-model"
    assert other.asked[0].json["system"] == "Be brief."
    await program.leave(is_interrupted=False)
    await program.session.connections.close()


async def test_what_the_demo_said_is_not_sent_to_claude_by_an_edit_or_a_regeneration(
    history: Path, server: Scripted
) -> None:
    program = Headless(history, demo.connect(lambda _: asyncio.sleep(0)))
    await program.start()
    for words in ("help", "more help"):
        await program.send(words)
        await quiet(program)
    await switch(program, server, MODEL)
    path = program.current.path
    with pytest.raises(Refused, match="This conversation is with the demo"):
        await message_commands.regenerate(program.session, program.open_id, path[-1].id)
    with pytest.raises(Refused, match="Ask Claude in a new one"):
        await message_commands.edit(program.session, program.open_id, path[2].id, "anew")
    assert server.asked == []
    await program.leave(is_interrupted=False)
    await program.session.connections.close()


async def test_what_waits_in_the_demo_is_not_sent_to_claude(
    history: Path, server: Scripted
) -> None:
    released = asyncio.Event()

    async def slowly(_: float) -> None:
        await released.wait()

    program = Headless(history, demo.connect(slowly))
    await program.start()
    await program.send("help")
    await program.send("for the demo")
    await switch(program, server, MODEL)
    released.set()
    await quiet(program)
    await wait_until(lambda: program.problems)
    assert "A question waits" in program.problems[0]
    assert server.asked == []
    assert program.session.drafts.draft(program.open_id).queued
    await question_commands.submit_queued(program.session, program.open_id)
    assert server.asked == []
    await program.leave(is_interrupted=False)
    await program.session.connections.close()


async def test_local_servers_are_found_at_once_and_others_are_not(
    server: Scripted, other: Scripted
) -> None:
    server.models_reply = refuses(500, "api_error")
    with scripted() as gone:
        pass
    ports = [server.port, other.port, gone.port]
    found = await connection_commands.local_servers(ports)
    assert [(each.base_url, [model.id for model in each.models]) for each in found] == [
        (other.url, ["claude-sonnet-5-5"])
    ]
    assert {seen.path.partition("?")[0] for seen in other.seen} == {"/v1/models"}
