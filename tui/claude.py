"""The only room that talks to an endpoint.

Translates both ways: lines of conversation into requests, the SDK's stream into
`ReplyEvent`s, everything that can go wrong into `ReplyFailed`. Nothing is retried
here: `turn` does that, where it can be seen and stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from tui.conversation import (
    BlockDelta,
    BlockStarted,
    BlockStopped,
    Failure,
    Finished,
    Json,
    Model,
    ReplyEvent,
    ReplyFailed,
    Started,
    Stopping,
    Usage,
)
from tui.endpoint import Endpoint, is_loopback
from tui.recording import Recording

if TYPE_CHECKING:
    import anthropic
    import httpx2
    from anthropic.lib.streaming import ParsedMessageStreamEvent
    from anthropic.types import Message

MAX_TOKENS = 16_000
"""The longest reply asked for, in tokens, thinking included."""

SILENCE_LIMIT = 90.0
"""How long an endpoint may send nothing at all, in seconds."""

LOOPBACK_SILENCE_LIMIT = 600.0
"""The same for this machine, where a local model reads the whole prompt first."""

WHOLE_REPLY_LIMIT = 600.0
"""How long a reply that is not streamed may take, in seconds."""

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
_HAS_NO_MODELS_API = (404, 405, 501)

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Claude:
    """A connection to the Messages API, or to anything that speaks it.

    `transport` makes the HTTP transport when it is first needed; the offline
    demo brings its own. Without it requests go over the network.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        transport: Callable[[], httpx2.AsyncBaseTransport] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._transport = transport
        self._loading: asyncio.Future[anthropic.AsyncAnthropic] | None = None

    async def ready(self) -> anthropic.AsyncAnthropic:
        """Return the SDK's client, importing the SDK in a thread if need be.

        The import takes about two seconds, four times the rest of the program.
        """
        if self._loading is None:
            self._loading = asyncio.ensure_future(asyncio.to_thread(self._load))
        # Shielded: one reply stopped early must not stop the others' import.
        try:
            return await asyncio.shield(self._loading)
        except Exception as error:
            self._loading = None
            raise _failed(error, self.endpoint) from error

    async def warm_up(self) -> None:
        """Import the SDK and let it build its models, so that a first reply starts fast."""
        await self.ready()
        await asyncio.to_thread(_without_collecting, _stream_nothing)

    async def models(self) -> list[Model]:
        """Return the endpoint's models; none where it has no Models API.

        Raises `ReplyFailed` when it could not be asked.
        """
        client = await self.ready()
        import anthropic

        try:
            return [
                Model(info.to_dict(mode="json", warnings=False))
                async for info in client.models.list(limit=1000)
            ]
        except anthropic.APIStatusError as error:
            if error.status_code in _HAS_NO_MODELS_API:
                return []
            raise _failed(error, self.endpoint) from error
        except Exception as error:
            raise _failed(error, self.endpoint) from error

    async def stream(
        self,
        messages: Sequence[Json],
        *,
        model: str,
        system: str = "",
        described: Model | None = None,
        recording: Recording | None = None,  # noqa: ARG002
    ) -> AsyncGenerator[ReplyEvent, None]:
        """Yield the reply to `messages` as it arrives.

        `Finished` comes only if `message_stop` was seen; a stream may end without
        it. Raises `ReplyFailed`, possibly after some events.
        """
        client = await self.ready()
        has_started = False
        try:
            async with client.messages.stream(
                **_params(messages, model=model, system=system, described=described)
            ) as stream:
                _check_is_event_stream(stream.response, self.endpoint)
                usage = Usage()
                async for event in stream:
                    for reply_event in _translated(event, usage, stream.request_id):
                        if isinstance(reply_event, Started | Stopping):
                            has_started, usage = True, reply_event.usage
                        yield reply_event
                    if event.type == "message_stop":
                        break
                await _drain(stream)
        except ReplyFailed:
            raise
        except Exception as error:
            # Besides the SDK's own errors and the HTTP client's, broken data
            # raises whatever the parser stumbled over.
            raise _failed(error, self.endpoint, has_started=has_started) from error

    async def create(
        self,
        messages: Sequence[Json],
        *,
        model: str,
        system: str = "",
        described: Model | None = None,
        recording: Recording | None = None,  # noqa: ARG002
    ) -> AsyncGenerator[ReplyEvent, None]:
        """Yield the reply to `messages` once it is whole. Raises `ReplyFailed`."""
        client = await self.ready()
        try:
            message: Message = await client.messages.create(
                **_params(messages, model=model, system=system, described=described),
                timeout=WHOLE_REPLY_LIMIT,
            )
            usage = Usage(_json(message.usage))
            events = (
                Started(message.id, message.model, usage, message._request_id),  # noqa: SLF001 - the SDK documents it
                _finished(message, usage),
            )
        except Exception as error:
            raise _failed(error, self.endpoint) from error
        for event in events:
            yield event

    async def close(self) -> None:
        """Close the connections. The client cannot be used again."""
        if self._loading is not None and self._loading.done() and not self._loading.exception():
            await self._loading.result().close()

    def _load(self) -> anthropic.AsyncAnthropic:
        # It would make the SDK log to stderr, over the screen.
        os.environ.pop("ANTHROPIC_LOG", None)
        return _without_collecting(self._client)

    def _client(self) -> anthropic.AsyncAnthropic:
        import anthropic

        endpoint = self.endpoint
        timeout = anthropic.Timeout(
            connect=10, read=_silence_limit(endpoint.base_url), write=60, pool=10
        )
        options: dict[str, Any] = {"timeout": timeout, "follow_redirects": False}
        if self._transport is not None:
            options["transport"] = self._transport()
        # A redirect would carry the whole prompt to a host nobody chose.
        http_client = anthropic.DefaultAsyncHttpxClient(**options)
        # Exactly one, or the SDK looks for others in the environment.
        credential: dict[str, Any] = {"api_key": endpoint.api_key or "none"}
        if endpoint.api_key is None and endpoint.auth_token is not None:
            credential = {"auth_token": endpoint.auth_token}
        elif endpoint.api_key is None and endpoint.login is not None:
            credential = {"profile": endpoint.login}
        client = anthropic.AsyncAnthropic(
            **credential,
            base_url=endpoint.base_url,
            max_retries=0,
            timeout=timeout,
            open_telemetry=False,
            http_client=http_client,
        )
        # The SDK imports these at their first use.
        _ = client.messages, client.models
        return client


