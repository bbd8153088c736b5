"""The only room that talks to an endpoint.

Translates both ways: lines of conversation into requests, the SDK's stream into
`ReplyEvent`s, everything that can go wrong into `ReplyFailed`. Nothing is retried
here: `turn` does that, where it can be seen and stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

from tui.claude.errors import check_is_event_stream, failed
from tui.claude.silence import Limits, Watch
from tui.claude.warm import stream_nothing, without_collecting
from tui.claude.wire import Wire, tap
from tui.conversation import (
    BlockDelta,
    BlockStarted,
    BlockStopped,
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

WHOLE_REPLY_LIMIT = 600.0
"""How long a reply that is not streamed may take, in seconds."""

LOCAL_FIRST = 600.0
"""How long a model on this machine may read the prompt, in seconds."""

MODELS_LIMIT = 30.0
"""How long an endpoint may take to list its models, in seconds."""

_HAS_NO_MODELS_API = (404, 405, 501)

T = TypeVar("T")


class Claude:
    """A connection to the Messages API, or to anything that speaks it.

    `transport` makes the HTTP transport when it is first needed; the offline
    demo brings its own. Without it requests go over the network. An endpoint that
    is silent for longer than `limits` say has failed.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        transport: Callable[[], httpx2.AsyncBaseTransport] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._transport = transport
        self._limits = limits or Limits()
        if self._limits.first is None and is_loopback(_hostname(endpoint.base_url)):
            self._limits = replace(self._limits, first=max(LOCAL_FIRST, self._limits.silence))
        self._loading: asyncio.Future[anthropic.AsyncAnthropic] | None = None

    async def ready(self) -> anthropic.AsyncAnthropic:
        """Return the SDK's client, importing the SDK in a thread if need be.

        The import takes about two seconds, four times the rest of the program.
        """
        if self._loading is None:
            self._loading = asyncio.ensure_future(_in_thread(self._load))
        # Shielded: one reply stopped early must not stop the others' import.
        try:
            return await asyncio.shield(self._loading)
        except Exception as error:
            self._loading = None
            raise failed(error, self.endpoint) from error

    async def warm_up(self) -> None:
        """Import the SDK and let it build its models, so that a first reply starts fast."""
        await self.ready()
        await _in_thread(lambda: without_collecting(stream_nothing))

    async def models(self) -> list[Model]:
        """Return the endpoint's models; none where it has no Models API.

        Raises `ReplyFailed` when it could not be asked.
        """
        client = await self.ready()
        import anthropic

        try:
            return [
                Model(info.to_dict(mode="json", warnings=False))
                async for info in client.models.list(limit=1000, timeout=MODELS_LIMIT)
            ]
        except anthropic.APIStatusError as error:
            if error.status_code in _HAS_NO_MODELS_API:
                return []
            raise failed(error, self.endpoint) from error
        except Exception as error:
            raise failed(error, self.endpoint) from error

    async def stream(
        self,
        messages: Sequence[Json],
        *,
        model: str,
        system: str = "",
        described: Model | None = None,
        recording: Recording | None = None,
    ) -> AsyncGenerator[ReplyEvent, None]:
        """Yield the reply to `messages` as it arrives.

        `Finished` comes only if `message_stop` was seen; a stream may end without
        it. What comes over the wire is noted in `recording`. Raises `ReplyFailed`,
        possibly after some events.
        """
        client = await self.ready()
        has_started, asked_at = False, time.monotonic()
        params = _params(messages, model=model, system=system, described=described)
        try:
            async with AsyncExitStack() as stack:
                watch = stack.enter_context(Watch(self._limits))
                stream = await watch.within(
                    stack.enter_async_context(client.messages.stream(**params))
                )
                check_is_event_stream(stream.response, self.endpoint)
                if (wire := Wire.of(stream.response)) is not None:
                    wire.heard = watch.heard
                    wire.record(recording, asked_at)
                usage = Usage()
                while (event := await watch.within(anext(stream, None))) is not None:
                    for reply_event in _translated(event, usage, stream.request_id):
                        if isinstance(reply_event, Started | Stopping):
                            has_started, usage = True, reply_event.usage
                        elif isinstance(reply_event, BlockDelta):
                            watch.said()
                        yield reply_event
                    if event.type == "message_stop":
                        break
                await _drain(stream)
        except ReplyFailed:
            raise
        except Exception as error:
            # Besides the SDK's own errors and the HTTP client's, broken data
            # raises whatever the parser stumbled over.
            raise failed(error, self.endpoint, has_started=has_started) from error

    async def create(
        self,
        messages: Sequence[Json],
        *,
        model: str,
        system: str = "",
        described: Model | None = None,
        recording: Recording | None = None,  # noqa: ARG002 - there is no rhythm to record
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
            raise failed(error, self.endpoint) from error
        for event in events:
            yield event

    async def close(self) -> None:
        """Close the connections. The client cannot be used again."""
        if self._loading is not None and self._loading.done() and not self._loading.exception():
            await self._loading.result().close()

    def _load(self) -> anthropic.AsyncAnthropic:
        # It would make the SDK log to stderr, over the screen.
        os.environ.pop("ANTHROPIC_LOG", None)
        return without_collecting(self._client)

    def _client(self) -> anthropic.AsyncAnthropic:
        import anthropic

        endpoint = self.endpoint
        # How long nothing may come is watched here, see `silence`.
        timeout = anthropic.Timeout(connect=10, read=None, write=60, pool=10)
        options: dict[str, Any] = {
            "timeout": timeout,
            "follow_redirects": False,
            "event_hooks": {"response": [tap]},
        }
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


def _hostname(base_url: str) -> str:
    return urlsplit(base_url).hostname or ""


async def _in_thread(work: Callable[[], T]) -> T:
    """Do `work` in a thread that the end of the program does not wait for.

    Importing the SDK takes two seconds, and leaving must not.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast("T", result))

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as raised:  # noqa: BLE001 - raised where it is awaited
            error = raised
        # The loop is closed when the program has been left.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="sdk", daemon=True).start()
    return await done
