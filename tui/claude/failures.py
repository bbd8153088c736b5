"""Turns any error into a failure that can be stored and shown."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import anthropic

from tui.claude.answers import with_credential_of
from tui.claude.errors import failed
from tui.claude.storable import name, storable
from tui.domain.endpoint import Endpoint
from tui.domain.failure import Failure, ReplyFailed

LONGEST_WAIT = 24 * 60 * 60.0
"""The longest retry delay that an endpoint can ask for, in seconds."""

LONGEST_MESSAGE = 1_000
"""How many characters of an endpoint's error text are shown and stored."""

_log = logging.getLogger(__name__)


def failure_of(
    error: Exception, endpoint: Endpoint, *, has_started: bool = False
) -> ReplyFailed:
    """Return what went wrong, as one line for the user. Never raises.

    `has_started` is whether a part of the reply had arrived.
    """
    try:
        if isinstance(error, anthropic.APIStatusError):
            _normalise(error)
            endpoint = with_credential_of(endpoint, error.request)
        return _storable(failed(error, endpoint, has_started=has_started))
    except Exception:  # noqa: BLE001 - an unreadable error must end only this reply
        _log.exception("an error that cannot be read, from %s", endpoint.host)
        failure = Failure(
            f"{endpoint.host} sent an error that cannot be read.", type="protocol"
        )
        return ReplyFailed(failure, is_truncated=has_started)


def _normalise(error: anthropic.APIStatusError) -> None:
    """Give the fields of an error the types that the SDK declares: text or None."""
    error.body = storable(error.body)
    error.api_message = error.api_message if isinstance(error.api_message, str) else None
    # The SDK's type has only today's names, but an endpoint may send any text.
    error.type = name(error.type)  # type: ignore[assignment]
    error.error_code = name(error.error_code)


def _storable(found: ReplyFailed) -> ReplyFailed:
    failure, wait = found.failure, found.retry_after
    message = storable(failure.message)
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[:LONGEST_MESSAGE]}…"
    if wait is not None:
        wait = None if math.isnan(wait) else min(max(0.0, wait), LONGEST_WAIT)
    return ReplyFailed(
        replace(
            failure,
            message=message,
            type=name(failure.type),
            code=name(failure.code),
            request_id=name(failure.request_id),
        ),
        is_retryable=found.is_retryable,
        retry_after=wait,
        is_truncated=found.is_truncated,
    )
