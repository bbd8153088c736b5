"""The commands on a message, which they name by its id and its conversation's id.

Each raises `HistoryError` or `Refused`, and has changed nothing then.
"""

from __future__ import annotations

from tui.chat import asking, changes, path_commands
from tui.chat.session import Session


async def begin_edit(session: Session, conversation_id: str, question_id: str) -> None:
    """Begin to edit a question; the draft stays for later."""
    path = await session.at(conversation_id)
    question = asking.question(path, question_id)
    session.drafts.edit(conversation_id, question_id, question.text)
    session.publish(
        changes.DraftChanged(conversation_id), changes.QueueChanged(conversation_id)
    )


def leave_edit(session: Session, conversation_id: str) -> bool:
    """End an edit and show the draft again; return False if there is no edit."""
    if session.drafts.draft(conversation_id).edited_id is None:
        return False
    session.drafts.leave_edit(conversation_id)
    session.publish(
        changes.DraftChanged(conversation_id), changes.QueueChanged(conversation_id)
    )
    return True


async def edit(session: Session, conversation_id: str, question_id: str, text: str) -> None:
    """Ask an edited version of a question. The old one stays, with what follows it."""
    async with session.submitting:
        path = await session.at(conversation_id)
        await asking.edit(path, question_id, text)
    if session.drafts.draft(conversation_id).edited_id == question_id:
        leave_edit(session, conversation_id)
    await session.show_path(path)


async def regenerate(
    session: Session, conversation_id: str, message_id: str, model: str | None = None
) -> None:
    """Request a new version of a reply, from the same model or from another one."""
    path = await session.at(conversation_id)
    await asking.regenerate(path, message_id, model)
    await session.show_path(path)


async def continue_reply(session: Session, conversation_id: str, reply_id: str) -> None:
    """Request the rest of a reply that broke off."""
    path = await session.at(conversation_id)
    await asking.continue_reply(path, reply_id)
    await session.show_path(path)


async def step_version(
    session: Session, conversation_id: str, message_id: str, step: int
) -> bool:
    """Open the version after a message (`step` 1) or before it (-1).

    Returns False if there is no such version.
    """
    path = await session.at(conversation_id)
    found = await path_commands.step_version(path, message_id, step)
    if found is not None:
        await session.show_path(path, found)
    return found is not None


async def go_to(session: Session, conversation_id: str, message_id: str) -> None:
    """Open a conversation at a message, on the newest path through it."""
    if conversation_id != session.open_id:
        await session.open(conversation_id)
    path = await session.at(conversation_id)
    await path_commands.go_to(path, message_id)
    await session.show_path(path, message_id)


async def fork(session: Session, conversation_id: str, message_id: str) -> None:
    """Copy the path up to a message into a new conversation, and open that."""
    path = await session.at(conversation_id)
    fork = await path_commands.fork(path, message_id)
    await session.open_or_tell(fork.id)


async def delete_message(session: Session, conversation_id: str, message_id: str) -> None:
    """Delete a message; what follows it stays. See `path_commands.delete`."""
    path = await session.at(conversation_id)
    await path_commands.delete(path, session.undo_stack, message_id)
    session.publish(changes.Deleted())
    await session.show_path(path, is_kept_in_place=True)


def give_back(session: Session, conversation_id: str, text: str, edited_id: str | None) -> None:
    """Put back a text that could not be sent, or the edit `edited_id`, as a draft."""
    session.drafts.give_back(conversation_id, text, edited_id)
    session.publish(changes.DraftChanged(conversation_id))
