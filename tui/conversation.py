"""What a conversation is made of.

Every other room speaks in these types. Nothing here knows about the network,
SQLite or the terminal, and nothing here is mutable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A JSON object. Key order counts: it is sent back as it came."""

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
"""How a message stands: `streaming` while it runs, then how it ended."""

TitleBy = Literal["question", "model", "person"]
"""Whose words a title is: the first question's, a model's, a person's."""

Activity = Literal["waiting", "thinking", "streaming", "retrying"]
"""What a running reply is doing. For the screen only; never stored."""

READABLE = {"text": "text", "thinking": "thinking"}
"""The block types a person reads, and the field of each that holds the words."""


THINKING = ("thinking", "redacted_thinking")
PROSE = ("text", *THINKING)
"""The block types that stand by themselves, without a partner."""


@dataclass(frozen=True, slots=True)
class Block:
    """One content block.

    The wire JSON is the truth: current models bind their thinking to everything
    before it, so a block is stored and sent back as the API gave it.
    """

    wire: Json
    is_sendable: bool = True
    """False for what is kept to be read but may not go back: an unfinished thought."""

    @property
    def type(self) -> str:
        """The API's word for what this is."""
        return str(self.wire.get("type", ""))

    @property
    def words(self) -> str:
        """What a person reads of it; empty for blocks that are not prose."""
        words = self.wire.get(READABLE.get(self.type, ""))
        return words if isinstance(words, str) else ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one request used, as the API reported it. A figure not given is None."""

    wire: Json = field(default_factory=dict)

    @property
    def input_tokens(self) -> int | None:
        """Tokens read afresh; cached ones are counted apart."""
        return _count(self.wire, "input_tokens")

    @property
    def output_tokens(self) -> int | None:
        """Tokens written, thinking included."""
        return _count(self.wire, "output_tokens")

    @property
    def cache_read_input_tokens(self) -> int | None:
        """Tokens read from the prompt cache."""
        return _count(self.wire, "cache_read_input_tokens")

    @property
    def cache_creation_input_tokens(self) -> int | None:
        """Tokens written to the prompt cache."""
        return _count(self.wire, "cache_creation_input_tokens")

    @property
    def thinking_tokens(self) -> int | None:
        """The part of the output that was thinking."""
        return _count(self.wire.get("output_tokens_details"), "thinking_tokens")

    @property
    def prompt_tokens(self) -> int | None:
        """Every token of the prompt, cached or not."""
        if self.input_tokens is None:
            return None
        cached = (self.cache_read_input_tokens or 0) + (self.cache_creation_input_tokens or 0)
        return self.input_tokens + cached

    def merged(self, newer: Json) -> Usage:
        """Return this usage with the figures that `newer` gives put in their place."""
        given = {name: value for name, value in newer.items() if value is not None}
        return Usage(self.wire | given)


@dataclass(frozen=True, slots=True)
class Timing:
    """When things came, in milliseconds on a monotonic clock. Not come: None."""

    first_byte_ms: int | None = None
    first_thinking_ms: int | None = None
    first_text_ms: int | None = None
    duration_ms: int | None = None
    longest_gap_ms: int | None = None
    """The longest silence between two events."""

    def later(self, ms: int) -> Timing:
        """Return the same moments counted from `ms` milliseconds earlier."""
        return Timing(
            first_byte_ms=_plus(self.first_byte_ms, ms),
            first_thinking_ms=_plus(self.first_thinking_ms, ms),
            first_text_ms=_plus(self.first_text_ms, ms),
            duration_ms=_plus(self.duration_ms, ms),
            longest_gap_ms=self.longest_gap_ms,
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request failed, in the API's words and in ours."""

    message: str
    """One line a person can act on."""
    type: str | None = None
    """The API's error type, such as `overloaded_error`."""
    code: str | None = None
    status: int | None = None
    """The HTTP status; an error in mid-stream has 200."""
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A row of the ledger: one HTTP attempt, whether or not it made a message.

    What was spent stays spent: a row outlives its conversation.
    """

    id: str
    conversation_id: str
    message_id: str
    endpoint: str
    model_requested: str
    started_ms: int
    purpose: Literal["reply", "title"] = "reply"
    attempt: int = 1
    since_first_ms: int = 0
    """When it started, counted from the first attempt's start."""
    state: State = "streaming"
    model: str | None = None
    """The model that answered."""
    api_message_id: str | None = None
    request_id: str | None = None
    stop_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    timing: Timing = field(default_factory=Timing)
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What a reply took: the last attempt's usage, times from the first one's start."""

    usage: Usage
    timing: Timing
    attempts: int
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One thing said, and the message it follows. Messages form a tree."""

    id: str
    conversation_id: str
    role: Role
    blocks: tuple[Block, ...]
    created_ms: int
    parent_id: str | None = None
    """The message before this one; None opens the conversation."""
    state: State = "complete"
    finished_ms: int | None = None
    model: str | None = None
    """The model that answered, or was asked while none has."""
    stop_reason: str | None = None
    stop_details: Json | None = None
    failure: Failure | None = None
    endpoint: str | None = None
    """Where the reply came from: `Endpoint.identity`."""
    context: str | None = None
    """A digest of all that the reply was made under; see `prompt`."""
    figures: Figures | None = None
    is_continuation: bool = False
    """Whether it is the program's own question, to go on with the reply before it."""

    @property
    def text(self) -> str:
        """The words, without thinking."""
        return "".join(block.words for block in self.blocks if block.type == "text")

    @property
    def thinking(self) -> str:
        """The thinking that may be read."""
        return "".join(block.words for block in self.blocks if block.type == "thinking")


