"""The tab of the settings with the system prompt of a conversation.

It only posts that the text has changed: it saves nothing.
"""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TabPane, TextArea


class SystemPromptTab(TabPane):
    """A text field with the system prompt."""

    class Changed(Message):
        """The user changed the text, which is not saved yet."""

    def __init__(self, system: str) -> None:
        """Take the present system prompt."""
        super().__init__("System prompt", id="system")
        self._system = system
        self._loaded = system
        """The same text as the field returns it: it may have changed the line ends."""

    def compose(self) -> ComposeResult:
        """Compose the field, and the cost of a change below it."""
        yield Static(classes="head")
        field = TextArea(self._system, soft_wrap=True, tab_behavior="focus", compact=True)
        field.cursor_blink = False
        self._loaded = field.text
        yield field
        yield Static(classes="cost")

    @property
    def system(self) -> str:
        """The text in the field; "" if it has only white space."""
        text = self.query_one(TextArea).text
        if text == self._loaded:
            return self._system
        return text if text.strip() else ""

    def hint(self, keys: str) -> None:
        """Say what the text is for, and which keys help to write it."""
        line = f"Claude reads this first · {keys}"
        self.query_one(".head", Static).update(Content(line))

    def replace(self, text: str) -> None:
        """Replace the whole text as one edit, which Ctrl+Z undoes."""
        field = self.query_one(TextArea)
        field.history.checkpoint()
        field.replace(text, field.document.start, field.document.end)
        field.history.checkpoint()
        field.focus()

    def show_cost(self, line: str) -> None:
        """Show what the changes cost; an empty line if they cost nothing."""
        self.query_one(".cost", Static).update(Content(line))

    @on(TextArea.Changed)
    def _on_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())
