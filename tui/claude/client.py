"""Builds the SDK's client: for one endpoint, with one credential, and nothing retried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import httpx2

from tui.claude import network
from tui.claude import tap as taps
from tui.endpoint import Endpoint


def build(
    endpoint: Endpoint,
    *,
    silence: float,
    transport: Callable[[], httpx2.AsyncBaseTransport] | None,
) -> anthropic.AsyncAnthropic:
    """Return a client that asks `endpoint`, over the network unless `transport` is given.

    `silence` is how long it may send nothing, in seconds. Raises `BadVariable` for what
    stands wrongly in the environment, and `CredentialsError`.
    """
    timeout = anthropic.Timeout(connect=10, read=silence, write=60, pool=10)
    client = anthropic.AsyncAnthropic(
        **_credential(endpoint),
        base_url=endpoint.root,
        max_retries=0,
        timeout=timeout,
        open_telemetry=False,
        http_client=anthropic.DefaultAsyncHttpxClient(
            # Of the SDK's own making, it would trip over proxies that nobody needs.
            transport=network.transport(endpoint.root) if transport is None else transport(),
            timeout=timeout,
            # A redirect would carry the whole prompt to a host nobody chose.
            follow_redirects=False,
            event_hooks={"response": [_name_media_type, taps.on_response]},
        ),
    )
    # The SDK imports these at their first use.
    _ = client.messages, client.models
    return client


def _credential(endpoint: Endpoint) -> dict[str, Any]:
    """Return exactly one, or the SDK looks for others in the environment."""
    if endpoint.api_key is None and endpoint.auth_token is not None:
        return {"auth_token": endpoint.auth_token}
    if endpoint.api_key is None and endpoint.login is not None:
        return {"profile": endpoint.login}
    return {"api_key": endpoint.api_key or "none"}


async def _name_media_type(response: httpx2.Response) -> None:
    """Spell the media type in small letters, which is how it is looked for."""
    if content_type := response.headers.get("content-type"):
        name, semicolon, parameters = content_type.partition(";")
        response.headers["content-type"] = f"{name.strip().lower()}{semicolon}{parameters}"
