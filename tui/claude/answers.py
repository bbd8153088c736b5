"""Answers with the status 200 that are not what was asked for, and why."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tui.claude import reasons
from tui.conversation import Failure, ReplyFailed
from tui.endpoint import Endpoint

if TYPE_CHECKING:
    import anthropic
    import httpx2

_REFUSED = (400, 404, 405, 409, 422, 429, 500)
"""How an endpoint may refuse what makes no sense; some stumble over it themselves."""
_KNOWN = ("json", "event-stream")
_ENOUGH = 64 * 1024
"""How much of an answer is read to find the reason in it, in bytes."""

_SOON = 2.0
"""How long it is read for that, in seconds."""


async def check_is_event_stream(response: httpx2.Response, endpoint: Endpoint) -> None:
    """Raise `ReplyFailed` if what comes is no stream of events."""
    content_type = response.headers.get("content-type", "nothing")
    if content_type.startswith("text/event-stream"):
        return
    media_type, text = content_type.partition(";")[0], await _beginning(response)
    raise_error_in(_parsed(text), endpoint)
    words = f" It says: {reasons.reason(text, endpoint)}" if media_type == "text/plain" else ""
    raise ReplyFailed(
        Failure(
            f"{endpoint.host} answered with {media_type}, not a stream of events."
            f" Is the address right, or is a sign-in page in between?{words}",
            type="protocol",
            status=response.status_code,
        )
    )


def check_is_no_error(answer: Any, endpoint: Endpoint) -> None:
    """Raise `ReplyFailed` if the SDK made `answer` of an error that came as a success."""
    if hasattr(answer, "to_dict"):
        raise_error_in(answer.to_dict(mode="json", warnings=False), endpoint)
    if isinstance(answer, str) and (said := reasons.reason(answer, endpoint)):
        words = f"{endpoint.host} sent something that is not the Messages API. It says: {said}"
        raise ReplyFailed(Failure(words, type="protocol", status=200))


async def check_refusal(client: anthropic.AsyncAnthropic, endpoint: Endpoint) -> None:
    """Make a request that must be refused, and so costs nothing: it names no model.

    Raises `ReplyFailed` if whoever answers is not the Messages API, or will not have us.
    """
    import anthropic
    import httpx2

    try:
        response = await client.post(
            "/v1/messages", cast_to=httpx2.Response, body={"max_tokens": 1, "messages": []}
        )
    except anthropic.APIStatusError as error:
        said = reasons.reason(error.body, endpoint)
        if error.status_code in (404, 405) and "model" not in said.lower():
            raise _not_there(error.status_code, said, endpoint) from error
        if error.status_code not in _REFUSED:
            raise
        return
    if not response.headers.get("content-type", "").partition(";")[0].endswith(_KNOWN):
        await check_is_event_stream(response, endpoint)


def _not_there(status: int, said: str, endpoint: Endpoint) -> ReplyFailed:
    path = urlsplit(endpoint.root).path + "/v1/messages"
    words = f"{endpoint.host} has no {path} (HTTP status {status})"
    failure = Failure(f"{words}: {said}" if said else f"{words}.", "not_found_error")
    return ReplyFailed(replace(failure, status=status))


def raise_error_in(body: object, endpoint: Endpoint) -> None:
    """Raise `ReplyFailed` if a body that came as a success is an error."""
    if reasons.is_error(body):
        from tui.claude.errors import refusal

        raise refusal(200, body, endpoint)


async def _beginning(response: httpx2.Response) -> str:
    body = b""
    # It may be held open, as a stream is.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SOON):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _ENOUGH:
                    break
    return body.decode(errors="replace")


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
