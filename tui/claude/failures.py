"""Failures that can be kept and shown, whatever an error looks like."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import anthropic

from tui.claude.errors import failed
from tui.claude.storable import name, storable
from tui.conversation import Failure, ReplyFailed
from tui.endpoint import Endpoint

LONGEST_WAIT = 24 * 60 * 60.0
"""The longest wait that an endpoint's word is taken for, in seconds."""

LONGEST_MESSAGE = 1_000
"""How many characters of an endpoint's words are shown and kept."""

_log = logging.getLogger(__name__)


def failure_of(
    error: Exception, endpoint: Endpoint, *, has_started: bool = False
) -> ReplyFailed:
    """Return what went wrong, as one line for the reader; raises nothing.

    `has_started` tells whether any of the reply had come.
    """
    try:
        if isinstance(error, anthropic.APIStatusError):
            _tidy(error)
        return _storable(failed(error, endpoint, has_started=has_started))
    except Exception:  # noqa: BLE001 - whatever it looks like, it ends one reply only
        _log.exception("an error that cannot be read, from %s", endpoint.host)
        failure = Failure(
            f"{endpoint.host} sent an error that cannot be read.", type="protocol"
        )
        return ReplyFailed(failure, is_cut=has_started)


def _tidy(error: anthropic.APIStatusError) -> None:
    """Make the fields of an error what the SDK says they are: texts, or absent."""
    error.body = storable(error.body)
    error.api_message = error.api_message if isinstance(error.api_message, str) else None
    # The SDK names the types known today; any text may come.
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
        is_cut=found.is_cut,
    )
