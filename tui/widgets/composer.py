"""The box the user writes in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from textual import events
from textual.binding import Binding
from textual.message import Message as TextualMessage
from textual.widgets import TextArea
from textual.widgets.text_area import EditResult, Location, Selection

from tui.graphemes import boundary, next_boundary, previous_boundary

_LINE_END = re.compile("\r\n?")
"""As the text area has it: every line ends alike."""

LONGEST_LINE = 10_000
"""Characters of a line that can be edited: for each key Textual goes over all of it."""

MOST_LINES = 10_000
"""Lines that can be edited: each key goes over their number too."""


MOST_CHARACTERS = 200_000
"""Characters that can be edited, all lines together."""


class Composer(TextArea):
    """A text area in which Enter sends and Ctrl+J breaks the line. A paste never sends.

    What is too large to be edited is not in the text area: it stands before the text,
    is sent with it, and is told of in the border.
    """

    BINDINGS = [
        Binding("enter", "send", "Send", id="composer.send"),
        Binding(
            "ctrl+j,shift+enter,ctrl+enter",
            "newline",
            "New line",
            id="composer.newline",
        ),
        Binding(
            "pageup", "scroll_transcript(-1)", "Scroll up", id="composer.page-up", show=False
        ),
        Binding(
            "pagedown",
            "scroll_transcript(1)",
            "Scroll down",
            id="composer.page-down",
            show=False,
        ),
    ]

    @dataclass
    class Sent(TextualMessage):
        """The user sent some text. The composer is empty by then."""

        text: str

    class Nudged(TextualMessage):
        """The user pressed Enter in the empty composer."""

    class Recalled(TextualMessage):
        """The user wants back what was queued last: Up in the empty composer."""

    @dataclass
    class Scrolled(TextualMessage):
        """The user wants to read on or back without leaving the composer."""

        pages: int

    def __init__(self) -> None:
        super().__init__(
            placeholder="Ask anything",
            show_line_numbers=False,
            highlight_cursor_line=False,
            tab_behavior="focus",
        )
        # A blinking cursor would wake the program twice a second.
        self.cursor_blink = False
        self._before = ""
        """What is too large to be edited."""
        self._removed = ""
        """What was removed of that last, for as long as it can be brought back."""

    @property
    def whole(self) -> str:
        """Everything that is written, what is too large to be edited too."""
        return self._before + self.text

    async def _on_key(self, event: events.Key) -> None:
        """Send, break lines, move and delete in turn with the letters around them.

        As a priority binding Enter would overtake letters typed just before it;
        as an ordinary one it would be overtaken by letters typed just after.
        """
        if (focused := self.app.focused) is not self:
            # Pressed before the key before it had moved the focus: it is meant for there.
            event.stop()
            event.prevent_default()
            if focused is not None:
                # Not through the app, where it would queue up behind later keys.
                focused._forward_event(event.copy())  # noqa: SLF001
            return
        # A letter is never bound here, and need not wait for what bindings there are.
        # With Alt it comes as a letter too, from terminals without a protocol for keys.
        if event.is_printable and "+" not in event.key:
            return
        active = self.screen.active_bindings.get(event.key)
        if active is None or not active.enabled:
            return
        # Here and not where the key would bubble to: what is typed after Ctrl+N is for
        # the new conversation, and waits until it is there.
        if await self.app.run_action(active.binding.action, active.node):
            event.stop()
            event.prevent_default()

    def action_send(self) -> None:
        r"""Say what was sent, unless it is blank. After a `\` it breaks the line."""
        row, column = self.cursor_location
        if self.selection.is_empty and self.document[row][:column].endswith("\\"):
            self.replace("\n", (row, column - 1), (row, column))
            return
        if text := self.whole.strip():
            # At once, so that a second Enter finds nothing to send.
            self.clear()
            self._put_before("")
            self._removed = ""
            self.post_message(self.Sent(text))
        else:
            self.post_message(self.Nudged())

    def action_cursor_up(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        """Move up; in the empty composer, ask for what was queued last."""
        if self.whole:
            super().action_cursor_up(select)
        else:
            self.post_message(self.Recalled())

    # By what a person takes for one character; Textual 8.2.8 goes by code points

    def get_cursor_left_location(self) -> Location:
        """Return where one press of Left goes."""
        row, column = self.cursor_location
        if column == 0:
            return super().get_cursor_left_location()
        return row, previous_boundary(self.document[row], column)

    def get_cursor_right_location(self) -> Location:
        """Return where one press of Right goes."""
        row, column = self.cursor_location
        if column >= len(line := self.document[row]):
            return super().get_cursor_right_location()
        return row, next_boundary(line, column)

    def clamp_visitable(self, location: Location) -> Location:
        """Return the nearest place where the cursor can stand."""
        row, column = super().clamp_visitable(location)
        is_forward = (row, column) > self.selection.end
        return row, boundary(self.document[row], column, is_forward=is_forward)

    def _delete_via_keyboard(self, start: Location, end: Location) -> EditResult | None:
        first, last = sorted((start, end))
        return super()._delete_via_keyboard(
            self._boundary(first, is_forward=False), self._boundary(last, is_forward=True)
        )

    def _boundary(self, location: Location, *, is_forward: bool) -> Location:
        row, column = location
        return row, boundary(self.document[row], column, is_forward=is_forward)

    def action_newline(self) -> None:
        """Break the line at the cursor."""
        self.replace("\n", *self.selection)

    def action_scroll_transcript(self, pages: int) -> None:
        """Ask for the transcript to be scrolled by pages."""
        self.post_message(self.Scrolled(pages))

    def write(self, text: str) -> None:
        """Put a text in the place of what is there."""
        if text != self.whole:
            before, rest = (text, "") if _is_too_large(text) else ("", text)
            self._removed = ""
            self.text = rest
            self._put_before(before)
            self.move_cursor(self.document.end)

    def give_back(self, text: str) -> None:
        """Put back a text that could not be sent, before what was typed meanwhile."""
        self.write(f"{text}\n{self.whole}" if self.whole.strip() else text)

    def _on_paste(self, event: events.Paste) -> None:  # type: ignore[override]
        """Take what is too large to be edited, and what stands before it, out of the text."""
        start, _ = sorted(self.selection)
        before = self.get_text_range((0, 0), start) + _LINE_END.sub("\n", event.text)
        if _is_too_large(before):
            event.stop()
            event.prevent_default()
            self.replace("", (0, 0), max(self.selection))
            self._put_before(self._before + before)
            self.focus()

    def action_delete_left(self) -> None:
        """Delete to the left; at the very beginning, what is too large to be edited."""
        if self._before and self.selection == Selection.cursor((0, 0)):
            self._removed = self._before
            self._put_before("")
        else:
            super().action_delete_left()

    def action_undo(self) -> None:
        """Undo what was done last; bring back what is too large to be edited."""
        if self._removed:
            self._put_before(self._removed + self._before)
            self._removed = ""
        else:
            super().action_undo()

    def _put_before(self, text: str) -> None:
        """Have a text stand before what can be edited, and tell of it."""
        if text == self._before:
            return
        self._before = text
        self.border_title = f"{len(text):,} characters, and what you write" if text else ""
        self.border_subtitle = "Backspace at the beginning removes them" if text else ""
        self.post_message(self.Changed(self))


def _is_too_large(text: str) -> bool:
    if len(text) > MOST_CHARACTERS:
        return True
    lines = text.split("\n", MOST_LINES)
    return len(lines) > MOST_LINES or max(map(len, lines)) > LONGEST_LINE
