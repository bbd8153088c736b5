"""The Textual application: its looks, its keys, and the workers that write replies."""

from __future__ import annotations

import os
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from textual import events, on
from textual.app import SystemCommand
from textual.binding import Binding
from textual.command import Provider
from textual.notifications import Notify
from textual.screen import Screen
from textual.worker import Worker

from tui.chat.changes import Change, ReplyEnded
from tui.chat.connection_commands import LOCAL_PORTS
from tui.chat.connections import Connections
from tui.chat.conversation_cost import ConversationCost
from tui.chat.preparing import BACK_UP_EVERY
from tui.chat.purge_schedule import PurgeSchedule
from tui.chat.reply_scheduler import Run
from tui.chat.session import Session
from tui.chat.titler import Titler
from tui.config.commands import COMMANDS
from tui.config.keymap import format_keys
from tui.config.profiles import Profiles
from tui.config.settings import Settings
from tui.domain import garbage
from tui.store import Store
from tui.terminal.external_editor import ExternalEditor
from tui.terminal.shutdown import Shutdown
from tui.text.sanitise import clean_line
from tui.ui import opening
from tui.ui.bindings import bindings_of, keymap_of
from tui.ui.containment import ContainingApp
from tui.ui.copying import Copying
from tui.ui.desktop_notifier import DesktopNotifier
from tui.ui.key_event import is_named, key_event
from tui.ui.key_order import KeysInOrder
from tui.ui.leaving import Leaving
from tui.ui.offering import OfferingApp
from tui.ui.screens.chat import ChatScreen
from tui.ui.screens.coverable import warn_of_unsaved
from tui.ui.terminal_app import TerminalApp
from tui.ui.theming import KeepTheme, ThemedApp
from tui.ui.widgets.toasts import retract
from tui.ui.widgets.transcript import Transcript
from tui.ui.window import SizedApp


def _palette() -> type[Provider]:
    """Return the provider of the palette's commands; imported late, with its screen."""
    from tui.ui.screens.actions import Commands

    return Commands


