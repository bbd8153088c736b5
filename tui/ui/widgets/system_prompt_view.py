"""A view of messages with the system prompt above them, as its first entry.

It is the prompt of the next question, and no message: it is collapsed to a line, and can be
copied, found and edited, but nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.domain.conversation import SystemPrompt
from tui.ui.widgets.large_message_view import LargeMessageView

if TYPE_CHECKING:
    from tui.ui.widgets.entry import Entry
    from tui.ui.widgets.match_set import Match


class SystemPromptView(LargeMessageView):
    """A column of entries, the first of which may be the system prompt."""

    def __init__(self, widest: int = 100) -> None:
        super().__init__(widest)
        self.conversation_id = ""
        """The conversation that is shown."""
        self.is_collapsed = True
        """Whether thinking is hidden, unless a message says otherwise."""

    def show_system_prompt(self, prompt: SystemPrompt | None) -> bool:
        """Show another system prompt, or none; return False if it is the same.

        The text at the top of the screen stays there. The matches of a search are dropped.
        """
        old = self._system_entry
        if prompt == (None if old is None else old.content.message):
            return False
        shift = int(prompt is not None) - int(old is not None)
        place = self._wanted or (None if self.is_at_end else self._place())
        self.matches = None
        if shift and self.text_selection is not None:
            self.screen.clear_selection()
        self.entries[: int(old is not None)] = (
            [] if prompt is None else [self._entry_of(prompt, old)]
        )
        self.conversation_id = (
            self.conversation_id if prompt is None else prompt.conversation_id
        )
        self.cursor = max(0, self.cursor + shift)
        if place is not None and self.entries:
            number, *rest = place
            # Of a prompt that is gone, no text is left to stay at the top.
            leaf, line, column = (0, 0, 0) if number + shift < 0 else rest
            place = max(0, number + shift), leaf, line, column
        self.lay_out(place if self.entries else None)
        self._tell_keys()
        return True

    def system_entry(self, prompt: SystemPrompt) -> Entry:
        """Return the entry of a system prompt; collapsed if it is so on the screen now."""
        return self._entry_of(prompt, self._system_entry)

    def _entry_of(self, prompt: SystemPrompt, old: Entry | None) -> Entry:
        # These import Markdown's parser, in 40 ms that the first screen must not wait.
        from tui.ui.widgets.entry import Entry
        from tui.ui.widgets.message_content import MessageContent

        is_collapsed = self.is_collapsed
        if old is not None and self.conversation_id == prompt.conversation_id:
            is_collapsed = old.frame.is_collapsed
        return Entry(MessageContent(prompt), now_ms=0, is_collapsed=is_collapsed)

    @property
    def _system_entry(self) -> Entry | None:
        entries = self.entries
        return entries[0] if entries and entries[0].content.is_system_prompt else None

    @property
    def is_on_system_prompt(self) -> bool:
        """Whether keys act on the system prompt."""
        return self.cursor == 0 and self._system_entry is not None

    def toggle(self, number: int) -> None:
        """Hide or show what an entry hides; show a system prompt from its beginning."""
        super().toggle(number)
        # The view follows the end if everything was in view, and would show the prompt's end.
        if self.entries[number].content.is_system_prompt:
            self.bring_into_view(number)

    def watch_cursor(self, old: int, new: int) -> None:
        """Change which keys the footer shows, on the way to the system prompt or from it."""
        if 0 in (old, new):
            self._tell_keys()

    def _tell_keys(self) -> None:
        if self.is_attached:
            self.screen.refresh_bindings()

    def show_match(self, match: Match) -> None:
        """Scroll to a match; show the system prompt if it is in there."""
        entry = self._system_entry
        if match.number == 0 and entry is not None and entry.frame.is_collapsed:
            entry.collapse(is_collapsed=False)
            self.grew(0)
            if self.matches is not None:
                self.matches.look_at(0, entry, self.text_width)
        super().show_match(match)
