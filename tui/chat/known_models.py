"""What the models of an endpoint can do: asked once a day, and cached in the history."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tui.chat.connections import Connections
from tui.claude import Claude
from tui.domain.conversation import Conversation
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


async def model_for(
    store: Store, connections: Connections, conversation: Conversation, answered_by: str | None
) -> str:
    """Return the model for the next question of a conversation. Raises `HistoryError`.

    That is its own model. After a switch to another connection, it is that one's, unless the
    user has chosen a model since: if the newest reply came from another host, or if the
    present one is known not to have the model. See `Connections.may_replace_model`.
    """
    own, other = conversation.parameters.model, connections.model
    may_replace = connections.may_replace_model(conversation.id, answered_by)
    if other in (None, own) or not may_replace:
        return own
    host = connections.current.endpoint.host
    is_from_here = answered_by is not None and answered_by.partition("#")[0] == host
    known = await store.models(host) if is_from_here or answered_by is None else None
    if known is not None and known[1]:
        # Its reply may be from here and its model not: that was chosen for another branch.
        is_from_here = any(model.id == own for model in known[1])
    return own if is_from_here else other


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
