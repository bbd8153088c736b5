"""The chat screen: choose a conversation, read it, add to it.

It composes the widgets and owns the focus, Esc and the dialogs. It passes the messages
of the widgets, the commands and the session's changes to the controllers. It changes no
data itself: the widgets show what the session publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message as TextualMessage
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from tui.chat import changes, connection_commands, conversation_commands
from tui.chat.changes import Change
from tui.chat.other_windows import OtherWindows
from tui.chat.session import Session
from tui.config.commands import BY_ID
from tui.config.keymap import Keymap
from tui.terminal.external_editor import ExternalEditor
from tui.ui.bindings import bindings_of
from tui.ui.controllers.composer import ComposerController
from tui.ui.controllers.conversation_list import ConversationListController
from tui.ui.controllers.ended_replies import EndedReplies
from tui.ui.controllers.find import Finder
from tui.ui.controllers.footer_labels import FooterLabels
from tui.ui.controllers.heading import Heading
from tui.ui.controllers.history_file import HistoryFile
from tui.ui.controllers.links import LinkOpener
from tui.ui.controllers.message_actions import MessageActions
from tui.ui.controllers.path_view import PathView
from tui.ui.controllers.reply_view import ReplyView
from tui.ui.controllers.search import Searcher
from tui.ui.controllers.welcome import WelcomePage
from tui.ui.screens.performing import PerformingScreen, Work
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.filter import Filter
from tui.ui.widgets.find_bar import FindBar
from tui.ui.widgets.inline_question import InlineQuestion
from tui.ui.widgets.key_footer import KeyFooter
from tui.ui.widgets.pill import Pill
from tui.ui.widgets.queue_panel import QueuePanel
from tui.ui.widgets.sidebar import Sidebar
from tui.ui.widgets.slash_list import SlashList
from tui.ui.widgets.transcript import Transcript
from tui.ui.widgets.welcome import Welcome


class ChatScreen(PerformingScreen[None]):
    """The list of conversations on the left; the open one on the right."""

    # Textual would choose the list, where letters are commands.
    AUTO_FOCUS = "Composer"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (15, "-high"), (36, "-tall")]
    BINDINGS = bindings_of("chat")

    @dataclass
    class SessionChanged(TextualMessage):
        """The session has changed."""

        change: Change

    def __init__(
        self,
        session: Session,
        keymap: Keymap,
        *,
        banner: str,
        frames_per_second: int,
        text_width: int,
        prompts: Path,
        editor: ExternalEditor,
        on_ready: Callable[[], object],
    ) -> None:
        super().__init__()
        self.session = session
        self._frames_per_second = frames_per_second
        self._on_ready = on_ready
        """Called when the first screen is visible and takes keys."""
        self.sidebar, self.filter, self.find_bar = Sidebar(), Filter(keymap), FindBar()
        self.transcript = Transcript(keymap, widest=text_width)
        self.welcome, self.question, self.composer = Welcome(), InlineQuestion(), Composer()
        self.queue_panel, self.slash_list = QueuePanel(keymap), SlashList(keymap)
        self._title = Static(id="title", markup=False)
        self._model = Static(id="model", markup=False)
        self._banner = Static(id="banner")
        self._pill = Pill(keymap.fill("↓ more below · {chat.end}"))
        self._add_controllers(keymap, banner, editor, prompts)
        session.subscribe(lambda change: self.post_message(self.SessionChanged(change)))

    def _add_controllers(
        self, keymap: Keymap, banner: str, editor: ExternalEditor, prompts: Path
    ) -> None:
        session, transcript, question = self.session, self.transcript, self.question
        self._history_file = HistoryFile(self._banner, session, banner)
        self._composer = ComposerController(
            *(self.composer, self.queue_panel, self.slash_list, question, session),
            act=self.act,
            run=self.action_run,
            editor=editor,
            prompts=prompts,
        )
        templates = self._composer.templates
        self._actions = MessageActions(transcript, self.composer, session, keymap, templates)
        self._replies = ReplyView(transcript, self.sidebar, question, session)
        self._ended_replies = EndedReplies(self.sidebar, session)
        self._list = ConversationListController(self.sidebar, self.filter, session, keymap)
        self._finder = Finder(transcript, self.find_bar, session.store.clock)
        self._searcher = Searcher(transcript, self._finder, session)
        self._other_windows = OtherWindows(session)
        self._links = LinkOpener(transcript, question)
        slash = self._composer.slash
        slash.take_arguments(search=self._search, find=self._find, rename=self._list.rename)
        self._labels = FooterLabels(
            self.composer, self.find_bar, transcript, question, session=session, slash=slash
        )
        self._path = PathView(
            transcript=transcript,
            welcome=WelcomePage(self.welcome, session, keymap, self.perform),
            heading=Heading(self._title, self._model, session, self.perform),
            replies=self._replies,
            composer=self._composer,
            finder=self._finder,
            session=session,
        )

    def compose(self) -> ComposeResult:
        """Compose the sidebar beside the conversation."""
        # Few widgets, and none behind another: whatever the transcript covers, even a
        # container, is drawn again with every frame of a reply.
        yield self.sidebar
        yield self.filter
        with Horizontal(id="heading"):
            yield self._title
            yield self._model
        yield self._banner
        yield self.welcome
        yield self.transcript
        yield self._pill
        yield self.find_bar
        yield self.question
        yield self.queue_panel
        yield self.slash_list
        yield self.composer
        yield KeyFooter(self._labels.label)

    def on_mount(self) -> None:
        """Show at once what is in memory; start the timers and read the list."""
        self._replies.timer = self.set_interval(
            1 / self._frames_per_second, self._replies.draw, pause=True
        )
        self.set_interval(60, self._refresh_list)
        self.set_interval(1, self._poll)
        self._history_file.show()
        self._path.show_heading()
        self._composer.show()
        self.set_focus(self.composer)
        self._poll()
        self._refresh_list()
        self.call_after_refresh(self._on_ready)

    # Commands

    async def action_run(self, command_id: str) -> None:
        """Run a command. The transcript runs its own commands on its selected message."""
        if (run := self.commands.get(command_id)) is not None:
            run()
        else:
            await self.transcript.run_action(BY_ID[command_id].action)

    @property
    def commands(self) -> Mapping[str, Callable[[], object]]:
        """The commands that this screen runs: all but those of the transcript."""
        act, transcript = self.act, self.transcript
        return {
            "chat.new": partial(self._open, self._list.new),
            "chat.previous": partial(self._switch, -1),
            "chat.next": partial(self._switch, 1),
            "chat.sidebar": self._toggle_sidebar,
            "chat.stop": self.stop_reply,
            "chat.accept": partial(self.question.answer, is_yes=True),
            "chat.thinking": transcript.toggle_thinking,
            "chat.end": transcript.show_end,
            "chat.find": self._find,
            "chat.search": partial(act, self._search, ""),
            "chat.save": partial(self.perform, self._history_file.save),
            "chat.redraw": partial(self.refresh, layout=True),
            "message.edit": transcript.action_edit_question,
            "message.regenerate": partial(act, self._actions.regenerate_newest),
            "sidebar.show-archive": self.sidebar.action_show_archive,
            **self._composer.commands,
            **self._list.commands(act),
        }

    def action_escape(self) -> None:
        """Stop the open conversation's reply; else close what is open, or go to the composer.

        With the focus in the find bar, only close the bar; while an earlier question is
        recalled, only give the draft back.
        """
        if (self.find_bar.is_typed_into and self._finder.end()) or self._composer.close():
            return
        if self.question.answer(is_yes=False) or self.stop_reply():
            return
        is_writing = self.composer.has_focus
        if not is_writing and (self._finder.end() or self._list.leave_filter()):
            self._refresh_list()
            return
        self.remove_class("-drawer")
        self.set_focus(self.composer)
        if is_writing and not self._composer.leave_edit():
            connection_commands.stay_in_demo(self.session)

    def stop_reply(self) -> bool:
        """Stop the open conversation's reply and keep its text; return False if none runs."""
        return self.session.scheduler.stop(self.session.open_id)

    def _open(self, work: Work, *args: object) -> None:
        """Open another conversation, and move the focus to the composer."""
        self._save_scroll_anchor()
        self.act(work, *args)
        self.remove_class("-drawer")
        self.set_focus(self.composer)

    def _switch(self, step: int) -> None:
        """Open the conversation above or below in the sidebar; leave the focus as it is."""
        self._save_scroll_anchor()
        self.act(conversation_commands.open_neighbour, self.session, self.session.open_id, step)

    def _toggle_sidebar(self) -> None:
        """Show the sidebar and move the focus there; from the sidebar, hide it again."""
        if self.sidebar.has_focus or self.filter.has_focus:
            self.set_class(self.has_class("-wide"), "-hidden")
            self.remove_class("-drawer")
            self.set_focus(self.composer)
            return
        self.remove_class("-hidden")
        self.set_class(self.has_class("-narrow"), "-drawer")
        self.set_focus(self.filter)

    def _find(self, words: str | None = None) -> None:
        """Find words in the open conversation; a second time, search the whole history."""
        if self.find_bar.is_typed_into:
            self.act(self._search, self.find_bar.typed)
        elif self.transcript.entries:
            self._finder.begin(words)
        else:
            self.act(self._search, words or "")

    async def _search(self, typed: str) -> None:
        if await self._searcher.search(typed):
            self.remove_class("-drawer")
            # The filter may still hold the same text, and would hide conversations.
            self._list.clear_filter()

    # What the session publishes

    @on(SessionChanged)
    def _show_change(self, event: SessionChanged) -> None:
        if not self.is_attached or not self.sidebar.is_attached:
            # A reply may end after the app's widgets are gone.
            return
        change = event.change
        self._path.follow(change)
        match change:
            case changes.ConversationOpened() | changes.ReplyStarted():
                self._save_scroll_anchor()
            case changes.ReplyEnded(reply):
                if change.problem is not None:
                    self.notify_error(change.problem)
                if not change.is_on_path:
                    self.perform(self._ended_replies.add, reply)
            case changes.TitleChanged() | changes.ListChanged() | changes.Deleted():
                self._refresh_list()
            case changes.DraftChanged() | changes.QueueChanged():
                self.refresh_bindings()
                self._composer.show_change(change)
                self._actions.return_from_edit()
            case changes.Notice(line, is_error):
                self.notify_error(line) if is_error else self.notify(line, markup=False)
            case _:
                pass

    def _refresh_list(self) -> None:
        # The change may also decide which keys do something now.
        self.refresh_bindings()
        self._replies.mark()
        self.perform(self._list.refresh, group="list", is_exclusive=True)

    async def save_scroll_anchor(self) -> None:
        """Save the scroll position. Raises `HistoryError`."""
        shown_id, place = self.composer.conversation_id, self.transcript.place
        await self.session.scroll_anchors.save(shown_id, place)

    def _save_scroll_anchor(self) -> None:
        # For what is on the screen: the session may have opened another one already.
        shown_id, place = self.composer.conversation_id, self.transcript.place
        self.perform(self.session.scroll_anchors.save, shown_id, place, group="place")

    def _poll(self) -> None:
        """Check what other programs have written, and save the scroll position."""
        if lost := self._history_file.look():
            self.notify_error(lost)
        self._save_scroll_anchor()
        self.perform(self._other_windows.poll, group="poll")
        if self._list.is_behind:
            self._refresh_list()

    # What the widgets post

    @on(Composer.Event)
    @on(SlashList.Picked)
    def _on_composer(self, event: Composer.Posted | SlashList.Picked) -> None:
        match event:
            case Composer.Submitted():
                self._save_scroll_anchor()
                self.act(self._composer.submit, event)
            case Composer.Scrolled(pages):
                scroll = self.transcript.scroll_page_down
                if pages < 0:
                    scroll = self.transcript.scroll_page_up
                scroll(animate=False)
            case _:
                self._composer.follow(event)

    @on(Transcript.Event)
    @on(FindBar.Stepped)
    def _on_transcript(self, event: Transcript.Posted | FindBar.Stepped) -> None:
        match event:
            case Transcript.ActionRequested(what, conversation_id, message_id):
                self._composer.save_draft()
                self.act(self._actions.act, what, conversation_id, message_id)
            case Transcript.FindStepped(step) | FindBar.Stepped(step):
                self._finder.step(step)
            case Transcript.LinkChosen(target, number):
                self._links.offer(target, number)
            case Transcript.AtEndChanged(is_at_end):
                self._pill.display = not is_at_end
            case Transcript.Undone():
                self.act(self._list.undo)

    @on(Sidebar.Event)
    @on(Welcome.Event)
    def _on_sidebar(self, event: Sidebar.Posted | Welcome.Posted) -> None:
        match event:
            case Sidebar.Chosen(conversation_id) | Welcome.ConversationChosen(conversation_id):
                self._open(self._list.open, conversation_id)
            case Welcome.StarterChosen(text):
                self.composer.give_back(f"{text} ")
            case Sidebar.PageWanted():
                self.perform(self._list.give_page, event, group="pages")
            case Sidebar.ActionRequested(what, conversation_ids):
                self.act(self._list.act, what, conversation_ids)
            case Sidebar.ArchiveWanted():
                self._list.toggle_archive()
                self._refresh_list()
            case Sidebar.FilterWanted():
                self.set_focus(self.filter)
            case Sidebar.Undone():
                self.act(self._list.undo)

    @on(Filter.Event)
    def _on_filter(self, event: Filter.Posted) -> None:
        if isinstance(event, Filter.Entered) and not event.has_stepped:
            self.act(self._search, self.filter.value)
        else:
            self._list.follow_filter(event)

    @on(Input.Changed)
    @on(Composer.Changed)
    def _on_typed(self, event: Input.Changed | Composer.Changed) -> None:
        if isinstance(event, Composer.Changed):
            self._composer.follow_typing()
        elif event.input is self.filter:
            self._refresh_list()
        else:
            self._finder.find_typed()

    @on(events.Paste)
    def _paste(self, event: events.Paste) -> None:
        """Put a paste into the composer if the focus is in no text field."""
        if not isinstance(self.focused, TextArea | Input):
            self.set_focus(self.composer)
            self.composer.post_message(events.Paste(event.text))

    def _reset_focus(self, widget: Widget, avoiding: list[Widget] | None = None) -> None:
        """Move the focus of a hidden widget to the composer, where letters do no harm."""
        if widget is self.composer:
            super()._reset_focus(widget, avoiding)
        elif widget is self.focused:
            self.set_focus(self.composer)
