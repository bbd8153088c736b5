"""`ask --dry-run` prints the request, needs no key, and sends and saves nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.scripted import Reply, Scripted, end, start, text, thinking
from tests.strict import OPUS, Strict
from tests.test_cli import Program, online, program
from tests.turns import on_disk
from tui.chat.markdown_export import markdown_of
from tui.domain.conversation import Conversation, Message
from tui.domain.failure import Failure
from tui.domain.parameters import Parameters
from tui.ui.widgets.message_hints import MessageHints

__all__ = ["online", "program"]


def contents(history: Path) -> list[list[tuple[object, ...]]]:
    tables = ("conversations", "messages", "blocks", "requests", "system_prompts", "streams")
    return [[tuple(row) for row in on_disk(history, f"SELECT * FROM {t}")] for t in tables]


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (("Hi",), b""),
        (("Hi", "-s", "Be brief."), b"piped\n"),
        (("-c", "More"), b""),
        (("-c", "More", "-s", "Be brief."), b""),
        (("-c", "More", "--effort", "max", "--model", OPUS["id"]), b""),
        (("More", "--max-tokens", "900000", "--no-stream"), b""),
    ],
    ids=str,
)
def test_what_is_printed_is_what_is_sent(
    online: Program, server: Scripted, arguments: tuple[str, ...], stdin: bytes
) -> None:
    server.models = [*(server.models or []), OPUS]
    server.will(Reply([start(), *thinking(0, "A thought."), *text(1, "Hello"), *end()]))
    assert online.run("ask", "the first").code == 0
    before, seen = contents(online.history), len(server.seen)
    dry = online.run("ask", "--dry-run", *arguments, stdin=stdin)
    assert (dry.code, dry.err) == (0, "")
    assert (contents(online.history), len(server.seen)) == (before, seen)
    assert online.run("ask", *arguments, stdin=stdin).code == 0
    assert json.loads(dry.out) | {"stream": True} == server.asked[-1].json | {"stream": True}


def test_it_needs_no_key_and_no_history(program: Program) -> None:
    said = program.run("ask", "--dry-run", "--effort", "low", "Hi")
    assert said.code == 0
    assert json.loads(said.out) == {
        "model": "claude-sonnet-5-5",
        "max_tokens": 16_000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "stream": True,
    }
    assert "models of this endpoint are not known yet" in said.err
    assert not program.history.exists()


def test_it_goes_on_without_a_key_too(online: Program, program: Program) -> None:
    assert online.run("ask", "the first").code == 0
    part = on_disk(online.history, "SELECT id FROM conversations")[0][0][-6:]
    del program.environ["ANTHROPIC_API_KEY"], program.environ["ANTHROPIC_BASE_URL"]
    said = program.run("ask", "--dry-run", "--conversation", part, "More")
    roles = [message["role"] for message in json.loads(said.out)["messages"]]
    assert roles == ["user", "assistant", "user"]


@pytest.mark.parametrize(
    ("flag", "value", "why"),
    [
        ("--effort", "huge", "invalid choice: 'huge'"),
        ("--max-tokens", "0", "'0' is not a number from 1 to 1000000"),
        ("--max-tokens", "1000001", "is not a number from 1 to 1000000"),
        ("--max-tokens", "many", "'many' is not a number from 1 to 1000000"),
    ],
)
def test_an_impossible_value_is_reported_in_one_line(
    program: Program, flag: str, value: str, why: str
) -> None:
    said = program.run("ask", flag, value, "Hi")
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert why in said.err


def test_what_the_command_line_chooses_stays_with_the_conversation(
    online: Program, server: Scripted
) -> None:
    strict = Strict(server)
    chosen = ("--effort", "low", "--max-tokens", "2000", "-s", "Be brief.")
    assert online.run("ask", "--model", OPUS["id"], *chosen, "one").code == 0
    assert online.run("ask", "-c", "two").code == 0
    sent = server.asked[-1].json
    assert (sent["output_config"], sent["max_tokens"]) == ({"effort": "low"}, 2000)
    assert (sent["system"], strict.refusals) == ("Be brief.", [])


def test_a_profile_says_what_holds_where_nobody_chooses(
    online: Program, server: Scripted
) -> None:
    Strict(server)
    (online.folder / "x.toml").write_text(
        f'[profiles.claude]\nmodel = "{OPUS["id"]}"\neffort = "low"\nmax_tokens = 2000\n'
        'thinking = "omitted"\n',
        encoding="utf-8",
    )
    for arguments, effort in (((), "low"), (("--effort", "max"), "max")):
        assert online.run("ask", "--config", "x.toml", *arguments, "Hi").code == 0
        sent = server.asked[-1].json
        assert (sent["output_config"], sent["max_tokens"]) == ({"effort": effort}, 2000)
        assert sent["thinking"] == {"type": "adaptive", "display": "omitted"}
    row = on_disk(online.history, "SELECT effort, max_tokens FROM conversations")[0]
    assert tuple(row) == (None, None)


def test_a_wrong_value_of_a_setting_is_reported_with_its_line(online: Program) -> None:
    (online.folder / "x.toml").write_text(
        '[profiles.claude]\neffort = "huge"\n', encoding="utf-8"
    )
    said = online.run("ask", "--config", "x.toml", "Hi")
    assert said.code == 2
    assert (
        "line 2, [profiles.claude]: effort must be low, medium, high, xhigh or max." in said.err
    )


# What is told of it afterwards


def test_the_log_and_a_file_tell_how_it_was_asked(online: Program, server: Scripted) -> None:
    Strict(server)
    chosen = ("--effort", "low", "--max-tokens", "2000", "-s", "Be brief.")
    assert online.run("ask", "--model", OPUS["id"], *chosen, "one").code == 0
    part = on_disk(online.history, "SELECT id FROM conversations")[0][0][-6:]
    shown = online.run("log", part).out
    assert "\neffort low · at most 2,000 tokens\n" in shown
    assert "── System prompt\n\nBe brief.\n" in shown
    assert "── claude-opus-5-5 · low · " in shown
    told = json.loads(online.run("log", "--json", part).out)[1]
    named = ("effort", "max_tokens", "thinking_display", "system")
    assert [told[name] for name in named] == ["low", 2000, "summarized", "Be brief."]
    (listed,) = json.loads(online.run("log", "--json").out)
    assert [listed[name] for name in named] == ["low", 2000, None, "Be brief."]


def test_a_file_tells_how_it_was_asked() -> None:
    asked = Parameters("m", "Be brief.", 2000, "omitted", "low")
    reply = Message("r", "c", "assistant", (), 0, model="m", effort="low")
    assert markdown_of(Conversation("c", asked, 0, 0, title="T"), [reply], None) == (
        "# T\n\n*effort low · at most 2,000 tokens · thinking omitted*\n\n"
        "## System prompt\n\nBe brief.\n\n## m · low\n\n\n"
    )


def test_after_a_model_that_is_gone_the_key_for_another_one_is_shown() -> None:
    def hint(failure: Failure) -> str:
        reply = Message("r", "c", "assistant", (), 0, state="failed", failure=failure)
        return MessageHints().after(reply)

    gone = Failure("Not found: model: claude-opus-4-1", type="not_found_error", status=404)
    assert hint(gone) == "Ctrl+O choose another model · Shift+Tab, then r regenerate"
    elsewhere = replace(gone, message="Not found: /v2/v1/messages")
    assert hint(elsewhere) == "Shift+Tab, then r regenerate"
