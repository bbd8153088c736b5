"""The settings of the open conversation: a panel with tabs, over the chat."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import TabbedContent, TabPane, Tabs

from tui.chat.session import Session
from tui.config.profiles import Profiles
from tui.domain.prompt_template import PromptTemplate
from tui.terminal.external_editor import ExternalEditor
from tui.ui.bindings import bindings_of
from tui.ui.controllers.connections import ConnectionsController
from tui.ui.controllers.editor import edited
from tui.ui.controllers.parameter_settings import ParameterSettings
from tui.ui.controllers.template_choice import choose_template
from tui.ui.screens.performing import PerformingScreen
from tui.ui.widgets.connections_tab import ConnectionList, ConnectionsTab
from tui.ui.widgets.key_hint import effective_key
from tui.ui.widgets.model_tab import ModelTab
from tui.ui.widgets.system_prompt_tab import SystemPromptTab

_FIRST = {"model": "#model-filter", "system": "TextArea", "connections": "ConnectionList"}
"""The widget of each tab that gets the focus."""


def _describe(template: PromptTemplate) -> str | None:
    """Return a line about a template's system prompt; None if it has none."""
    if not (template.system or "").strip():
        return None
    return template.description or template.title or template.system


class ConversationSettingsScreen(PerformingScreen[None], ModalScreen[None]):
    """Shows the tabs. Model and system prompt are saved together; a connection acts at once."""

    CSS_PATH = "conversation_settings.tcss"
    BINDINGS = bindings_of("settings")
    AUTO_FOCUS = ""

    def __init__(
        self,
        session: Session,
        profiles: Profiles,
        *,
        prompts: Path,
        editor: ExternalEditor,
        initial: str,
        way: str = "",
    ) -> None:
        super().__init__()
        self._initial = initial
        self._session = session
        self.connections = ConnectionsController(ConnectionsTab(), session, profiles)
        self._prompts = prompts
        """The folder of the prompt templates."""
        self._editor = editor
        self._way = way
        """The way to connect that was asked for: `key`, `login`, `local`, or "" for none."""
        self._parameters = ParameterSettings(session)
        self._is_warned = False
        """Whether a notice said that closing discards the changes."""

    def compose(self) -> ComposeResult:
        """Compose the tabs."""
        with Vertical() as box:
            box.border_title = "Conversation settings"
            box.border_subtitle = self._hints("next-tab Next tab", "save Save", "leave Close")
            with TabbedContent(initial=self._initial):
                yield self._parameters.model_tab
                yield self._parameters.system_tab
                yield TabPane("Connections", self.connections.tab, id="connections")

    def on_mount(self) -> None:
        """Read the connections and the models once the panel is visible."""
        self._parameters.system_tab.hint(self._hints("template Templates", "editor Editor"))
        self._focus_first(self._initial)
        # Reading thousands of models takes the interpreter from the first paint.
        self.call_after_refresh(self.perform, self._parameters.load, group="load")
        self.act(self._open)

    async def _open(self) -> None:
        await self.connections.open(self._way)
        if self._way and not self.connections.is_demo and self.is_current:
            # The user came to connect, and is connected.
            self.notify(self.connections.tab.status, markup=False)
            self.dismiss(None)
        elif self._way == "key" and not self.connections.tab.status and self.is_current:
            # The user left the form without a key, and goes back to where they came from.
            self.dismiss(None)

    def action_step_tab(self, step: int) -> None:
        """Show the tab to the right (1) or to the left (-1)."""
        tabs = self.query_one(Tabs)
        if step > 0:
            tabs.action_next_tab()
        else:
            tabs.action_previous_tab()

    def action_step(self, step: int) -> None:
        """Choose the next model in the list (1) or the one before it (-1)."""
        if self.query_one(TabbedContent).active == "model":
            self._parameters.model_tab.action_step(step)

    def action_template(self) -> None:
        """Let the user take the system prompt of a template; nothing is saved by that."""
        if self.query_one(TabbedContent).active == "system":
            self.act(self._take_template)

    async def _take_template(self) -> None:
        template = await choose_template(
            self,
            self._prompts,
            "Take the system prompt of which template?",
            _describe,
            none="No template has a line “system: …” yet. Templates are files in "
            f"{self._prompts}.",
        )
        if template is not None:
            self._parameters.system_tab.replace((template.system or "").strip("\n"))

    def action_editor(self) -> None:
        """Open the system prompt in the user's editor; nothing is saved by that."""
        if self.query_one(TabbedContent).active == "system":
            self.act(self._edit)

    async def _edit(self) -> None:
        tab = self._parameters.system_tab
        before = tab.system
        if (text := await edited(self.app, self._editor, before)) != before:
            tab.replace(text)

    def action_save(self) -> None:
        """Save the model and the system prompt, and close."""
        self.perform(self._save, group="save")

    async def _save(self) -> None:
        await self._parameters.save()
        self.dismiss(None)

    def action_leave(self) -> None:
        """Close; if something is not saved, warn first."""
        if not self.warn_of_unsaved():
            self.dismiss(None)

    def warn_of_unsaved(self) -> bool:
        """Warn, once for each state of the changes, that they are not saved."""
        if self._is_warned or not self._parameters.is_changed:
            return False
        self._is_warned = True
        keys = self._hints("save save", "leave discard them")
        line = f"The changes are not saved · {keys}"
        self.notify(line, severity="warning", timeout=5, markup=False)
        return True

    def _hints(self, *hints: str) -> str:
        """Return hints such as `save Save` with the keys of their commands."""
        pairs = (hint.split(" ", 1) for hint in hints)
        return " · ".join(
            f"{effective_key(self, f'settings.{name}')} {label}" for name, label in pairs
        )

    @on(ConnectionList.ActionRequested)
    def _on_action(self, event: ConnectionList.ActionRequested) -> None:
        self.act(self._act_on_connection, event.what, event.row_id)

    async def _act_on_connection(self, what: str, row_id: str | None) -> None:
        before = self._session.connections.current
        await self.connections.act(what, row_id)
        if self._session.connections.current is not before:
            # The first tab lists the old connection's models, which the new one may not have.
            self.perform(self._parameters.reload, group="load", is_exclusive=True)

    @on(ModelTab.Submitted)
    def _on_submitted(self) -> None:
        self.action_save()

    @on(ModelTab.Changed)
    @on(SystemPromptTab.Changed)
    def _on_changed(self, event: Message) -> None:
        event.stop()
        self._is_warned = False
        self.perform(self._parameters.show_cost, group="cost", is_exclusive=True)

    @on(TabbedContent.TabActivated)
    def _on_tab(self, event: TabbedContent.TabActivated) -> None:
        self._focus_first(event.pane.id or "")
        if event.pane.id == "connections":
            # The hints show the active keys, and the list's keys are active only now.
            self.call_after_refresh(self._hint_connection_keys)

    def _hint_connection_keys(self) -> None:
        self.connections.tab.hint(
            [
                (effective_key(self, f"connection.{name}"), label)
                for name, label in self.connections.KEYS.items()
            ]
        )

    def _focus_first(self, tab: str) -> None:
        if tab in _FIRST:
            self.query_one(_FIRST[tab]).focus()
