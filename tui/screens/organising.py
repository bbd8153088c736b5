"""The list of conversations and what a person does with those in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.listing import Listing
from tui.sanitise import clean_line
from tui.trash import UNDO_SECONDS, OneMessage
from tui.widgets.sidebar import Want

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen

EMPTIED_AGAIN_AFTER = 30.0
"""Seconds after which what could not be removed for good is tried again."""


class Organising:
    """The sidebar's keys, on the chat screen."""

    def __init__(self, chat: ChatScreen) -> None:
        self._chat = chat
        self._is_archive = False
        """Whether the archive is shown in the list's place."""

    async def show_list(self) -> None:
        """Read the list again, and show it. Raises `HistoryError`."""
        chat = self._chat
        sidebar, typed = chat.sidebar, chat.filter.value.strip()
        if typed or self._is_archive:
            found = await chat.store.finding.titles(typed, is_archived=self._is_archive)
            if found is None:
                return
            listing = found
        else:
            listing = await chat.store.listing(
                cursor_id=sidebar.cursor_id, anchor=sidebar.place
            )
        if not sidebar.is_attached:
            return
        sidebar.mark(chat.following.marks())
        empty = "No conversations yet"
        if self._is_archive:
            empty = "Nothing is archived"
        sidebar.show(listing, empty="No title matches" if typed else empty)

    async def give_page(self, listing: Listing, start: int) -> None:
        """Give the sidebar a page; the list itself, should it have changed meanwhile."""
        page = await self._chat.store.page(listing, start)
        if page is None:
            self._chat.refresh_list()
        elif self._chat.sidebar.is_attached:
            self._chat.sidebar.give(page, listing)

    def change_list(self) -> None:
        """Show the archive, or the list again."""
        self._is_archive = not self._is_archive
        field = self._chat.filter
        field.placeholder = "Archive · A shows the list" if self._is_archive else field.HINT
        self._chat.refresh_list()

    def leave_filter(self) -> bool:
        """Show the whole list again; False if it was shown already."""
        if self._chat.filter.value:
            self._chat.filter.value = ""
        elif self._is_archive:
            self.change_list()
        else:
            return False
        return True

    async def act(self, what: Want, ids: tuple[str, ...]) -> None:
        """Do what is wanted with conversations. Raises `HistoryError`."""
        match what:
            case "delete":
                await self._delete(ids)
            case "pin":
                await self._pin(ids)
            case "archive":
                await self._archive(ids)
            case "tag":
                await self._tag(ids)
        self._chat.refresh_list()

    async def _delete(self, ids: tuple[str, ...]) -> None:
        chat = self._chat
        open_id = chat.reading.conversation.id
        found = await chat.store.conversation(ids[0])
        if found is None:
            return
        for conversation_id in ids:
            chat.replies.stop(conversation_id)
        beside = await self._beside(open_id, ids)
        await chat.trash.put(*ids)
        if open_id in ids:
            await chat.read(chat.reading.unsaved())
            if beside is not None:
                await chat.switch_to(beside)
        what = f"“{clean_line(found.title)}”" if len(ids) == 1 else f"{len(ids)} conversations"
        line = f"Deleted {what}. u, in the sidebar, brings it back."
        if len(ids) > 1:
            line = line.replace(" it ", " them ")
        chat.notify(line, timeout=UNDO_SECONDS, markup=False)
        chat.set_timer(UNDO_SECONDS + 0.5, chat.empty_trash)

    async def empty_trash(self) -> None:
        """Remove for good what cannot be brought back any more. Raises `HistoryError`."""
        chat = self._chat
        if not await chat.trash.empty():
            # Another window reads just now, or may still bring something back.
            chat.set_timer(EMPTIED_AGAIN_AFTER, chat.empty_trash)
        # A title goes with the question it was made of.
        await chat.retitled(chat.reading.conversation.id)

    async def _beside(self, conversation_id: str, gone: tuple[str, ...]) -> str | None:
        """Return the nearest conversation in the list that is not among those gone."""
        for step in (1, -1):
            found: str | None = conversation_id
            while found is not None:
                found = await self._chat.store.neighbour(found, step)
                if found is not None and found not in gone:
                    return found
        return None

    async def undo(self) -> None:
        """Bring back what was deleted last. Raises `HistoryError`."""
        chat = self._chat
        last = await chat.trash.take_back()
        if last is None:
            chat.notify("There is nothing to bring back any more.", timeout=3, markup=False)
            return
        # That it was deleted is no longer true.
        chat.app.clear_notifications()
        chat.notify("It is back.", timeout=2, markup=False)
        if isinstance(last, OneMessage):
            found = await chat.store.conversation(last.conversation_id)
            if found is not None and found.id != chat.reading.conversation.id:
                await chat.read(found)
            elif found is not None:
                await chat.reading.open(found)
            chat.show_reading(at=last.id)
        else:
            await chat.switch_to(last.ids[-1])
            chat.refresh_list()

    async def _pin(self, ids: tuple[str, ...]) -> None:
        found = [await self._chat.store.conversation(each) for each in ids]
        are_pinned = all(each.is_pinned for each in found if each is not None)
        await self._chat.store.labels.pin(ids, is_pinned=not are_pinned)

    async def _archive(self, ids: tuple[str, ...]) -> None:
        await self._chat.store.labels.archive(ids, is_archived=not self._is_archive)
        what = "1 conversation" if len(ids) == 1 else f"{len(ids)} conversations"
        where = "Back in the list" if self._is_archive else "Archived"
        how = "" if self._is_archive else " A shows the archive."
        self._chat.notify(f"{where}: {what}.{how}", timeout=4, markup=False)

    async def _tag(self, ids: tuple[str, ...]) -> None:
        from tui.screens.line import LineScreen

        labels = self._chat.store.labels
        own = {each: set(await labels.tags(each)) for each in ids}
        present = set.intersection(*own.values())
        known = " ".join(f"#{tag}" for tag, _ in await labels.all_tags())
        hint = f"Known: {known}" if known else "Words. #word in the filter finds them."
        screen = LineScreen("Tags", value=" ".join(sorted(present)), hint=hint)
        typed = await self._chat.app.push_screen_wait(screen)
        if typed is not None:
            words = (word.strip("#,") for word in typed.replace(",", " ").casefold().split())
            tags = {word for word in words if word}
            # What only some of them have was not shown, and stays theirs.
            for each in ids:
                await labels.set_tags([each], sorted(own[each] - present | tags))

    async def rename(self) -> None:
        """Ask for another title of what is being read. Raises `HistoryError`."""
        from tui.screens.line import LineScreen

        chat = self._chat
        conversation = chat.reading.conversation
        if not conversation.title:
            chat.notify("A conversation has a title once something was asked.", timeout=3)
            return
        screen = LineScreen("Title", value=conversation.title)
        title = await chat.app.push_screen_wait(screen)
        if title:
            await chat.store.labels.rename(conversation.id, title, by="person")
            await chat.retitled(conversation.id)
