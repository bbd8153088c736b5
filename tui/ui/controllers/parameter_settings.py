"""Connects the tabs of the settings with the parameters of the open conversation."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace

from tui.chat import parameter_commands
from tui.chat.open_conversation import Refused
from tui.chat.session import Session
from tui.domain.model import Model
from tui.domain.model_choices import choices_of
from tui.domain.parameters import Parameters
from tui.store import HistoryError
from tui.text import formatting, money
from tui.ui.widgets.model_tab import ModelTab
from tui.ui.widgets.system_prompt_tab import SystemPromptTab


class ParameterSettings:
    """Fills the tabs, shows what a change costs, and saves both tabs together.

    Raises `HistoryError` and `Refused`.
    """

    def __init__(self, session: Session) -> None:
        """Use the conversation that is open now."""
        self._session = session
        self._conversation_id = session.open_id
        self._present = session.current.conversation.parameters
        self._described: dict[str, Model] = {}
        self.model_tab = ModelTab(self._present, session.scheduler.defaults)
        self.system_tab = SystemPromptTab(self._present.system)

    @property
    def draft(self) -> Parameters:
        """The parameters as both tabs have them."""
        return replace(self.model_tab.draft, system=self.system_tab.system)

    @property
    def is_changed(self) -> bool:
        """Whether something is not saved."""
        return bool(self.model_tab.problem) or self.draft != self._present

    async def reload(self) -> None:
        """List the models of another connection, after a switch."""
        self._present = self._session.current.conversation.parameters
        self.model_tab.reset(self._present, self._session.scheduler.defaults)
        await self.load()

    async def load(self) -> None:
        """List the models once they are known, or show why they are not."""
        try:
            recent = await self._session.store.labels.recent_models()
            models = await parameter_commands.models(self._session)
        except (HistoryError, Refused) as error:
            self.model_tab.show_problem(str(error))
            return
        self._described = {model.id: model for model in models}
        # In a thread: a gateway may list thousands.
        choices = await asyncio.to_thread(choices_of, models, recent, self._present.model)
        self.model_tab.show_choices(choices)
        ids = [each.model.id for each in choices]
        rates = await parameter_commands.rates(self._session, ids)
        # The settings may be closed by now.
        if rates and self.model_tab.is_attached:
            prices = {model_id: money.rates(bands) for model_id, bands in rates.items()}
            self.model_tab.show_choices(choices, prices)

    async def show_cost(self) -> None:
        """Show what the changes cost, before they are made."""
        cost = await parameter_commands.cost_of(
            self._session, self._conversation_id, self.draft, self._described
        )
        for tab in (self.model_tab, self.system_tab):
            tab.show_cost(formatting.cost_of_change(cost))

    async def save(self) -> None:
        """Save the changes, if there are any."""
        if self.model_tab.problem:
            raise Refused(self.model_tab.problem)
        if self.is_changed:
            await parameter_commands.set_parameters(
                self._session, self._conversation_id, await self._merged()
            )

    async def _merged(self) -> Parameters:
        """Return the saved parameters, which another window may have set, with the changes."""
        path = await self._session.at(self._conversation_id)
        draft = self.draft
        changed = {
            each.name: getattr(draft, each.name)
            for each in fields(Parameters)
            if getattr(draft, each.name) != getattr(self._present, each.name)
        }
        return replace(path.conversation.parameters, **changed)
