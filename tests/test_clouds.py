"""Replies from Bedrock, Vertex AI and Foundry.

Only the tests of a cloud's own credentials need its packages; they are skipped without.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from anthropic.lib.aws import _auth

from tests.aws import FRAMES, chunk, fault, frame, framed, refusal
from tests.scripted import (
    Hold,
    Raw,
    Reply,
    Reset,
    Scripted,
    Seen,
    end,
    refuses,
    says,
    start,
    text,
    thinking,
)
from tests.test_claude import ask, events_of, failure_of
from tests.turns import converse, on_disk
from tui.claude import Claude
from tui.claude.aws_frames import BadFrame, FrameReader
from tui.domain.cloud import Cloud
from tui.domain.endpoint import Endpoint
from tui.domain.limits import Limits
from tui.domain.parameters import Parameters
from tui.domain.recording import unpack
from tui.domain.reply_events import Finished, Started
from tui.store import Store

KEY = "canary-key-0123456789abcdef"
TOKEN = "canary-token-0123456789abcdef"
MODEL = "us.anthropic.claude-sonnet-5-5-v1:0"
ASKED = Parameters(MODEL)

US = Cloud("bedrock", "us-east-1")
HALF = [start(), *text(0, "Half", " a reply")[:-1]]

needs_aws = pytest.mark.skipif(find_spec("boto3") is None, reason="boto3 is not installed")


def bedrock(server: Scripted, key: str | None = KEY, **more: Any) -> Claude:
    return Claude(Endpoint(server.url, key, cloud=replace(US, **more)))


# Bedrock with a key, which needs no packages


async def test_a_reply_of_bedrock_takes_the_way_of_every_reply(
    server: Scripted, store: Store, history: Path
) -> None:
    server.will(
        framed(Reply([start(), *thinking(0, "Hm"), *text(1, "Yes", "…\u2028"), *end()]))
    )
    claude = bedrock(server)
    message = await converse(store, claude, "Hi")
    assert (message.state, message.text) == ("complete", "Yes…\u2028")
    assert [block.type for block in message.blocks] == ["thinking", "text"]
    asked = server.seen[-1]
    model = "claude-sonnet-5-5"
    assert asked.path == f"/model/{model}/invoke-with-response-stream"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert {"thinking", "cache_control", "model", "stream"}.isdisjoint(asked.json)
    (row,) = on_disk(history, "SELECT * FROM requests WHERE purpose = 'reply'")
    assert (row["request_id"], row["output_tokens"]) == ("aws-1", 42)
    assert [seen.path for seen in server.seen] == [asked.path]
    await claude.close()


@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_frames_may_be_cut_anywhere(server: Scripted, size: int) -> None:
    sent = framed(says("One", " two"))
    packed = b"".join(step.data for step in sent.steps if isinstance(step, Raw))
    cut = [Raw(packed[at : at + size]) for at in range(0, len(packed), size)]
    server.will(replace(sent, steps=cut))
    claude = bedrock(server)
    events = await events_of(claude, ASKED)
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert server.seen[0].path == (
        "/model/us.anthropic.claude-sonnet-5-5-v1:0/invoke-with-response-stream"
    )
    await claude.close()


async def test_a_reply_of_bedrock_is_recorded_as_text_without_the_key(
    server: Scripted, store: Store, history: Path
) -> None:
    server.will(framed(says("It is ", KEY)))
    claude = bedrock(server)
    await converse(store, claude, "What is my key?")
    (row,) = on_disk(history, "SELECT * FROM recordings")
    recorded = b"".join(piece for _, piece in unpack(row["content"]))
    assert recorded.startswith(b'event: message_start\ndata: {"type": "message_start"')
    assert KEY.encode() not in recorded
    assert b"[key]" in recorded
    await claude.close()


async def test_a_reply_of_bedrock_without_a_stream(server: Scripted, store: Store) -> None:
    claude = bedrock(server)
    message = await converse(store, claude, "Hi", is_streamed=False)
    assert (message.state, message.text) == ("complete", "Hello there")
    assert server.seen[-1].path.endswith("/invoke")
    await claude.close()


@pytest.mark.parametrize("last", [[], [Reset()]])
async def test_a_stream_of_bedrock_that_ends_too_early_is_cut_off(
    server: Scripted, store: Store, last: list[Reset]
) -> None:
    server.will(framed(Reply([*HALF, Raw(chunk({"type": "ping"})[:-3]), *last])))
    claude = bedrock(server)
    message = await converse(store, claude, "Hi")
    assert (message.state, message.text) == ("cut_off", "Half a reply")
    await claude.close()


@pytest.mark.parametrize(
    ("kind", "error_type", "is_retryable"),
    [
        ("throttlingException", "rate_limit_error", True),
        ("serviceUnavailableException", "overloaded_error", True),
        ("modelStreamErrorException", "api_error", True),
        ("validationException", "invalid_request_error", False),
        ("newException", "newException", False),
    ],
)
async def test_an_exception_inside_a_stream_of_bedrock_has_the_apis_type(
    server: Scripted, kind: str, error_type: str, *, is_retryable: bool
) -> None:
    server.will(framed(Reply([*HALF, fault(kind, "Too many tokens.")])))
    claude = bedrock(server)
    error = await failure_of(ask(claude, ASKED))
    assert (error.failure.type, error.is_retryable) == (error_type, is_retryable)
    assert error_type == "overloaded_error" or "Too many tokens." in str(error)
    await claude.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda sent: sent[:-1] + bytes([sent[-1] ^ 1]),
        lambda sent: sent[:30] + bytes([sent[30] ^ 1]) + sent[31:],
        lambda sent: b"\x7f" + sent[1:],
        lambda _: frame({":message-type": "event", ":event-type": "chunk"}, b"{}"),
        lambda _: chunk(b"no JSON"),
    ],
)
async def test_a_damaged_frame_ends_the_reply_with_one_line(
    server: Scripted, damage: Callable[[bytes], bytes]
) -> None:
    sent = framed(Reply(HALF))
    server.will(replace(sent, steps=[*sent.steps, Raw(damage(chunk({"type": "ping"})))]))
    claude = bedrock(server)
    error = await failure_of(ask(claude, ASKED))
    assert "sent a damaged stream" in str(error)
    assert error.is_truncated
    await claude.close()


def test_a_frame_that_is_too_long_is_refused_before_it_has_arrived() -> None:
    beginning = frame({}, b"x" * 2000)[:12]
    with pytest.raises(BadFrame):
        list(FrameReader(1000).events(beginning))
    assert list(FrameReader(3000).events(beginning)) == []


async def test_a_stream_of_bedrock_that_stalls_is_cut_off(server: Scripted) -> None:
    hold = Hold()
    server.will(framed(Reply([*HALF, hold])))
    claude = Claude(Endpoint(server.url, KEY, cloud=US), limits=Limits(silence=0.3, first=20))
    error = await failure_of(ask(claude, ASKED))
    assert "was silent for too long" in str(error)
    hold.release()
    await claude.close()


async def test_a_refused_key_of_bedrock_is_one_line(server: Scripted) -> None:
    text = f"Authentication failed: please make sure your API Key is valid. {KEY}"
    server.will(refusal(403, "AccessDeniedException", text))
    claude = bedrock(server)
    error = await failure_of(ask(claude, ASKED))
    assert str(error) == "Bedrock refused the key. Check the key and the address, then retry."
    assert error.failure.type == "credentials"
    server.will(refusal(403, "AccessDeniedException", "User is not authorized to invoke it."))
    error = await failure_of(ask(claude, ASKED))
    assert str(error) == "This key may not do that: User is not authorized to invoke it."
    await claude.close()


async def test_the_check_of_bedrock_costs_nothing_and_asks_about_the_model(
    server: Scripted,
) -> None:
    claude = bedrock(server)
    assert await claude.models() == []
    assert server.seen == []
    server.will(refusal(400, "ValidationException", "messages: at least one is required"))
    await claude.check(MODEL)
    assert (server.seen[0].path, server.seen[0].json["messages"]) == (
        f"/model/{MODEL}/invoke",
        [],
    )
    for status, words in ((400, "The provided model identifier is invalid."), (404, "Gone")):
        server.will(refusal(status, "ValidationException", words))
        error = await failure_of_check(claude)
        assert words in error
    await claude.close()


async def failure_of_check(claude: Claude) -> str:
    from tui.domain.failure import ReplyFailed

    with pytest.raises(ReplyFailed) as caught:
        await claude.check(MODEL)
    return str(caught.value)


# Foundry


async def test_a_reply_of_foundry_takes_the_way_of_every_reply(
    server: Scripted, store: Store
) -> None:
    claude = Claude(Endpoint(f"{server.url}/anthropic/", KEY, cloud=Cloud("foundry")))
    message = await converse(store, claude, "Hi")
    assert (message.state, message.text) == ("complete", "Hello there")
    (asked,) = server.seen
    assert (asked.path, asked.headers["x-api-key"]) == ("/anthropic/v1/messages", KEY)
    assert "authorization" not in asked.headers
    server.will(refuses(401, "authentication_error", f"Wrong {KEY}"))
    error = await failure_of(ask(claude))
    assert str(error) == "Foundry refused the key. Check the key and the address, then retry."
    server.will(refuses(400, "invalid_request_error", "messages: at least one is required"))
    await claude.check("claude-sonnet-5-5")
    await claude.close()


# AWS's own credentials


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)


@needs_aws
@pytest.mark.usefixtures("aws", "temporary")
async def test_a_request_to_bedrock_is_signed(server: Scripted, store: Store) -> None:
    server.will(framed(says("Signed")))
    claude = bedrock(server, None)
    message = await converse(store, claude, "Hi")
    assert (message.state, message.text) == ("complete", "Signed")
    headers = server.seen[0].headers
    scope = "/us-east-1/bedrock/aws4_request"
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert scope in headers["authorization"]
    assert headers["x-amz-security-token"] == TOKEN
    await claude.close()


@needs_aws
@pytest.mark.usefixtures("aws", "temporary")
async def test_a_token_of_aws_that_is_repeated_is_nowhere(
    server: Scripted, store: Store, history: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "tui")
    said = f"The canonical request was x-amz-security-token:{TOKEN}"
    server.will(
        framed(says(said)),
        refusal(400, "ValidationException", said),
        framed(Reply([*HALF, fault("validationException", said)])),
        Reply([Raw(said.encode())], headers={"content-type": "text/plain"}, is_stream=False),
    )
    claude = bedrock(server, None)
    await converse(store, claude, "One")
    shown = []
    for question in ("Two", "Three", "Four"):
        message = await converse(store, claude, question)
        assert message.failure is not None
        shown.append(message.failure.message)
    assert all("[key]" in line and TOKEN not in line for line in shown)
    assert TOKEN not in caplog.text
    for row in on_disk(history, "SELECT content FROM recordings"):
        recorded = b"".join(piece for _, piece in unpack(row["content"]))
        assert TOKEN.encode() not in recorded
    await claude.close()


@needs_aws
@pytest.mark.usefixtures("aws", "temporary")
@pytest.mark.parametrize(
    ("kind", "message", "words"),
    [
        (
            "ExpiredTokenException",
            "The security token included in the request is expired",
            "The AWS credentials have expired. Renew them, for example with: aws sso login",
        ),
        (
            "",
            "The security token included in the request is invalid.",
            "The AWS credentials were refused. Renew them, for example with: aws sso login",
        ),
        (
            "AccessDeniedException",
            "You don't have access to the model.",
            "This key may not do that: You don't have access to the model.",
        ),
    ],
)
async def test_what_aws_refuses_is_one_line_that_says_what_to_do(
    server: Scripted, kind: str, message: str, words: str
) -> None:
    server.will(refusal(403, kind, message))
    claude = bedrock(server, None)
    error = await failure_of(ask(claude, ASKED))
    assert (str(error), error.is_retryable) == (words, False)
    await claude.close()


@needs_aws
@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (None, "No AWS credentials were found. Run: aws configure."),
        ("gone", "AWS's files have no profile 'gone'. Correct the name."),
        ("process", "The AWS credentials could not be read (CredentialRetrievalError)."),
        ("sso", "The login to AWS has expired. Run: aws sso login."),
    ],
)
async def test_credentials_of_aws_that_are_missing_are_one_line(
    server: Scripted, empty_home: Path, profile: str | None, words: str
) -> None:
    (empty_home / ".aws").mkdir()
    (empty_home / ".aws" / "config").write_text(
        "[profile sso]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n"
        "region = us-east-1\n"
        "[profile process]\ncredential_process = sh -c 'echo canary >&2; exit 1'\n"
        "[sso-session s]\nsso_start_url = https://sso.example\nsso_region = us-east-1\n"
    )
    claude = bedrock(server, None, aws_profile=profile)
    error = await failure_of(ask(claude, ASKED))
    assert str(error).startswith(words)
    assert "canary" not in str(error)
    assert error.failure.type == "credentials"
    assert server.seen == []
    await claude.close()


@needs_aws
@pytest.mark.usefixtures("aws")
async def test_renewed_credentials_of_aws_are_used_without_a_restart(
    server: Scripted, empty_home: Path
) -> None:
    path = empty_home / ".aws" / "credentials"
    path.parent.mkdir()
    lines = f"[default]\naws_access_key_id = %s\naws_secret_access_key = {KEY}\n"
    path.write_text(lines % "OLD", encoding="utf-8")
    server.will(refusal(403, "ExpiredTokenException", "It is expired"), framed(says("Yes")))
    claude = bedrock(server, None)
    await failure_of(ask(claude, ASKED))
    path.write_text(lines % "NEW", encoding="utf-8")
    assert isinstance((await events_of(claude, ASKED))[-1], Finished)
    sent = [seen.headers["authorization"].partition("/")[0] for seen in server.seen]
    assert sent == [f"AWS4-HMAC-SHA256 Credential={key}" for key in ("OLD", "NEW")]
    await claude.close()


@needs_aws
def test_botocore_reads_the_frames_of_these_tests() -> None:
    from botocore.eventstream import EventStreamBuffer

    buffer = EventStreamBuffer()
    buffer.add_data(chunk({"type": "ping"}) + fault("throttlingException", "Slow").data)
    first, second = buffer
    assert first.headers[":event-type"] == "chunk"
    assert json.loads(second.payload) == {"message": "Slow"}
    assert FRAMES == "application/vnd.amazon.eventstream"


# Vertex AI


def vertex(server: Scripted) -> Claude:
    cloud = Cloud("vertex", "europe-west1", "my-project")
    return Claude(Endpoint(f"{server.url}/v1", cloud=cloud))


def google(server: Scripted, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Seen]:
    """Make Google's library get its token from the server; return the requests for one."""
    pytest.importorskip("google.auth")
    pytest.importorskip("requests")
    (folder / "subject").write_text("subject", encoding="utf-8")
    (folder / "google.json").write_text(
        json.dumps(
            {
                "type": "external_account",
                "audience": "//iam.googleapis.com/projects/1/locations/global/"
                "workloadIdentityPools/p/providers/q",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": f"{server.url}/token",
                "credential_source": {"file": str(folder / "subject")},
            }
        ),
        encoding="utf-8",
    )
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "google.json"))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "other-project")
    asked: list[Seen] = []

    def answer(seen: Seen) -> Reply:
        if seen.path != "/token":
            return server.replies.popleft() if server.replies else says("Hello", " there")
        asked.append(seen)
        token = {
            "access_token": TOKEN,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": 3600,
        }
        headers = {"content-type": "application/json"}
        return Reply([Raw(json.dumps(token).encode())], headers=headers, is_stream=False)

    server.answer = answer
    return asked


