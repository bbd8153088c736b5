"""Addresses as people write them: the program accepts clear ones and reports the others."""

from __future__ import annotations

import pytest

from tests.scripted import Json, Raw, Reply, Scripted, Seen, refuses, says
from tests.test_claude import QUESTION, events_of
from tests.test_cli import CANARY, Done, Program, failed, online, program
from tests.test_doctor import broken, findings
from tests.turns import MODEL
from tui.claude import Claude
from tui.domain.endpoint import BadEndpoint, Endpoint, checked_base_url
from tui.domain.model import Model
from tui.domain.parameters import Parameters
from tui.domain.reply_events import Finished

__all__ = ["online", "program"]

ENDS = ["/", "//", "/v1", "/v1/", "/v1/messages", "/v1/messages/", " ", "\n", "/v1 \n"]


def only_messages(seen: Seen) -> Reply:
    """Answer as a server with only the Messages API, which refuses invalid requests."""
    if seen.path != "/v1/messages":
        return refuses(404, "not_found_error")
    if not seen.json.get("messages"):
        return refuses(400, "invalid_request_error", "messages: one at least")
    return says("Hello", " there")


@pytest.fixture
def strict(server: Scripted) -> Scripted:
    server.answer = only_messages
    server.models = None
    return server


def healthy(done: Done) -> str:
    assert broken(done) == []
    return str(findings(done)["endpoint", "answers"]["value"])


@pytest.mark.parametrize("end", ENDS)
async def test_an_address_with_the_path_behind_it_is_understood(
    strict: Scripted, end: str
) -> None:
    claude = Claude(Endpoint(checked_base_url(f" {strict.url}{end}"), "sk-test"))
    assert isinstance((await events_of(claude))[-1], Finished)
    await claude.check()
    assert {seen.path for seen in strict.seen} == {"/v1/messages"}
    await claude.close()


@pytest.mark.parametrize("end", ["/v1/", "/v1/messages \n"])
def test_an_address_in_the_environment_is_understood_alike(
    online: Program, strict: Scripted, end: str
) -> None:
    online.environ["ANTHROPIC_BASE_URL"] = f" {strict.url}{end}"
    done = online.run("ask", "Hi")
    assert (done.code, done.out, done.err) == (0, "Hello there\n", "")
    assert healthy(online.run("doctor", "--json")) == "without a list of models"


@pytest.mark.parametrize("end", ["/v1", "/"])
def test_an_address_in_a_profile_is_understood_alike(
    program: Program, strict: Scripted, end: str
) -> None:
    config = program.folder / "config.toml"
    config.write_text(f'[profiles.x]\nbase_url = "{strict.url}{end}"\n', encoding="utf-8")
    arguments = ("--config", str(config), "--profile", "x")
    assert program.run("ask", *arguments, "Hi").out == "Hello there\n"
    assert healthy(program.run("doctor", "--json", *arguments)) == "without a list of models"


def test_a_path_before_it_stays(server: Scripted) -> None:
    for end in ("", "/", "/v1", "/v1/messages/"):
        assert Endpoint(f"{server.url}/team/api{end}").root == f"{server.url}/team/api"
    assert Endpoint("https://v1.example/v1beta").root == "https://v1.example/v1beta"
    assert Endpoint("https://example.com/v1/v1").root == "https://example.com/v1"


@pytest.mark.parametrize("inside", ["/a\nb", "\n/v1", "/a b", "/a\tb", "/a\x01b", "/a\u200bb"])
def test_an_address_with_a_character_that_none_has_is_refused(inside: str) -> None:
    with pytest.raises(BadEndpoint, match="a blank, a line feed or another control character"):
        checked_base_url(f"http://127.0.0.1{inside}")


@pytest.mark.parametrize("command", [["ask", "Hi"], ["doctor", "--json"], []], ids=str)
def test_a_line_feed_in_an_address_is_named_with_its_variable(
    online: Program, server: Scripted, command: list[str]
) -> None:
    online.environ["ANTHROPIC_BASE_URL"] += "/a\nb"
    done = online.run(*command)
    if command[:1] == ["doctor"]:
        assert broken(done) == [("settings", "read")]
        said = findings(done)["settings", "read"]["value"]
    else:
        said = failed(done, 2)
    assert said.startswith("ANTHROPIC_BASE_URL: the address contains a blank, a line feed")
    assert server.seen == []


def test_a_wrong_address_in_a_profile_is_named_with_its_setting(program: Program) -> None:
    config = program.folder / "config.toml"
    config.write_text('[profiles.claude]\nbase_url = "https://a b"\n', encoding="utf-8")
    said = failed(program.run("ask", "--config", str(config), "Hi"), 2)
    assert said.startswith("base_url: the address contains a blank")


