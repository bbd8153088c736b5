"""The commands on the path: going to another one, forking it, deleting a message.

Each raises `Refused` or `HistoryError`, and has changed nothing then.
"""

from __future__ import annotations

from dataclasses import replace

from tui.chat.open_conversation import (
    ANSWERING_ELSEWHERE,
    GONE,
    STILL_ANSWERING,
    OpenConversation,
    Refused,
    one_at_a_time,
)
from tui.chat.undo_stack import UndoStack
from tui.domain.conversation import Conversation, FirstParameters
from tui.domain.parameters import Parameters
from tui.store import HistoryError


@one_at_a_time
async def step_version(opened: OpenConversation, message_id: str, step: int) -> str | None:
    """Open the version after a message (`step` 1) or before it (-1); return its id.

    Returns None if there is no such version.
    """
    versions = opened.versions.get(message_id, (message_id,))
    at = versions.index(message_id) + step
    if not 0 <= at < len(versions):
        return None
    await _go_to(opened, versions[at])
    return versions[at]


@one_at_a_time
async def go_to(opened: OpenConversation, message_id: str) -> None:
    """Open the newest path through a message; keep the present path if it has it."""
    await _go_to(opened, message_id)


async def _go_to(opened: OpenConversation, message_id: str) -> None:
    if any(message.id == message_id for message in opened.path):
        return
    reply = opened.scheduler.streaming.get(opened.conversation.id)
    if reply is not None and reply.id == message_id:
        tip_id = message_id
    else:
        message = await opened.store.branches.message(message_id)
        if message is None or message.conversation_id != opened.conversation.id:
            raise Refused("This message was deleted.")
        tip_id = await opened.store.branches.end_of(message)
    await opened.store.branches.move_tip(opened.conversation.id, tip_id)
    await opened.read(replace(opened.conversation, tip_id=tip_id))


@one_at_a_time
async def fork(opened: OpenConversation, message_id: str) -> Conversation:
    """Copy the path up to a message into a new conversation; return that."""
    message, now_ms = opened.path[opened.index(message_id)], opened.store.clock.now_ms()
    if message.state == "streaming":
        raise Refused(STILL_ANSWERING)
    fork = replace(
        opened.conversation,
        id=opened.store.new_id(),
        title=f"{opened.conversation.title} (fork)",
        created_ms=now_ms,
        updated_ms=now_ms,
        is_pinned=False,
    )
    await opened.store.branches.fork(fork, message_id)
    return fork


@one_at_a_time
async def set_parameters(opened: OpenConversation, parameters: Parameters) -> None:
    """Set the parameters for the next questions.

    If the conversation is not saved yet, they stay with its draft until its first question.
    """
    conversation_id = opened.conversation.id
    saved: Parameters | None = parameters
    if not await opened.store.labels.set_parameters(conversation_id, parameters):
        if await opened.store.is_known(conversation_id):
            raise Refused(GONE)
        host = opened.scheduler.connections.current.endpoint.host
        opened.scheduler.drafts.choose(conversation_id, FirstParameters(parameters, host))
        saved = None
    opened.keep_own_model()
    opened.conversation = replace(
        opened.conversation, parameters=parameters, saved_parameters=saved
    )


@one_at_a_time
async def delete(opened: OpenConversation, undo_stack: UndoStack, message_id: str) -> None:
    """Delete a message; what follows it stays. Refuses a question with a running reply.

    If it was the last message of the path and has another version, opens that.
    """
    at = opened.index(message_id)
    running = opened.scheduler.streaming.get(opened.conversation.id)
    if running is not None and running.parent_id == message_id:
        raise Refused(STILL_ANSWERING)
    if opened.other_draft is not None and opened.other_draft.parent_id == message_id:
        raise Refused(ANSWERING_ELSEWHERE)
    others = [each for each in opened.versions.get(message_id, ()) if each != message_id]
    before = opened.conversation.tip_id
    await undo_stack.put_message(opened.conversation.id, message_id, before)
    # The message is deleted now, even if the rest cannot be read.
    try:
        if at == len(opened.path) - 1 and others and opened.reply is None:
            await _go_to(opened, others[-1])
        await opened.read_again()
    except (HistoryError, Refused):
        opened.is_behind = True
