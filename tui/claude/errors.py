"""Everything that can go wrong with an endpoint, as one line that a person can act on."""

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
from tui.claude.network import BadVariable, proxy_for
from tui.claude.silence import Silent
from tui.claude.tap import Unreadable
from tui.conversation import Failure, ReplyFailed
from tui.endpoint import Endpoint
from tui.sanitise import whole

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
_TOLD_BY_TYPE = {
    "authentication_error": "The API key was refused. Check it, then retry.",
    "overloaded_error": "Claude is overloaded just now.",
    "request_too_large": "The request is larger than the endpoint takes.",
}
_TOLD_WITH_WORDS = {
    "permission_error": ("This key may not do that", "permission denied"),
    "billing_error": ("There is a problem with billing", "it was not said which"),
    "rate_limit_error": ("Too many requests", "the rate limit was reached"),
    "not_found_error": ("Not found", "the model or the address"),
}
"""For a type its sentence, and what stands in it if the endpoint says nothing."""
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""What is said of an answer in plain text, by one release of OpenSSL or another."""
_LONGEST_LABEL = 200
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
        message=endpoint.without_secrets(whole(failure.message)),
        type=_label(failure.type, endpoint),
        code=_label(failure.code, endpoint),
        request_id=_label(failure.request_id, endpoint),
    )
    return ReplyFailed(
        masked,
        is_retryable=found.is_retryable,
        retry_after=found.retry_after,
        is_cut=found.is_cut,
    )


def _label(named: str | None, endpoint: Endpoint) -> str | None:
    return named and reasons.line(named, endpoint, longest=_LONGEST_LABEL)


def unprepared(error: Exception, endpoint: Endpoint) -> ReplyFailed:
    """Return why no request could be made to `endpoint`: nothing was sent to it."""
    match error:
        case BadVariable():
            return ReplyFailed(Failure(str(error), type="environment"))
        case anthropic.CredentialsError():
            return failed(error, endpoint)
        case _:
            _log.error("no connection to %s could be made", endpoint.host, exc_info=error)
            said = f"Nothing could be sent to {endpoint.host}: {type(error).__name__}."
            return ReplyFailed(Failure(f"{said} The log has the details.", type="environment"))


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
            return _refused(error, endpoint)
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
    if (found := _of_tls(cause)) is not None and (said := _distrust(found, endpoint)):
        return ReplyFailed(Failure(said, type="certificate"))
    # A proxy that refuses will do so again.
    is_refused = isinstance(cause, httpx2.ProxyError) and str(cause).startswith("4")
    return ReplyFailed(
        Failure(
            f"Could not reach {endpoint.host}{_way(endpoint)}:"
            f" {str(cause) or type(cause).__name__}.",
            type="connection",
        ),
        is_retryable=not is_refused,
    )


def _of_tls(error: BaseException | None) -> ssl.SSLError | None:
    """Return what TLS itself complained of, if that lies below an error."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


def _distrust(error: ssl.SSLError, endpoint: Endpoint) -> str:
    """Return what is wrong with who answers; nothing for what may come right by itself."""
    if isinstance(error, ssl.SSLCertVerificationError):
        # A proxy may put its own in place of the true one.
        return (
            f"The certificate of {endpoint.host}{_way(endpoint)} cannot be trusted:"
            f" {error.verify_message.rstrip('.')}. If it is right, set SSL_CERT_FILE to a file"
            " with the certificate it is signed by."
        )
    if error.reason in _NO_TLS:
        return f"{endpoint.host} does not speak TLS: is its address one with http://?"
    return ""


def _way(endpoint: Endpoint) -> str:
    """Return through which proxy an endpoint was asked; nothing if through none."""
    try:
        proxy = proxy_for(endpoint.root, getproxies())
    except BadVariable:
        return ""
    return "" if proxy is None else f" through the proxy that {proxy.variable} names"


def _refused(error: anthropic.APIStatusError, endpoint: Endpoint) -> ReplyFailed:
    """Read an error the endpoint named; in mid-stream its status is 200."""
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
    """Return what an error means that came with `status`, in whatever form it came."""
    named = reasons.error_type(body)
    error_type = named or _TYPE_OF_STATUS.get(status)
    said = reasons.reason(body, endpoint)
    return ReplyFailed(
        Failure(
            _sentence(status, error_type, said, is_named=named is not None),
            type=error_type,
            status=status,
        ),
        is_retryable=(
            status in _RETRYABLE_STATUS or status >= 500 or error_type in _RETRYABLE_TYPES
        ),
    )


def _sentence(status: int, error_type: str | None, said: str, *, is_named: bool) -> str:
    if error_type in _TOLD_BY_TYPE:
        # Words of the API's own add nothing to these.
        more = f" It says: {said}" if said and not is_named else ""
        return f"{_TOLD_BY_TYPE[error_type]}{more}"
    if error_type in _TOLD_WITH_WORDS:
        beginning, otherwise = _TOLD_WITH_WORDS[error_type]
        return f"{beginning}: {said or otherwise}"
    if said and is_named:
        return said
    return _of_status(status, said)


def _of_status(status: int, said: str) -> str:
    if 300 <= status < 400:
        return (
            f"The endpoint redirects elsewhere ({status}); give its true address as base_url."
        )
    if status == 407:
        return "The proxy asks for a user name and a password (HTTP status 407)."
    how = "an error" if status == 200 else f"HTTP status {status}"
    return (
        f"The endpoint answered with {how}: {said}"
        if said
        else (f"The endpoint answered with {how}.")
    )


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Return how long the endpoint asks to be left alone, in seconds; None if it does not."""
    from email.utils import parsedate_to_datetime  # 10 ms, for a header that is rare

    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with contextlib.suppress(ValueError):
            seconds = float(headers.get(name, "")) * unit
            if math.isfinite(seconds):
                return max(0.0, seconds)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        # A date, which only the endpoint's own clock can be held against, and
        # which may lack its zone.
        until, now = (
            parsedate_to_datetime(headers.get(n, "")) for n in ("retry-after", "date")
        )
        return max(0.0, (until - now).total_seconds())
    return None
