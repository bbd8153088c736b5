"""Connects the list of conversations, and its filter, with the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from tui.chat import conversation_commands
from tui.chat.open_conversation import Refused
from tui.chat.session import Session
from tui.chat.undo_stack import UNDO_SECONDS
from tui.config.keymap import Keymap
from tui.domain.query import parse
from tui.store import HistoryError
from tui.text.sanitise import clean_line
from tui.ui.widgets.filter import Filter
from tui.ui.widgets.sidebar import ConversationAction, Sidebar


class ConversationListController:
    """Fills the sidebar and carries out its commands."""

    def __init__(
        self, sidebar: Sidebar, filter_: Filter, session: Session, keymap: Keymap
    ) -> None:
        self._sidebar = sidebar
        self._filter = filter_
        self._session = session
        self._keymap = keymap
        self._is_archive = False
        """Whether the archive is shown instead of the list."""
        self._shown = "", False
        """The filter, and whether the archive was shown, at the last refresh."""
        self.is_behind = False
        """Whether the list is stale because it could not be read."""

    def commands(self, act: Callable[..., object]) -> Mapping[str, Callable[[], object]]:
        """Return the commands that act on the open conversation, by id, to be run by `act`."""
        on_open: tuple[ConversationAction, ...] = ("pin", "archive", "tag", "delete")
        return {
            "chat.rename": partial(act, self.rename),
            "chat.undo": partial(act, self.undo),
            **{f"sidebar.{what}": partial(act, self.act_on_open, what) for what in on_open},
        }

    async def refresh(self) -> None:
        """Read the list again, and show it."""
        try:
            await self._refresh()
        except HistoryError:
            self.is_behind = True
            raise
        self.is_behind = False

    async def _refresh(self) -> None:
        sidebar, store = self._sidebar, self._session.store
        sidebar.open(self._session.open_id)
        typed = self._filter.value.strip()
        if self._shown != (typed, self._is_archive):
            self._shown = typed, self._is_archive
            # An action on the marked ones would also act on some that are not visible now.
            sidebar.unmark_all()
        if typed or self._is_archive:
            found = await store.finding.titles(typed, is_archived=self._is_archive)
            if found is None:
                return
            listing = found
        else:
            listing = await store.listing(cursor_id=sidebar.cursor_id, anchor=sidebar.place)
        if not sidebar.is_attached:
            return
        empty = "The archive is empty" if self._is_archive else "No conversations yet"
        if typed:
            has_filters = parse(typed, store.clock.now_ms()).has_filters
            empty = "No title matches"
            if has_filters:
                empty += self._keymap.fill("\n{filter.search} search with filters")
        sidebar.show(listing, empty=empty)

    async def give_page(self, event: Sidebar.PageWanted) -> None:
        """Give the sidebar a page, or the whole list anew if it has changed meanwhile."""
        try:
            page = await self._session.store.page(event.listing, event.start)
        except HistoryError:
            self.is_behind = True
            raise
        if page is None:
            await self.refresh()
        elif self._sidebar.is_attached:
            self._sidebar.give(page, event.listing)

    def toggle_archive(self) -> None:
        """Switch between the archive and the list, for the next `refresh`."""
        self._is_archive = not self._is_archive
        self._filter.hint(is_archive=self._is_archive)

    def leave_filter(self) -> bool:
        """Reset filter and archive for the next `refresh`; return False if there is neither."""
        if self._filter.value:
            self._filter.value = ""
        elif self._is_archive:
            self.toggle_archive()
        else:
            return False
        return True

    def follow_filter(self, event: Filter.Posted) -> None:
        """Carry out a request of the filter."""
        match event:
            case Filter.Stepped(step):
                self._sidebar.action_move(step)
            case Filter.Entered():
                self._sidebar.action_choose()
            case Filter.Left():
                self._sidebar.screen.set_focus(self._sidebar)
            case Filter.Steered(is_steered):
                self._sidebar.steer(is_steered=is_steered)

    def clear_filter(self) -> None:
        """Clear the filter, so that it hides no conversation."""
        self._filter.value = ""

    async def new(self) -> None:
        """Begin a conversation. It is saved with its first question."""
        # The filter would hide it.
        self.clear_filter()
        await self._session.new()

    async def open(self, conversation_id: str) -> None:
        """Open a conversation, unless it is open already."""
        if conversation_id != self._session.open_id:
            await self._session.open(conversation_id)

    async def act_on_open(self, what: ConversationAction) -> None:
        """Carry out an action on the open conversation, if it has a question."""
        if self._session.current.conversation.title:
            await self.act(what, (self._session.open_id,))

    async def act(self, what: ConversationAction, ids: tuple[str, ...]) -> None:
        """Carry out an action on conversations."""
        match what:
            case "delete":
                await self._delete(ids)
            case "pin":
                await conversation_commands.pin(self._session, ids)
            case "archive":
                await self._archive(ids)
            case "tag":
                await self._tag(ids)

    async def _delete(self, ids: tuple[str, ...]) -> None:
        gone = await conversation_commands.delete(self._session, ids)
        what = (
            f"“{clean_line(gone[0].title)}”" if len(gone) == 1 else f"{len(gone)} conversations"
        )
        hint = "{app.palette} “Undo delete”"
        if self._sidebar.has_focus:
            hint = "{sidebar.undo} or {app.suspend} undo"
        line = f"Deleted {what} · {self._keymap.fill(hint)}"
        self._sidebar.notify(line, timeout=UNDO_SECONDS, markup=False)

    async def undo(self) -> None:
        """Undo the last deletion."""
        sidebar = self._sidebar
        if await conversation_commands.undo(self._session) is None:
            sidebar.notify("There is nothing to undo.", timeout=3, markup=False)
            return
        # The notice of the deletion is no longer true.
        sidebar.app.clear_notifications()
        sidebar.notify("Restored.", timeout=2, markup=False)

    async def _archive(self, ids: tuple[str, ...]) -> None:
        await conversation_commands.archive(
            self._session, ids, is_archived=not self._is_archive
        )
        what = "1 conversation" if len(ids) == 1 else f"{len(ids)} conversations"
        where = "Moved back to the list" if self._is_archive else "Archived"
        hint = "" if self._is_archive else " · {sidebar.show-archive} show the archive"
        if not self._sidebar.has_focus:
            hint = ""
        self._sidebar.notify(
            f"{where}: {what}{self._keymap.fill(hint)}", timeout=4, markup=False
        )

    async def _tag(self, ids: tuple[str, ...]) -> None:
        from tui.ui.screens.line import LineScreen

        present = await conversation_commands.tags(self._session, ids)
        known = " ".join(f"#{tag}" for tag, _ in await self._session.store.labels.all_tags())
        hint = f"Known: {known}" if known else "Separate tags by spaces. Filter by one: #tag."
        screen = LineScreen("Tags", value=" ".join(sorted(present)), hint=hint)
        typed = await self._sidebar.app.push_screen_wait(screen)
        if typed is not None:
            words = (word.strip("#,") for word in typed.replace(",", " ").casefold().split())
            after = {word for word in words if word}
            # Tags that only some of them have were not shown, and stay.
            await conversation_commands.retag(self._session, ids, before=present, after=after)

    async def rename(self, title: str = "") -> None:
        """Give the open conversation another title; ask for one if none is given."""
        from tui.ui.screens.line import LineScreen

        conversation = self._session.current.conversation
        if not conversation.title:
            raise Refused("An empty conversation has no title yet: ask a question first.")
        chosen: str | None = title
        if not chosen:
            screen = LineScreen("Title", value=conversation.title)
            chosen = await self._sidebar.app.push_screen_wait(screen)
        if chosen:
            await conversation_commands.rename(self._session, conversation.id, chosen)
