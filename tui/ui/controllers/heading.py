"""The line above a conversation: its title, its model and its endpoint."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from tui.chat.session import Session
from tui.text import formatting
from tui.text.sanitise import clean_line

ANTHROPIC = "api.anthropic.com"
"""The usual host, which is not shown."""


class Heading:
    """Shows the title, the model, and the host if it is not Anthropic's."""

    def __init__(self, title: Static, model: Static, session: Session) -> None:
        self._title = title
        self._model = model
        self._session = session

    def show(self) -> None:
        """Show the present title, model and host."""
        session = self._session
        conversation = session.current.conversation
        self._title.update(Content(clean_line(conversation.title) or "New conversation"))
        endpoint = session.endpoint
        # In the demo, the demo answers in every conversation.
        asked = conversation.parameters.over(session.scheduler.defaults)
        name = formatting.asked_name(asked.model, asked.effort)
        if endpoint.is_demo:
            name = formatting.model_name("demo")
        is_plain = endpoint.is_demo or endpoint.host == ANTHROPIC
        where = "" if is_plain else f" · {endpoint.host}"
        self._model.update(Content(clean_line(name + where)))
        self._model.set_class(endpoint.is_demo, "-demo")
