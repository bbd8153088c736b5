"""Coming back to where one was, and seeing what other programs did meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.conversation import Place

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen


class Returning:
    """Where the reader is, on the chat screen. Raises `HistoryError` throughout."""

    def __init__(self, chat: ChatScreen) -> None:
        self._chat = chat
        self._is_resumed = False
        """Whether what was read last time is known, so that another may take its place."""
        self._kept: tuple[str, Place] | None = None
        """The place that was kept last, and its conversation."""

    async def resume(self) -> None:
        """Read what was read when the program was last left."""
        chat = self._chat
        await chat.desk.find_all()
        last = await chat.store.drafts.read_last()
        unsaved = await chat.store.drafts.newest_unsaved()
        found = None if last is None else await chat.store.conversation(last)
        self._is_resumed = True
        if unsaved is not None:
            chat.unsaved_id = unsaved
        if chat.reading.line or chat.composer.whole or chat.replies.drafts:
            return
        if found is not None:
            await chat.read(found)
        elif unsaved is not None:
            await chat.read(chat.reading.unsaved(unsaved))

    def begin(self) -> None:
        """Let the next start come back here, however soon this one is killed."""
        self._is_resumed = True

    async def keep_place(self) -> None:
        """Keep where the reader is, if that is not known yet."""
        chat = self._chat
        kept = chat.reading.conversation.id, chat.transcript.place
        can_save = not (chat.store.is_read_only or chat.store.lost.why)
        if self._is_resumed and chat.can_draw and can_save and kept != self._kept:
            self._kept = kept
            await chat.store.drafts.keep_place(*kept)

    async def follow_others(self) -> bool:
        """Show what another program has written; tell whether one has."""
        chat = self._chat
        is_changed = await chat.store.is_changed_elsewhere()
        if not chat.can_draw:
            return False
        chat.saving.show()
        await self.keep_place()
        if not is_changed:
            return False
        await self._reread()
        return True

    async def _reread(self) -> None:
        """Show the conversation being read as it is now, if another program changed it."""
        chat, reading, replies = self._chat, self._chat.reading, self._chat.replies
        is_ahead = any(message.id in replies.unkept for message in reading.line)
        if reading.conversation.id in replies.drafts or is_ahead or not reading.line:
            return
        seen = [(message.id, message.state) for message in reading.line]
        if not await reading.reload():
            chat.notify("This conversation was deleted in another window.", markup=False)
            await chat.read(reading.unsaved())
        elif seen != [(message.id, message.state) for message in reading.line]:
            chat.show_reading(place=chat.transcript.place)
