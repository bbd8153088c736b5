"""What is around a message's text: the heading, the thinking, the status line."""

from __future__ import annotations

from textual.content import Content

from tui.domain.conversation import Message, SystemPrompt
from tui.domain.reply import StreamingReply
from tui.text import formatting
from tui.text.markdown import Leaf
from tui.text.sanitise import clean_line
from tui.ui.widgets.message_content import MessageContent, Written
from tui.ui.widgets.message_hints import MessageHints
from tui.ui.widgets.message_layout import MessageLayout, plain_leaf
from tui.ui.widgets.reply_line import MUTED, ended_line, running_line


class MessageFrame:
    """The leaves above the text of one message, and those below."""

    __slots__ = ("_hints", "_line", "_now_ms", "is_collapsed", "label", "version")

    def __init__(
        self, *, now_ms: int, is_collapsed: bool, version: str, hints: MessageHints
    ) -> None:
        self.is_collapsed = is_collapsed
        """Whether the thinking is hidden."""
        self.version = version
        """The number of this version and of all, such as `‹2/3›`; empty for an only one."""
        self.label: int | None = None
        """The number of the leaf that says what is collapsed; None if nothing can be."""
        self._now_ms = now_ms
        self._hints = hints
        self._line: Content | None = None
        """A cache of the status line."""

    def line(self, message: Written) -> Content:
        """Return the line below a reply: its progress, or its tokens, times and end."""
        if isinstance(message, SystemPrompt):
            return Content()
        if self._line is None:
            self._line = (
                ended_line(message, self._hints.after(message))
                if isinstance(message, Message)
                else running_line(message, None, stop_key=self._hints.stop_key)
            )
        return self._line

    def update_line(self, reply: StreamingReply, now: float) -> None:
        """Update the line of a running reply; `now` is in monotonic seconds."""
        self._line = running_line(reply, now, stop_key=self._hints.stop_key)

    def forget_line(self) -> None:
        """Drop the cached line: the reply has ended, or the keys it names have changed."""
        self._line = None

    def head(self, message: Written, layout: MessageLayout) -> list[Leaf]:
        """Return the heading, the label of the thinking, and the thinking if it is shown.

        For the system prompt, return its label, and its text if it is shown.
        """
        if isinstance(message, SystemPrompt):
            self.label = 0
            system = _system_label(message, layout.width, is_collapsed=self.is_collapsed)
            shown = [] if self.is_collapsed else layout.thoughts(message)
            return [plain_leaf(system), *shown]
        heading = layout.heading = layout.heading or plain_leaf(
            _heading(message, self._now_ms, self.version)
        )
        label = _thought_label(message, layout)
        self.label = None if label is None else 1
        if label is None:
            return [heading]
        sign = "▸" if self.is_collapsed else "▾"
        line = plain_leaf(Content(f"{sign} {label}").stylize(f"italic {MUTED}"))
        return [heading, line, *([] if self.is_collapsed else layout.thoughts(message))]

    def foot(self, content: MessageContent) -> list[Leaf]:
        """Return the line below a reply, and the blank row below every message."""
        if not (content.is_reply and self.line(content.message).plain):
            return [plain_leaf(Content())]
        return [plain_leaf(self.line(content.message), gap=1), plain_leaf(Content())]


def _system_label(prompt: SystemPrompt, width: int, *, is_collapsed: bool) -> Content:
    """Return the line of the system prompt; collapsed, with its first words."""
    if not is_collapsed:
        return Content.styled("▾ System prompt", f"italic {MUTED}")
    # Only what may fit: the text may be long.
    words = " ".join(prompt.text.lstrip()[: 4 * max(1, width)].split())
    line = Content.styled(clean_line(f"▸ System prompt · {words}"), f"italic {MUTED}")
    return line.truncate(max(1, width), ellipsis=True)


def _thought_label(message: Message | StreamingReply, layout: MessageLayout) -> str | None:
    """Return the label of the thinking; None if there is no thinking."""
    if isinstance(message, Message):
        return formatting.thinking_label(message) if message.thinking else None
    if layout.thinking is None:
        return None
    return "Thinking" if message.activity == "thinking" else "Thought"


def _heading(message: Message | StreamingReply, now_ms: int, version: str) -> Content:
    if isinstance(message, Message) and message.is_continuation:
        return Content.assemble(("┄┄ continued ┄┄", MUTED))
    if isinstance(message, Message) and message.role == "user":
        name, colour, created_ms = "You", "$text-primary", message.created_ms
    else:
        name, colour = _reply_name(message), "$text-accent"
        created_ms = (
            message.started_ms if isinstance(message, StreamingReply) else message.created_ms
        )
    moment = formatting.timestamp(created_ms, now_ms)
    words = Content.assemble((clean_line(name), f"bold {colour}"), "  ", (moment, MUTED))
    return Content.assemble(words, "  ", (version, "bold $accent")) if version else words


def _reply_name(message: Message | StreamingReply) -> str:
    # The demo answers whatever model it is asked for, and is never shown as that model.
    if message.endpoint == "demo":
        return formatting.model_name("demo")
    return formatting.asked_name(message.model or "", message.effort)
