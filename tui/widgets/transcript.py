"""The conversation as it is read, and what a person does with its messages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.message import Message as TextualMessage

from tui.conversation import Message
from tui.draft import Draft
from tui.widgets.sheet import Sheet

if TYPE_CHECKING:
    from tui.widgets.entry import Entry

LARGE = 50_000
"""Characters from which a finished reply is parsed in a thread: 20 ms and more."""


class Transcript(Sheet):
    """Questions and replies, oldest first."""

    BINDINGS = [
        Binding("j", "move(1)", "Next", id="message.next"),
        Binding("k", "move(-1)", "Previous", id="message.previous"),
        Binding("g", "move(-1000000)", "First", show=False, id="message.first"),
        Binding("G", "move(1000000)", "Last", show=False, id="message.last"),
        Binding("y", "copy", "Copy", id="message.copy"),
        Binding("c", "copy_code", "Copy code", id="message.copy_code"),
        Binding("r", "retry", "Ask again", id="message.retry"),
        Binding("enter", "fold", "Fold thinking", id="message.fold"),
    ]

    @dataclass
    class Copied(TextualMessage):
        """The user wants this text in the clipboard."""

        text: str

    @dataclass
    class Retried(TextualMessage):
        """The user wants this reply asked for again."""

        message_id: str

    def __init__(self) -> None:
        super().__init__()
        self._codes_copied = 0
        self._now_ms = 0
        self.is_folded = True
        """Whether thinking is hidden, unless a message says otherwise."""

    # What is shown

    def show(self, messages: Sequence[Message], draft: Draft | None, *, now_ms: int) -> None:
        """Replace what is shown, with the reply being written below if there is one."""
        self._now_ms = now_ms
        said: list[Message | Draft] = [*messages]
        if draft is not None:
            said.append(draft)
        self.replace_all([self._entry(each) for each in said])

    def add(self, *said: Message | Draft, now_ms: int) -> None:
        """Add what has just been said, and go to the end."""
        self._now_ms = now_ms
        self.entries += [self._entry(each) for each in said]
        self.cursor = len(self.entries) - 1
        self.show_end()

    def take_out(self, message_id: str) -> None:
        """Take a message out of view."""
        self.entries = [entry for entry in self.entries if entry.id != message_id]
        self.cursor = min(self.cursor, len(self.entries) - 1)
        self.lay_out()

    def draw(self, draft: Draft, now: float) -> bool:
        """Bring a running reply up to date, if it is shown. `now` is monotonic seconds.

        False when some of it is left for the next time.
        """
        number = self._find(draft.id)
        if number is None or not self.text_width:
            return number is None
        is_done, row = self.entries[number].catch_up(draft, now, self.text_width)
        self.grew(number, row)
        return is_done

    async def finish(self, message: Message) -> None:
        """Draw a reply that has ended, as it was kept, if it is shown."""
        from tui.markdown import parse

        leaves = None
        if len(text := message.text) > LARGE:
            leaves = await asyncio.to_thread(parse, text)
        number = self._find(message.id)
        if number is not None:
            self.entries[number].finish(message, leaves or parse(text))
            self.grew(number)

    def fold(self) -> None:
        """Hide all thinking if it is shown, show it if it is hidden."""
        self.is_folded = not self.is_folded
        for entry in self.entries:
            entry.fold(is_folded=self.is_folded)
        self.lay_out()

    @property
    def newest_reply_id(self) -> str | None:
        """The last reply shown."""
        replies = [entry.id for entry in self.entries if entry.is_reply]
        return replies[-1] if replies else None

    # Keys

    def action_move(self, step: int) -> None:
        """Move by `step` messages, stopping at either end."""
        self.cursor = max(0, min(len(self.entries) - 1, self.cursor + step))
        self._codes_copied = 0
        self.bring_into_view(self.cursor)
        self.refresh()

    def action_copy(self) -> None:
        """Copy the message as it was said."""
        if self.entries:
            self.post_message(self.Copied(self.entries[self.cursor].source))

    def action_copy_code(self) -> None:
        """Copy the message's code block; pressed again, the next one."""
        codes = self.entries[self.cursor].code() if self.entries else []
        if codes:
            self.post_message(self.Copied(codes[self._codes_copied % len(codes)]))
            self._codes_copied += 1

    def action_retry(self) -> None:
        """Ask for the reply again."""
        if self.entries and self.entries[self.cursor].is_reply:
            self.post_message(self.Retried(self.entries[self.cursor].id))

    def action_fold(self) -> None:
        """Hide the message's thinking if it is shown, show it if it is hidden."""
        if self.entries:
            entry = self.entries[self.cursor]
            entry.fold(is_folded=not entry.is_folded)
            self.grew(self.cursor)

    def _entry(self, said: Message | Draft) -> Entry:
        # With Markdown's parser 40 ms, which the first screen does without.
        from tui.widgets.entry import Entry

        return Entry(said, now_ms=self._now_ms, is_folded=self.is_folded)

    def _find(self, message_id: str) -> int | None:
        # From the end: a running reply is the last message.
        for number in range(len(self.entries) - 1, -1, -1):
            if self.entries[number].id == message_id:
                return number
        return None
