"""The conversation as it is read, and what a person does with its messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Literal

from textual.binding import Binding
from textual.message import Message as TextualMessage

from tui.conversation import Message, Place
from tui.draft import Draft
from tui.widgets.large_sheet import LargeSheet

if TYPE_CHECKING:
    from tui.widgets.entry import Entry

Want = Literal[
    "edit",
    "regenerate",
    "regenerate_with",
    "previous",
    "next",
    "tree",
    "fork",
    "go_on",
    "delete",
]
Versions = Mapping[str, Sequence[str]]


DEAR = 0.05
"""Seconds a frame of a reply may take to lay out without being followed by a rest."""

REST = 3
"""How many times longer than a dear frame the rest after it is."""


class Transcript(LargeSheet):
    """Questions and replies, oldest first."""

    BINDINGS = [
        Binding("j", "move(1)", "Next", id="message.next", show=False),
        Binding("k", "move(-1)", "Previous", id="message.previous", show=False),
        Binding("g", "move(-1000000)", "First", id="message.first", show=False),
        Binding("G", "move(1000000)", "Last", id="message.last", show=False),
        Binding("y", "copy", "Copy", id="message.copy"),
        Binding("c", "copy_code", "Code", id="message.copy-code"),
        Binding("e", "want('edit')", "Edit", id="message.edit"),
        Binding("r", "want('regenerate')", "Ask again", id="message.retry"),
        Binding("R", "want('regenerate_with')", "…of", id="message.retry-with", show=False),
        Binding("left_square_bracket", "want('previous')", "‹", id="message.version-before"),
        Binding("right_square_bracket", "want('next')", "›", id="message.version-after"),
        Binding("v", "want('tree')", "Tree", id="message.tree"),
        Binding("b", "want('fork')", "Fork", id="message.fork"),
        Binding("o", "want('go_on')", "Go on", id="message.go-on"),
        Binding("x", "want('delete')", "Delete", id="message.delete"),
        Binding("u", "undo", "Undo delete", id="message.undo", show=False),
        Binding("enter", "fold", "Fold", id="message.fold"),
        Binding("n", "look(1)", "Next match", id="message.match-after", show=False),
        Binding("N", "look(-1)", "Match before", id="message.match-before", show=False),
    ]

    @dataclass
    class Copied(TextualMessage):
        """The user wants this text in the clipboard."""

        text: str

    @dataclass
    class Wanted(TextualMessage):
        """The user wants something done with a message."""

        what: Want
        message_id: str

    @dataclass
    class Looked(TextualMessage):
        """The user wants to see the next match (`step` 1) or the one before (-1)."""

        step: int

    class Undone(TextualMessage):
        """The user wants back what was deleted last."""

    def __init__(self) -> None:
        super().__init__()
        self._codes_copied = "", 0
        """Of which message code blocks were copied last, and how many."""
        self._now_ms = 0
        self._rests_until = float("-inf")
        self.is_folded = True
        """Whether thinking is hidden, unless a message says otherwise."""

    # What is shown

    def show(
        self,
        messages: Sequence[Message],
        draft: Draft | None,
        *,
        now_ms: int,
        versions: Versions | None = None,
        place: Place | None = None,
    ) -> None:
        """Replace what is shown, with the reply being written below if there is one.

        From a place in it; without one from its end.
        """
        self._now_ms = now_ms
        said: list[Message | Draft] = [*messages]
        if draft is not None:
            said.append(draft)
        entries: list[Entry] = []
        for each in said:
            entries.append(self._entry(each, entries, versions or {}))
        self.replace_all(entries)
        if place is not None:
            self._go_to_place(place)

    @property
    def place(self) -> Place:
        """Where the reader is."""
        found = None if self.is_at_end else self._place()
        if found is None:
            return Place()
        number, leaf, line, column = found
        return Place(self.entries[number].id, leaf, line, column)

    def go_to(self, message_id: str) -> None:
        """Let the keys act on a message, and show its beginning."""
        number = self._find(message_id)
        if number is not None:
            self.cursor = number
            self.bring_into_view(number)
            self.refresh()

    @property
    def number_in_view(self) -> int:
        """Which entry stands on top."""
        return self._position(int(self.scroll_y))[0]

    def number_of(self, message_id: str) -> int:
        """Return which entry a message is; the first, if it is not shown."""
        return self._find(message_id) or 0

    def unfold(self, message_id: str) -> None:
        """Show a message's thinking."""
        number = self._find(message_id)
        if number is not None and self.entries[number].is_folded:
            self.entries[number].fold(is_folded=False)
            self.grew(number)

    def _go_to_place(self, place: Place) -> None:
        number = None if place.message_id is None else self._find(place.message_id)
        if number is None:
            return
        self.cursor = number
        where = number, place.leaf, place.line, place.position
        if self.text_width:
            self.lay_out(where)
        else:
            # Not laid out yet: it goes there when its size is known.
            self.go_to_when_laid_out(where)

    def add(self, *said: Message | Draft, now_ms: int) -> None:
        """Add what has just been said, and go to the end."""
        self._now_ms = now_ms
        for each in said:
            self.entries.append(self._entry(each, self.entries, {}))
        self.cursor = len(self.entries) - 1
        self.show_end()

    def draw(self, draft: Draft, now: float) -> bool:
        """Bring a running reply up to date, if it is shown. `now` is monotonic seconds.

        False when some of it is left for the next time.
        """
        number = self._find(draft.id)
        if number is None or not self.text_width:
            return number is None
        began = perf_counter()
        if began < self._rests_until:
            return False
        is_done, row = self.entries[number].catch_up(draft, now, self.text_width)
        self.grew(number, row)
        cost = perf_counter() - began
        if cost > DEAR:
            # To leave time for keys.
            self._rests_until = began + (1 + REST) * cost
        return is_done

    def finish(self, message: Message) -> None:
        """Draw a reply that has ended, as it was kept, if it is shown; a large one later."""
        from tui.widgets.message_layout import is_large

        number = self._find(message.id)
        if number is None:
            return
        entry, width = self.entries[number], self.text_width
        if is_large(message):
            # Nobody waits for it: keys come to the screen one after another.
            self.run_worker(self._end(entry, message, width), group="end")
            return
        entry.finish(message)
        self.grew(number)

    async def _end(self, entry: Entry, message: Message, width: int) -> None:
        leaves = await self.in_thread(entry.ending(message, width))
        entry.end(message, leaves, width)
        if entry in self.entries:
            self.grew(self.entries.index(entry))

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
        self._codes_copied = "", 0
        self.bring_into_view(self.cursor)
        self.refresh()

    def action_copy(self) -> None:
        """Copy the message as it was said."""
        if self.entries:
            self.post_message(self.Copied(self.entries[self.cursor].source))

    def action_copy_code(self) -> None:
        """Copy the message's code block; pressed again, the next one."""
        if self.entries:
            self.run_worker(self._copy_code(self.entries[self.cursor]), group="code")

    async def _copy_code(self, entry: Entry) -> None:
        codes = await self.in_thread(entry.code)
        if not codes:
            self.notify("There is no code block in this message.", timeout=3, markup=False)
            return
        of, copied = self._codes_copied
        copied = copied if of == entry.id else 0
        self.post_message(self.Copied(codes[copied % len(codes)]))
        self._codes_copied = entry.id, copied + 1

    def action_want(self, what: Want) -> None:
        """Ask for something to be done with the message."""
        if self.entries:
            self.post_message(self.Wanted(what, self.entries[self.cursor].id))

    def action_edit_question(self) -> None:
        """Ask to edit the message if it is a question, else the question above it."""
        for entry in reversed(self.entries[: self.cursor + 1]):
            if not (entry.is_reply or entry.is_seam):
                self.post_message(self.Wanted("edit", entry.id))
                return

    def action_look(self, step: int) -> None:
        """Ask for the next match, or the one before."""
        self.post_message(self.Looked(step))

    def action_undo(self) -> None:
        """Ask for what was deleted last."""
        self.post_message(self.Undone())

    def action_fold(self) -> None:
        """Hide the message's thinking if it is shown, show it if it is hidden."""
        if self.entries:
            entry = self.entries[self.cursor]
            entry.fold(is_folded=not entry.is_folded)
            self.grew(self.cursor)

    def _entry(
        self, said: Message | Draft, above: Sequence[Entry], versions: Versions
    ) -> Entry:
        # With Markdown's parser 40 ms, which the first screen does without.
        from tui.widgets.entry import Entry

        ids = versions.get(said.id, ())
        version = f"‹{ids.index(said.id) + 1}/{len(ids)}›" if said.id in ids else ""
        is_rest = len(above) > 1 and above[-1].is_seam
        return Entry(
            said,
            now_ms=self._now_ms,
            is_folded=self.is_folded,
            version=version,
            before=above[-2].source if is_rest else "",
        )

    def _find(self, message_id: str) -> int | None:
        # From the end: a running reply is the last message.
        for number in range(len(self.entries) - 1, -1, -1):
            if self.entries[number].id == message_id:
                return number
        return None
