"""The chat screen: pick a conversation, read it, add to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer, Static

from tui import turn, wording
from tui.conversation import Conversation, Message, title_of
from tui.draft import Draft, Retry
from tui.replies import Replies
from tui.sanitise import clean, clean_line
from tui.store import HistoryError, Store
from tui.trash import UNDO_SECONDS, Trash
from tui.widgets.composer import Composer
from tui.widgets.sidebar import Mark, Sidebar
from tui.widgets.transcript import Transcript

ANTHROPIC = "api.anthropic.com"
"""The host that goes without saying."""

_OPENABLE = ("http://", "https://", "mailto:")
_GREETING = (
    "Ask Claude something, and it is kept here.\n\nF1 shows the keys, Ctrl+P every action."
)
_DEMO_GREETING = "Type help to see what the offline demo can show.\n\nF1 shows the keys."


class ChatScreen(Screen[None]):
    """Conversations on the left; the one being read on the right."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-wide")]
    BINDINGS = [
        Binding("ctrl+n", "new", "New", id="chat.new"),
        Binding("ctrl+s", "sidebar", "Sidebar", id="chat.sidebar"),
        Binding("escape", "stop", "Stop", id="chat.stop"),
        Binding("ctrl+t", "fold", "Thinking", id="chat.fold", show=False),
        Binding("ctrl+pageup,alt+up", "switch(-1)", "Previous", id="chat.previous", show=False),
        Binding("ctrl+pagedown,alt+down", "switch(1)", "Next", id="chat.next", show=False),
        Binding("ctrl+end", "end", "To the end", id="chat.end", show=False),
        Binding("ctrl+l", "redraw", "Redraw", id="chat.redraw", show=False),
    ]

    def __init__(
        self,
        store: Store,
        replies: Replies,
        *,
        model: str,
        host: str,
        banner: str,
        frames_per_second: int,
        is_ready: Callable[[], object],
    ) -> None:
        super().__init__()
        self._store = store
        self._replies = replies
        self._trash = Trash(store)
        self._model = model
        self._host = host
        self._is_demo = host == "demo"
        self._banner = banner
        self._frames_per_second = frames_per_second
        self._is_ready = is_ready
        """Called once the first screen can be seen and typed into."""
        self._open = self._unsaved()
        """The conversation being read. Saved with its first question."""
        self._line: list[Message] = []
        """Its messages, as far as they are kept."""
        self._unread: set[str] = set()
        self._asked_to_wait: set[str] = set()
        """The replies of which a person was asked whether they may wait long."""
        self._counted = 0
        """The second that was last counted in a reply's status."""
        self._sidebar, self._transcript, self._composer = Sidebar(), Transcript(), Composer()
        self._pump: Timer

    def compose(self) -> ComposeResult:
        """Compose the sidebar beside the conversation."""
        # Few widgets, one beside the other: each one below the transcript, a container
        # that it covers too, is drawn again with every frame of a reply.
        yield self._sidebar
        with Horizontal(id="heading"):
            yield Static(id="title", markup=False)
            yield Static(id="model", markup=False)
        yield Static(Content(self._banner), id="banner")
        yield Static(Content(_DEMO_GREETING if self._is_demo else _GREETING), id="empty")
        yield self._transcript
        yield Static("↓ more below · Ctrl+End", id="pill", markup=False)
        yield self._composer
        yield Footer()

    def on_mount(self) -> None:
        """Show what can be shown at once; ask for the rest."""
        self._pump = self.set_interval(1 / self._frames_per_second, self._draw, pause=True)
        self.set_interval(60, self.refresh_list)
        self.set_interval(1, self._follow_others)
        self.query_one("#banner").display = bool(self._banner)
        self._show_heading()
        self._show_empty()
        self._composer.focus()
        self._follow_others()
        self.refresh_list()
        self.call_after_refresh(self._is_ready)

    # What was sent, and what comes back

    @on(Composer.Sent)
    async def _send(self, event: Composer.Sent) -> None:
        if self._open.id in self._replies.drafts:
            self.notify("Claude is still answering. Esc stops the reply.", markup=False)
            self._composer.give_back(event.text)
        elif any((message.endpoint == "demo") != self._is_demo for message in self._replied):
            self._offer_new(event.text)
        else:
            await self._ask(event.text)

    @property
    def _replied(self) -> list[Message]:
        return [message for message in self._line if message.role == "assistant"]

    @work
    async def _offer_new(self, text: str) -> None:
        """Offer to ask elsewhere: what the demo said is not Claude's to go on with."""
        here, there = ("Claude's", "the demo") if self._is_demo else ("the demo's", "Claude")
        question = f"This conversation is {here}. Ask {there} in a new one?"
        from tui.screens.confirm import ConfirmScreen

        if await self.app.push_screen_wait(ConfirmScreen(question, yes="Ask there")):
            await self._read(self._unsaved())
            await self._ask(text)
        else:
            self._composer.give_back(text)

    async def _ask(self, text: str) -> None:
        conversation = self._open
        if not conversation.title:
            conversation = replace(conversation, title=title_of(text))
        try:
            question = await turn.ask(self._store, conversation, text)
        except HistoryError as error:
            self._complain(str(error))
            self._composer.give_back(text)
            return
        self._open = replace(conversation, tip_id=question.id)
        self._line.append(question)
        await self._begin(question, question)
        self._show_heading()
        self.refresh_list()

    async def _begin(self, question: Message, *unseen: Message) -> None:
        """Start the reply to a question; show it, below what has not been seen yet."""
        draft = self._replies.begin(self._open, question, self._open.model)
        self._open = replace(self._open, tip_id=draft.id)
        self._show_empty()
        now_ms = self._store.clock.now_ms()
        self._transcript.add(*unseen, draft, now_ms=now_ms)
        self._pump.resume()

    @on(Transcript.Retried)
    async def _retry(self, event: Transcript.Retried) -> None:
        await self._ask_again(event.message_id)

    async def action_retry(self) -> None:
        """Ask for the newest reply again: a new version beside the old."""
        if reply_id := self._transcript.newest_reply_id:
            await self._ask_again(reply_id)

    async def _ask_again(self, reply_id: str) -> None:
        if self._open.id in self._replies.drafts:
            self.notify("Claude is still answering. Esc stops the reply.", markup=False)
            return
        if not self._line or self._line[-1].id != reply_id:
            self.notify("Only the newest reply can be asked for again.", markup=False)
            return
        old = self._line.pop()
        question = self._line[-1]
        self._transcript.take_out(old.id)
        await self._begin(question)
        self._composer.focus()

    async def ended(self, draft: Draft, problem: str | None) -> None:
        """Show that a reply has ended, wherever it was being written."""
        message = draft.ended
        if not self._can_draw:
            return
        if problem is not None:
            self._complain(problem)
        if message is not None and draft.conversation_id == self._open.id:
            if all(known.id != message.id for known in self._line):
                self._line.append(message)
            await self._transcript.finish(message)
        else:
            self._unread.add(draft.conversation_id)
        self.refresh_list()

    async def _draw(self) -> None:
        """Draw the running reply that is being read; mark the others in the sidebar."""
        replies = self._replies
        if not replies.drafts:
            self._pump.pause()
        if not self._can_draw:
            return
        open_id = self._open.id
        draft = replies.drafts.get(open_id)
        if draft is not None:
            self._ask_to_wait(draft)
            now = self._store.clock.monotonic()
            # What it is doing may be told by the second, though nothing comes.
            is_counting, self._counted = int(now) != self._counted, int(now)
            if is_counting or open_id in replies.changed:
                replies.changed.discard(open_id)
                if not self._transcript.draw(draft, now):
                    replies.changed.add(open_id)
        self._sidebar.mark(self._marks(), self._waits())

    def _ask_to_wait(self, draft: Draft) -> None:
        """Ask once whether to wait as long as the endpoint of a reply says."""
        if draft.retry is None or not draft.retry.is_asking:
            self._asked_to_wait.discard(draft.id)
        elif draft.id not in self._asked_to_wait:
            self._asked_to_wait.add(draft.id)
            self._offer_to_wait(draft, draft.retry)

    @work
    async def _offer_to_wait(self, draft: Draft, retry: Retry) -> None:
        wait = wording.counted(math.ceil(retry.at - self._store.clock.monotonic()))
        question = f"{retry.reason} It asks to be left alone for {wait}. Wait, and try again?"
        from tui.screens.confirm import ConfirmScreen

        may_wait = await self.app.push_screen_wait(ConfirmScreen(question, yes="Wait"))
        self._replies.answer(draft.conversation_id, may_wait=may_wait)

    def action_stop(self) -> None:
        """Stop the reply being read; with none, close the drawer, then return to writing."""
        if not self.stop_reply():
            self.remove_class("-drawer")
            self._composer.focus()

    def stop_reply(self) -> bool:
        """Stop the reply being read, keeping what has arrived; False if there is none."""
        return self._replies.stop(self._open.id)

    # Which conversation is read

    def _unsaved(self) -> Conversation:
        now = self._store.clock.now_ms()
        return Conversation(self._store.new_id(), self._model, now, now)

    async def action_new(self) -> None:
        """Start a conversation. It is saved with its first question."""
        if self._line or self._open.title:
            await self._read(self._unsaved())
        self.remove_class("-drawer")
        self._composer.focus()

    @on(Sidebar.Chosen)
    async def _choose(self, event: Sidebar.Chosen) -> None:
        await self._switch_to(event.conversation_id)
        self.remove_class("-drawer")
        self._composer.focus()

    async def action_switch(self, step: int) -> None:
        """Open the conversation above or below in the sidebar."""
        try:
            found = await self._store.neighbour(self._open.id, step)
        except HistoryError as error:
            self._complain(str(error))
            return
        if found is not None:
            await self._switch_to(found)

    async def _switch_to(self, conversation_id: str) -> None:
        if conversation_id == self._open.id:
            return
        try:
            found = await self._store.conversation(conversation_id)
        except HistoryError as error:
            self._complain(str(error))
            return
        if found is not None:
            await self._read(found)

    async def _read(self, conversation: Conversation) -> None:
        """Show a conversation."""
        # The draft first: should it end meanwhile, its message is read below.
        draft = self._replies.drafts.get(conversation.id)
        try:
            line = await self._store.line(conversation.tip_id)
        except HistoryError as error:
            self._complain(str(error))
            return
        self._open, self._line = conversation, line
        if draft is not None:
            self._line = [message for message in line if message.id != draft.id]
            self._pump.resume()
            self._replies.changed.add(conversation.id)
        self._unread.discard(conversation.id)
        self._show_heading()
        self._show_empty()
        now_ms = self._store.clock.now_ms()
        self._transcript.show(self._line, draft, now_ms=now_ms)
        self.refresh_list()

    @work(exclusive=True, group="list")
    async def refresh_list(self) -> None:
        """Read the list of conversations again, and show what is open in it."""
        sidebar = self._sidebar
        sidebar.open(self._open.id)
        try:
            listing = await self._store.listing(
                cursor_id=sidebar.cursor_id, anchor=sidebar.place
            )
        except HistoryError as error:
            self._complain(str(error))
            return
        if self._can_draw:
            sidebar.mark(self._marks())
            sidebar.show(listing)

    @work(exclusive=True, group="others")
    async def _follow_others(self) -> None:
        """Show what another program has written meanwhile."""
        try:
            if not await self._store.is_changed_elsewhere() or not self._can_draw:
                return
            await self._reread()
        except HistoryError as error:
            self._complain(str(error))
        self.refresh_list()

    async def _reread(self) -> None:
        """Show the conversation being read as it is now, if another program changed it."""
        is_ahead = any(message.id in self._replies.unkept for message in self._line)
        if self._open.id in self._replies.drafts or is_ahead or not self._line:
            return
        conversation = await self._store.conversation(self._open.id)
        if conversation is None:
            self.notify("This conversation was deleted in another window.", markup=False)
            await self._read(self._unsaved())
            return
        line = await self._store.line(conversation.tip_id)
        seen = [(message.id, message.state) for message in self._line]
        if seen != [(message.id, message.state) for message in line]:
            await self._read(conversation)

    @on(Sidebar.PageWanted)
    @work(group="pages")
    async def _give_page(self, event: Sidebar.PageWanted) -> None:
        """Read a page of the list; the list itself, should it have changed meanwhile."""
        try:
            page = await self._store.page(event.listing, event.start)
        except HistoryError as error:
            self._complain(str(error))
            return
        if page is None:
            self.refresh_list()
        elif self._can_draw:
            self._sidebar.give(page, event.listing)

    # What is deleted

    @on(Sidebar.Deleted)
    async def _delete(self, event: Sidebar.Deleted) -> None:
        """Delete a conversation; what was deleted last can be brought back for a while."""
        conversation_id = event.conversation_id
        try:
            found = await self._store.conversation(conversation_id)
            if found is None:
                return
            self._replies.stop(conversation_id)
            beside = await self._store.neighbour(conversation_id, 1)
            beside = beside or await self._store.neighbour(conversation_id, -1)
            await self._trash.put(conversation_id)
        except HistoryError as error:
            self._complain(str(error))
            return
        if conversation_id == self._open.id:
            await self._read(self._unsaved())
            if beside is not None:
                await self._switch_to(beside)
        self.refresh_list()
        title = clean_line(found.title)
        line = f"Deleted “{title}”. u, in the sidebar, brings it back."
        self.notify(line, timeout=UNDO_SECONDS, markup=False)
        self.set_timer(UNDO_SECONDS + 0.5, self.empty_trash)

    @on(Sidebar.Undone)
    async def action_undo_delete(self) -> None:
        """Bring back what was deleted last."""
        try:
            brought_back = await self._trash.take_back()
        except HistoryError as error:
            self._complain(str(error))
            return
        if brought_back:
            await self._switch_to(brought_back[-1])
            self.refresh_list()
        else:
            self.notify("There is nothing to bring back any more.", timeout=3, markup=False)

    @work(group="trash")
    async def empty_trash(self) -> None:
        """Remove for good what cannot be brought back any more."""
        try:
            await self._trash.empty()
        except HistoryError as error:
            self._complain(str(error))

    # What else a person can do

    def action_sidebar(self) -> None:
        """Go to the sidebar, showing it if it is hidden; from it, hide it again."""
        sidebar = self._sidebar
        if sidebar.has_focus:
            self.set_class(self.has_class("-wide"), "-hidden")
            self.remove_class("-drawer")
            self._composer.focus()
            return
        self.remove_class("-hidden")
        self.set_class(self.has_class("-narrow"), "-drawer")
        sidebar.focus()

    @on(events.Click, "#pill")
    def action_end(self) -> None:
        """Go to the end of the conversation, and follow it."""
        self._transcript.show_end()

    def action_fold(self) -> None:
        """Hide or show thinking."""
        self._transcript.fold()

    def action_redraw(self) -> None:
        """Draw the whole screen again."""
        self.refresh(layout=True)

    @on(Composer.Scrolled)
    def _scroll(self, event: Composer.Scrolled) -> None:
        if event.pages < 0:
            self._transcript.scroll_page_up(animate=False)
        else:
            self._transcript.scroll_page_down(animate=False)

    @on(Transcript.Copied)
    def _copy(self, event: Transcript.Copied) -> None:
        self.app.copy_to_clipboard(clean(event.text))
        self.notify("Copied.", timeout=2)

    @on(Transcript.LinkChosen)
    @work
    async def _open_link(self, event: Transcript.LinkChosen) -> None:
        """Open a link once its true target has been seen."""
        from tui.screens.confirm import ConfirmScreen

        target = clean_line(event.target)
        if not target.lower().startswith(_OPENABLE):
            self.notify(f"Not opened: {target}", severity="warning", markup=False)
        elif await self.app.push_screen_wait(
            ConfirmScreen(f"Open this?\n\n{target}", yes="Open")
        ):
            self.app.open_url(target)

    # Showing what is known

    @property
    def _can_draw(self) -> bool:
        """False while the app is closing: a reply may end after its widgets are gone."""
        return self._sidebar.is_attached

    def _marks(self) -> dict[str, Mark]:
        marks: dict[str, Mark] = dict.fromkeys(self._unread, "unread")
        for conversation_id, draft in self._replies.drafts.items():
            marks[conversation_id] = "retrying" if draft.retry else "streaming"
        return marks

    def _waits(self) -> dict[str, str]:
        """Return how long each retrying reply still waits."""
        now = self._store.clock.monotonic()
        return {
            conversation_id: wording.counted(max(0, math.ceil(draft.retry.at - now)))
            for conversation_id, draft in self._replies.drafts.items()
            if draft.retry is not None
        }

    def _show_heading(self) -> None:
        title = clean_line(self._open.title) or "New conversation"
        self.query_one("#title", Static).update(Content(title))
        name = wording.model_name(self._open.model)
        where = "" if self._is_demo or self._host == ANTHROPIC else f" · {self._host}"
        self.query_one("#model", Static).update(Content(clean_line(name + where)))

    def _show_empty(self) -> None:
        """Show the transcript, or what to do while there is none."""
        is_empty = not self._open.tip_id
        self.query_one("#empty").display = is_empty
        self._transcript.display = not is_empty

    @on(Transcript.Followed)
    def _show_pill(self, event: Transcript.Followed) -> None:
        self.query_one("#pill").display = not event.is_at_end

    def _complain(self, line: str) -> None:
        self.notify(clean_line(line), severity="error", timeout=10, markup=False)
