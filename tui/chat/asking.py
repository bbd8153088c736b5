"""Asking on the path of a conversation: a question, an edit, a regenerated reply.

Each function returns as soon as the question is saved and its reply has started. It
raises `Refused` or `HistoryError`, and has changed nothing then.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from tui.chat import turn
from tui.chat.open_conversation import OpenConversation, Refused, one_at_a_time
from tui.domain import continuation
from tui.domain.conversation import Message, title_of, with_model
from tui.domain.reply import StreamingReply
from tui.store import BranchBusy


def question(opened: OpenConversation, message_id: str) -> Message:
    """Return a question that can be edited. Raises `Refused`."""
    message = opened.path[opened.index(message_id)]
    if message.role != "user" or message.is_continuation:
        raise Refused("Only a question can be edited. A reply can be regenerated.")
    return message


@one_at_a_time
async def ask(opened: OpenConversation, text: str) -> tuple[Message, StreamingReply]:
    """Ask a question at the end of the path.

    Raises `BranchBusy` while another program receives a reply there.
    """
    if opened.other_draft is not None:
        # If it has ended just now, the path must be read again first.
        raise BranchBusy
    await opened.choose_model()
    _check_side(opened)
    conversation = opened.conversation
    if not conversation.title:
        conversation = replace(conversation, title=title_of(text))
    with opened.claim() as claude:
        conversation, question = await turn.ask(opened.store, conversation, text)
        reply = opened.begin(claude, conversation, question, at=len(opened.path))
    # After an undone deletion, later messages may follow the same parent as versions.
    await opened.read_versions()
    return question, reply


def _check_side(opened: OpenConversation) -> None:
    """Raise `Refused` if the demo answered here and Claude would now, or the other way."""
    is_demo = opened.scheduler.connections.current.endpoint.is_demo
    if opened.is_demo is not None and opened.is_demo != is_demo:
        here, there = ("Claude", "the demo") if is_demo else ("the demo", "Claude")
        raise Refused(f"This conversation is with {here}. Ask {there} in a new one.")


@one_at_a_time
async def edit(opened: OpenConversation, question_id: str, text: str) -> None:
    """Ask an edited version of a question. The old one stays, with what follows it."""
    await opened.choose_model()
    _check_side(opened)
    with opened.claim() as claude:
        at = opened.index(question_id)
        with _refused_when_busy():
            conversation, question = await turn.ask_after(
                opened.store, opened.conversation, text, parent_id=opened.path[at].parent_id
            )
        opened.begin(claude, conversation, question, at=at)
    await opened.read_versions()


@one_at_a_time
async def regenerate(
    opened: OpenConversation, message_id: str, model: str | None = None
) -> None:
    """Request a new version of a reply, from the same model or from another one.

    `message_id` may also be the last question, if it has no reply yet.
    """
    await opened.choose_model()
    _check_side(opened)
    with opened.claim() as claude:
        question = _question_for(opened, message_id)
        conversation = opened.conversation
        if model is not None:
            conversation = with_model(conversation, model)
        with _refused_when_busy():
            conversation = await opened.store.branches.ask_again(conversation, question.id)
        opened.begin(claude, conversation, question, at=opened.index(question.id))
    await opened.read_versions()


def _question_for(opened: OpenConversation, message_id: str) -> Message:
    # A reply that the history refused is only on the screen; its question is known.
    at = opened.index(opened.refused.get(message_id) or message_id)
    message = opened.path[at]
    if message.role == "user" and at < len(opened.path) - 1:
        raise Refused("Only a reply can be regenerated. A question can be edited.")
    question = opened.path[at - 1] if at else None
    if message.role == "user":
        question = message
    elif question is None or question.id != message.parent_id or question.role != "user":
        raise Refused("The question of this reply was deleted.")
    if not question.blocks:
        # This question asked to continue the deleted reply, and quoted its end.
        raise Refused("The reply that this continues was deleted.")
    return question


@one_at_a_time
async def continue_reply(opened: OpenConversation, reply_id: str) -> None:
    """Request the rest of a reply that broke off."""
    await opened.choose_model()
    _check_side(opened)
    with opened.claim() as claude:
        at = opened.index(reply_id)
        if not continuation.can_continue(opened.path[at]):
            raise Refused("Only a reply that broke off can be continued.")
        with _refused_when_busy():
            conversation, question = await turn.continue_reply(
                opened.store, opened.conversation, opened.path[at]
            )
        opened.begin(claude, conversation, question, at=at + 1)
    await opened.read_versions()


@contextmanager
def _refused_when_busy() -> Generator[None]:
    try:
        yield
    except BranchBusy as error:
        raise Refused(str(error)) from error
