"""What the models of an endpoint can do: asked once a day, and cached in the history."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tui.claude import Claude
from tui.domain.failure import ReplyFailed
from tui.domain.model import Model
from tui.store import HistoryError, Store

MODELS_WAIT = 2.0
"""Most seconds that a first request waits for the list of models."""

MODELS_FRESH_MS = 24 * 60 * 60 * 1000


async def connect(store: Store, claude: Claude) -> None:
    """Prepare for requests: load the SDK and refresh the list of models.

    Raises `ReplyFailed` and `HistoryError`.
    """
    await claude.warm_up()
    await refresh_models(store, claude)


async def refresh_models(store: Store, claude: Claude) -> None:
    """Ask the endpoint what its models can do, unless that was done within a day.

    If the endpoint does not answer, a later call tries again.
    """
    known = await store.models(claude.endpoint.host)
    if known is not None and store.clock.now_ms() - known[0] < MODELS_FRESH_MS:
        return
    try:
        models = await claude.models()
    except ReplyFailed:
        return
    await store.save_models(claude.endpoint.host, models)


async def described(store: Store, claude: Claude, model: str) -> Model | None:
    """Return what the endpoint says about a model; None if it says nothing."""
    host = claude.endpoint.host
    known = await store.models(host)
    if known is None:
        await claude.ready()
        try:
            async with asyncio.timeout(MODELS_WAIT):
                models = await claude.models()
        except (TimeoutError, ReplyFailed):
            return None
        # If a full disk cannot take the list, a later call asks for it again.
        with suppress(HistoryError):
            await store.save_models(host, models)
    else:
        models = known[1]
    return next((found for found in models if found.id == model), None)
