"""Checks of responses that have the status 200 but are not what the request asked for."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tui.claude import reasons
from tui.claude.response_recorder import sent_credential
from tui.domain.endpoint import Endpoint
from tui.domain.failure import Failure, ReplyFailed

if TYPE_CHECKING:
    import anthropic
    import httpx2

_REFUSED = (400, 404, 405, 409, 422, 429, 500)
"""The statuses with which endpoints refuse an invalid request; some fail with 500."""
_KNOWN_MEDIA_TYPES = ("json", "event-stream")
_REASON_BYTES = 64 * 1024
"""How many bytes of a response are read to find its reason."""

_REASON_SECONDS = 2.0
"""How many seconds a response is read to find its reason."""


async def check_is_event_stream(response: httpx2.Response, endpoint: Endpoint) -> None:
    """Raise `ReplyFailed` if a response is not a stream of events."""
    content_type = response.headers.get("content-type", "nothing")
    if content_type.startswith("text/event-stream"):
        return
    endpoint = with_credential_of(endpoint, response.request)
    media_type, text = content_type.partition(";")[0], await _beginning(response)
    raise_error_in(_parsed(text), endpoint)
    reason = f" It says: {reasons.reason(text, endpoint)}" if media_type == "text/plain" else ""
    raise ReplyFailed(
        Failure(
            f"{endpoint.host} answered with {media_type}, not a stream of events."
            f" Check the address. A sign-in page may be in between.{reason}",
            type="protocol",
            status=response.status_code,
        )
    )


def check_is_no_error(answer: Any, endpoint: Endpoint) -> None:
    """Raise `ReplyFailed` if the SDK parsed `answer` from an error with the status 200."""
    if hasattr(answer, "to_dict"):
        raise_error_in(answer.to_dict(mode="json", warnings=False), endpoint)
    if isinstance(answer, str) and (reason := reasons.reason(answer, endpoint)):
        text = f"{endpoint.host} sent something that is not the Messages API. It says: {reason}"
        raise ReplyFailed(Failure(text, type="protocol", status=200))


async def check_refusal(client: anthropic.AsyncAnthropic, endpoint: Endpoint) -> None:
    """Send a request that the endpoint must refuse, at no cost, because it names no model.

    Raises `ReplyFailed` if the endpoint has no Messages API or does not accept the key.
    """
    import anthropic
    import httpx2

    try:
        response = await client.post(
            "/v1/messages", cast_to=httpx2.Response, body={"max_tokens": 1, "messages": []}
        )
    except anthropic.APIStatusError as error:
        reason = reasons.reason(error.body, endpoint)
        if error.status_code in (404, 405) and "model" not in reason.lower():
            raise _no_messages_api(error.status_code, reason, endpoint) from error
        if error.status_code not in _REFUSED:
            raise
        return
    if (
        not response.headers.get("content-type", "")
        .partition(";")[0]
        .endswith(_KNOWN_MEDIA_TYPES)
    ):
        await check_is_event_stream(response, endpoint)


async def check_cloud(client: anthropic.AsyncAnthropic, model: str) -> None:
    """Send a request without messages, which a cloud must refuse, at no cost.

    Raises the SDK's error if the cloud refuses the credentials or the model instead.
    """
    import anthropic
    import httpx2

    body = {"model": model, "max_tokens": 1, "messages": []}
    try:
        await client.post("/v1/messages", cast_to=httpx2.Response, body=body)
    except anthropic.APIStatusError as error:
        if error.status_code == 429:
            return
        if error.status_code not in (400, 422) or "model" in str(error.body).lower():
            raise


def with_credential_of(endpoint: Endpoint, request: httpx2.Request) -> Endpoint:
    """Return `endpoint` with the credential that a request was sent with.

    That of a cloud or of a login is known only then. It must not appear in any text.
    """
    found = None if endpoint.secret else sent_credential(request.headers)
    return endpoint if found is None else replace(endpoint, auth_token=found)


def _no_messages_api(status: int, reason: str, endpoint: Endpoint) -> ReplyFailed:
    path = urlsplit(endpoint.root).path + "/v1/messages"
    text = f"{endpoint.host} has no {path} (HTTP status {status})"
    failure = Failure(f"{text}: {reason}" if reason else f"{text}.", "not_found_error")
    return ReplyFailed(replace(failure, status=status))


def raise_error_in(body: object, endpoint: Endpoint) -> None:
    """Raise `ReplyFailed` if a body with the status 200 is an error."""
    if reasons.is_error(body):
        from tui.claude.errors import refusal

        raise refusal(200, body, endpoint)


async def _beginning(response: httpx2.Response) -> str:
    body = b""
    # The endpoint may keep it open, like a stream.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_REASON_SECONDS):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _REASON_BYTES:
                    break
    return body.decode(errors="replace")


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