class StreamChat(ContainingApp, SizedApp, KeysInOrder, ThemedApp, OfferingApp, TerminalApp):
    """A full-screen chat with Claude for the terminal."""

    TITLE = "streamchat-tui"
    # Textual does not load the style sheet of the default screen itself.
    CSS_PATH = ["app.tcss", "screens/chat.tcss"]
    # A person can feel a garbage collection of a large heap; see `domain/garbage.py`.
    PAUSE_GC_ON_SCROLL = True
    BINDINGS = bindings_of("app")
    COMMANDS = {_palette}

    local_ports: Sequence[int] = tuple(LOCAL_PORTS)
    """Where servers on this machine are looked for."""

    def __init__(
        self,
        store: Store,
        connections: Connections,
        settings: Settings,
        *,
        keep_theme: KeepTheme | None = None,
        shutdown: Shutdown | None = None,
        profiles: Profiles | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        super().__init__()
        # An animated scroll draws a dozen frames instead of one.
        self.animation_level = "none"
        self._store = store
        self.connections = connections
        self._settings = settings
        self._failure_notice = f"An internal error occurred; {settings.log} has the details."
        self.profiles = profiles or opening.profiles_of(settings)
        self.keymap = keymap_of(settings.keys)
        """What every key does, with the user's own choices."""
        self.warnings: Sequence[str] = ()
        """Problems in the settings, shown at the start."""
        self._signals = shutdown
        self._copying = Copying(self, settings.log.parent, environ)
        self._notifier = DesktopNotifier(store, environ, lambda: self._driver)
        self.session = _session(store, connections, settings, self._run_work, self._copying)
        self.session.subscribe(self._on_change)
        self._purges = PurgeSchedule(self.session, self._run_work)
        self._preparation = opening.Preparation(
            self.session,
            connections,
            self._purges,
            keep_recordings_mb=settings.keep_recordings_mb,
            run=partial(self.run_worker, group="prepare"),
            tell=lambda line: self._chat.notify_error(line),  # noqa: PLW0108 - it is made below
        )
        self._chat = self._new_chat(environ)
        self._leaving = Leaving(self, self.session, self.keymap, self._chat.save_scroll_anchor)
        self.start_theme(settings.theme, keep_theme)

    def _new_chat(self, environ: Mapping[str, str]) -> ChatScreen:
        self._editor = ExternalEditor(environ, self._settings.key_names)
        if self._signals is not None:
            self._signals.clean_up_with(self._editor.abandon)
        return ChatScreen(
            self.session,
            self.keymap,
            banner=clean_line(self._store.notice),
            frames_per_second=self._settings.frames_per_second,
            text_width=self._settings.text_width,
            prompts=self._settings.prompts,
            editor=self._editor,
            on_ready=self._preparation.begin,
        )

    def get_default_screen(self) -> ChatScreen:
        """Return the chat screen."""
        return self._chat

    def _run_work(self, work: Coroutine[Any, Any, None], name: str) -> Worker[None]:
        return self.run_worker(work, name=name, group="session")

    async def on_unmount(self) -> None:
        """Close the connections."""
        self._purges.close()
        await self.connections.close()

    def on_mount(self) -> None:
        """Start the timers, apply the user's keys and show warnings."""
        garbage.collect_seldom()
        if self.keymap.chosen:
            # The page of keys shows conflicts. Textual would report each of them at every key
            # press, and would say that a binding with two keys conflicts with itself.
            self.set_keymap(self.keymap.chosen)
        # For a day that begins while the app runs, and if the first backup failed.
        self.set_interval(BACK_UP_EVERY, self._preparation.back_up)
        if warnings := opening.format_warnings(self.warnings):
            self.notify(warnings, severity="warning", timeout=15, markup=False)
        if self._signals is not None:
            self._signals.listen(self._leaving.leave_at_once)
            self.set_interval(1, self._signals.check_terminal)

    def _collect(self) -> None:
        if not (self.session.scheduler.streaming or garbage.collect_now()):
            self.set_timer(1, self._collect)

    def _on_change(self, change: Change) -> None:
        if isinstance(change, ReplyEnded):
            self.set_timer(1, self._collect)
            if not self.app_focus:
                self.run_worker(self._notifier.tell(change.reply), group="notices")

    # Keys that work everywhere

    async def on_event(self, event: events.Event) -> None:
        """Give each key the name under which it is bound."""
        if isinstance(event, events.Key) and not (event.is_forwarded or is_named(event)):
            event = key_event(event, lambda: self.keymap)
        elif isinstance(event, events.Paste) and not event.is_forwarded:
            # Textual 8.2.8 does this for keys and clicks; a paste without it is lost.
            self.app_focus = True
        await super().on_event(event)

    @property
    def is_acting(self) -> bool:
        """Whether a key's action still runs and does not wait for an answer."""
        return self.screen is self._chat and self._chat.is_acting

    def action_interrupt(self) -> None:
        """Copy the selection; else stop the reply; else quit at the second press."""
        if self._copying.copy_selected():
            return
        if self.screen is self._chat and self._chat.stop_reply():
            self._leaving.forget_press()
        elif not any(warn_of_unsaved(each) for each in self.screen_stack):
            self._leaving.press()

    @on(Transcript.Copied)
    def _copy(self, event: Transcript.Copied) -> None:
        self._copying.copy(event.text, event.what)

    async def action_quit(self) -> None:
        """Quit; ask first while a reply arrives, and warn if changes are not saved."""
        if not any(warn_of_unsaved(each) for each in self.screen_stack):
            self._leaving.leave()

    async def action_undo_or_suspend(self) -> None:
        """Undo the last deletion if that is possible; else suspend the program."""
        if self.screen is self._chat and self.session.undo_stack.can_undo:
            await self._chat.action_run("chat.undo")
        else:
            self.action_suspend_process()

    def action_command_palette(self) -> None:
        """Open the palette, unless a dialog is open."""
        if self.screen is self._chat:
            from tui.ui.screens.actions import ActionsScreen

            self.push_screen(ActionsScreen())

    def get_key_display(self, binding: Binding) -> str:
        """Return a key's name, written as everywhere in the program."""
        return format_keys([binding.key])

    def action_help(self) -> None:
        """Show what every key does, with the user's own choices."""
        from tui.ui.pages import key_sections
        from tui.ui.screens.help import HelpScreen

        self.push_screen(HelpScreen("Keys", key_sections(self.keymap)))

    def action_settings(self, tab: str = "") -> None:
        """Open the settings of the conversation, at a tab."""
        # Without a key, the first question is how to connect.
        default = "connections" if self.session.endpoint.is_demo else "model"
        self.action_connect("", tab or default)

    def action_connect(self, way: str, tab: str = "connections") -> None:
        """Open the settings for a way to connect: `key`, `login`, `local`, or "" for none."""
        if self.screen is self._chat:
            from tui.ui.screens.conversation_settings import ConversationSettingsScreen

            screen = ConversationSettingsScreen(
                self.session,
                self.profiles,
                prompts=self._settings.prompts,
                editor=self._editor,
                initial=tab,
                way=way,
            )
            screen.connections.ports = self.local_ports
            if self.session.endpoint.is_demo:
                screen.connections.note = opening.unread_key(self._settings)
            self.push_screen(screen)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002 - Textual's signature
        """Yield the palette's commands that would do something now, each with its key."""
        from tui.ui.pages import applies, palette_help

        for command in COMMANDS:
            if command.is_in_palette and applies(command, self.session):
                yield SystemCommand(
                    command.title,
                    palette_help(command, self.keymap),
                    partial(self.run_action, command.action)
                    if command.scope == "app"
                    else partial(self._chat.action_run, command.id),
                )

    def _on_notify(self, event: Notify) -> None:
        """Remove an older notice with the same text."""
        # Textual's own handler runs after this one and shows the new notice.
        retract(self, event.notification.message)

    # When something breaks

    @property
    def last_words(self) -> str:
        """What to print after the app has ended: empty, unless it crashed."""
        return clean_line(f"streamchat-tui: {self._failure_notice}") if self.is_crashed else ""

    def notify_failure(self) -> None:
        """Tell the user that something failed, and which file has the details."""
        line = clean_line(self._failure_notice)
        self.notify(line, severity="error", timeout=10, markup=False)

    def leave_crashed(self) -> None:
        """End the app after a crash; save replies and drafts first."""
        if self._signals is None:
            self._leaving.leave_at_once(1)
        else:
            self._signals.crash(self.last_words)


def _session(
    store: Store,
    connections: Connections,
    settings: Settings,
    run: Run,
    copying: Copying,
) -> Session:
    session = Session(
        store,
        connections,
        settings.parameters,
        run=run,
        is_model_asked_for=settings.is_model_named,
        at_once=settings.parallel_replies,
        copied_files=copying.files,
    )
    connections.title_model = settings.title_model
    Titler(session, connections, run)
    ConversationCost(session, connections.pricing, run)
    return session