async def test_a_reply_of_vertex_takes_the_way_of_every_reply(
    server: Scripted,
    store: Store,
    history: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = google(server, tmp_path, monkeypatch)
    claude = vertex(server)
    server.will(says("It is ", TOKEN))
    message = await converse(store, claude, "Hi")
    assert (message.state, message.text) == ("complete", f"It is {TOKEN}")
    asked = server.seen[-1]
    at = "/v1/projects/my-project/locations/europe-west1/publishers/anthropic/models"
    assert asked.path == f"{at}/claude-sonnet-5-5:streamRawPredict"
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    await converse(store, claude, "Again", is_streamed=False)
    assert server.seen[-1].path == f"{at}/claude-sonnet-5-5:rawPredict"
    assert len(tokens) == 1
    rows = on_disk(history, "SELECT content FROM recordings")
    recorded = [b"".join(piece for _, piece in unpack(row["content"])) for row in rows]
    assert b"[key]" in recorded[0]
    assert TOKEN.encode() not in b"".join(recorded)
    server.will(refuses(401, "authentication_error", f"Invalid token {TOKEN}"))
    error = await failure_of(ask(claude))
    words = "Google's credentials were refused. Run: gcloud auth application-default login"
    assert str(error) == words
    server.will(refuses(400, "invalid_request_error", "messages: at least one is required"))
    await claude.check("claude-sonnet-5-5")
    server.will(refuses(404, "not_found_error", f"No such model for {TOKEN}"))
    assert await failure_of_check(claude) == "Not found: No such model for [key]"
    await claude.close()


async def test_missing_credentials_of_google_are_one_line(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("google.auth")
    pytest.importorskip("requests")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    claude = vertex(server)
    error = await failure_of(ask(claude))
    words = "No Google credentials were found. Run: gcloud auth application-default login"
    assert str(error) == words
    assert server.seen == []
    await claude.close()


async def test_refused_credentials_of_google_are_one_line(
    server: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    google(server, tmp_path, monkeypatch)
    body = b'{"error": "invalid_grant", "error_description": "Reauthentication is needed"}'
    headers = {"content-type": "application/json"}
    server.answer = lambda _: Reply([Raw(body)], 400, headers, is_stream=False)
    claude = vertex(server)
    error = await failure_of(ask(claude))
    assert str(error).startswith("Google's credentials have expired or were refused. Run: gc")
    assert error.failure.type == "credentials"
    await claude.close()


def test_the_sdk_keeps_its_sessions_of_aws_in_a_cache() -> None:
    # The client empties it, so that credentials that were renewed are read again.
    assert callable(getattr(_auth._get_session, "cache_clear", None))
