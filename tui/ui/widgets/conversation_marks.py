"""The marks beside conversations: what happens in them, and which the user marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tui.domain.conversation_list import ConversationSummary

Mark = Literal["streaming", "retrying", "queued", "unread", "failed", "draft"]

_FAILED = ("failed", "cut_off", "interrupted", "context_full", "tool_use")


class ConversationMarks:
    """The marks of conversations, which are not part of the list."""

    def __init__(self) -> None:
        self._marks: Mapping[str, Mark] = {}
        self.waits: Mapping[str, str] = {}
        """How long each retrying reply still waits."""
        self.chosen: dict[str, None] = {}
        """The conversations marked with Space, in the order in which they were marked."""

    def of(self, conversation: ConversationSummary) -> Mark | None:
        """Return the mark of a conversation that is not marked with Space."""
        mark = self._marks.get(conversation.id)
        has_failed = conversation.tip_state in _FAILED
        return "failed" if has_failed and mark in (None, "draft") else mark

    def replace(self, marks: Mapping[str, Mark], waits: Mapping[str, str]) -> set[str]:
        """Replace the marks; return the ids of the conversations that look different now."""
        marked, waited = self._marks, self.waits
        self._marks, self.waits = dict(marks), dict(waits)
        if (marked, waited) == (self._marks, self.waits):
            return set()
        return {
            each
            for each in {*marked, *waited, *self._marks, *self.waits}
            if marked.get(each) != self._marks.get(each)
            or waited.get(each) != self.waits.get(each)
        }

    def toggle(self, conversation_id: str) -> None:
        """Mark a conversation for the next action, or remove its mark."""
        if conversation_id in self.chosen:
            del self.chosen[conversation_id]
        else:
            self.chosen[conversation_id] = None
