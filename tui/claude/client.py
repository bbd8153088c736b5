"""Builds the SDK's client for one endpoint: with one credential and without retries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import httpx2

from tui.claude import network, response_recorder
from tui.domain.endpoint import Endpoint


def build(
    endpoint: Endpoint,
    *,
    silence: float,
    transport: Callable[[], httpx2.AsyncBaseTransport] | None,
) -> anthropic.AsyncAnthropic:
    """Return a client for `endpoint`. It uses the network unless `transport` is given.

    `silence` is the read timeout in seconds. Raises `BadVariable` for an environment
    variable that cannot be used, `MissingExtra`, and the SDK's `CredentialsError`.
    """
    options: dict[str, Any] = {
        "base_url": endpoint.root,
        "max_retries": 0,
        "timeout": timeout(read=silence),
        "open_telemetry": False,
        "http_client": anthropic.DefaultAsyncHttpxClient(
            # The SDK's own transport would fail for a bad proxy, even one that is not used.
            transport=network.transport(endpoint.root) if transport is None else transport(),
            timeout=timeout(read=silence),
            # A redirect would send the prompt to a host that the user did not choose.
            follow_redirects=False,
            event_hooks={"response": [_normalise_headers, response_recorder.on_response]},
        ),
    }
    if endpoint.cloud is not None:
        from tui.claude.clouds import cloud_client

        client = cloud_client(endpoint, endpoint.cloud, options)
        # The SDK imports this at the first use: do it now. A cloud has no `models`.
        _ = client.messages
        return client
    client = anthropic.AsyncAnthropic(
        **_credential(endpoint), default_headers=_headers(endpoint), **options
    )
    # As above.
    _ = client.messages, client.models
    return client


def timeout(*, read: float | None) -> anthropic.Timeout:
    """Return the timeouts of a request, in seconds; `read` None means no read timeout."""
    return anthropic.Timeout(connect=10, read=read, write=60, pool=10)


def _credential(endpoint: Endpoint) -> dict[str, Any]:
    """Return exactly one credential. Without one, the SDK reads others from the environment."""
    if endpoint.api_key is None and endpoint.auth_token is not None:
        return {"auth_token": endpoint.auth_token}
    if endpoint.api_key is None and endpoint.login is not None:
        return {"profile": endpoint.login}
    return {"api_key": endpoint.api_key or "none"}


def _headers(endpoint: Endpoint) -> dict[str, Any]:
    """Return the headers that a profile sends in another way than the SDK does.

    A login keeps the SDK's way to send its token.
    """
    headers: dict[str, Any] = {}
    if endpoint.is_key_in_own_header and endpoint.login is None:
        headers = {"x-api-key": endpoint.secret or "none", "Authorization": anthropic.omit}
    if endpoint.version is not None:
        headers["anthropic-version"] = endpoint.version
    return headers


async def _normalise_headers(response: httpx2.Response) -> None:
    """Write the media type in lower case, as the SDK expects it, and AWS's id as the API's."""
    if request_id := response.headers.get("x-amzn-requestid"):
        response.headers["request-id"] = request_id
    if content_type := response.headers.get("content-type"):
        name, semicolon, parameters = content_type.partition(";")
        response.headers["content-type"] = f"{name.strip().lower()}{semicolon}{parameters}"
