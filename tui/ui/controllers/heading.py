"""The line above a conversation: its title, its model, its endpoint and what it has cost."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.widgets import Static

from tui.chat.session import Session
from tui.domain.model import Model
from tui.domain.parameters import Parameters
from tui.text import formatting, money
from tui.text.sanitise import clean_line

ANTHROPIC = "api.anthropic.com"
"""The usual host, which is not shown."""


class Heading:
    """Shows the title, the model, the host if it is not Anthropic's, and the cost if any."""

    def __init__(
        self, title: Static, model: Static, session: Session, perform: Callable[..., object]
    ) -> None:
        self._title = title
        self._model = model
        self._session = session
        self._perform = perform
        """Runs work in a worker; see `PerformingScreen.perform`."""
        self._models: dict[tuple[str, str], Model] = {}
        """The models whose effort was shown, by host and id, as the endpoint describes them."""

    def show(self) -> None:
        """Show the present title, model, host and cost."""
        session = self._session
        conversation = session.current.conversation
        self._title.update(Content(clean_line(conversation.title) or "New conversation"))
        endpoint = session.endpoint
        # In the demo, the demo answers in every conversation.
        asked = conversation.parameters.over(session.scheduler.defaults)
        name = formatting.asked_name(asked.model, self._sent_effort(asked))
        if endpoint.is_demo:
            name = formatting.model_name("demo")
        is_plain = endpoint.is_demo or endpoint.host == ANTHROPIC
        where = "" if is_plain else f" · {endpoint.host}"
        cost = money.price(session.cost)
        costs = f" · {cost}" if cost else ""
        # The cost before the host, which a small window cuts.
        self._model.update(Content(clean_line(name + costs + where)))
        self._model.set_class(endpoint.is_demo, "-demo")

    def _sent_effort(self, asked: Parameters) -> str | None:
        """Return the effort that is sent; None unless the model is known to take it."""
        endpoint = self._session.endpoint
        if asked.effort is None or endpoint.is_demo:
            return None
        model = self._models.get((endpoint.host, asked.model))
        if model is None:
            self._perform(
                self._learn, endpoint.host, asked.model, group="heading", is_exclusive=True
            )
            return None
        return asked.effort if model.takes_effort(asked.effort) else None

    async def _learn(self, host: str, model_id: str) -> None:
        """Read what the endpoint says about a model, and show it. Raises `HistoryError`."""
        listed = await self._session.store.models(host)
        models = [] if listed is None else listed[1]
        found = next((each for each in models if each.id == model_id), None)
        if found is not None:
            self._models[host, model_id] = found
            self.show()
