"""The box the user writes in."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.binding import Binding
from textual.message import Message as TextualMessage
from textual.widgets import TextArea
from textual.widgets.text_area import EditResult, Location

from tui.graphemes import boundary, next_boundary, previous_boundary


class Composer(TextArea):
    """A text area in which Enter sends and Ctrl+J breaks the line. A paste never sends."""

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
        event.stop()
        event.prevent_default()
        # Here and not where the key would bubble to: what is typed after Ctrl+N is for
        # the new conversation, and waits until it is there.
        await self.app.run_action(active.binding.action, active.node)

    def action_send(self) -> None:
        r"""Say what was sent, unless it is blank. After a `\` it breaks the line."""
        row, column = self.cursor_location
        if self.selection.is_empty and self.document[row][:column].endswith("\\"):
            self.replace("\n", (row, column - 1), (row, column))
            return
        if text := self.text.strip():
            # At once, so that a second Enter finds nothing to send.
            self.clear()
            self.post_message(self.Sent(text))
        else:
            self.post_message(self.Nudged())

    def action_cursor_up(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        """Move up; in the empty composer, ask for what was queued last."""
        if self.text:
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
        if text != self.text:
            self.text = text
            self.move_cursor(self.document.end)

    def give_back(self, text: str) -> None:
        """Put back a text that could not be sent, before what was typed meanwhile."""
        self.text = f"{text}\n{self.text}" if self.text.strip() else text
        self.move_cursor(self.document.end)
