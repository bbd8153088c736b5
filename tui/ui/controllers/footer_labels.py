"""The labels of the keys in the footer."""

from __future__ import annotations

from textual.binding import Binding

from tui.chat.session import Session
from tui.ui.controllers.slash import SlashCommands
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.find_bar import FindBar
from tui.ui.widgets.inline_question import InlineQuestion
from tui.ui.widgets.transcript import Transcript

_ON_SYSTEM_PROMPT = ("message.edit", "message.copy", "message.collapse")
"""The keys that do something on the system prompt."""


class FooterLabels:
    """Labels each key with what it would do now."""

    def __init__(
        self,
        composer: Composer,
        find_bar: FindBar,
        transcript: Transcript,
        question: InlineQuestion,
        *,
        session: Session,
        slash: SlashCommands,
    ) -> None:
        self._composer = composer
        self._find_bar = find_bar
        self._transcript = transcript
        self._question = question
        self._session = session
        self._slash = slash

    @property
    def _is_listing(self) -> bool:
        """Whether commands are listed, for keys that go to the composer."""
        return self._composer.has_focus and self._slash.is_open

    def label(self, binding: Binding) -> str:
        """Return what a key does now; empty if it does nothing."""
        match binding.id:
            case "chat.stop":
                return self._label_of_escape(binding.description)
            case "composer.send":
                is_command = self._composer.has_focus and self._composer.call is not None
                return "Run" if is_command else binding.description
            case "composer.complete":
                return binding.description if self._is_listing else ""
            case "message.undo" | "sidebar.undo":
                return binding.description if self._session.undo_stack.can_undo else ""
            case str(name) if (
                name.startswith("message.") and self._transcript.is_on_system_prompt
            ):
                return binding.description if name in _ON_SYSTEM_PROMPT else ""
            case _:
                return binding.description

    def _label_of_escape(self, stop: str) -> str:
        """Return what Esc would do; see `ChatScreen.action_escape`."""
        if self._find_bar.is_typed_into:
            return "Close"
        if self._is_listing:
            return "Close the list"
        if self._composer.has_focus and self._composer.is_recalled:
            return "Back to the draft"
        if (asked := self._question.question) is not None:
            return asked.no
        if self._session.open_id in self._session.scheduler.streaming:
            return stop
        if self._composer.has_focus:
            return "Cancel edit" if self._composer.edited_id is not None else ""
        return "Back"
