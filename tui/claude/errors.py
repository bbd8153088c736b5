"""Turns every error of an endpoint into one line that the user can act on."""

from __future__ import annotations

import contextlib
import logging
import math
import ssl
import zlib
from dataclasses import replace
from urllib.request import getproxies

import anthropic
import httpx2

from tui.claude import reasons
from tui.claude.cloud_errors import credentials_problem
from tui.claude.extras import MissingExtra
from tui.claude.network import BadVariable, proxy_for
from tui.claude.response_recorder import Unreadable
from tui.claude.stall import StallTimeout
from tui.domain.endpoint import Endpoint
from tui.domain.failure import Failure, ReplyFailed
from tui.text.sanitise import fix_surrogates

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
_SENTENCES = {
    "authentication_error": "The API key was refused. Check it, then retry.",
    "overloaded_error": "Claude is overloaded.",
    "request_too_large": "The request is too large for the endpoint.",
}
_BEGINNINGS = {
    "permission_error": ("This key may not do that", "permission denied"),
    "billing_error": ("There is a problem with billing", "the endpoint did not say which"),
    "rate_limit_error": ("Too many requests", "the rate limit was reached"),
    "not_found_error": ("Not found", "the model or the address"),
}
"""The beginning of the sentence for each error type, and its end without a reason."""
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""The reasons that releases of OpenSSL give for an answer in plain text."""
_LONGEST_LABEL = 200
_BROKEN_DATA_ERRORS = (ValueError, IndexError, AssertionError, zlib.error)
"""What parsers raise for bad JSON or UTF-8, a missing block or start, and damaged gzip."""

_log = logging.getLogger(__name__)


def failed(error: Exception, endpoint: Endpoint, *, has_started: bool = False) -> ReplyFailed:
    """Return what went wrong, without the credential, which an endpoint may repeat.

    `has_started` is whether a part of the reply had arrived.
    """
    found = _failed(error, endpoint, has_started=has_started)
    failure = found.failure
    masked = replace(
        failure,
        message=endpoint.without_secrets(fix_surrogates(failure.message)),
        type=_label(failure.type, endpoint),
        code=_label(failure.code, endpoint),
        request_id=_label(failure.request_id, endpoint),
    )
    return ReplyFailed(
        masked,
        is_retryable=found.is_retryable,
        retry_after=found.retry_after,
        is_truncated=found.is_truncated,
    )


def _label(label: str | None, endpoint: Endpoint) -> str | None:
    return label and reasons.line(label, endpoint, longest=_LONGEST_LABEL)


def setup_failure(error: Exception, endpoint: Endpoint) -> ReplyFailed:
    """Return why the client for `endpoint` could not be built. Nothing was sent to it."""
    match error:
        case BadVariable():
            return ReplyFailed(Failure(str(error), type="environment"))
        case MissingExtra():
            return ReplyFailed(Failure(str(error), type="missing_extra"))
        case anthropic.CredentialsError():
            return failed(error, endpoint)
        case _:
            _log.error("no client for %s could be built", endpoint.host, exc_info=error)
            text = f"Nothing could be sent to {endpoint.host}: {type(error).__name__}."
            return ReplyFailed(Failure(f"{text} The log has the details.", type="environment"))


def _failed(error: Exception, endpoint: Endpoint, *, has_started: bool) -> ReplyFailed:
    """Return what went wrong; log an error that is not expected."""
    # The SDK wraps an error that a hook or a body raised before the stream began.
    match error.__cause__:
        case StallTimeout() | Unreadable():
            error = error.__cause__
        case _:
            pass
    if text := credentials_problem(error, endpoint):
        status = error.status_code if isinstance(error, anthropic.APIStatusError) else None
        request_id = None if status is None else getattr(error, "request_id", None)
        return ReplyFailed(
            Failure(text, type="credentials", status=status, request_id=request_id)
        )
    match error:
        case ReplyFailed():
            return error
        case StallTimeout() | anthropic.APITimeoutError() | httpx2.TimeoutException():
            return _timed_out(error, endpoint, has_started=has_started)
        case Unreadable():
            return ReplyFailed(
                Failure(f"{endpoint.host} sent {error}.", type="protocol"),
                is_truncated=has_started,
            )
        case anthropic.APIStatusError():
            return _refused(error, endpoint)
        case anthropic.APIConnectionError() | httpx2.TransportError():
            return _disconnected(error, endpoint, has_started=has_started)
        case anthropic.CredentialsError():
            return ReplyFailed(Failure(str(error), type="credentials"))
        case _:
            return _unreadable(error, endpoint)


def _timed_out(error: Exception, endpoint: Endpoint, *, has_started: bool) -> ReplyFailed:
    if isinstance(error, StallTimeout):
        problem = str(error)
        # A model that thinks for ten minutes costs money: the user decides about a retry.
        is_retryable = error.is_dead
    else:
        problem, is_retryable = "was silent for too long", True
    return ReplyFailed(
        Failure(f"{endpoint.host} {problem}.", type="timeout"),
        is_retryable=is_retryable,
        is_truncated=has_started,
    )


def _unreadable(error: Exception, endpoint: Endpoint) -> ReplyFailed:
    if isinstance(error, _BROKEN_DATA_ERRORS):
        # Log only the type: the text may quote the reply.
        _log.warning("broken answer from %s: %s", endpoint.host, type(error).__name__)
    else:
        _log.error("unexpected answer from %s", endpoint.host, exc_info=error)
    text = f"{endpoint.host} sent something that is not the Messages API"
    return ReplyFailed(Failure(f"{text} ({type(error).__name__}).", type="protocol"))


def _disconnected(error: Exception, endpoint: Endpoint, *, has_started: bool) -> ReplyFailed:
    if has_started:
        failure = Failure(f"The connection to {endpoint.host} was lost.", type="connection")
        return ReplyFailed(failure, is_retryable=True, is_truncated=True)
    cause = error.__cause__ or error
    if isinstance(cause, httpx2.LocalProtocolError):
        return ReplyFailed(
            Failure(
                "The API key or a header contains a character that is not allowed.",
                type="credentials",
            )
        )
    if (found := _tls_error(cause)) is not None and (text := _tls_problem(found, endpoint)):
        return ReplyFailed(Failure(text, type="certificate"))
    # If a proxy refuses a request, a retry does not help.
    is_refused = isinstance(cause, httpx2.ProxyError) and str(cause).startswith("4")
    return ReplyFailed(
        Failure(
            f"Could not reach {endpoint.host}{_through_proxy(endpoint)}:"
            f" {str(cause) or type(cause).__name__}.",
            type="connection",
        ),
        is_retryable=not is_refused,
    )


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """Return the TLS error among the causes of an error; None if there is none."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