@pytest.mark.usefixtures("strict")
def test_an_address_at_which_nothing_is_is_broken(online: Program) -> None:
    online.environ["ANTHROPIC_BASE_URL"] += "/nowhere"
    done = online.run("doctor", "--json")
    assert broken(done) == [("endpoint", "answers")]
    found = findings(done)["endpoint", "answers"]
    assert "has no /nowhere/v1/messages (HTTP status 404)" in found["value"]
    assert "Check the address" in found["fix"]
    assert "Not found" in failed(online.run("ask", "Hi"))


def test_a_list_of_models_alone_is_no_health(online: Program, server: Scripted) -> None:
    server.answer = lambda _: refuses(404, "not_found_error")
    assert broken(online.run("doctor", "--json")) == [("endpoint", "answers")]


PAGE = Reply([Raw(b"<html>Sign in")], headers={"content-type": "text/html"}, is_stream=False)


def json_of(status: int, text: str) -> Reply:
    headers = {"content-type": "application/json"}
    return Reply([Raw(text.encode())], status, headers, is_stream=False)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (PAGE, "sign-in page"),
        (refuses(401, "authentication_error"), "key was refused"),
        (refuses(402, "billing_error", "none left"), "none left"),
        (refuses(405, "none"), "HTTP status 405"),
        (refuses(503, "api_error", "down"), "down"),
        (Reply([], 307, {"location": "/x"}, is_stream=False), "redirects to another"),
    ],
)
def test_an_endpoint_that_would_not_answer_a_question_is_an_error(
    online: Program, server: Scripted, reply: Reply, words: str
) -> None:
    server.answer = lambda _: reply
    done = online.run("doctor", "--json")
    assert broken(done) == [("endpoint", "answers")]
    assert words in findings(done)["endpoint", "answers"]["value"]


@pytest.mark.parametrize(
    "reply",
    [
        json_of(400, '{"error":"model is required"}'),
        json_of(404, """{"error":"model '' not found"}"""),
        json_of(422, '{"detail":[{"msg":"field required"}]}'),
        json_of(500, "{}"),
        json_of(200, '{"error":"model is required"}'),
        refuses(429, "rate_limit_error"),
        says("Hi"),
    ],
)
def test_however_an_endpoint_refuses_what_makes_no_sense_it_is_there(
    online: Program, server: Scripted, reply: Reply
) -> None:
    server.answer = lambda _: reply
    assert healthy(online.run("doctor", "--json")) == "with 1 model"
    # This request costs nothing: it has no model and no messages.
    assert [seen.json for seen in server.asked] == [{"max_tokens": 1, "messages": []}]


# Caching


@pytest.mark.parametrize(
    ("cache", "is_described", "is_asked_for"),
    [(None, False, False), (None, True, True), (True, False, True), (False, True, False)],
)
async def test_a_profile_can_say_whether_prompts_are_cached(
    server: Scripted, *, cache: bool | None, is_described: bool, is_asked_for: bool
) -> None:
    wire: Json = {"id": MODEL, "capabilities": {}} if is_described else {"id": MODEL}
    claude = Claude(Endpoint(server.url, "sk-test", cache=cache))
    assert isinstance((await events_of(claude, described=Model(wire)))[-1], Finished)
    _ = [
        event
        async for event in claude.create(QUESTION, Parameters(MODEL), described=Model(wire))
    ]
    for seen in server.asked:
        assert ("cache_control" in seen.json) is is_asked_for
        assert "thinking" not in seen.json


def test_the_setting_reaches_the_request_and_the_doctor_tells(
    online: Program, server: Scripted
) -> None:
    server.models = [{"id": MODEL, "type": "model"}]
    config = online.folder / "config.toml"
    config.touch()
    at = ("--config", str(config))
    told = findings(online.run("doctor", "--json", *at))["endpoint", "caching"]
    assert (told["level"], "does not describe" in told["value"]) == ("warning", True)
    assert "cache = true" in told["fix"]
    for table in ("[profiles.claude]", f'[profiles.x]\nbase_url = "{server.url}/v1"'):
        config.write_text(f"{table}\ncache = true\n", encoding="utf-8")
        name = table.partition("]")[0].rpartition(".")[2]
        online.run("ask", *at, "--profile", name, "Hi")
        assert server.asked[-1].json["cache_control"] == {"type": "ephemeral"}
        found = findings(online.run("doctor", "--json", *at, "--profile", name))
        assert found["endpoint", "caching"]["value"] == "on, as the profile says"
    config.write_text("[profiles.claude]\ncache = 1\n", encoding="utf-8")
    said = failed(online.run("ask", *at, "Hi"), 2)
    assert said.endswith("[profiles.claude]: cache must be true or false.")


def test_an_endpoint_that_describes_its_models_is_asked_to_cache(online: Program) -> None:
    found = findings(online.run("doctor", "--json"))["endpoint", "caching"]
    assert (found["value"], found["level"]) == ("on", "ok")
    assert CANARY not in str(found)
