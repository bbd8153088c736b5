"""The transcript: the messages of the open conversation, with their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Literal, TypeAlias

from textual.message import Message as TextualMessage

from tui.config.keymap import Keymap
from tui.domain.conversation import Message, ScrollAnchor, SystemPrompt
from tui.domain.reply import StreamingReply
from tui.text.sanitise import clean_line
from tui.ui.bindings import bindings_of
from tui.ui.widgets.message_hints import MessageHints
from tui.ui.widgets.system_prompt_view import SystemPromptView
from tui.ui.widgets.virtual_message_view import OPENABLE

if TYPE_CHECKING:
    from tui.ui.widgets.entry import Entry

MessageAction = Literal[
    "edit",
    "regenerate",
    "regenerate_with",
    "previous",
    "next",
    "tree",
    "fork",
    "continue",
    "delete",
    "save_code",
    "save_template",
]
Versions = Mapping[str, Sequence[str]]


COSTLY = 0.05
"""Most seconds that the layout of a reply's frame may take without a rest after it."""

REST = 3
"""How many times longer than such a frame the rest is."""


class Transcript(SystemPromptView):
    """The system prompt if there is one, and the questions and replies, oldest first."""

    BINDINGS = bindings_of("message")

    @dataclass
    class Copied(TextualMessage):
        """The user wants this text in the clipboard."""

        text: str
        what: str
        """What the notice calls it."""

    @dataclass
    class ActionRequested(SystemPromptView.Event):
        """The user wants an action on a message."""

        what: MessageAction
        conversation_id: str
        message_id: str

    @dataclass
    class FindStepped(SystemPromptView.Event):
        """The user wants to see the next match (`step` 1) or the one before (-1)."""

        step: int

    class Undone(SystemPromptView.Event):
        """The user wants to undo the last deletion."""

    Posted: TypeAlias = (
        ActionRequested
        | FindStepped
        | Undone
        | SystemPromptView.LinkChosen
        | SystemPromptView.AtEndChanged
    )

    def __init__(self, keymap: Keymap | None = None, *, widest: int = 100) -> None:
        super().__init__(widest)
        self._hints = MessageHints(keymap)
        self._codes_copied = "", 0
        """The message whose code blocks were copied last, and how many of them."""
        self._links_shown = "", 0
        """The message whose links were shown last, and how many of them."""
        self._rests_until = float("-inf")

    # What is shown

    def show(
        self,
        messages: Sequence[Message],
        reply: StreamingReply | None,
        *,
        now_ms: int,
        system: SystemPrompt | None = None,
        versions: Versions | None = None,
        place: ScrollAnchor | None = None,
    ) -> None:
        """Show other messages, and below them the running reply if there is one.

        Above them is the system prompt, if there is one.

        Scrolls to `place` if it is given, else to the end.
        """
        shown: list[Message | StreamingReply] = [*messages]
        if reply is not None:
            shown.append(reply)
        entries = [] if system is None else [self.system_entry(system)]
        first = system or next(iter(shown), None)
        self.conversation_id = "" if first is None else first.conversation_id
        self._append(entries, shown, now_ms=now_ms, versions=versions or {})
        self.replace_all(entries)
        if place is not None:
            self._go_to_place(place)

    @property
    def place(self) -> ScrollAnchor:
        """The scroll position, as the text at the top; empty at the end."""
        found = None if self.is_at_end else self._place()
        if found is None:
            return ScrollAnchor()
        number, leaf, line, column = found
        return ScrollAnchor(self.entries[number].id, leaf, line, column)

    def go_to(self, message_id: str) -> None:
        """Move the cursor to a message, and show its beginning."""
        number = self.column.number_of(message_id)
        if number is not None:
            self.cursor = number
            self.bring_into_view(number)
            self.refresh()

    def show_thinking(self, message_id: str) -> None:
        """Show a message's thinking."""
        number = self.column.number_of(message_id)
        if number is not None and self.entries[number].frame.is_collapsed:
            self.entries[number].collapse(is_collapsed=False)
            self.grew(number)

    def _go_to_place(self, place: ScrollAnchor) -> None:
        number = None if place.message_id is None else self.column.number_of(place.message_id)
        if number is None:
            return
        self.cursor = number
        self.lay_out((number, place.leaf, place.line, place.position))

    def add(self, *added: Message | StreamingReply, now_ms: int) -> None:
        """Add new messages, and scroll to the end."""
        self.conversation_id = added[0].conversation_id
        self._append(self.entries, added, now_ms=now_ms, versions={})
        self.cursor = len(self.entries) - 1
        self.show_end()

    def draw(self, reply: StreamingReply, now: float) -> bool:
        """Draw what has arrived of a running reply. `now` is in monotonic seconds.

        Returns False if some of it is left for the next call.
        """
        number = self.column.number_of(reply.id)
        if number is None or not self.text_width:
            return number is None
        began = perf_counter()
        if began < self._rests_until:
            return False
        is_done, row = self.entries[number].catch_up(reply, now, self.text_width)
        self.grew(number, row)
        cost = perf_counter() - began
        if cost > COSTLY:
            # This leaves time for keys.
            self._rests_until = began + (1 + REST) * cost
        return is_done

    def finish(self, message: Message) -> None:
        """Replace a reply that has ended by its saved message; a large one a moment later."""
        from tui.ui.widgets.message_content import is_large

        number = self.column.number_of(message.id)
        if number is None:
            return
        entry, width = self.entries[number], self.text_width
        if is_large(message):
            # In a worker: the screen handles no key while a handler waits.
            self.run_worker(self._end(entry, message, width), group="end")
            return
        entry.finish(message)
        self.grew(number)

    async def _end(self, entry: Entry, message: Message, width: int) -> None:
        leaves = await self.in_thread(entry.final_layout(message, width))
        entry.end(message, leaves, width)
        if entry in self.entries:
            self.grew(self.entries.index(entry))

    def toggle_thinking(self) -> None:
        """Hide all thinking and the system prompt if they are shown; else show them."""
        self.is_collapsed = not self.is_collapsed
        for entry in self.entries:
            entry.collapse(is_collapsed=self.is_collapsed)
        self.lay_out()

    @property
    def newest_reply_id(self) -> str | None:
        """The id of the last reply shown."""
        replies = [entry.id for entry in self.entries if entry.content.is_reply]
        return replies[-1] if replies else None

    # Keys

    def watch_has_focus(self, has_focus: bool) -> None:  # noqa: FBT001 - Textual's signature
        """Show the keys of a message, and without the focus also the key to get there."""
        super().watch_has_focus(has_focus)
        self._hints.is_on_messages = has_focus
        for number, entry in enumerate(self.entries):
            message = entry.content.message
            if entry.is_parsed and isinstance(message, Message) and self._hints.after(message):
                # This lays out the line below it again, with the rest.
                entry.collapse(is_collapsed=entry.frame.is_collapsed)
                self.grew(number)

    def action_move(self, step: int) -> None:
        """Move the cursor by `step` messages, and stop at either end."""
        self.cursor = max(0, min(len(self.entries) - 1, self.cursor + step))
        self._codes_copied = self._links_shown = "", 0
        self.bring_into_view(self.cursor)
        self.refresh()

    def action_copy(self) -> None:
        """Copy the message as it was written."""
        if self.entries:
            content = self.entries[self.cursor].content
            what = "the system prompt" if content.is_system_prompt else "the message"
            self.post_message(self.Copied(content.source, what))

    def action_copy_code(self) -> None:
        """Copy the message's code block; pressed again, the next one."""
        if self.entries:
            self.run_worker(self._copy_code(self.entries[self.cursor]), group="code")

    async def _copy_code(self, entry: Entry) -> None:
        codes = await self.in_thread(entry.content.code)
        if not codes:
            self.notify("There is no code block in this message.", timeout=3, markup=False)
            return
        of, copied = self._codes_copied
        number = copied % len(codes) if of == entry.id else 0
        which = f"code block {number + 1} of {len(codes)}" if len(codes) > 1 else "the code"
        self.post_message(self.Copied(codes[number], which))
        self._codes_copied = entry.id, number + 1

    def action_follow_link(self) -> None:
        """Show where the message's first link leads; pressed again, the next one."""
        if self.entries:
            self.run_worker(self._follow_link(self.entries[self.cursor]), group="link")

    async def _follow_link(self, entry: Entry) -> None:
        targets = [
            target
            for target in await self.in_thread(entry.content.links) or ()
            if clean_line(target).lower().startswith(OPENABLE)
        ]
        if not targets:
            self.notify("There is no link in this message.", timeout=3, markup=False)
            return
        of, count = self._links_shown
        number = count % len(targets) if of == entry.id else 0
        which = f"{number + 1} of {len(targets)}" if len(targets) > 1 else ""
        self.post_message(self.LinkChosen(targets[number], which))
        self._links_shown = entry.id, number + 1

    def action_want(self, what: MessageAction) -> None:
        """Request an action on the message."""
        if self.entries:
            self.post_message(
                self.ActionRequested(what, self.conversation_id, self.entries[self.cursor].id)
            )

    def action_edit_question(self) -> None:
        """Ask to edit the message if it is a question, else the question above it.

        On the system prompt, ask to edit that.
        """
        for entry in reversed(self.entries[: self.cursor + 1]):
            if entry.content.is_question or entry.content.is_system_prompt:
                self.post_message(self.ActionRequested("edit", self.conversation_id, entry.id))
                return

    def action_look(self, step: int) -> None:
        """Ask for the next match, or the one before."""
        self.post_message(self.FindStepped(step))

    def action_undo(self) -> None:
        """Ask to undo the last deletion."""
        self.post_message(self.Undone())

    def action_collapse(self) -> None:
        """Hide the message's thinking, or the system prompt; show it if it is hidden."""
        if self.entries:
            self.toggle(self.cursor)

    def _append(
        self,
        entries: list[Entry],
        messages: Sequence[Message | StreamingReply],
        *,
        now_ms: int,
        versions: Versions,
    ) -> None:
        """Add entries for messages; a message may continue one above it."""
        # These import Markdown's parser, in 40 ms that the first screen must not wait.
        from tui.ui.widgets.entry import Entry
        from tui.ui.widgets.message_content import MessageContent

        for each in messages:
            ids = versions.get(each.id, ())
            version = f"‹{ids.index(each.id) + 1}/{len(ids)}›" if each.id in ids else ""
            is_rest = len(entries) > 1 and entries[-1].content.is_continuation_marker
            entry = Entry(
                MessageContent(each, before=entries[-2].content.source if is_rest else ""),
                now_ms=now_ms,
                is_collapsed=self.is_collapsed,
                version=version,
                hints=self._hints,
            )
            entries.append(entry)
