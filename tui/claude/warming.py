"""The SDK's first use, made before it is needed: it loads and builds much of itself then."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable
from typing import TypeVar, cast

from tui.conversation import Json
from tui.garbage import collector_paused

T = TypeVar("T")


def without_collecting(work: Callable[[], T]) -> T:
    """Do `work` without the garbage collector, in whichever thread this is.

    Of an import in a thread, the screen feels only the collections of a heap that
    grows by thousands of objects: 200 ms without this, 40 ms with it.
    """
    with collector_paused():
        return work()


def stream_nothing() -> None:
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


async def in_thread(work: Callable[[], T]) -> T:
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
