"""One turn: a question goes in, a reply comes out, and both are saved.

This is the core of the program. It takes a callback and does not yield events, so that
a cancellation always arrives in the frame that must save the reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from tui.chat import known_models
from tui.chat.attempts import RETRY_WAITS, MayWait, Patience, Sending, Show, receive
from tui.chat.finishing import UnfinishedReply, saved_however_it_ends
from tui.chat.journal_writer import JournalWriter
from tui.chat.pricing import Pricing, loaded_meanwhile
from tui.chat.request_log import RequestLog
from tui.claude import Claude
from tui.domain import continuation
from tui.domain.conversation import Block, Conversation, Message
from tui.domain.failure import Failure, ReplyFailed
from tui.domain.parameters import Parameters, sendable
from tui.domain.prompt import Prompt, ends_with, prompt
from tui.domain.reply import StreamingReply
from tui.store import Store

Asked = tuple[Conversation, Message]
"""A question that was asked, and its conversation, both as they are saved."""


async def ask(store: Store, conversation: Conversation, text: str) -> Asked:
    """Save a question at the tip of its conversation. It is on disk when this returns.

    Raises `BranchBusy` while another program receives a reply there.
    """
    return await ask_after(store, conversation, text, parent_id=conversation.tip_id)


async def ask_at_tip(store: Store, conversation: Conversation, text: str) -> Asked:
    """Do as `ask`, but after the tip at the moment of writing: it may have moved."""
    question = _question(store, conversation, text)
    return await store.add_question(conversation, question, is_at_tip=True)


async def ask_after(
    store: Store,
    conversation: Conversation,
    text: str,
    *,
    parent_id: str | None,
    is_continuation: bool = False,
) -> Asked:
    """Save a question after any message of a conversation; the tip moves to it.

    A `parent_id` of None makes it another first question. It is on disk when this returns.
    Raises `HistoryError`, and `BranchBusy` while another program receives a reply there.
    """
    question = _question(store, conversation, text)
    question = replace(question, parent_id=parent_id, is_continuation=is_continuation)
    return await store.add_question(conversation, question)


def _question(store: Store, conversation: Conversation, text: str) -> Message:
    return Message(
        id=store.new_id(),
        conversation_id=conversation.id,
        role="user",
        blocks=(Block({"type": "text", "text": text}),),
        created_ms=store.clock.now_ms(),
    )


async def continue_reply(
    store: Store, conversation: Conversation, broken_off: Message
) -> Asked:
    """Save the program's own question that asks to continue a reply.

    The tip moves to it. Raises `ValueError` if the reply cannot be continued; see
    `continuation.can_continue`.
    """
    return await ask_after(
        store,
        conversation,
        continuation.request(broken_off),
        parent_id=broken_off.id,
        is_continuation=True,
    )


def empty_reply(store: Store, question: Message, parameters: Parameters) -> StreamingReply:
    """Return the reply to `question` before it has content."""
    return StreamingReply(
        id=store.new_id(),
        conversation_id=question.conversation_id,
        model=parameters.model,
        effort=parameters.effort,
        parent_id=question.id,
        started_ms=store.clock.now_ms(),
    )


async def reply(
    store: Store,
    claude: Claude,
    question: Message,
    reply: StreamingReply,
    show: Show,
    *,
    parameters: Parameters,
    tip_id: str | None,
    is_streamed: bool = True,
    waits: Sequence[float] = RETRY_WAITS,
    may_wait: MayWait | None = None,
    slots: asyncio.Semaphore | None = None,
    pricing: Pricing | None = None,
) -> Message:
    """Receive the reply to `question`, show it while it grows, save it however it ends.

    `parameters` name the same model as `reply`. The request waits for one of `slots`;
    until then `reply.is_queued` is true. Without `may_wait`, a long wait that the endpoint
    demands ends the reply as failed. When it begins, the conversation's tip moves to it,
    unless the tip is no longer `tip_id`. Returns the saved message. Raises `HistoryError` if
    it could not begin, and what `saved_however_it_ends` raises.
    """
    unfinished = _unfinished(store, claude, question, reply, parameters, pricing=pricing)
    request_log = unfinished.request_log
    async with saved_however_it_ends(unfinished):
        await store.begin_reply(unfinished.message, request_log.request, tip_id=tip_id)
        unfinished.is_begun = True
        # The slot first: a reply that asks for the list of models might be overtaken.
        async with _slot_for(reply, slots, show), loaded_meanwhile(pricing, claude.endpoint):
            sent = await _prompt(store, claude, question, parameters)
            unfinished.message = replace(unfinished.message, context=sent.context)
            described = await known_models.described(store, claude, parameters.model)
            parameters = sendable(parameters, described)
            sending = Sending(claude, sent, parameters, described, is_streamed)
            request_log.note_parameters(parameters)
            request_log.start()
            patience = Patience(waits, may_wait)
            await receive(sending, request_log, unfinished.journal, show, patience)
    return unfinished.message


def _unfinished(
    store: Store,
    claude: Claude,
    question: Message,
    reply: StreamingReply,
    parameters: Parameters,
    *,
    pricing: Pricing | None,
) -> UnfinishedReply:
    """Return a reply that has not begun yet, with the message for the history."""
    endpoint = claude.endpoint.identity
    message = Message(
        id=reply.id,
        conversation_id=reply.conversation_id,
        role="assistant",
        blocks=(),
        created_ms=reply.started_ms,
        parent_id=question.id,
        state="streaming",
        model=reply.model,
        endpoint=endpoint,
    )
    request_log = RequestLog(store, endpoint, reply, pricing=pricing)
    request_log.note_parameters(parameters)
    return UnfinishedReply(message, request_log, JournalWriter(store, reply))


async def _prompt(
    store: Store, claude: Claude, question: Message, parameters: Parameters
) -> Prompt:
    """Return what to send. Raises `ReplyFailed` if the question was deleted meanwhile."""
    path = await store.read_path(question.id)
    if not ends_with(path, question):
        raise ReplyFailed(Failure("The question was deleted in the meantime."))
    return prompt(path, endpoint=claude.endpoint.identity, system=parameters.system)


@asynccontextmanager
async def _slot_for(
    reply: StreamingReply, slots: asyncio.Semaphore | None, show: Show
) -> AsyncGenerator[None]:
    """Hold a slot for a reply; show that the reply is queued while it waits for the slot."""
    if slots is None:
        yield
        return
    reply.is_queued = slots.locked()
    if reply.is_queued:
        show(reply)
    try:
        async with slots:
            reply.is_queued = False
            yield
    finally:
        reply.is_queued = False
