"""The only folder that talks to an endpoint.

It makes requests from messages, `ReplyEvent`s from the SDK's stream, and `ReplyFailed` from
every error. It never retries: `turn` does, where the user can see and stop it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import warnings
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tui.claude.answers import (
    check_cloud,
    check_is_event_stream,
    check_is_no_error,
    check_refusal,
    with_credential_of,
)
from tui.claude.events import finished, started, translated
from tui.claude.model_list import models_of
from tui.claude.preload import build_sdk_models, in_thread, without_garbage_collection
from tui.claude.response_recorder import (
    ENCODING,
    LINE_LIMIT,
    REPLY_LIMIT,
    ResponseRecorder,
    recorded,
)
from tui.claude.stall import LOOPBACK_FIRST, StallDetector
from tui.domain.endpoint import Endpoint, is_loopback
from tui.domain.failure import ReplyFailed
from tui.domain.limits import Limits
from tui.domain.model import Model
from tui.domain.parameters import Parameters, sendable
from tui.domain.recording import Recording
from tui.domain.reply_events import BlockDelta, Finished, MessageDelta, ReplyEvent, Started
from tui.domain.usage import Usage
from tui.domain.wire import Json

if TYPE_CHECKING:
    import anthropic
    import httpx2
    from anthropic.lib.streaming import AsyncMessageStream
    from anthropic.types import Message

__all__ = [
    "LINE_LIMIT",
    "LOOPBACK_FIRST",
    "REPLY_LIMIT",
    "WHOLE_REPLY_LIMIT",
    "Claude",
]

WHOLE_REPLY_LIMIT = 600.0
"""Seconds that a reply may take if it is not streamed."""

_HAS_NO_MODELS_API = (404, 405, 501)


class Claude:
    """A client of the Messages API, or of a server that is compatible with it.

    `transport` creates the HTTP transport when it is first needed; the offline demo has its
    own. Without it, requests go over the network. `limits` apply to streamed replies.
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
        self._retired: list[asyncio.Future[anthropic.AsyncAnthropic]] = []
        """Clients with credentials that were refused; a reply may still use them."""

    async def ready(self) -> anthropic.AsyncAnthropic:
        """Return the SDK's client. The first call imports the SDK in a thread.

        The import takes about two seconds, four times as long as the rest of the program.
        Raises `ReplyFailed`.
        """
        if self._loading is None:
            self._loading = asyncio.ensure_future(in_thread(self._load))
        # Shielded: stopping one reply must not stop the import that others wait for.
        try:
            return await asyncio.shield(self._loading)
        except Exception as error:
            self._loading = None
            raise self._setup_failure(error) from error

    async def warm_up(self) -> None:
        """Import the SDK and let it build its models, so that the first reply starts fast."""
        await self.ready()
        await in_thread(lambda: without_garbage_collection(build_sdk_models))

    async def models(self) -> list[Model]:
        """Return the endpoint's models; an empty list if it has no Models API, like a cloud.

        A very long list is cut; see `model_list`. Raises `ReplyFailed` if the request fails.
        """
        client = await self.ready()
        if self.endpoint.cloud is not None:
            return []
        import anthropic

        try:
            return await models_of(client, self.endpoint)
        except anthropic.APIStatusError as error:
            if error.status_code in _HAS_NO_MODELS_API:
                return []
            raise self._failed(error) from error
        except Exception as error:
            raise self._failed(error) from error

    async def check(self, model: str | None = None) -> None:
        """Check, at no cost, that the endpoint has the Messages API and accepts the key.

        A cloud is also asked whether it has `model`. Raises `ReplyFailed` if it has not, or if
        the endpoint does not answer.
        """
        client = await self.ready()
        try:
            if self.endpoint.cloud is None:
                await check_refusal(client, self.endpoint)
            else:
                await check_cloud(client, model or "none")
        except Exception as error:
            raise self._failed(error) from error

    async def stream(
        self,
        messages: Sequence[Json],
        parameters: Parameters,
        *,
        described: Model | None = None,
        recording: Recording | None = None,
    ) -> AsyncGenerator[ReplyEvent, None]:
        """Yield the reply to `messages` as it arrives.

        Yields `Finished` only after `message_stop`; a stream may end without it. Raises
        `ReplyFailed`, possibly after some events. `described` is the model as the Models
        API describes it. `recording` gets the body of the response, decompressed.
        """
        client = await self.ready()
        recorder = ResponseRecorder(recording, secret=self.endpoint.secret)
        usage, has_started = Usage(), False
        try:
            with StallDetector(recorder, self._limits, is_loopback=self._is_loopback) as stall:
                stream = await stall.wait(
                    _opened(client, recorder, self.request(messages, parameters, described))
                )
                async with stream:
                    await stall.wait(check_is_event_stream(stream.response, self.endpoint))
                    request_id = _request_id(stream, self.endpoint)
                    events = aiter(stream)
                    while (event := await stall.wait(anext(events, None))) is not None:
                        reply_events = translated(event, usage, request_id)
                        stall.event_received(is_content=any(map(_is_content, reply_events)))
                        for reply_event in reply_events:
                            if isinstance(reply_event, Started | MessageDelta):
                                has_started, usage = True, reply_event.usage
                            yield reply_event
                        if event.type == "message_stop":
                            break
                    await _drain(stream)
        except Exception as error:
            # Any exception: broken data makes the SDK's parser raise more than the
            # errors of the SDK and of the HTTP client.
            raise self._failed(error, has_started=has_started) from error

    async def create(
        self,
        messages: Sequence[Json],
        parameters: Parameters,
        *,
        described: Model | None = None,
        recording: Recording | None = None,
    ) -> AsyncGenerator[ReplyEvent, None]:
        """Yield the reply to `messages` when it is complete, without streaming it.

        The parameters are those of `stream`. Raises `ReplyFailed`.
        """
        client = await self.ready()
        try:
            with recorded(ResponseRecorder(recording, secret=self.endpoint.secret)):
                message: Message = await client.messages.create(
                    **self.request(messages, parameters, described),
                    timeout=WHOLE_REPLY_LIMIT,
                    extra_headers=ENCODING,
                )
            check_is_no_error(message, self.endpoint)
            start = started(message, message._request_id)  # noqa: SLF001 - the SDK documents it
            events = (start, finished(message, start.usage))
        except Exception as error:
            raise self._failed(error) from error
        for event in events:
            yield event

    async def close(self) -> None:
        """Close the connections. The client cannot be used again."""
        loading = self._retired if self._loading is None else [*self._retired, self._loading]
        for each in loading:
            if each.done() and not each.exception():
                await each.result().close()

    def request(
        self, messages: Sequence[Json], parameters: Parameters, described: Model | None
    ) -> dict[str, Any]:
        """Return a request's parameters: only those that the model and the endpoint accept."""
        sent = sendable(parameters, described)
        params: dict[str, Any] = {
            "model": sent.model,
            "max_tokens": sent.max_tokens,
            "messages": list(messages),
        }
        if sent.system:
            params["system"] = sent.system
        is_described = described is not None and described.is_described
        if is_described if self.endpoint.cache is None else self.endpoint.cache:
            params["cache_control"] = {"type": "ephemeral"}
        if sent.thinking_display is not None:
            params["thinking"] = {"type": "adaptive", "display": sent.thinking_display}
        if sent.effort is not None:
            params["output_config"] = {"effort": sent.effort}
        return params

    @property
    def _is_loopback(self) -> bool:
        return is_loopback(urlsplit(self.endpoint.base_url).hostname or "")

    def _failed(self, error: Exception, *, has_started: bool = False) -> ReplyFailed:
        from tui.claude.failures import failure_of

        failed = failure_of(error, self.endpoint, has_started=has_started)
        if failed.failure.type == "credentials" and self.endpoint.cloud and self._loading:
            # A new client reads them again: the user may have renewed them by then.
            self._retired.append(self._loading)
            self._loading = None
        return failed

    def _setup_failure(self, error: Exception) -> ReplyFailed:
        from tui.claude.errors import setup_failure

        return setup_failure(error, self.endpoint)

    def _load(self) -> anthropic.AsyncAnthropic:
        # With this variable, the SDK would log to stderr, over the screen.
        os.environ.pop("ANTHROPIC_LOG", None)
        # So would a field of an unexpected type.
        warnings.filterwarnings("ignore", "Pydantic serializer warnings", UserWarning)
        return without_garbage_collection(self._client)

    def _client(self) -> anthropic.AsyncAnthropic:
        from tui.claude.client import build

        return build(self.endpoint, silence=self._limits.silence, transport=self._transport)


async def _opened(
    client: anthropic.AsyncAnthropic, recorder: ResponseRecorder, params: dict[str, Any]
) -> AsyncMessageStream[None]:
    from tui.claude.client import timeout

    with recorded(recorder):
        return await client.messages.stream(
            # No read timeout: `StallDetector` measures silence better.
            **params,
            timeout=timeout(read=None),
            extra_headers=ENCODING,
        ).__aenter__()


def _request_id(stream: AsyncMessageStream[None], endpoint: Endpoint) -> str | None:
    # An endpoint may repeat the credential in any header.
    sent_to = with_credential_of(endpoint, stream.response.request)
    return stream.request_id and sent_to.without_secrets(stream.request_id)


def _is_content(event: ReplyEvent) -> bool:
    """Return whether an event is progress: it has text, or belongs to the end."""
    match event:
        case BlockDelta(words=words):
            return bool(words)
        case MessageDelta() | Finished():
            return True
        case _:
            return False


async def _drain(stream: Any) -> None:
    """Read the body to its end, so that the connection can be used again.

    Gives up soon, because a server may keep the body open after `message_stop`.
    """
    with contextlib.suppress(Exception):
        async with asyncio.timeout(0.25):
            async for _ in stream:
                pass
