"""Commands about connections: switch to another one, or remove one.

A running reply keeps the client that it began with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from tui.chat import changes, known_models
from tui.chat.session import Session
from tui.claude import Claude
from tui.domain.conversation import with_model
from tui.domain.endpoint import Endpoint
from tui.domain.failure import ReplyFailed
from tui.domain.model import Model
from tui.domain.parameters import Parameters
from tui.store import HistoryError

LOCAL_PORTS = {11434: "Ollama", 1234: "LM Studio", 8080: "llama.cpp", 4000: "LiteLLM"}
"""The default ports of servers that run on this machine, and their names."""

LOCAL_SECONDS = 1.5
"""The time limit for a local server to list its models."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server on this machine that lists models."""

    name: str
    base_url: str
    models: tuple[Model, ...]


async def switch(
    session: Session,
    profile: str,
    client: Claude,
    *,
    parameters: Parameters,
    title_model: str | None,
) -> None:
    """Send the next questions through a profile, with its parameters as the defaults.

    A conversation keeps its own model if its newest reply came from the same host.
    """
    model, current = parameters.model, session.current
    session.connections.add(profile, client)
    session.connections.switch(profile, model=model, title_model=title_model)
    session.scheduler.defaults = parameters
    current.use_model(model)
    if not (current.path or current.conversation.tip_id):
        model = current.unsaved(session.open_id).parameters.model
        current.conversation = with_model(current.conversation, model)
    else:
        await session.reread(session.open_id)
    session.publish(changes.ListChanged())


def stay_in_demo(session: Session) -> None:
    """Stop offering a first connection."""
    if session.connections.is_choice_offered:
        session.connections.is_choice_offered = False
        session.publish(changes.ListChanged())


async def prepare(session: Session) -> None:
    """Prepare the present connection, and learn its models.

    Raises `ReplyFailed` and `HistoryError`.
    """
    await known_models.connect(session.store, session.connections.current)


def remove(session: Session, profile: str) -> None:
    """Remove a connection that is not in use."""
    session.connections.remove(profile)


async def models_of(
    session: Session, endpoint: Endpoint, model: str | None = None
) -> list[Model]:
    """Request an endpoint's models, and save them; an empty list if it does not list any.

    A cloud lists none, and is asked whether it has `model`.

    Raises `ReplyFailed` if the request fails, or if the endpoint is not a Messages API.
    """
    client = Claude(endpoint)
    try:
        models = await client.models()
        if not models:
            # An empty list does not prove that this is a Messages API.
            await client.check(model)
    finally:
        await client.close()
    try:
        await session.store.save_models(endpoint.host, models)
    except HistoryError:
        # They will be requested again.
        return models
    return models


async def local_servers(ports: Sequence[int] = tuple(LOCAL_PORTS)) -> list[LocalServer]:
    """Return the servers on this machine that list models. Asks all ports at once."""
    found = await asyncio.gather(*(_local_server(port) for port in ports))
    return [server for server in found if server is not None]


async def _local_server(port: int) -> LocalServer | None:
    base_url = f"http://127.0.0.1:{port}"
    client = Claude(Endpoint(base_url))
    try:
        await client.ready()
        async with asyncio.timeout(LOCAL_SECONDS):
            models = await client.models()
    except (ReplyFailed, TimeoutError):
        return None
    finally:
        await client.close()
    name = LOCAL_PORTS.get(port, f"local {port}")
    return LocalServer(name, base_url, tuple(models)) if models else None
