"""The Textual application: its looks, its keys, and the workers that write replies."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from textual import events, on, work
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea
from textual.worker import Worker

from tui import turn, wording
from tui.claude import Claude
from tui.containment import LEAVING, ContainingApp
from tui.conversation import Conversation, Message
from tui.desk import Desk
from tui.draft import Draft
from tui.ending import Ending
from tui.keymap import Keymap, keymap, shown
from tui.preload import preload
from tui.preparing import BACK_UP_EVERY, prepare
from tui.replies import AT_ONCE, Replies
from tui.sanitise import clean, clean_line
from tui.screens.chat import ChatScreen
from tui.store import HistoryError, Store
from tui.terminal.key_event import key_event
from tui.themes import DARK, LIGHT
from tui.widgets.control_filter import ControlFilter
from tui.widgets.transcript import Transcript
from tui.window import SizedApp

COLLECTING = (50_000, 20, 100)
"""The thresholds of the garbage collector: the whole heap is left for pauses."""

MOST_COLLECTED = 300_000
"""Objects that are gone over in a pause; more would be felt, and are left as they are."""


def _grown() -> int:
    """Return about by how many objects the heap has grown since all of it was collected."""
    young, middle, old = gc.get_count()
    return young + COLLECTING[0] * (middle + COLLECTING[1] * old)


class StreamChat(ContainingApp, SizedApp):
    """The terminal home for a person's conversations with Claude."""

    TITLE = "streamchat-tui"
    # Of the default screen, Textual does not load the style sheet itself.
    CSS_PATH = ["app.tcss", "screens/chat.tcss"]
    # Collections of a large heap are felt; see `claude`.
    PAUSE_GC_ON_SCROLL = True
    BINDINGS = [
        Binding("f1", "help", "Help", id="app.help"),
        Binding("ctrl+q", "quit", "Quit", id="app.quit"),
        # Before the text area's own, which would copy nothing and say nothing.
        Binding(
            "ctrl+c", "interrupt", "Copy, stop, quit", id="app.interrupt", show=False,
            priority=True, system=True,
        ),
        # Bound here, lest Textual binds it without an id.
        Binding(
            "ctrl+p", "command_palette", "Every action", id="app.palette", show=False,
            priority=True,
        ),
        Binding("ctrl+o", "connect", "Connect", id="app.connect", show=False),
        Binding("ctrl+z", "suspend_process", "Suspend", id="app.suspend", show=False),
    ]  # fmt: skip

    def __init__(
        self,
        store: Store,
        claude: Claude,
        *,
        model: str,
        is_model_asked_for: bool = False,
        log_path: Path,
        env_path: Path,
        theme: str | None = None,
        frames_per_second: int = 15,
        unused_env: Path | None = None,
        is_key_missing: bool = False,
        keep_recordings_mb: int = 200,
        keys: Mapping[str, str] | None = None,
        at_once: int = AT_ONCE,
        title_model: str | None = None,
        substring_index: bool = False,
        ending: Ending | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        super().__init__()
        # A scroll that is animated draws a dozen frames where one is wanted.
        self.animation_level = "none"
        self._store = store
        self._claude = claude
        self._model = model
        self._is_model_asked_for = is_model_asked_for
        self._log_path = log_path
        self._env_path = env_path
        self._frames_per_second = frames_per_second
        self._unused_env = unused_env
        self._is_key_missing = is_key_missing
        self._keep_recordings_mb = keep_recordings_mb
        self._keys = dict(keys or {})
        self.warnings: Sequence[str] = ()
        """What a person has to know of the settings, told at the start."""
        self._ending = ending
        self._environ = environ
        """What tells which terminal this is."""
        self._title_model = title_model
        """The model that makes titles; None: they stay the first question's words."""
        self._substring_index = substring_index
        self._titled: set[str] = set()
        """The conversations that a title was asked for."""
        self.desk = Desk(store)
        self.replies = Replies(
            store, claude, desk=self.desk, run=self._run_reply, watched=self, at_once=at_once
        )
        self._quit_at = 0.0
        """When Ctrl+C was last pressed with nothing to copy or stop, monotonic seconds."""
        for known in (DARK, LIGHT):
            self.register_theme(known)
        self.theme = theme if theme in self.available_themes else DARK.name

    def get_default_screen(self) -> ChatScreen:
        """Open on the chat."""
        self._chat = ChatScreen(
            self._store,
            self.replies,
            self.desk,
            model=self._model,
            is_model_asked_for=self._is_model_asked_for,
            host=self._claude.endpoint.host,
            banner=self._banner(),
            frames_per_second=self._frames_per_second,
            is_ready=self._prepare,
            copied_files=self._copied_files,
        )
        return self._chat

    def _copied_files(self) -> Sequence[Path]:
        from tui import clipboard

        return clipboard.files(self._log_path.parent)

    def get_driver_class(self) -> type[Driver]:
        """Return Textual's driver for this system, mended if it is the one for terminals."""
        found = super().get_driver_class()
        if found.__name__ == "LinuxDriver":
            from tui.terminal.driver import TerminalDriver

            return TerminalDriver
        return found

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Let nothing reach the terminal that could drive it."""
        return [*super().get_line_filters(), ControlFilter()]

    @work(group="prepare")
    async def _prepare(self) -> None:
        """Do what the first screen did not wait for."""
        store = self._store
        await prepare(
            (
                store.recover,
                self._chat.returning.resume,
                self._show_chat,
                partial(store.trim_recordings, self._keep_recordings_mb * 1_000_000),
                store.back_up,
                partial(store.substrings.keep, is_wanted=self._substring_index),
            ),
            self._chat.complain,
        )

    @work(group="prepare")
    async def _connect(self) -> None:
        await prepare((partial(turn.connect, self._store, self._claude),), self._chat.complain)

    async def _show_chat(self) -> None:
        self._chat.refresh_list()
        self._chat.empty_trash()
        await asyncio.to_thread(preload)
        # The history does not wait for the endpoint, which may take its time.
        self._connect()

    async def on_unmount(self) -> None:
        """Close the connections."""
        await self._claude.close()

    def _banner(self) -> str:
        lines = [clean_line(self._store.notice)]
        if self._claude.endpoint.is_demo:
            lines.append("Offline demo: scripted replies, not Claude's.")
            if self._is_key_missing:
                lines.append(f"{self._key('app.connect')}: how to connect.")
        return " ".join(line for line in lines if line)

    def _run_reply(self, reply: Coroutine[Any, Any, None], name: str) -> Worker[None]:
        return self.run_worker(reply, name=name, group="replies")

    def on_mount(self) -> None:
        """Collect garbage in pauses, and be ready to end."""
        # Going over the whole heap takes 100 ms and more.
        gc.set_threshold(*COLLECTING)
        if self._keys:
            # Clashes are told on the page of keys. Textual would tell of each at every key
            # press, and of a binding with two keys that it clashes with itself.
            self.set_keymap(self.keymap.chosen)
        # Of a day that begins while it runs, and where the first could not be made.
        self.set_interval(BACK_UP_EVERY, self._store.back_up)
        for warning in self.warnings:
            self.notify(clean_line(warning), severity="warning", timeout=15, markup=False)
        if self._ending is not None:
            self._ending.listen(self._told_to_end)
            self.set_interval(1, self._ending.check_terminal)

    @work(group=LEAVING, exclusive=True)
    async def _told_to_end(self, code: int) -> None:
        """Leave at once, as a signal or the end of the terminal asks; keep what has arrived."""
        await self.replies.stop_all(is_interrupted=True)
        await self._keep_unsent()
        self.exit(return_code=code)

    async def _keep_unsent(self) -> None:
        """Keep what lies written, and where the reader is."""
        # Logged where it was raised; leaving is not held up by it.
        with suppress(HistoryError):
            await self.desk.keep()
            await self._chat.returning.keep_place()

    def _collect(self) -> None:
        if self.replies.drafts:
            return
        if not gc.isenabled():
            # A thread is making very much, and will tell the collector to leave it alone.
            self.set_timer(1, self._collect)
            return
        if _grown() < MOST_COLLECTED:
            gc.collect()
        gc.freeze()

    def reply_begun(self, conversation: Conversation, question: Message, draft: Draft) -> None:
        """Show a reply to a question that had waited."""
        self._chat.call_later(self._chat.following.begun, conversation, question, draft)

    def reply_ended(self, draft: Draft, problem: str | None) -> None:
        """Show that a reply has ended; have its conversation's title made."""
        self.set_timer(1, self._collect)
        self._chat.call_later(self._chat.following.ended, draft, problem)
        if not self.app_focus:
            self._tell_terminal(draft)
        if draft.ended is not None and draft.ended.state == "complete":
            self._improve_title(draft.conversation_id)

    @work(group="notices")
    async def _tell_terminal(self, draft: Draft) -> None:
        """Have the terminal tell a person who looks elsewhere that a reply has ended."""
        from tui import notices

        with suppress(HistoryError):
            conversation = await self._store.conversation(draft.conversation_id)
            if conversation is not None and draft.ended is not None and self._driver:
                how = wording.told(conversation.title, draft.ended)
                self._driver.write(notices.sequence(how, self._environ))

    def all_saved(self) -> None:
        """Tell that what could not be saved has been."""
        self.notify("What could not be saved before is saved now.", markup=False)

    @work(group="titles")
    async def _improve_title(self, conversation_id: str) -> None:
        if self._title_model is None or conversation_id in self._titled:
            return
        # Once for each conversation, whether or not one came.
        self._titled.add(conversation_id)
        from tui import titles

        with suppress(HistoryError):
            if await titles.improve(
                self._store, self._claude, conversation_id, self._title_model
            ):
                await self._chat.retitled(conversation_id)

    # Keys that work everywhere

    async def on_event(self, event: events.Event) -> None:
        """Take every key by the name that it is bound under."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            event = key_event(event, lambda: self.keymap)
        elif isinstance(event, events.Paste) and not event.is_forwarded:
            # As keys and clicks do in Textual 8.2.8: without the focus a paste is lost.
            self.app_focus = True
        await super().on_event(event)

    def action_interrupt(self) -> None:
        """Copy what is selected; else stop the reply; else quit at the second press."""
        if selected := self._selected_text():
            self.copy_out(selected)
        elif self.screen is self._chat and self._chat.stop_reply():
            self._quit_at = 0.0
        elif self._store.clock.monotonic() - self._quit_at < 2:
            self._ask_and_leave()
        else:
            self._quit_at = self._store.clock.monotonic()
            key = self._key("app.interrupt")
            self.notify(f"Press {key} again to quit.", timeout=2, markup=False)

    @on(Transcript.Copied)
    def _copy(self, event: Transcript.Copied) -> None:
        self.copy_out(event.text)

    @work(group="clipboard", exclusive=True)
    async def copy_out(self, text: str) -> None:
        """Put a text on the clipboard, by whatever way works here, and say how."""
        from tui import clipboard

        done = await clipboard.copy(
            clean(text),
            osc52=self.copy_to_clipboard,
            environ=self._environ,
            folder=self._log_path.parent,
        )
        self.notify(clean_line(done), timeout=4, markup=False)

    def _selected_text(self) -> str | None:
        focused = self.focused
        if isinstance(focused, TextArea | Input) and focused.selected_text:
            return focused.selected_text
        return self.screen.get_selected_text()

    @work(group=LEAVING, exclusive=True)
    async def _ask_and_leave(self) -> None:
        running = len(self.replies.drafts)
        if running:
            what = "A reply is" if running == 1 else f"{running} replies are"
            question = f"{what} being written. Stop and quit? What has arrived is kept."
            from tui.screens.confirm import ConfirmScreen

            if not await self.push_screen_wait(ConfirmScreen(question, yes="Quit")):
                return
        await self.replies.stop_all()
        if not await self.replies.keep_unkept():
            question = "The last words could not be saved, the history cannot be written."
            from tui.screens.confirm import ConfirmScreen

            if not await self.push_screen_wait(
                ConfirmScreen(f"{question} Quit and lose them?", yes="Quit")
            ):
                return
        await self._keep_unsent()
        self.exit()

    async def action_quit(self) -> None:
        """Leave; ask first while a reply is being written."""
        self._ask_and_leave()

    @cached_property
    def keymap(self) -> Keymap:
        """What every key does, by the user's choice."""
        from tui.bindings import every_key

        return keymap(every_key(StreamChat.BINDINGS), self._keys)

    def _key(self, name: str) -> str:
        return shown(self.keymap.keys(name)[:1])

    def action_help(self) -> None:
        """Show every key, as it is now."""
        from tui.pages import key_sections
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen("Keys", key_sections(self.keymap, self.get_key_display)))

    def action_connect(self) -> None:
        """Tell how to connect."""
        from tui.pages import connecting
        from tui.screens.help import HelpScreen

        sections = connecting(
            self._claude.endpoint,
            self._model,
            quit_key=self._key("app.quit"),
            env_path=self._env_path,
            unused_env=self._unused_env,
        )
        self.push_screen(HelpScreen("Connect", sections))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002 - Textual's signature
        """List every action in the palette, with its key."""
        from tui.palette import COMMANDS

        chat = self._chat
        owners: dict[str, App[None] | Widget] = {
            "app": self, "chat": chat, "transcript": chat.transcript, "sidebar": chat.sidebar,
        }  # fmt: skip
        for command in COMMANDS:
            what = command.what.format(self._key(command.key) if command.key else "")
            yield SystemCommand(
                command.title,
                what,
                partial(owners[command.owner].run_action, command.action),
            )

    def action_change_shade(self) -> None:
        """Change from the light theme to the dark one, or back."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    # When something breaks

    @property
    def last_words(self) -> str:
        """What to say on leaving: nothing, unless the app crashed."""
        return clean_line(f"streamchat-tui: {self._trouble}") if self.is_crashed else ""

    @property
    def _trouble(self) -> str:
        return f"Something went wrong inside; {self._log_path} has the details."

    def tell_of_trouble(self) -> None:
        """Tell the reader that something failed, and where to read on."""
        self.notify(clean_line(self._trouble), severity="error", timeout=10, markup=False)

    def leave_crashed(self) -> None:
        """End the app, with what has arrived and what is written kept."""
        if self._ending is None:
            self._told_to_end(1)
        else:
            self._ending.crash(self.last_words)
