"""Uses the SDK once before it is needed, because its first use is slow."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable
from typing import TypeVar, cast

from tui.domain.attention import yielding_to_keys
from tui.domain.garbage import collector_paused
from tui.domain.wire import Json

T = TypeVar("T")


def without_garbage_collection(work: Callable[[], T]) -> T:
    """Run `work` without the garbage collector, and pause it while the user types.

    An import in a thread creates many objects, and their collections block the screen: for
    200 ms without this, for 40 ms with it.
    """
    with collector_paused(), yielding_to_keys():
        return work()


_MODELS: Json = {"data": [{"id": "warm", "type": "model"}], "has_more": False}
_MESSAGE: Json = {
    "id": "warm",
    "type": "message",
    "role": "assistant",
    "model": "warm",
    "content": [],
    "usage": {"input_tokens": 0, "output_tokens": 0},
}
_EVENTS: tuple[Json, ...] = (
    {"type": "message_start", "message": _MESSAGE},
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
)
"""A streamed reply of one letter."""


def build_sdk_models() -> None:
    """Make the SDK build its types: list a model and stream a reply without a network."""
    import anthropic
    import httpx2

    body = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in _EVENTS)

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, json=_MODELS)
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


async def in_thread(work: Callable[[], T], *, name: str = "sdk") -> T:
    """Run `work` in a daemon thread, and return its result.

    The program does not wait for the thread when it ends: importing the SDK takes two
    seconds, and a file on a lost network is never read.
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
        # The loop is closed if the program has ended.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done
