"""The commands on conversations, which they name by their ids.

Each raises `HistoryError` or `Refused`, and has changed nothing then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui.chat import changes
from tui.chat.open_conversation import GONE, Refused
from tui.chat.session import Session
from tui.chat.undo_stack import Deleted, OneMessage
from tui.domain.conversation import Conversation


async def delete(session: Session, conversation_ids: Iterable[str]) -> list[Conversation]:
    """Delete conversations, and return those that existed.

    Stops their running replies. If the open one is among them, opens the nearest one that
    stays. Raises `Refused` if none of them exists any more.
    """
    found = await _existing(session, conversation_ids)
    if not found:
        raise Refused(GONE)
    ids = tuple(each.id for each in found)
    open_id = session.open_id
    beside = await _beside(session, open_id, ids) if open_id in ids else None
    await session.undo_stack.put(*ids)
    for conversation_id in ids:
        session.scheduler.stop(conversation_id)
    session.publish(changes.Deleted())
    if session.open_id in ids:
        await session.open_or_tell(beside or session.unsaved_id)
    else:
        session.publish(changes.ListChanged())
    return found


async def _existing(session: Session, conversation_ids: Iterable[str]) -> list[Conversation]:
    found = [await session.store.conversation(each) for each in conversation_ids]
    return [each for each in found if each is not None]


async def _beside(session: Session, conversation_id: str, gone: Sequence[str]) -> str | None:
    """Return the nearest conversation in the list that is not in `gone`."""
    for step in (1, -1):
        found: str | None = conversation_id
        while found is not None:
            found = await session.store.neighbour(found, step)
            if found is not None and found not in gone:
                return found
    return None


async def undo(session: Session) -> Deleted | None:
    """Undo the last deletion, and open what comes back; None if there was nothing."""
    last = await session.undo_stack.take_back()
    if isinstance(last, OneMessage):
        await session.open_or_tell(last.conversation_id)
        session.publish(changes.PathChanged(last.conversation_id, last.id))
    elif last is not None:
        await session.open_or_tell(last.ids[-1])
    return last


async def pin(session: Session, conversation_ids: Sequence[str]) -> None:
    """Pin conversations; if all of them are pinned, unpin them."""
    found = await _existing(session, conversation_ids)
    are_pinned = all(each.is_pinned for each in found)
    await session.store.labels.pin(conversation_ids, is_pinned=not are_pinned)
    session.publish(changes.ListChanged())


async def archive(
    session: Session, conversation_ids: Sequence[str], *, is_archived: bool
) -> None:
    """Move conversations into the archive, or back into the list."""
    await session.store.labels.archive(conversation_ids, is_archived=is_archived)
    session.publish(changes.ListChanged())


async def tags(session: Session, conversation_ids: Iterable[str]) -> set[str]:
    """Return the tags that all these conversations have in common."""
    own = [set(await session.store.labels.tags(each)) for each in conversation_ids]
    return set.intersection(*own)


async def retag(
    session: Session, conversation_ids: Sequence[str], *, before: set[str], after: set[str]
) -> None:
    """Change the tags that these conversations have in common; other tags stay."""
    try:
        for each in conversation_ids:
            own = set(await session.store.labels.tags(each))
            await session.store.labels.set_tags([each], sorted(own - before | after))
    finally:
        # If one of them failed, those before it have changed.
        session.publish(changes.ListChanged())


async def rename(session: Session, conversation_id: str, title: str) -> None:
    """Give a conversation a title that the user wrote."""
    await session.store.labels.rename(conversation_id, title, by="person")
    await session.retitle(conversation_id)


async def open_neighbour(session: Session, conversation_id: str, step: int) -> None:
    """Open the conversation below this one in the list (`step` 1) or above it (-1)."""
    found = await session.store.neighbour(conversation_id, step)
    if found is not None and found != session.open_id:
        await session.open(found)