@dataclass(frozen=True, slots=True)
class Conversation:
    """A titled tree of messages, and the tip of the line being read."""

    id: str
    model: str
    created_ms: int
    updated_ms: int
    """When something was last said."""
    title: str = ""
    system: str = ""
    tip_id: str | None = None
    """The newest message on the line being read; None while it is empty."""
    is_pinned: bool = False
    tip_state: State | None = None
    """How the newest message stands."""
    title_by: TitleBy = "question"
    is_archived: bool = False
    forked_from: str | None = None
    """The message of another conversation that it was forked at."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """What was written in a conversation and not sent."""

    text: str = ""
    queued: tuple[str, ...] = ()
    """The questions that wait for the reply before them, the next one first."""
    edited_id: str | None = None
    """The question that is being edited."""
    edit: str = ""
    """What is to stand beside it, as another version of it."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to keep."""
        return not (self.text.strip() or self.queued or self.edited_id)


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody was in a conversation: the text on top of the screen."""

    message_id: str | None = None
    """None: at the end."""
    leaf: int = 0
    """Which of the message's blocks of Markdown."""
    line: int = 0
    position: int = 0
    """How many characters into the line."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model as the Models API describes it. Gateways leave out most of it."""

    wire: Json

    @property
    def id(self) -> str:
        """What requests call it."""
        return str(self.wire.get("id", ""))

    @property
    def max_tokens(self) -> int | None:
        """The longest reply that may be asked for."""
        return _count(self.wire, "max_tokens")

    @property
    def is_described(self) -> bool:
        """Whether the endpoint says what it can do; nothing optional is sent otherwise."""
        return isinstance(self.wire.get("capabilities"), dict)

    @property
    def has_adaptive_thinking(self) -> bool:
        """Whether it decides for itself how long to think."""
        node: Any = self.wire
        for name in ("capabilities", "thinking", "types", "adaptive", "supported"):
            node = node.get(name) if isinstance(node, dict) else None
        return node is True


@dataclass(frozen=True, slots=True)
class Started:
    """The endpoint began to answer."""

    api_message_id: str
    model: str
    usage: Usage
    request_id: str | None


@dataclass(frozen=True, slots=True)
class BlockStarted:
    """A content block was opened."""

    index: int
    wire: Json


@dataclass(frozen=True, slots=True)
class BlockDelta:
    """More of an open block: words, thinking, or the JSON of a tool's input."""

    index: int
    type: Literal["text_delta", "thinking_delta", "input_json_delta"]
    words: str


@dataclass(frozen=True, slots=True)
class BlockStopped:
    """A content block is whole."""

    index: int
    wire: Json


@dataclass(frozen=True, slots=True)
class Stopping:
    """The model stopped writing, and why; with the usage so far."""

    stop_reason: str | None
    stop_details: Json | None
    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """`message_stop` was seen: the reply is whole, and this is the API's account of it."""

    blocks: tuple[Json, ...]
    stop_reason: str | None
    stop_details: Json | None
    usage: Usage


ReplyEvent = Started | BlockStarted | BlockDelta | BlockStopped | Stopping | Finished


class ReplyFailed(Exception):
    """A reply could not be had, or broke. The text is one line for the reader."""

    def __init__(
        self,
        failure: Failure,
        *,
        is_retryable: bool = False,
        retry_after: float | None = None,
        is_cut: bool = False,
    ) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.is_retryable = is_retryable
        """Whether the same request may do better in a moment."""
        self.retry_after = retry_after
        """How long the endpoint asks to be left alone, in seconds."""
        self.is_cut = is_cut
        """Whether the connection ended while the reply was arriving."""


def title_of(question: str) -> str:
    """Return a title for a conversation that opens with `question`: its first words."""
    words = " ".join(question.split())
    if len(words) <= 80:
        return words
    return words[:80].rsplit(" ", 1)[0].rstrip(",.;:") + "…"


_MOST = 2**53 - 1


def _count(wire: object, name: str) -> int | None:
    value = wire.get(name) if isinstance(wire, dict) else None
    # Beyond the largest, sums of them are beyond what SQLite can hold.
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
    return value if is_count else None


def _plus(moment: int | None, ms: int) -> int | None:
    return None if moment is None else moment + ms
