"""Builds the SDK's client for a cloud. Imported only for a profile of a cloud."""

from __future__ import annotations

from typing import Any, cast

import anthropic
from anthropic.lib.aws import _auth

from tui.claude.extras import check_installed
from tui.domain.cloud import Cloud
from tui.domain.endpoint import Endpoint


class _Bedrock(anthropic.AsyncAnthropicBedrock):
    """Reads server-sent events: the recorder has translated AWS's frames into them.

    The SDK's own decoder would load botocore's description of the service on the event loop.
    """

    _make_sse_decoder = anthropic.AsyncAnthropic._make_sse_decoder  # type: ignore[assignment]  # noqa: SLF001


def cloud_client(
    endpoint: Endpoint, cloud: Cloud, options: dict[str, Any]
) -> anthropic.AsyncAnthropic:
    """Return a client for `endpoint`, made with the `options` that every client gets.

    It has `messages` like any other, but no list of models. Raises `MissingExtra`.
    """
    check_installed(endpoint)
    client: object
    match cloud.kind:
        case "bedrock":
            client = _bedrock(endpoint, cloud, options)
        case "vertex":
            client = anthropic.AsyncAnthropicVertex(
                region=cloud.region or "", project_id=cloud.project or "", **options
            )
        case "foundry":
            client = anthropic.AsyncAnthropicFoundry(api_key=endpoint.api_key, **options)
    # The SDK gives these classes no type in common; they share all that is used here.
    return cast("anthropic.AsyncAnthropic", client)


def _bedrock(endpoint: Endpoint, cloud: Cloud, options: dict[str, Any]) -> _Bedrock:
    client = _Bedrock(aws_region=cloud.region, **options)
    # Set afterwards: the constructor would take a key from the environment, and would refuse
    # a key and a profile together. `config.toml` has decided which of them it is.
    client.api_key, client.aws_profile = endpoint.api_key, cloud.aws_profile
    if endpoint.api_key is None:
        # Loaded here, in a thread, and not when the first question is sent.
        import boto3  # noqa: F401
        import botocore.auth  # noqa: F401

        # The SDK would keep the credentials that it has read, although the files change.
        cast("Any", _auth._get_session).cache_clear()  # noqa: SLF001
    return client
