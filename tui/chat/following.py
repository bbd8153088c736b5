"""Following what other programs do to the open conversation."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from tui.chat.open_conversation import OpenConversation, one_at_a_time
from tui.store import HistoryError

Seen = Literal["same", "grown", "changed", "gone", "later"]
"""What other programs have done to the open conversation.

same: nothing. grown: a reply of theirs has grown. changed: its messages or its parameters have
changed. gone: it was deleted. later: it cannot be read now, because a reply of this program
is still running or not saved yet.
"""


@one_at_a_time
async def follow(opened: OpenConversation, *, is_changed: bool) -> Seen:
    """Read what other programs have done; `is_changed` says whether they have written.

    Call it about every second: nothing on disk says that a program has died.
    """
    other, before = opened.other, _shown(opened)
    taken = 0 if other is None else other.taken
    is_own = other is None and opened.conversation.id in opened.scheduler.streaming
    is_ahead = any(message.id in opened.scheduler.unsaved for message in opened.path)
    if is_own or is_ahead:
        return "later"
    if not opened.path and not opened.is_behind:
        return "same"
    if opened.is_behind or await _is_over(opened) or is_changed:
        if not await opened.read_again():
            return "gone"
        if before != _shown(opened):
            return "changed"
    return "same" if other is None or other.taken == taken else "grown"


async def _is_over(opened: OpenConversation) -> bool:
    """Tell whether a reply that another program received has ended.

    If that program has died, its reply is recovered first.
    """
    if opened.other is not None and await opened.other.catch_up():
        return False
    last = opened.path[-1]
    is_left = last.state == "streaming" and not opened.scheduler.is_own(last.id)
    if opened.other is None and not is_left:
        return False
    # It is logged where it was raised, and is tried again.
    with suppress(HistoryError):
        await opened.store.recover()
    if opened.other is not None:
        return True
    # Read again: an earlier call may have failed after the recovery.
    found = await opened.store.branches.message(last.id)
    return found is None or found.state != "streaming"


def _shown(opened: OpenConversation) -> tuple[object, ...]:
    shown: list[tuple[str, str]] = [(each.id, each.state) for each in opened.path]
    if opened.reply is not None:
        shown.append((opened.reply.id, "streaming"))
    return shown, opened.versions, opened.conversation.parameters
