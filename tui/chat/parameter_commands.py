"""Commands about the parameters of a conversation: its model, system prompt and others.

Each raises `HistoryError` or `Refused`, and has changed nothing then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from tui.chat import changes, path_commands
from tui.chat.open_conversation import Refused
from tui.chat.session import Session
from tui.domain.failure import ReplyFailed
from tui.domain.model import Model
from tui.domain.money import Rates
from tui.domain.parameters import Parameters, sendable
from tui.domain.prompt import Consequences, consequences


async def set_parameters(
    session: Session, conversation_id: str, parameters: Parameters
) -> None:
    """Set the parameters for the next questions of a conversation.

    A running reply keeps its own. A conversation without a question is not saved yet: its
    parameters stay with its draft until the first question.
    """
    # Not while a question is being saved, which writes its own parameters.
    async with session.submitting:
        path = await session.at(conversation_id)
        await path_commands.set_parameters(path, parameters)
        if path is not session.current:
            await session.reread(conversation_id)
    session.publish(changes.ParametersChanged(conversation_id))


async def models(session: Session) -> list[Model]:
    """Return the saved models of the endpoint; request them if none were ever saved.

    Raises `HistoryError`, and `Refused` if the request fails.
    """
    claude = session.connections.current
    known = await session.store.models(claude.endpoint.host)
    if known is not None:
        return known[1]
    try:
        found = await claude.models()
    except ReplyFailed as error:
        raise Refused(str(error)) from error
    await session.store.save_models(claude.endpoint.host, found)
    return found


async def rates(session: Session, models: Sequence[str]) -> dict[str, list[Rates]]:
    """Return the rates of the models that have a price at the present endpoint.

    Two if a prompt of more than some length is dearer. Loads the table of prices.
    """
    endpoint = session.endpoint.identity
    table = await session.connections.pricing.loaded(endpoint)
    if table is None:
        return {}
    now_ms = session.store.clock.now_ms()
    return await asyncio.to_thread(
        lambda: {
            model: found
            for model in models
            if (found := table.shown(model, now_ms, endpoint=endpoint))
        }
    )


async def cost_of(
    session: Session,
    conversation_id: str,
    parameters: Parameters,
    described: Mapping[str, Model],
) -> Consequences:
    """Return what it costs to continue a conversation with other parameters.

    `described` has the endpoint's descriptions of its models, by id.
    """
    path = await session.at(conversation_id)
    before, after = (
        sendable(each.over(session.scheduler.defaults), described.get(each.model))
        for each in (path.conversation.parameters, parameters)
    )
    # In a thread: for a long conversation it takes longer than a frame.
    return await asyncio.to_thread(
        consequences, list(path.path), before, after, endpoint=session.endpoint.identity
    )
