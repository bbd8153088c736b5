"""The only room that talks to an endpoint.

Translates both ways: lines of conversation into requests, the SDK's stream into
`ReplyEvent`s, everything that can go wrong into `ReplyFailed`. Nothing is retried
here: `turn` does that, where it can be seen and stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import warnings
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tui.claude.answers import check_is_event_stream, check_is_no_error, check_refusal
from tui.claude.events import finished, started, translated
from tui.claude.model_list import models_of
from tui.claude.silence import LOOPBACK_FIRST, Limits, Watch
from tui.claude.tap import ENCODING, LINE_LIMIT, REPLY_LIMIT, Tap, tapped
from tui.claude.warming import in_thread, stream_nothing, without_collecting
from tui.conversation import (
    BlockDelta,
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
    from anthropic.lib.streaming import AsyncMessageStream
    from anthropic.types import Message

__all__ = [
    "LINE_LIMIT",
    "LOOPBACK_FIRST",
    "MAX_TOKENS",
    "REPLY_LIMIT",
    "WHOLE_REPLY_LIMIT",
    "Claude",
    "Limits",
]

MAX_TOKENS = 16_000
"""The longest reply asked for, in tokens, thinking included."""

WHOLE_REPLY_LIMIT = 600.0
"""How long a reply that is not streamed may take, in seconds."""

_HAS_NO_MODELS_API = (404, 405, 501)


class Claude:
    """A connection to the Messages API, or to anything that speaks it.

    `transport` makes the HTTP transport when it is first needed; the offline
    demo brings its own. Without it requests go over the network. `limits` are of
    streamed replies.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        transport: Callable[[], httpx2.AsyncBaseTransport] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._limits = limits or Limits()
        self._transport = transport
        self._loading: asyncio.Future[anthropic.AsyncAnthropic] | None = None

    async def ready(self) -> anthropic.AsyncAnthropic:
        """Return the SDK's client, importing the SDK in a thread if need be.

        The import takes about two seconds, four times the rest of the program.
        """
        if self._loading is None:
            self._loading = asyncio.ensure_future(in_thread(self._load))
        # Shielded: one reply stopped early must not stop the others' import.
        try:
            return await asyncio.shield(self._loading)
        except Exception as error:
            self._loading = None
            raise self._unprepared(error) from error

    async def warm_up(self) -> None:
        """Import the SDK and let it build its models, so that a first reply starts fast."""
        await self.ready()
        await in_thread(lambda: without_collecting(stream_nothing))

    async def models(self) -> list[Model]:
        """Return the endpoint's models; none where it has no Models API.

        Of a list without end only its beginning; see `model_list`.

        Raises `ReplyFailed` when it could not be asked.
        """
        client = await self.ready()
        import anthropic

        try:
            return await models_of(client, self.endpoint)
        except anthropic.APIStatusError as error:
            if error.status_code in _HAS_NO_MODELS_API:
                return []
            raise self._failed(error) from error
        except Exception as error:
            raise self._failed(error) from error

    async def check(self) -> None:
        """Ask for what every endpoint has, at no cost. Raises `ReplyFailed` without it."""
        client = await self.ready()
        try:
            await check_refusal(client, self.endpoint)
        except Exception as error:
            raise self._failed(error) from error

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
        it. Raises `ReplyFailed`, possibly after some events. Into `recording` goes
        the body of the answer, unpacked if it came packed, whatever it is.
        """
        client = await self.ready()
        tap, usage, has_started = Tap(recording, secret=self.endpoint.secret), Usage(), False
        try:
            with Watch(tap, self._limits, is_loopback=self._is_loopback) as watch:
                stream = await watch.wait(
                    _opened(
                        client,
                        tap,
                        self._params(messages, model=model, system=system, described=described),
                    )
                )
                async with stream:
                    await watch.wait(check_is_event_stream(stream.response, self.endpoint))
                    request_id = stream.request_id and self.endpoint.without_secrets(
                        stream.request_id
                    )
                    events = aiter(stream)
                    while (event := await watch.wait(anext(events, None))) is not None:
                        said = translated(event, usage, request_id)
                        watch.heard(is_content=any(map(_is_content, said)))
                        for reply_event in said:
                            if isinstance(reply_event, Started | Stopping):
                                has_started, usage = True, reply_event.usage
                            yield reply_event
                        if event.type == "message_stop":
                            break
                    await _drain(stream)
        except Exception as error:
            # Besides the SDK's own errors and the HTTP client's, broken data
            # raises whatever the parser stumbled over.
            raise self._failed(error, has_started=has_started) from error

    async def create(
        self,
        messages: Sequence[Json],
        *,
        model: str,
        system: str = "",
        described: Model | None = None,
        recording: Recording | None = None,
        max_tokens: int = MAX_TOKENS,
    ) -> AsyncGenerator[ReplyEvent, None]:
        """Yield the reply to `messages` once it is whole. Raises `ReplyFailed`."""
        client = await self.ready()
        try:
            with tapped(Tap(recording, secret=self.endpoint.secret)):
                message: Message = await client.messages.create(
                    **self._params(
                        messages,
                        model=model,
                        system=system,
                        described=described,
                        max_tokens=max_tokens,
                    ),
                    timeout=WHOLE_REPLY_LIMIT,
                    extra_headers=ENCODING,
                )
            check_is_no_error(message, self.endpoint)
            begun = started(message, message._request_id)  # noqa: SLF001 - the SDK documents it
            events = (begun, finished(message, begun.usage))
        except Exception as error:
            raise self._failed(error) from error
        for event in events:
            yield event

    async def close(self) -> None:
        """Close the connections. The client cannot be used again."""
        if self._loading is not None and self._loading.done() and not self._loading.exception():
            await self._loading.result().close()

    def _params(
        self,
        messages: Sequence[Json],
        *,
        model: str,
        system: str,
        described: Model | None,
        max_tokens: int = MAX_TOKENS,
    ) -> dict[str, Any]:
        """Return what to send: nothing that the model or the endpoint may not take."""
        limit = described.max_tokens if described is not None else None
        params: dict[str, Any] = {
            "model": model,
            "max_tokens": min(max_tokens, limit or max_tokens),
            "messages": list(messages),
        }
        if system:
            params["system"] = system
        is_described = described is not None and described.is_described
        if is_described if self.endpoint.cache is None else self.endpoint.cache:
            params["cache_control"] = {"type": "ephemeral"}
        if described is not None and described.has_adaptive_thinking:
            # Current models leave their thinking's text out unless asked for it.
            params["thinking"] = {"type": "adaptive", "display": "summarized"}
        return params

    @property
    def _is_loopback(self) -> bool:
        return is_loopback(urlsplit(self.endpoint.base_url).hostname or "")

    def _failed(self, error: Exception, *, has_started: bool = False) -> ReplyFailed:
        from tui.claude.failures import failure_of

        return failure_of(error, self.endpoint, has_started=has_started)

    def _unprepared(self, error: Exception) -> ReplyFailed:
        from tui.claude.errors import unprepared

        return unprepared(error, self.endpoint)

    def _load(self) -> anthropic.AsyncAnthropic:
        # It would make the SDK log to stderr, over the screen.
        os.environ.pop("ANTHROPIC_LOG", None)
        # Nor is a field of another type than the SDK expects a reason to write there.
        warnings.filterwarnings("ignore", "Pydantic serializer warnings", UserWarning)
        return without_collecting(self._client)

    def _client(self) -> anthropic.AsyncAnthropic:
        from tui.claude.client import build

        return build(self.endpoint, silence=self._limits.silence, transport=self._transport)


async def _opened(
    client: anthropic.AsyncAnthropic, tap: Tap, params: dict[str, Any]
) -> AsyncMessageStream[None]:
    import anthropic

    # No limit for a read: `Watch` knows better what silence is.
    timeout = anthropic.Timeout(connect=10, read=None, write=60, pool=10)
    with tapped(tap):
        return await client.messages.stream(
            **params, timeout=timeout, extra_headers=ENCODING
        ).__aenter__()


def _is_content(event: ReplyEvent) -> bool:
    """Tell whether an event brings words, or the end, which is as good."""
    match event:
        case BlockDelta(words=words):
            return bool(words)
        case Stopping() | Finished():
            return True
        case _:
            return False


async def _drain(stream: Any) -> None:
    """Read to the end of the body, so that the connection can be used again.

    A server may hold it open after `message_stop`: that is not waited for.
    """
    with contextlib.suppress(Exception):
        async with asyncio.timeout(0.25):
            async for _ in stream:
                pass