def _tls_problem(error: ssl.SSLError, endpoint: Endpoint) -> str:
    """Return the text for a TLS error that a retry cannot fix; "" for any other."""
    if isinstance(error, ssl.SSLCertVerificationError):
        # A proxy may replace the endpoint's certificate by its own.
        return (
            f"The certificate of {endpoint.host}{_through_proxy(endpoint)} cannot be trusted:"
            f" {error.verify_message.rstrip('.')}. If you trust it, set SSL_CERT_FILE to a file"
            " with the certificate that signed it."
        )
    if error.reason in _NO_TLS:
        return f"{endpoint.host} does not speak TLS. Should its address begin with http://?"
    return ""


def _through_proxy(endpoint: Endpoint) -> str:
    """Return a phrase that names the variable of the proxy; "" without a proxy."""
    try:
        proxy = proxy_for(endpoint.root, getproxies())
    except BadVariable:
        return ""
    return "" if proxy is None else f" through the proxy in {proxy.variable}"


def _refused(error: anthropic.APIStatusError, endpoint: Endpoint) -> ReplyFailed:
    """Return what an HTTP error means. An error event in a stream has the status 200."""
    refused = refusal(error.status_code, error.body, endpoint)
    headers = error.response.headers
    failure = replace(refused.failure, code=error.error_code, request_id=error.request_id)
    is_final = headers.get("x-should-retry") == "false" or bool(error.error_code)
    return ReplyFailed(
        failure,
        is_retryable=refused.is_retryable and not is_final,
        retry_after=_retry_after(headers),
    )


def refusal(status: int, body: object, endpoint: Endpoint) -> ReplyFailed:
    """Return what an HTTP error with this status and body means, whatever its format."""
    type_in_body = reasons.error_type(body)
    error_type = type_in_body or _TYPE_OF_STATUS.get(status)
    reason = reasons.reason(body, endpoint)
    return ReplyFailed(
        Failure(
            _sentence(status, error_type, reason, is_typed=type_in_body is not None),
            type=error_type,
            status=status,
        ),
        is_retryable=(
            status in _RETRYABLE_STATUS or status >= 500 or error_type in _RETRYABLE_TYPES
        ),
    )


def _sentence(status: int, error_type: str | None, reason: str, *, is_typed: bool) -> str:
    if error_type in _SENTENCES:
        # The API's own reason adds nothing here.
        more = f" It says: {reason}" if reason and not is_typed else ""
        return f"{_SENTENCES[error_type]}{more}"
    if error_type in _BEGINNINGS:
        beginning, default_reason = _BEGINNINGS[error_type]
        return f"{beginning}: {reason or default_reason}"
    if reason and is_typed:
        return reason
    return _sentence_for_status(status, reason)


def _sentence_for_status(status: int, reason: str) -> str:
    if 300 <= status < 400:
        return f"The endpoint redirects to another address ({status}). Set base_url to it."
    if status == 407:
        return "The proxy asks for a user name and a password (HTTP status 407)."
    how = "an error" if status == 200 else f"HTTP status {status}"
    return (
        f"The endpoint answered with {how}: {reason}"
        if reason
        else (f"The endpoint answered with {how}.")
    )


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Return how many seconds the endpoint asks to wait; None if it does not ask."""
    from email.utils import parsedate_to_datetime  # the import takes 10 ms; the header is rare

    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with contextlib.suppress(ValueError):
            seconds = float(headers.get(name, "")) * unit
            if math.isfinite(seconds):
                return max(0.0, seconds)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        # A date. Compare it with the endpoint's own clock. It may have no time zone.
        until, now = (
            parsedate_to_datetime(headers.get(n, "")) for n in ("retry-after", "date")
        )
        return max(0.0, (until - now).total_seconds())
    return None