def _params(
    messages: Sequence[Json], *, model: str, system: str, described: Model | None
) -> dict[str, Any]:
    """Return what to send: nothing that the model or the endpoint may not take."""
    limit = described.max_tokens if described is not None else None
    params: dict[str, Any] = {
        "model": model,
        "max_tokens": min(MAX_TOKENS, limit or MAX_TOKENS),
        "messages": list(messages),
    }
    if system:
        params["system"] = system
    if described is not None and described.is_described:
        params["cache_control"] = {"type": "ephemeral"}
        if described.has_adaptive_thinking:
            # Current models leave their thinking's text out unless asked for it.
            params["thinking"] = {"type": "adaptive", "display": "summarized"}
    return params


def _translated(
    event: ParsedMessageStreamEvent[None], usage: Usage, request_id: str | None
) -> list[ReplyEvent]:
    """Return what an SDK event says, in our words.

    By `type`, never by class: an unknown event arrives as the first class of the
    union. The derived events (`text`, `thinking`) lack the block's index, so the
    raw ones are read.
    """
    match event.type:
        case "message_start":
            message = event.message
            return [Started(message.id, message.model, Usage(_json(message.usage)), request_id)]
        case "content_block_start":
            return [BlockStarted(event.index, _json(event.content_block))]
        case "content_block_delta":
            return _delta(event.index, event.delta)
        case "content_block_stop":
            return [BlockStopped(event.index, _json(event.content_block))]
        case "message_delta":
            delta = event.delta
            details = _json(delta.stop_details) if delta.stop_details else None
            return [Stopping(delta.stop_reason, details, usage.merged(_json(event.usage)))]
        case "message_stop":
            return [_finished(event.message, usage)]
        case _:
            return []


