"""Everything that can go wrong with an endpoint, as one line that a person can act on."""

from __future__ import annotations

import contextlib
import logging
import zlib
from dataclasses import replace

import anthropic
import httpx2

from tui.claude.silence import Silent
from tui.claude.tap import Unreadable
from tui.conversation import Failure, ReplyFailed
from tui.endpoint import Endpoint

_RETRYABLE_STATUS = (408, 409, 429)
_RETRYABLE_TYPES = ("overloaded_error", "api_error", "rate_limit_error", "timeout_error")
_TYPE_OF_STATUS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_OF_BROKEN_DATA = (ValueError, IndexError, AssertionError, zlib.error)
"""What parsers raise: JSON, UTF-8, a block never opened, no beginning, damaged gzip."""

_log = logging.getLogger(__name__)


def failed(error: Exception, endpoint: Endpoint, *, has_started: bool = False) -> ReplyFailed:
    """Return what went wrong, without the credential, which an endpoint may repeat.

    `has_started` tells whether any of the reply had come.
    """
    found = _failed(error, endpoint, has_started=has_started)
    failure = found.failure
    masked = replace(
        failure,
        message=endpoint.without_secrets(failure.message),
        type=failure.type and endpoint.without_secrets(failure.type),
        code=failure.code and endpoint.without_secrets(failure.code),
        request_id=failure.request_id and endpoint.without_secrets(failure.request_id),
    )
    return ReplyFailed(
        masked,
        is_retryable=found.is_retryable,
        retry_after=found.retry_after,
        is_cut=found.is_cut,
    )


def _failed(error: Exception, endpoint: Endpoint, *, has_started: bool) -> ReplyFailed:
    """Return what went wrong; `has_started` tells whether any of the reply had come.

    What is not foreseen goes to the log.
    """
    # The SDK wraps what a hook or a body raised before it handed out the stream.
    match error.__cause__:
        case Silent() | Unreadable():
            error = error.__cause__
        case _:
            pass
    match error:
        case ReplyFailed():
            return error
        case Silent():
            return ReplyFailed(
                Failure(f"{endpoint.host} {error}.", type="timeout"),
                # One that thinks for ten minutes is paid for: a person says whether again.
                is_retryable=error.is_dead,
                is_cut=has_started,
            )
        case Unreadable():
            return ReplyFailed(
                Failure(f"{endpoint.host} sent {error}.", type="protocol"),
                is_cut=has_started,
            )
        case anthropic.APIStatusError():
            return _refused(error)
        case anthropic.APITimeoutError() | httpx2.TimeoutException():
            return ReplyFailed(
                Failure(f"{endpoint.host} was silent for too long.", type="timeout"),
                is_retryable=True,
                is_cut=has_started,
            )
        case anthropic.APIConnectionError() | httpx2.TransportError():
            return _disconnected(error, endpoint, has_started=has_started)
        case anthropic.CredentialsError():
            return ReplyFailed(Failure(str(error), type="credentials"))
        case _:
            if isinstance(error, _OF_BROKEN_DATA):
                # Not its text, which may quote the reply.
                _log.warning("broken answer from %s: %s", endpoint.host, type(error).__name__)
            else:
                _log.error("unexpected answer from %s", endpoint.host, exc_info=error)
            return ReplyFailed(
                Failure(
                    f"{endpoint.host} sent something that is not the Messages API"
                    f" ({type(error).__name__}).",
                    type="protocol",
                )
            )


def _disconnected(error: Exception, endpoint: Endpoint, *, has_started: bool) -> ReplyFailed:
    if has_started:
        failure = Failure(f"The connection to {endpoint.host} was lost.", type="connection")
        return ReplyFailed(failure, is_retryable=True, is_cut=True)
    cause = error.__cause__ or error
    if isinstance(cause, httpx2.LocalProtocolError):
        return ReplyFailed(
            Failure("The API key or a header holds a character it may not.", type="credentials")
        )
    return ReplyFailed(
        Failure(
            f"Could not reach {endpoint.host}: {str(cause) or type(cause).__name__}.",
            type="connection",
        ),
        is_retryable=True,
    )


def _refused(error: anthropic.APIStatusError) -> ReplyFailed:
    """Read an error the endpoint named; in mid-stream its status is 200."""
    status = error.status_code
    error_type = error.type or _TYPE_OF_STATUS.get(status)
    headers = error.response.headers
    is_retryable = (
        status in _RETRYABLE_STATUS or status >= 500 or error_type in _RETRYABLE_TYPES
    )
    if headers.get("x-should-retry") == "false" or error.error_code:
        is_retryable = False
    return ReplyFailed(
        Failure(
            _sentence(error, error_type),
            type=error_type,
            code=error.error_code,
            status=status,
            request_id=error.request_id,
        ),
        is_retryable=is_retryable,
        retry_after=_retry_after(headers),
    )


def _sentence(error: anthropic.APIStatusError, error_type: str | None) -> str:
    said = " ".join((error.api_message or "").split())
    match error_type:
        case "authentication_error":
            return "The API key was refused. Check it, then retry."
        case "permission_error":
            return f"This key may not do that: {said or 'permission denied'}"
        case "billing_error":
            return f"There is a problem with billing: {said}"
        case "rate_limit_error":
            return f"Too many requests: {said or 'the rate limit was reached'}"
        case "overloaded_error":
            return "Claude is overloaded just now."
        case "request_too_large":
            return "The request is larger than the endpoint takes."
        case "not_found_error":
            return f"Not found: {said or 'the model or the address'}"
        case _ if 300 <= error.status_code < 400:
            return (
                f"The endpoint redirects elsewhere ({error.status_code});"
                " give its true address as base_url."
            )
        case _:
            return said or f"The endpoint answered with HTTP status {error.status_code}."


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Return how long the endpoint asks to be left alone, in seconds; None if it does not."""
    from email.utils import parsedate_to_datetime  # 10 ms, for a header that is rare

    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with contextlib.suppress(ValueError):
            return max(0.0, float(headers.get(name, "")) * unit)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        # A date, which only the endpoint's own clock can be held against, and
        # which may lack its zone.
        until, now = (
            parsedate_to_datetime(headers.get(n, "")) for n in ("retry-after", "date")
        )
        return max(0.0, (until - now).total_seconds())
    return None
