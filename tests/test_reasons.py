"""An endpoint's own error message is shown, whatever form it has."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scripted import Hold, Raw, Reply, Scripted, Step, says
from tests.test_claude import QUESTION, ask, events_of, failure_of
from tests.turns import MODEL
from tui.claude import Claude
from tui.claude.reasons import LONGEST, is_error, reason
from tui.domain.endpoint import Endpoint
from tui.domain.failure import ReplyFailed
from tui.domain.parameters import Parameters
from tui.domain.reply_events import Finished
from tui.text.sanitise import clean_line

HERE = Endpoint("http://127.0.0.1", api_key="sk-test")

FORMS: list[tuple[Any, str]] = [
    ({"error": "the words"}, "the words"),
    ({"error": {"message": "the words"}}, "the words"),
    ({"error": {"error": {"message": "the words"}}}, "the words"),
    ({"error": {"code": 5, "message": None}, "detail": "the words"}, "the words"),
    ({"error": "Not Found", "message": "the words", "status": 404}, "the words"),
    ({"error": "invalid_grant", "error_description": "the words"}, "the words"),
    ({"error": True, "reason": "the words"}, "the words"),
    ({"detail": "the words"}, "the words"),
    ({"detail": [{"loc": ["body", 0], "msg": "the words"}]}, "the words"),
    ({"title": "Bad", "detail": "the words"}, "the words"),
    ({"errors": [{"message": "the words"}, {"message": "more"}]}, "the words"),
    ([{"error": {"message": "the words"}}], "the words"),
    ("the words", "the words"),
    ('{"error": "the words"}', "the words"),
    ({"message": "the\r\n  words\x1b[31m \u202e"}, "the words␛[31m \ufffd"),
    ({"message": "it was sk-\u200btest"}, "it was [key]"),
    ({"message": "  "}, ""),
    ({"error": {"message": 5, "type": ["x"]}}, ""),
    ("<html>\n<title>502</title>", ""),
    ({"message": "<!doctype html>"}, ""),
    (None, ""),
    ([], ""),
    (5, ""),
]


@pytest.mark.parametrize(("body", "words"), FORMS)
def test_the_reason_is_found_in_every_form(body: object, words: str) -> None:
    assert reason(body, HERE) == words


def test_an_error_that_is_too_deep_to_be_read_is_quoted_from_its_beginning() -> None:
    assert reason("[" * 100_000, HERE) == "[" * (LONGEST - 1) + "…"


def test_a_long_reason_is_cut_and_the_key_in_it_never_halved() -> None:
    said = reason("x" * (LONGEST - 4) + "sk-test" + "y" * 900, HERE)
    assert len(said) == LONGEST
    assert "sk" not in said


BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("sk-test"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "detail", "errors", "type", "x"]), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(BODIES)
def test_whatever_the_body_the_reason_is_one_clean_short_line(body: object) -> None:
    is_error(body)
    for each in (body, json.dumps(body)):
        said = reason(each, HERE)
        assert said == clean_line(said)
        assert len(said) <= LONGEST
        assert "sk-test" not in said


def answer(body: object, content_type: str = "application/json") -> Reply:
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"content-type": content_type}
    return Reply([Raw(text.encode())], headers=headers, is_stream=False)


@pytest.mark.parametrize("body", [body for body, words in FORMS[:9] if words])
async def test_an_error_with_status_200_is_reported_by_every_request(
    server: Scripted, claude: Claude, body: object
) -> None:
    server.will(answer(body), answer(body))
    server.models_reply = answer(body)
    for asked in (ask(claude), claude.create(QUESTION, Parameters(MODEL))):
        error = await failure_of(asked)
        assert str(error) == "The endpoint answered with an error: the words"
        assert (error.failure.status, error.is_retryable) == (200, False)
    with pytest.raises(ReplyFailed, match="answered with an error: the words"):
        await claude.models()


async def test_text_instead_of_a_message_is_reported(server: Scripted, claude: Claude) -> None:
    server.will(answer("quota is used up", "text/plain"))
    error = await failure_of(claude.create(QUESTION, Parameters(MODEL)))
    assert str(error).endswith("not the Messages API. It says: quota is used up")


@pytest.mark.parametrize("more", [[Hold()], [Raw(b" " * 65_536)] * 400])
async def test_an_answer_is_not_waited_for_longer_than_its_reason_takes(
    server: Scripted, claude: Claude, more: list[Step]
) -> None:
    error_first = [*answer({"error": "the words"}).steps, *more]
    headers = {"content-type": "application/json"}
    server.will(Reply(error_first, headers=headers, is_stream=False))
    error = await failure_of(ask(claude))
    assert str(error) == "The endpoint answered with an error: the words"


@pytest.mark.parametrize("content_type", ["Application/JSON", "APPLICATION/JSON; x=Y"])
async def test_media_types_have_no_case(
    server: Scripted, claude: Claude, content_type: str
) -> None:
    server.will(Reply(says("Hi").steps, headers={"content-type": "TEXT/EVENT-STREAM"}))
    assert isinstance((await events_of(claude))[-1], Finished)
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    server.will(answer(message, content_type))
    events = [event async for event in claude.create(QUESTION, Parameters(MODEL))]
    assert isinstance(events[-1], Finished)
    server.models_reply = answer({"data": [{"id": "m", "type": "model"}]}, content_type)
    assert [model.id for model in await claude.models()] == ["m"]


@pytest.mark.parametrize("wait", ["inf", "nan", "1e999", "-inf"])
async def test_a_wait_without_an_end_is_no_wait(
    server: Scripted, claude: Claude, wait: str
) -> None:
    headers = {"retry-after": wait, "content-type": "application/json"}
    server.will(Reply([Raw(b"{}")], 429, headers, is_stream=False))
    error = await failure_of(ask(claude))
    assert error.retry_after is None
