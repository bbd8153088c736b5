"""The models of an endpoint, as many of them as are worth knowing.

The SDK would fetch page after page as long as the endpoint says that there are more,
and make an object of each entry while the screen waits. Here pages, bytes, entries and
time are bounded, and what came is read in a thread.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from tui.claude.answers import raise_error_in
from tui.claude.silence import Silent
from tui.claude.storable import integer, storable
from tui.claude.tap import ENCODING, Tap, tapped
from tui.conversation import Model
from tui.endpoint import Endpoint

if TYPE_CHECKING:
    import anthropic

SECONDS = 30.0
"""How long an endpoint may take to list its models, all pages together."""

PAGES = 10
BYTES = 8 * 1024 * 1024
"""How large one page may be."""
MODELS = 5_000


async def models_of(
    client: anthropic.AsyncAnthropic, endpoint: Endpoint, *, seconds: float = SECONDS
) -> list[Model]:
    """Return the endpoint's models, the first ones of a list that is too long.

    Raises what the SDK does, `Silent`, `Unreadable` and `ReplyFailed`.
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
            raise Silent("took too long to list its models", is_dead=False) from None
    return found[:MODELS]


async def _page(
    client: anthropic.AsyncAnthropic, endpoint: Endpoint, after: str | None, seconds: float
) -> tuple[list[Model], str | None]:
    """Return the models of a page, and after which the next page begins, if there is one."""
    asked = {} if after is None else {"after_id": after}
    with tapped(Tap(limit=BYTES)):
        answer = await client.models.with_raw_response.list(
            limit=1000, timeout=seconds, extra_headers=ENCODING, extra_query=asked
        )
    return await asyncio.to_thread(_read, await answer.read(), endpoint)


def _read(body: bytes, endpoint: Endpoint) -> tuple[list[Model], str | None]:
    page = json.loads(body, parse_int=integer)
    if not isinstance(page, dict):
        # Of the errors that tell of broken data, as JSON's own.
        raise ValueError("a list of models that is no object")  # noqa: TRY004
    raise_error_in(page, endpoint)
    listed, last = page.get("data"), page.get("last_id")
    entries: list[object] = listed if isinstance(listed, list) else []
    models = [Model(storable(wire)) for wire in entries if _is_model(wire)]
    goes_on = page.get("has_more") is True and isinstance(last, str)
    return models, last if goes_on else None


def _is_model(wire: object) -> bool:
    return isinstance(wire, dict) and isinstance(wire.get("id"), str)
