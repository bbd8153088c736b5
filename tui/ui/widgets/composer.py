"""The text area in which the user writes questions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from textual import events
from textual.message import Message as TextualMessage
from textual.widgets.text_area import Selection

from tui.config.slash import SlashCall, SlashEntry, entries_of_commands, parse_call
from tui.domain.conversation import as_question
from tui.ui.bindings import bindings_of
from tui.ui.widgets.composed_text import (
    ComposedText,
    Replacement,
    composed,
    is_too_large,
)
from tui.ui.widgets.grapheme_area import GraphemeArea

_LINE_END = re.compile("\r\n?")
"""Line ends that a text area would turn into its own."""

SENDS_DRAFT_AFTER = 0.5
"""Seconds after which Enter sends a draft that came back after a recalled question.

Until then, unless another key was pressed, it is the same Enter that is held or bounces.
"""


class Composer(GraphemeArea):
    """A text area in which Enter sends and Ctrl+J breaks the line. A paste never sends.

    Text that is too large to edit is not in the text area. It is sent before the text that
    is, and the border shows how long it is.
    """

    BINDINGS = bindings_of("composer")

    class Event(TextualMessage):
        """Base class of the messages for the screen."""

    @dataclass
    class Submitted(Event):
        """The user sent a text. The composer is already empty."""

        conversation_id: str
        """The conversation in which it was written: another one may be open by now."""
        text: str
        edited_id: str | None
        """The question of which it is a new version; None for a new question."""

    @dataclass
    class EmptySubmitted(Event):
        """The user pressed Enter in the empty composer."""

        conversation_id: str

    @dataclass
    class QueueEditRequested(Event):
        """The user wants to edit the newest queued question: Up in the empty composer."""

        conversation_id: str

    @dataclass
    class RecallRequested(Event):
        """The user pressed Up on the first line, or Down on the last one."""

        conversation_id: str
        step: int
        """1 for the question before, -1 for the one after or the draft."""

    @dataclass
    class CommandEntered(Event):
        """The user entered a command. The composer is already empty."""

        conversation_id: str
        call: SlashCall

    @dataclass
    class CompletionRequested(Event):
        """The user pressed Tab."""

    @dataclass
    class Scrolled(Event):
        """The user wants to scroll the transcript without leaving the composer."""

        pages: int

    Posted: TypeAlias = (
        Submitted
        | EmptySubmitted
        | QueueEditRequested
        | RecallRequested
        | CommandEntered
        | CompletionRequested
        | Scrolled
    )

    def __init__(self) -> None:
        super().__init__(
            placeholder="Ask anything",
            show_line_numbers=False,
            highlight_cursor_line=False,
            tab_behavior="focus",
        )
        # A blinking cursor would wake the program twice a second.
        self.cursor_blink = False
        self.conversation_id = ""
        """The conversation whose draft is shown."""
        self.edited_id: str | None = None
        """The question that is being edited; None for a new question."""
        self._before = ""
        """Text that is too large to edit; it comes before the text in the text area."""
        self._removed = ""
        """The part of it that was removed last, while that can be undone."""
        self._set_aside = ""
        """The draft that a recalled question replaces for now."""
        self._recalled: set[str] = set()
        """The questions that were recalled over that draft, exactly as they were shown."""
        self.beginnings = 0
        """How often `write` has replaced the text, which ends a recall."""
        self._is_draft_back = False
        """Whether no key was pressed since the draft came back after a recalled question."""
        self._draft_back_at = 0.0
        """When it came back."""
        self.is_waiting = False
        """Whether an earlier question is being read, which Enter is not meant to send."""
        self.slash_entries = entries_of_commands()
        """The commands that can be typed behind a slash."""
        self.chosen: tuple[str, SlashEntry] | None = None
        """The command that is chosen in the list, and the text that it was chosen for."""
        self.begun_call: Callable[[str], SlashCall | None] = lambda _: None
        """Returns the only listed command that a text begins; None if there is not one."""

    @property
    def whole(self) -> str:
        """The whole draft, with the text that is too large to edit."""
        return self._before + self.text

    @property
    def composed(self) -> ComposedText:
        """The whole draft, with the cursor."""
        return ComposedText(self.text, self._before, self.selection)

    @property
    def is_recalled(self) -> bool:
        """Whether the text is a recalled question that nobody has changed."""
        return bool(self._recalled) and self.whole in self._recalled

    @property
    def draft(self) -> str:
        """The text to save: everything that the user wrote and did not send."""
        if self.is_recalled:
            return self._set_aside
        is_changed = bool(self._recalled) and self.whole != self._set_aside
        if is_changed and self._set_aside.strip():
            return f"{self.whole}\n{self._set_aside}"
        return self.whole

    async def _on_key(self, event: events.Key) -> None:
        """Run the keys' bindings here, in order with the letters around them.

        As a priority binding, Enter would act before letters that were typed just before it.
        As an ordinary one, it would act after letters that were typed just after it.
        """
        if (focused := self.app.focused) is not self:
            # The key before this one has moved the focus; this one is meant for there.
            event.stop()
            event.prevent_default()
            if focused is not None:
                # Not through the app, where it would wait behind later keys.
                focused._forward_event(event.copy())  # noqa: SLF001
            return
        # No letter is bound here, so it need not look for bindings. Terminals without a
        # keyboard protocol send Alt with a letter as a letter too.
        if event.is_printable and "+" not in event.key:
            self._is_draft_back = False
            return
        active = self.screen.active_bindings.get(event.key)
        if active is None or not active.enabled:
            return
        is_early = self._is_draft_back and event.time < self._draft_back_at + SENDS_DRAFT_AFTER
        if is_early and active.binding.action == "send":
            event.stop()
            event.prevent_default()
            return
        self._is_draft_back = False
        # Not where the key would bubble to: letters typed after Ctrl+N are for the new
        # conversation, and must wait until it is there.
        if await self.app.run_action(active.binding.action, active.node):
            event.stop()
            event.prevent_default()

    def action_send(self) -> None:
        r"""Send the text, unless it is blank. After a `\`, break the line instead."""
        if self.is_waiting:
            return
        row, column = self.cursor_location
        if self.selection.is_empty and self.document[row][:column].endswith("\\"):
            self.replace("\n", (row, column - 1), (row, column))
            return
        if (call := self.call) is not None:
            self.take()
            self.post_message(self.CommandEntered(self.conversation_id, call))
            return
        # Emptied at once, so that a second Enter finds nothing to send.
        if text := self.take():
            self.post_message(self.Submitted(self.conversation_id, text, self.edited_id))
        else:
            self.post_message(self.EmptySubmitted(self.conversation_id))

    @property
    def call(self) -> SlashCall | None:
        """The command that Enter would run; None while a question is edited."""
        if self.edited_id is not None or not self.whole.startswith("/"):
            return None
        if self.chosen is not None and self.chosen[0] == self.text:
            call = parse_call(self.text, self.slash_entries)
            chosen = self.chosen[1]
            return call if call is not None and call.entry == chosen else SlashCall(chosen)
        # Not as the list shows it, which the last letters may not have reached yet.
        return parse_call(self.whole, self.slash_entries) or self.begun_call(self.whole)

    def action_complete(self) -> None:
        """Ask for a command to be completed."""
        self.post_message(self.CompletionRequested())

    def take(self) -> str:
        """Return the whole text and empty the composer; return "" if the text is blank.

        A draft that a recalled question replaces stays set aside: a second Enter must not
        send it. `Recall.bring_back` shows it again.
        """
        if text := as_question(self.whole):
            is_draft = self.edited_id is not None or self.whole == self._set_aside
            self.clear()
            self.put_before("")
            if is_draft or not (self._recalled and self._set_aside.strip()):
                self._reset_recall()
            else:
                self._recalled.add("")
        return text

    def action_cursor_up(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        """Move up; on the first line, ask for an earlier question.

        In the empty composer, ask for the newest queued question.
        """
        if select or not self.selection.is_empty:
            super().action_cursor_up(select)
        elif not self.whole:
            self.post_message(self.QueueEditRequested(self.conversation_id))
        elif self._is_stepping or self.navigator.is_first_wrapped_line(self.cursor_location):
            self.post_message(self.RecallRequested(self.conversation_id, 1))
        else:
            super().action_cursor_up()

    def action_cursor_down(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        """Move down; on the last line, ask for the question after the recalled one."""
        is_last = self.navigator.is_last_wrapped_line(self.cursor_location)
        if is_last and not select and self.selection.is_empty:
            self.post_message(self.RecallRequested(self.conversation_id, -1))
        else:
            super().action_cursor_down(select)

    @property
    def _is_stepping(self) -> bool:
        """Whether a recalled question has not been changed, and the cursor has not moved."""
        return self.is_recalled and self.cursor_at_end_of_text

    def action_newline(self) -> None:
        """Break the line at the cursor."""
        self.replace("\n", *self.selection)

    def action_scroll_transcript(self, pages: int) -> None:
        """Ask for the transcript to be scrolled by pages."""
        self.post_message(self.Scrolled(pages))

    def write(self, text: str) -> None:
        """Replace the whole text. This cannot be undone."""
        if text != self.draft:
            written = composed(text)
            self._reset_recall()
            self.text = written.text
            self.put_before(written.before)
            self.move_cursor(self.document.end)

    def replace_all(self, written: ComposedText) -> None:
        """Replace the whole text as one edit that can be undone."""
        self.history.checkpoint()
        self.edit(Replacement(self, written))
        self.history.checkpoint()

    def recall(self, written: ComposedText, *, set_aside: str, is_changed: bool) -> None:
        """Show an earlier question instead of the draft `set_aside`.

        `is_changed` says that the user has edited the question since.
        """
        self._set_aside = set_aside
        self.replace_all(written)
        if not is_changed:
            # Read back: the text area has changed the line ends.
            self._recalled.add(self.whole)

    def end_recall(self, draft: ComposedText, *, is_sent: bool = False) -> None:
        """Show the draft again that recalled questions replaced.

        `is_sent` says that the question was sent. Then Enter, if it is held, sends nothing.
        """
        self._recalled.clear()
        self.replace_all(draft)
        self._is_draft_back = is_sent
        # An event's time is by Textual's own clock.
        self._draft_back_at = events.Event().time

    def _reset_recall(self) -> None:
        self._removed = self._set_aside = ""
        self._recalled.clear()
        self.beginnings += 1

    def give_back(self, text: str) -> None:
        """Put back a text that could not be sent, before the text typed meanwhile."""
        if self.is_recalled and not self.whole:
            # It is in the place of the draft, as before.
            self.replace_all(composed(text))
            return
        self.write(f"{text}\n{self.draft}" if self.draft.strip() else text)

    def _on_paste(self, event: events.Paste) -> None:  # type: ignore[override]
        """Keep a paste that is too large to edit, and all text before it, out of the area."""
        start, _ = sorted(self.selection)
        before = self.get_text_range((0, 0), start) + _LINE_END.sub("\n", event.text)
        if is_too_large(before):
            event.stop()
            event.prevent_default()
            self.replace("", (0, 0), max(self.selection))
            self.put_before(self._before + before)
            self.focus()

    def action_delete_left(self) -> None:
        """Delete to the left; at the beginning, remove the text that is too large to edit."""
        if self._before and self.selection == Selection.cursor((0, 0)):
            self._removed = self._before
            self.put_before("")
        else:
            super().action_delete_left()

    def action_undo(self) -> None:
        """Undo the last edit, or the removal of a text that is too large to edit."""
        if self._removed:
            self.put_before(self._removed + self._before)
            self._removed = ""
        else:
            super().action_undo()

    def put_before(self, text: str) -> str:
        """Set the text that is too large to edit, and show its length in the border.

        Return the one before it.
        """
        before, self._before = self._before, text
        if text == before:
            return before
        self.border_title = f"{len(text):,} characters, then your text" if text else ""
        self.border_subtitle = "Backspace at the beginning removes them" if text else ""
        self.post_message(self.Changed(self))
        return before
