"""The commands on questions: send one, queue it, take it back.

Each raises `HistoryError` or `Refused`, and has changed nothing then.
"""

from __future__ import annotations

from dataclasses import dataclass

from tui.chat import asking, changes
from tui.chat.open_conversation import OpenConversation
from tui.chat.session import Session
from tui.domain.conversation import Message
from tui.domain.reply import StreamingReply
from tui.store import BranchBusy, HistoryError


@dataclass(frozen=True, slots=True)
class Started:
    """The question was asked, and its reply has started."""


@dataclass(frozen=True, slots=True)
class Queued:
    """The question waits in the queue."""


@dataclass(frozen=True, slots=True)
class NeedsNewConversation:
    """The question was not asked: the offline demo answered here, and Claude would now.

    Or the other way round. Neither must continue what the other said.
    """


Submitted = Started | Queued | NeedsNewConversation


async def submit(session: Session, conversation_id: str, text: str) -> Submitted:
    """Ask a question at the end of a conversation's path, or queue it there."""
    session.scroll_anchors.is_resumed = True
    async with session.submitting:
        path = await session.at(conversation_id)
        if path.is_demo is not None and path.is_demo != session.endpoint.is_demo:
            return NeedsNewConversation()
        if (
            session.scheduler.is_busy(conversation_id)
            or session.drafts.draft(conversation_id).queued
        ):
            session.drafts.queue(conversation_id, text)
            session.publish(changes.QueueChanged(conversation_id))
            await _ask_next_or_tell(session, conversation_id)
            return Queued()
        await session.scheduler.ensure_saved()
        try:
            question, reply = await asking.ask(path, text)
        except BranchBusy:
            # Another program receives a reply here.
            session.drafts.queue(conversation_id, text)
            await _ask_next_or_tell(session, conversation_id)
            return Queued()
    if session.unsaved_id == conversation_id:
        session.unsaved_id = session.store.new_id()
    await _show_started(session, path, question, reply)
    return Started()


async def _show_started(
    session: Session, path: OpenConversation, question: Message, reply: StreamingReply
) -> None:
    if path is not session.current and not await session.reread(path.conversation.id):
        session.publish(changes.ListChanged())
        return
    if question.id in session.current.versions:
        session.publish(changes.PathChanged(question.conversation_id), changes.ListChanged())
    else:
        session.publish(changes.ReplyStarted(question, reply), changes.ListChanged())


async def submit_in_new(session: Session, text: str) -> None:
    """Open a new conversation, and ask a question there."""
    conversation_id = session.store.new_id()
    await session.open(conversation_id)
    await submit(session, conversation_id, text)


async def submit_queued(session: Session, conversation_id: str) -> None:
    """Ask the oldest question of the queue, unless a reply is still running."""
    async with session.submitting:
        await _ask_next(session, conversation_id)


async def _ask_next(session: Session, conversation_id: str) -> None:
    # If the conversation is open, ask the model that the screen shows, also if it is not
    # the conversation's own.
    model = session.current.own_model if conversation_id == session.open_id else None
    try:
        await session.scheduler.ensure_saved()
        await session.scheduler.ask_next(conversation_id, model)
    finally:
        session.publish(changes.QueueChanged(conversation_id))


async def _ask_next_or_tell(session: Session, conversation_id: str) -> None:
    # Not raised: the question is queued, and an error would make the user repeat it.
    try:
        await _ask_next(session, conversation_id)
    except HistoryError as error:
        session.next_not_asked(conversation_id, str(error))


def take_newest_queued(session: Session, conversation_id: str) -> str | None:
    """Remove the newest question from the queue and return it; None if it is empty."""
    text = session.drafts.take_newest(conversation_id)
    session.publish(changes.QueueChanged(conversation_id))
    return text
