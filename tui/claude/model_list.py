"""Lists the models of an endpoint, with limits.

The SDK would fetch pages as long as the endpoint has more, and would create an object for
each entry on the event loop. This module limits pages, bytes, entries and time, and parses
the pages in a thread.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from tui.claude.answers import raise_error_in
from tui.claude.response_recorder import ENCODING, ResponseRecorder, recorded
from tui.claude.stall import StallTimeout
from tui.claude.storable import integer, storable
from tui.domain.endpoint import Endpoint
from tui.domain.model import Model

if TYPE_CHECKING:
    import anthropic

SECONDS = 30.0
"""How long an endpoint may take for all pages."""

PAGES = 10
BYTES = 8 * 1024 * 1024
"""The largest size of one page."""
MODELS = 5_000


async def models_of(
    client: anthropic.AsyncAnthropic, endpoint: Endpoint, *, seconds: float = SECONDS
) -> list[Model]:
    """Return the endpoint's models; only the first ones if the list exceeds a limit.

    Raises the SDK's errors, `StallTimeout`, `Unreadable` and `ReplyFailed`.
    """
    found: list[Model] = []
    try:
        async with asyncio.timeout(seconds):
            after: str | None = None
            for _ in range(PAGES):
                models, after = await _page(client, endpoint, after, seconds)
                found += models
                if after is None or not models or len(found) >= MODELS:
                    break
    except TimeoutError:
        if not found:
            raise StallTimeout("took too long to list its models", is_dead=False) from None
    return found[:MODELS]


async def _page(
    client: anthropic.AsyncAnthropic, endpoint: Endpoint, after: str | None, seconds: float
) -> tuple[list[Model], str | None]:
    """Return the models of a page, and the `after_id` of the next page; None at the end."""
    query = {} if after is None else {"after_id": after}
    with recorded(ResponseRecorder(limit=BYTES)):
        response = await client.models.with_raw_response.list(
            limit=1000, timeout=seconds, extra_headers=ENCODING, extra_query=query
        )
    return await asyncio.to_thread(_read, await response.read(), endpoint)


def _read(body: bytes, endpoint: Endpoint) -> tuple[list[Model], str | None]:
    page = json.loads(body, parse_int=integer)
    if not isinstance(page, dict):
        # A ValueError, like JSON's own error: `errors` takes it for broken data.
        raise ValueError("the list of models is not an object")  # noqa: TRY004
    raise_error_in(page, endpoint)
    data, last = page.get("data"), page.get("last_id")
    entries: list[object] = data if isinstance(data, list) else []
    models = [Model(storable(wire)) for wire in entries if _is_model(wire)]
    has_more = page.get("has_more") is True and isinstance(last, str)
    return models, last if has_more else None


def _is_model(wire: object) -> bool:
    return isinstance(wire, dict) and isinstance(wire.get("id"), str)