def _delta(index: int, delta: Any) -> list[ReplyEvent]:
    match delta.type:
        case "text_delta":
            return [BlockDelta(index, "text_delta", delta.text)]
        case "thinking_delta":
            return [BlockDelta(index, "thinking_delta", delta.thinking)]
        case "input_json_delta":
            return [BlockDelta(index, "input_json_delta", delta.partial_json)]
        case _:
            return []


def _finished(message: Any, usage: Usage) -> Finished:
    details = getattr(message, "stop_details", None)
    return Finished(
        tuple(_json(block) for block in message.content),
        message.stop_reason,
        _json(details) if details else None,
        usage,
    )


def _json(value: Any) -> Json:
    """Return a value of the SDK as the JSON to send back: fields that were set, no more."""
    wire: Json = value.to_dict(mode="json", warnings=False)
    return wire


async def _drain(stream: Any) -> None:
    """Read to the end of the body, so that the connection can be used again.

    A server may hold it open after `message_stop`: that is not waited for.
    """
    with contextlib.suppress(Exception):
        async with asyncio.timeout(0.25):
            async for _ in stream:
                pass


def _check_is_event_stream(response: httpx2.Response, endpoint: Endpoint) -> None:
    content_type = response.headers.get("content-type", "nothing")
    if not content_type.startswith("text/event-stream"):
        raise ReplyFailed(
            Failure(
                f"{endpoint.host} answered with {content_type.partition(';')[0]}, not a stream"
                " of events. Is the address right, or is a sign-in page in between?",
                type="protocol",
                status=response.status_code,
            )
        )


def _failed(error: Exception, endpoint: Endpoint, *, has_started: bool = False) -> ReplyFailed:
    """Return what went wrong as one line that a person can act on."""
    import anthropic
    import httpx2

    match error:
        case ReplyFailed():
            return error
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
            _log.error("unexpected answer from %s", endpoint.host, exc_info=error)
            return ReplyFailed(
                Failure(
                    f"{endpoint.host} sent something that is not the Messages API"
                    f" ({type(error).__name__}).",
                    type="protocol",
                )
            )


def _disconnected(error: Exception, endpoint: Endpoint, *, has_started: bool) -> ReplyFailed:
    import httpx2

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
    with contextlib.suppress(ValueError, TypeError):
        # A date, which only the endpoint's own clock can be held against, and
        # which may lack its zone.
        until, now = (
            parsedate_to_datetime(headers.get(n, "")) for n in ("retry-after", "date")
        )
        return max(0.0, (until - now).total_seconds())
    return None


def _silence_limit(base_url: str) -> float:
    host = urlsplit(base_url).hostname or ""
    return LOOPBACK_SILENCE_LIMIT if is_loopback(host) else SILENCE_LIMIT


def _without_collecting(work: Callable[[], T]) -> T:
    """Do `work` without the garbage collector, in whichever thread this is.

    Of an import in a thread, the screen feels only the collections of a heap that
    grows by thousands of objects: 200 ms without this, 40 ms with it.
    """
    gc.disable()
    try:
        return work()
    finally:
        gc.freeze()
        gc.enable()


def _stream_nothing() -> None:
    """List a model and stream a word from nowhere: the SDK builds its types on the way."""
    import anthropic
    import httpx2

    message: Json = {
        "id": "warm",
        "type": "message",
        "role": "assistant",
        "model": "warm",
        "content": [],
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }
    events: list[Json] = [
        {"type": "message_start", "message": message},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "x"},
        },
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 1},
        },
        {"type": "message_stop"},
    ]
    body = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)

    page: Json = {"data": [{"id": "warm", "type": "model"}], "has_more": False}

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, json=page)
        return httpx2.Response(200, text=body)

    async def read() -> None:
        async with anthropic.AsyncAnthropic(
            api_key="warm",
            base_url="http://127.0.0.1",
            open_telemetry=False,
            http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(answer)),
        ) as client:
            async for _ in client.models.list():
                pass
            async with client.messages.stream(
                model="warm", max_tokens=1, messages=[{"role": "user", "content": "x"}]
            ) as stream:
                async for _ in stream:
                    pass

    asyncio.run(read())
