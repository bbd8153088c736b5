"""The types of a conversation: blocks, messages, drafts. All of them are immutable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from tui.domain.failure import Failure
from tui.domain.parameters import Parameters
from tui.domain.usage import ReplyStats
from tui.domain.wire import Json

Role = Literal["user", "assistant"]
State = Literal[
    "streaming",
    "complete",
    "max_tokens",
    "refused",
    "stopped",
    "cut_off",
    "failed",
    "interrupted",
    "context_full",
    "tool_use",
]
"""The state of a message: `streaming` while it arrives, then its end reason."""

TitleBy = Literal["question", "model", "person"]
"""Where a title comes from: the first question, a model, or the user."""

Activity = Literal["waiting", "thinking", "streaming", "retrying"]
"""What a running reply is doing. It is only shown, never stored."""

READABLE = {"text": "text", "thinking": "thinking"}
"""The block types that a user can read, each with the field that has the text."""


APART = "\n\n"
"""The separator between two texts of a message."""

THINKING = ("thinking", "redacted_thinking")
PROSE = ("text", *THINKING)
"""The block types that are valid without another block, unlike a tool call and its result."""


@dataclass(frozen=True, slots=True)
class Block:
    """One content block.

    It is stored and sent back exactly as the API sent it, because current models bind
    their thinking to everything before it.
    """

    wire: Json
    is_sendable: bool = True
    """False for a block that can be read but must not be sent, such as unfinished thinking."""

    @property
    def type(self) -> str:
        """The API's type of the block."""
        return str(self.wire.get("type", ""))

    @property
    def words(self) -> str:
        """The text that a user can read; empty if the type has none."""
        words = self.wire.get(READABLE.get(self.type, ""))
        return words if isinstance(words, str) else ""


def passages(blocks: Iterable[Block]) -> Iterator[str | Block]:
    """Yield the texts of a message, and its blocks of other types, in their order.

    Joins successive text blocks: the API splits a text in the middle of a sentence where a
    citation begins. Leaves out thinking, but thinking separates two texts.
    """
    words: list[str] = []
    for block in blocks:
        if block.type == "text":
            words.append(block.words)
            continue
        yield from _unless_blank(words)
        words = []
        if block.type not in READABLE:
            yield block
    yield from _unless_blank(words)


def _unless_blank(words: list[str]) -> Iterator[str]:
    text = "".join(words)
    if text.strip():
        yield text


def text_of(blocks: Iterable[Block]) -> str:
    """Return the text of some blocks, with a blank line where other blocks are between."""
    return APART.join(each for each in passages(blocks) if isinstance(each, str))


def thinking_of(blocks: Iterable[Block]) -> str:
    """Return the readable thinking of some blocks, with blank lines between them."""
    texts = (block.words for block in blocks if block.type == "thinking")
    return APART.join(text for text in texts if text)


@dataclass(frozen=True, slots=True)
class Message:
    """One message, with the id of its parent. The messages of a conversation form a tree."""

    id: str
    conversation_id: str
    role: Role
    blocks: tuple[Block, ...]
    created_ms: int
    parent_id: str | None = None
    """The message before this one; None for the first message."""
    state: State = "complete"
    finished_ms: int | None = None
    model: str | None = None
    """The model that answered, or the requested one if none has answered yet."""
    stop_reason: str | None = None
    stop_details: Json | None = None
    failure: Failure | None = None
    endpoint: str | None = None
    """The `Endpoint.identity` of the endpoint that sent the reply."""
    context: str | None = None
    """A digest of the reply's prompt; see `prompt`."""
    figures: ReplyStats | None = None
    effort: str | None = None
    """The effort in the reply's request; None if it had none."""
    is_continuation: bool = False
    """Whether it is the program's own question, which asks to continue the reply before it."""

    @property
    def text(self) -> str:
        """The text, without thinking."""
        return text_of(self.blocks)

    @property
    def thinking(self) -> str:
        """The readable thinking."""
        return thinking_of(self.blocks)


SYSTEM_PROMPT_ID = "system-prompt"
"""The id of the system prompt among the messages on the screen."""


@dataclass(frozen=True, slots=True)
class SystemPrompt:
    """The system prompt of a conversation, as the transcript shows it above the messages."""

    conversation_id: str
    text: str

    @property
    def id(self) -> str:
        """Its id among the messages on the screen."""
        return SYSTEM_PROMPT_ID


@dataclass(frozen=True, slots=True)
class Conversation:
    """A tree of messages with a title, and the tip of its open path."""

    id: str
    parameters: Parameters
    """How this window asks the next question."""
    created_ms: int
    updated_ms: int
    """When its last message was created."""
    title: str = ""
    tip_id: str | None = None
    """The newest message of the open path; None if the path is empty."""
    is_pinned: bool = False
    tip_state: State | None = None
    """The state of the tip."""
    title_by: TitleBy = "question"
    is_archived: bool = False
    forked_from: str | None = None
    """The message of another conversation at which it was forked."""
    saved_parameters: Parameters | None = None
    """The parameters as the history had them; None if it has no such conversation.

    Only those that differ from them are saved with a question.
    """

    @property
    def system_prompt(self) -> SystemPrompt | None:
        """The system prompt of the next question; None if there is none."""
        system = self.parameters.system
        return SystemPrompt(self.id, system) if system else None


def with_model(conversation: Conversation, model: str) -> Conversation:
    """Return a conversation with another model."""
    return replace(conversation, parameters=replace(conversation.parameters, model=model))


@dataclass(frozen=True, slots=True)
class FirstParameters:
    """The parameters that the user chose before a conversation's first question."""

    parameters: Parameters
    host: str
    """The host of the endpoint whose model they name."""


@dataclass(frozen=True, slots=True)
class ComposerDraft:
    """What the user wrote in a conversation and did not send."""

    text: str = ""
    queued: tuple[str, ...] = ()
    """The questions that wait for the reply before them, the next one first."""
    edited_id: str | None = None
    """The question that is being edited."""
    edit: str = ""
    """The new version of that question."""
    first: FirstParameters | None = None
    """The parameters for the first question; None once it is asked."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to save."""
        return not (self.text.strip() or self.queued or self.edited_id or self.first)


@dataclass(frozen=True, slots=True)
class ScrollAnchor:
    """How far a conversation is scrolled: the text at the top of the screen."""

    message_id: str | None = None
    """None means the end of the conversation."""
    leaf: int = 0
    """The index of the message's leaf of Markdown."""
    line: int = 0
    position: int = 0
    """The index of the character in the line."""


def as_question(text: str) -> str:
    """Return a question without blank lines before it and white space after it.

    Keeps the indentation of its first line, because it may be code. Returns "" for a text
    that is only white space.
    """
    blank = len(text) - len(text.lstrip())
    return text[text.rfind("\n", 0, blank) + 1 :].rstrip()


def title_of(question: str) -> str:
    """Return a title for a conversation that begins with `question`: its first words."""
    words = " ".join(question.split())
    if len(words) <= 80:
        return words
    return words[:80].rsplit(" ", 1)[0].rstrip(",.;:") + "…"
