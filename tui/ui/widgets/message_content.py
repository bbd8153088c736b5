"""The content of a message: of a question or a reply, however it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeGuard

from tui.domain import continuation
from tui.domain.conversation import Message, passages
from tui.domain.reply import StreamingReply
from tui.text import formatting
from tui.text.markdown import Aside, CodeLeaf, Leaf, Passages, TextLeaf, link_targets, parse

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
    """A message, or a reply while it arrives, and the text that it continues."""

    message: Message | StreamingReply
    before: str = ""
    """The text of the truncated reply that this one continues."""

    @property
    def is_reply(self) -> bool:
        """Whether it is a reply."""
        return isinstance(self.message, StreamingReply) or self.message.role == "assistant"

    @property
    def is_continuation_marker(self) -> bool:
        """Whether it is the program's own question that continues a reply."""
        return isinstance(self.message, Message) and self.message.is_continuation

    @property
    def is_question(self) -> bool:
        """Whether it is a question of the user."""
        return not (self.is_reply or self.is_continuation_marker)

    @property
    def source(self) -> str:
        """The text as it was written; for a continuation, both parts as one."""
        message = self.message
        words = message.words("text") if isinstance(message, StreamingReply) else message.text
        return continuation.joined(self.before, words) if self.before else words

    @property
    def thinking(self) -> str:
        """The text of the thinking."""
        message = self.message
        return (
            message.words("thinking")
            if isinstance(message, StreamingReply)
            else message.thinking
        )

    def estimate(self, width: int) -> int:
        """Return about how many rows the message takes, without laying it out."""
        message = self.message
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
        if not self.is_reply:
            return ()
        message = self.message
        return parse(
            self.source if isinstance(message, StreamingReply) else passages_of(message, "")
        )


def is_large(message: Message | StreamingReply) -> TypeGuard[Message]:
    """Tell whether laying out a message may take long."""
    if isinstance(message, StreamingReply) or message.role != "assistant":
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
