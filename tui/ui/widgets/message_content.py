"""The content of a message: of a question or a reply, however it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias, TypeGuard

from tui.domain import continuation
from tui.domain.conversation import Message, SystemPrompt, passages
from tui.domain.reply import StreamingReply
from tui.text import formatting
from tui.text.markdown import Aside, CodeLeaf, Leaf, Passages, TextLeaf, link_targets, parse

Written: TypeAlias = Message | StreamingReply | SystemPrompt
"""What an entry shows."""

LARGE = 8_000
"""A reply with more characters is laid out in a thread: shorter ones never take long."""


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """One block of code in a message."""

    info: str
    """The info string of its fence."""
    code: str
    before: str
    """The text right before it."""


@dataclass(frozen=True, slots=True)
class MessageContent:
    """A message, or a reply while it arrives, and the text that it continues.

    The first entry of a transcript may be the system prompt.
    """

    message: Written
    before: str = ""
    """The text of the truncated reply that this one continues."""

    @property
    def is_reply(self) -> bool:
        """Whether it is a reply."""
        message = self.message
        return isinstance(message, StreamingReply) or (
            isinstance(message, Message) and message.role == "assistant"
        )

    @property
    def is_system_prompt(self) -> bool:
        """Whether it is the system prompt."""
        return isinstance(self.message, SystemPrompt)

    @property
    def is_continuation_marker(self) -> bool:
        """Whether it is the program's own question that continues a reply."""
        return isinstance(self.message, Message) and self.message.is_continuation

    @property
    def is_question(self) -> bool:
        """Whether it is a question of the user."""
        message = self.message
        is_asked = isinstance(message, Message) and message.role == "user"
        return is_asked and not self.is_continuation_marker

    @property
    def source(self) -> str:
        """The text as it was written; for a continuation, both parts as one."""
        message = self.message
        words = message.words("text") if isinstance(message, StreamingReply) else message.text
        return continuation.joined(self.before, words) if self.before else words

    @property
    def thinking(self) -> str:
        """The text of the thinking."""
        match self.message:
            case StreamingReply() as reply:
                return reply.words("thinking")
            case Message() as message:
                return message.thinking
            case SystemPrompt():
                return ""

    def estimate(self, width: int) -> int:
        """Return about how many rows the message takes, without laying it out."""
        message = self.message
        if isinstance(message, SystemPrompt):
            # Collapsed: a line, and the blank row below it.
            return 2
        words = (
            [block.words for block in message.blocks if block.type == "text"]
            if isinstance(message, Message)
            else [message.words("text")]
        )
        return 4 + sum(len(each) // max(20, width - 6) + each.count("\n") for each in words)

    def code(self) -> list[str]:
        """Return the source of every code block."""
        return [block.code for block in self.code_blocks()]

    def code_blocks(self) -> list[CodeBlock]:
        """Return every code block, with the text before it."""
        leaves = self._parsed()
        return [
            CodeBlock(
                leaf.info,
                leaf.source,
                before.text.plain if isinstance(before, TextLeaf) else "",
            )
            for before, leaf in pairwise((None, *leaves))
            if isinstance(leaf, CodeLeaf)
        ]

    def links(self) -> list[str]:
        """Return the target of every link."""
        return link_targets(self._parsed())

    def _parsed(self) -> Sequence[Leaf]:
        """Return the text parsed as Markdown; nothing for a question, which is plain text."""
        message = self.message
        if isinstance(message, SystemPrompt) or not self.is_reply:
            return ()
        return parse(
            self.source if isinstance(message, StreamingReply) else passages_of(message, "")
        )


def is_large(message: Written) -> TypeGuard[Message]:
    """Tell whether laying out a message may take long."""
    if not isinstance(message, Message) or message.role != "assistant":
        return False
    return sum(len(block.words) for block in message.blocks if block.type == "text") > LARGE


def passages_of(message: Message, before: str) -> Passages:
    """Return what a message shows; `before` is the text that it continues, or empty."""
    found = [
        each if isinstance(each, str) else Aside(formatting.aside(each))
        for each in passages(message.blocks)
    ]
    for at, passage in enumerate(found):
        if before and isinstance(passage, str):
            found[at] = continuation.shown(before, passage)
            break
    return tuple(found)
