"""The chat screen: pick a conversation, read it, add to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer, Input, Static, TextArea

from tui import wording
from tui.conversation import Conversation, Message, Place, Unsent
from tui.desk import Desk
from tui.draft import Draft, Retry
from tui.reading import Reading, Refused
from tui.replies import Replies
from tui.sanitise import clean_line
from tui.screens.acting import Acting
from tui.screens.following import Following
from tui.screens.looking import Looking
from tui.screens.organising import Organising
from tui.screens.returning import Returning
from tui.screens.saving import Saving
from tui.search import Term
from tui.store import HistoryError, Store
from tui.trash import Trash
from tui.widgets.composer import Composer
from tui.widgets.filter import Filter
from tui.widgets.find_bar import FindBar
from tui.widgets.sidebar import Sidebar, Want
from tui.widgets.transcript import Transcript
from tui.widgets.tray import Tray

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
    VERTICAL_BREAKPOINTS = [(0, "-low"), (15, "-high")]
    BINDINGS = [
        Binding("ctrl+n", "new", "New", id="chat.new"),
        Binding("ctrl+s", "sidebar", "Sidebar", id="chat.sidebar"),
        Binding("escape", "stop", "Stop", id="chat.stop"),
        Binding("ctrl+t", "fold", "Thinking", id="chat.fold", show=False),
        Binding("ctrl+pageup,alt+up", "switch(-1)", "Previous", id="chat.previous", show=False),
        Binding("ctrl+pagedown,alt+down", "switch(1)", "Next", id="chat.next", show=False),
        Binding("ctrl+end", "end", "To the end", id="chat.end", show=False),
        Binding("ctrl+f", "find", "Find", id="chat.find", show=False),
        Binding("f2", "rename", "Rename", id="chat.rename", show=False),
        Binding("ctrl+l", "redraw", "Redraw", id="chat.redraw", show=False),
    ]

    def __init__(
        self,
        store: Store,
        replies: Replies,
        desk: Desk,
        *,
        model: str,
        is_model_asked_for: bool,
        host: str,
        banner: str,
        frames_per_second: int,
        is_ready: Callable[[], object],
        copied_files: Callable[[], Sequence[Path]] = tuple,
    ) -> None:
        super().__init__()
        self.store = store
        self.replies = replies
        self.desk = desk
        self.trash = Trash(store, along=copied_files)
        self.reading = Reading(
            store, replies, self.trash, model=model, is_model_asked_for=is_model_asked_for
        )
        self._acting = Acting(self)
        self.organising = Organising(self)
        self.looking = Looking(self)
        self.following = Following(self)
        self.returning = Returning(self)
        self.host = host
        self._is_demo = host == "demo"
        self.saving = Saving(self, banner)
        self._frames_per_second = frames_per_second
        self._is_ready = is_ready
        """Called once the first screen can be seen and typed into."""
        self.unsaved_id = self._open_id
        """The conversation that has no question yet; its draft waits for Ctrl+N."""
        self.sidebar, self.filter = Sidebar(), Filter()
        self.transcript, self.tray, self.composer = Transcript(), Tray(), Composer()
        self._pump: Timer

    def compose(self) -> ComposeResult:
        """Compose the sidebar beside the conversation."""
        # Few widgets, one beside the other: each one below the transcript, a container
        # that it covers too, is drawn again with every frame of a reply.
        yield self.sidebar
        yield self.filter
        with Horizontal(id="heading"):
            yield Static(id="title", markup=False)
            yield Static(id="model", markup=False)
        yield Static(Content(self.saving.banner), id="banner")
        yield Static(Content(_DEMO_GREETING if self._is_demo else _GREETING), id="empty")
        yield self.transcript
        yield Static("↓ more below · Ctrl+End", id="pill", markup=False)
        yield self.looking.bar
        yield self.tray
        yield self.composer
        yield Footer()

    @property
    def _open_id(self) -> str:
        return self.reading.conversation.id

    def on_mount(self) -> None:
        """Show what can be shown at once; ask for the rest."""
        self._pump = self.set_interval(1 / self._frames_per_second, self._draw, pause=True)
        self.set_interval(60, self.refresh_list)
        self.set_interval(1, self._follow_others)
        self.query_one("#banner").display = bool(self.saving.banner)
        self._show_heading()
        self._show_empty()
        self.show_unsent()
        self.set_focus(self.composer)
        self._follow_others()
        self.refresh_list()
        self.call_after_refresh(self._is_ready)

    # What was sent, and what comes back

    @on(Composer.Sent)
    async def _send(self, event: Composer.Sent) -> None:
        other = self.reading.is_demo
        if self.desk.unsent(self._open_id).edited_id is not None:
            await self._acting.send_edit(event.text)
        elif other is not None and other != self._is_demo:
            self._offer_new(event.text)
        elif self.replies.is_busy(self._open_id) or self.desk.unsent(self._open_id).queued:
            self.desk.queue(self._open_id, event.text)
            await self._ask_next()
        else:
            await self._ask(event.text)

    @on(Composer.Nudged)
    async def _ask_next(self) -> None:
        """Ask the question that waits longest, unless a reply is still being written."""
        with self.telling():
            # Of the model that the heading names.
            await self.replies.ask_next(self._open_id, self.reading.conversation.model)
        self.show_unsent()

    @on(Composer.Recalled)
    def _recall(self) -> None:
        """Let the question that was queued last be edited."""
        text = self.desk.take_newest(self._open_id)
        if text is not None:
            self.composer.write(text)
            self.show_unsent()

    @on(events.Paste)
    def _paste(self, event: events.Paste) -> None:
        """Put into the composer what is pasted where nothing is written."""
        if not isinstance(self.focused, TextArea | Input):
            self.set_focus(self.composer)
            self.composer.post_message(events.Paste(event.text))

    @on(Composer.Changed)
    def _keep_draft(self) -> None:
        self.desk.write(self._open_id, self.composer.whole)

    @work
    async def _offer_new(self, text: str) -> None:
        """Offer to ask elsewhere: what the demo said is not Claude's to go on with."""
        here, there = ("Claude's", "the demo") if self._is_demo else ("the demo's", "Claude")
        question = f"This conversation is {here}. Ask {there} in a new one?"
        if await self.confirm(question, yes="Ask there"):
            await self.read(self.reading.unsaved())
            await self._ask(text)
        else:
            self.composer.give_back(text)

    async def confirm(self, question: str, *, yes: str) -> bool:
        """Ask a person, in a worker."""
        from tui.screens.confirm import ConfirmScreen

        return await self.app.push_screen_wait(ConfirmScreen(question, yes=yes))

    async def _ask(self, text: str) -> None:
        self.returning.begin()
        try:
            await self.returning.keep_place()
            question, draft = await self.reading.ask(text)
        except (HistoryError, Refused) as error:
            self.complain(str(error))
            self.composer.give_back(text)
            return
        self.show_asked(question, draft)

    def show_asked(self, question: Message, draft: Draft) -> None:
        """Show a question that was asked just now, and its reply as it arrives."""
        if self.unsaved_id == self._open_id:
            self.unsaved_id = self.store.new_id()
        if question.id in self.reading.versions:
            self.show_reading()
            return
        self._show_empty()
        self.transcript.add(question, draft, now_ms=self.store.clock.now_ms())
        self.go_on_drawing()
        self._show_heading()
        self.show_unsent()
        self.refresh_list()

    @work(group="versions")
    async def find_versions(self, question_id: str) -> None:
        """Show which version a question is that was asked just now, if it has others."""
        with self.telling():
            await self.reading.find_versions()
            if question_id in self.reading.versions:
                self.show_reading()

    @on(Transcript.Wanted)
    async def _act(self, event: Transcript.Wanted) -> None:
        await self._acting.act(event.what, event.message_id)

    async def action_retry(self) -> None:
        """Ask for the newest reply again: a new version beside the old."""
        if reply_id := self.transcript.newest_reply_id:
            await self._acting.act("regenerate", reply_id)

    @work
    async def tell_of(self, draft: Draft) -> None:
        """Tell of a reply that has ended elsewhere."""
        with self.telling():
            await self.following.tell_of(draft)

    def go_on_drawing(self) -> None:
        """Draw what arrives, from now on until nothing more does."""
        self._pump.resume()

    def _draw(self) -> None:
        if not self.replies.drafts:
            self._pump.pause()
        if self.can_draw:
            self.following.draw()

    @work
    async def offer_to_wait(self, draft: Draft, retry: Retry) -> None:
        """Ask whether a reply may wait as long as its endpoint says."""
        wait = wording.counted(math.ceil(retry.at - self.store.clock.monotonic()))
        question = f"{retry.reason} It asks to be left alone for {wait}. Wait, and try again?"
        may_wait = await self.confirm(question, yes="Wait")
        self.replies.answer(draft.conversation_id, may_wait=may_wait)

    async def action_stop(self) -> None:
        """Stop the reply being read; with none, close what is open, then return to writing.

        What is being found ends first: who is at it means that.
        """
        if (self.looking.bar.is_typed_into and self.looking.end()) or self.stop_reply():
            return
        is_writing = self.composer.has_focus
        if not is_writing and (self.looking.end() or self.organising.leave_filter()):
            return
        if is_writing and self.desk.unsent(self._open_id).edited_id is not None:
            self.leave_edit()
        self.remove_class("-drawer")
        self.set_focus(self.composer)

    def stop_reply(self) -> bool:
        """Stop the reply being read, keeping what has arrived; False if there is none."""
        return self.replies.stop(self._open_id)

    def leave_edit(self) -> None:
        """End the edit of a question; what was being written before comes back."""
        self.composer.write(self.desk.leave_edit(self._open_id).text)
        self.show_unsent()

    # Which conversation is read

    async def action_new(self) -> None:
        """Start a conversation. It is saved with its first question."""
        if self.reading.line or self.reading.conversation.title:
            await self.read(self.reading.unsaved(self.unsaved_id))
        self.remove_class("-drawer")
        self.set_focus(self.composer)

    @on(Sidebar.Chosen)
    async def _choose(self, event: Sidebar.Chosen) -> None:
        await self.switch_to(event.conversation_id)
        self.remove_class("-drawer")
        self.set_focus(self.composer)

    async def action_switch(self, step: int) -> None:
        """Open the conversation above or below in the sidebar."""
        with self.telling():
            found = await self.store.neighbour(self._open_id, step)
            if found is not None:
                await self.switch_to(found)

    async def switch_to(self, conversation_id: str) -> None:
        """Read a conversation, if it is there."""
        if conversation_id == self._open_id:
            return
        with self.telling():
            found = await self.store.conversation(conversation_id)
            if found is not None:
                await self.read(found)

    async def read(self, conversation: Conversation) -> None:
        """Read a conversation, from where it was left."""
        with self.telling():
            place = await self.store.drafts.place(conversation.id)
            await self.desk.open(conversation.id)
            await self.returning.keep_place()
            self.looking.end()
            # What was typed last may not have been told yet.
            self._keep_draft()
            await self.reading.open(conversation)
            self.show_reading(place=place)
            self.show_unsent_text()
            await self.returning.keep_place()

    def show_reading(self, *, place: Place | None = None, at: str | None = None) -> None:
        """Show what is read, as it is now; at a place, or at a message."""
        reading, open_id = self.reading, self._open_id
        if not (reading.line or reading.conversation.tip_id):
            self.unsaved_id = open_id
        elif self.unsaved_id == open_id:
            self.unsaved_id = self.store.new_id()
        draft = reading.draft
        if draft is not None:
            self.go_on_drawing()
            self.replies.changed.add(open_id)
        self.following.has_read(open_id)
        self._show_heading()
        self._show_empty()
        self.transcript.show(
            reading.line,
            draft,
            now_ms=self.store.clock.now_ms(),
            versions=reading.versions,
            place=place,
        )
        if at is not None:
            self.transcript.go_to(at)
        self.looking.again()
        self.show_unsent()
        self.refresh_list()

    def show_unsent_text(self) -> None:
        """Let it be gone on with what was being written here."""
        unsent = self.desk.unsent(self._open_id)
        self.composer.write(unsent.text if unsent.edited_id is None else unsent.edit)

    async def retitled(self, conversation_id: str) -> None:
        """Show a conversation's new title, here and in the list."""
        self.refresh_list()
        # Not while a question is being kept: what is read then would have the old one.
        async with self.reading.lock:
            found = await self.store.conversation(conversation_id)
            if found is not None and conversation_id == self._open_id:
                self.reading.conversation = replace(
                    self.reading.conversation, title=found.title, title_by=found.title_by
                )
                self._show_heading()

    @work(exclusive=True, group="list")
    async def refresh_list(self) -> None:
        """Read the list of conversations again, and show what is open in it."""
        self.sidebar.open(self._open_id)
        with self.telling():
            await self.organising.show_list()

    @work(exclusive=True, group="others")
    async def _follow_others(self) -> None:
        """Show what another program has written meanwhile; keep where the reader is."""
        with self.telling():
            if await self.returning.follow_others():
                await self.retitled(self._open_id)

    # The list, and what is done with what is in it

    @on(Sidebar.PageWanted)
    @work(group="pages")
    async def _give_page(self, event: Sidebar.PageWanted) -> None:
        with self.telling():
            await self.organising.give_page(event.listing, event.start)

    @on(Sidebar.Wanted)
    @work
    async def _organise(self, event: Sidebar.Wanted) -> None:
        with self.telling():
            await self.organising.act(event.what, event.conversation_ids)

    @on(Sidebar.ArchiveWanted)
    def action_archive(self) -> None:
        """Show the archive in the sidebar, or the list again."""
        self.organising.change_list()

    @on(Sidebar.FilterWanted)
    def _go_to_filter(self) -> None:
        self.set_focus(self.filter)

    @on(Filter.Changed, "#filter")
    def _filter(self) -> None:
        self.refresh_list()

    @on(Filter.Stepped)
    def _step(self, event: Filter.Stepped) -> None:
        self.sidebar.action_move(event.step)

    @on(Filter.Entered)
    def _enter(self, event: Filter.Entered) -> None:
        if event.has_stepped:
            self.sidebar.action_choose()
        else:
            self.search(self.filter.value)

    @on(Filter.Left)
    def _go_to_list(self) -> None:
        self.set_focus(self.sidebar)

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _steer(self) -> None:
        self.sidebar.steer(is_steered=self.filter.has_focus)

    @on(Sidebar.Undone)
    @on(Transcript.Undone)
    async def action_undo_delete(self) -> None:
        """Bring back what was deleted last."""
        with self.telling():
            await self.organising.undo()

    @work
    async def action_rename(self) -> None:
        """Give the conversation being read another title."""
        with self.telling():
            await self.organising.rename()

    @work(group="trash")
    async def empty_trash(self) -> None:
        """Remove for good what cannot be brought back any more."""
        with self.telling():
            await self.organising.empty_trash()

    # What else a person can do

    def action_sidebar(self) -> None:
        """Go to the sidebar, showing it if it is hidden; from it, hide it again."""
        if self.sidebar.has_focus or self.filter.has_focus:
            self.set_class(self.has_class("-wide"), "-hidden")
            self.remove_class("-drawer")
            self.set_focus(self.composer)
            return
        self.remove_class("-hidden")
        self.set_class(self.has_class("-narrow"), "-drawer")
        self.set_focus(self.filter)

    def action_find(self) -> None:
        """Find something in the conversation being read; a second time, everywhere."""
        self.looking.begin()

    @on(FindBar.Stepped)
    @on(Transcript.Looked)
    def _look_on(self, event: FindBar.Stepped | Transcript.Looked) -> None:
        self.looking.step(event.step)

    @on(Input.Changed, "#find Input")
    def _find_typed(self) -> None:
        self.looking.typed()

    @work(exclusive=True, group="look")
    async def look(
        self, terms: tuple[Term, ...], *, at: str | None = None, is_staying: bool = False
    ) -> None:
        """Find some words in the conversation being read."""
        await self.looking.look(terms, at=at, is_staying=is_staying)

    @work
    async def action_save_file(self) -> None:
        """Write the conversation being read into a file of its own."""
        await self.saving.save()

    def action_search(self) -> None:
        """Search everything."""
        self.search("")

    def action_organise(self, what: Want) -> None:
        """Do something with the conversation being read, from the palette."""
        if self.reading.conversation.title:
            self.sidebar.post_message(Sidebar.Wanted(what, (self._open_id,)))

    def action_stop_reply(self) -> None:
        """Stop the reply being read, and nothing else."""
        self.stop_reply()

    @work
    async def search(self, typed: str) -> None:
        """Search everything."""
        with self.telling():
            await self.looking.search(typed)

    @on(events.Click, "#pill")
    def action_end(self) -> None:
        """Go to the end of the conversation, and follow it."""
        self.transcript.show_end()

    def action_fold(self) -> None:
        """Hide or show thinking."""
        self.transcript.fold()

    def action_redraw(self) -> None:
        """Draw the whole screen again."""
        self.refresh(layout=True)

    @on(Composer.Scrolled)
    def _scroll(self, event: Composer.Scrolled) -> None:
        if event.pages < 0:
            self.transcript.scroll_page_up(animate=False)
        else:
            self.transcript.scroll_page_down(animate=False)

    @on(Transcript.LinkChosen)
    @work
    async def _open_link(self, event: Transcript.LinkChosen) -> None:
        """Open a link once its true target has been seen."""
        target = clean_line(event.target)
        if not target.lower().startswith(_OPENABLE):
            self.notify(f"Not opened: {target}", severity="warning", markup=False)
        elif await self.confirm(f"Open this?\n\n{target}", yes="Open"):
            self.app.open_url(target)

    # Showing what is known

    @property
    def can_draw(self) -> bool:
        """False while the app is closing: a reply may end after its widgets are gone."""
        return self.sidebar.is_attached

    def show_unsent(self) -> None:
        """Show what waits above the composer."""
        unsent: Unsent = self.desk.unsent(self._open_id)
        self.tray.show(unsent, is_running=self._open_id in self.replies.drafts)

    def _show_heading(self) -> None:
        conversation = self.reading.conversation
        title = clean_line(conversation.title) or "New conversation"
        self.query_one("#title", Static).update(Content(title))
        name = wording.model_name(conversation.model)
        where = "" if self._is_demo or self.host == ANTHROPIC else f" · {self.host}"
        self.query_one("#model", Static).update(Content(clean_line(name + where)))

    def _show_empty(self) -> None:
        """Show the transcript, or what to do while there is none."""
        is_empty = not self.reading.conversation.tip_id
        self.query_one("#empty").display = is_empty
        self.transcript.display = not is_empty

    @on(Transcript.Followed)
    def _show_pill(self, event: Transcript.Followed) -> None:
        self.query_one("#pill").display = not event.is_at_end

    @contextmanager
    def telling(self) -> Generator[None]:
        """Tell a person what could not be done meanwhile."""
        try:
            yield
        except (HistoryError, Refused) as error:
            self.complain(str(error))

    def complain(self, line: str) -> None:
        """Tell a person what went wrong."""
        self.notify(clean_line(line), severity="error", timeout=10, markup=False)
