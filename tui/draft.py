"""A reply while it arrives: the only value that changes, by folding events in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from tui.conversation import (
    PROSE,
    READABLE,
    THINKING,
    Activity,
    Block,
    BlockDelta,
    BlockStarted,
    BlockStopped,
    Finished,
    Json,
    Message,
    ReplyEvent,
    Started,
    State,
    Stopping,
    Usage,
)


@dataclass(slots=True)
class Part:
    """A content block while it arrives."""

    wire: Json
    words: list[str] = field(default_factory=list)
    is_finished: bool = False

    @property
    def type(self) -> str:
        """The API's word for what this is."""
        return str(self.wire.get("type", ""))

    def block(self) -> Block | None:
        """Return what there is to keep; None when there is nothing to read."""
        if self.is_finished:
            # Of a reply that broke off, tool calls and their results may lack each
            # other, which the API refuses.
            return Block(self.wire, is_sendable=self.type in PROSE)
        name = READABLE.get(self.type)
        words = "".join(self.words)
        if name is None or not words.strip():
            return None
        return Block(self.wire | {name: words}, is_sendable=self.type == "text")


@dataclass(frozen=True, slots=True)
class Retry:
    """A wait before the next attempt."""

    attempt: int
    """The attempt that will be made, counted from 1."""
    at: float
    """When, on the monotonic clock, in seconds."""
    reason: str
    is_asking: bool = False
    """Whether the wait is so long that a person is asked first."""


@dataclass(slots=True)
class Draft:
    """A reply while it arrives."""

    id: str
    """The id its message has."""
    conversation_id: str
    model: str
    parent_id: str | None = None
    """The question it answers."""
    started_ms: int = 0
    parts: dict[int, Part] = field(default_factory=dict)
    """The blocks so far, by the API's index."""
    usage: Usage = field(default_factory=Usage)
    api_message_id: str | None = None
    request_id: str | None = None
    stop_reason: str | None = None
    stop_details: Json | None = None
    retry: Retry | None = None
    is_queued: bool = False
    """Whether it waits because as many as may be are being written already."""
    heard_at: float | None = None
    """When the request was made, or words last came, on the monotonic clock, in seconds."""
    stops_as: State = "stopped"
    """How it ends if its work is cancelled: `stopped` by a person, or `interrupted`."""
    trouble: str = ""
    """Why what has arrived cannot be written to disk just now; a line for the reader."""
    is_refused: bool = False
    """Whether the history would not have it: it ended before it had begun, and is not there."""
    finished: Finished | None = None
    ended: Message | None = None
    """The message it became when it ended, whether or not that could be kept."""

    def take(self, event: ReplyEvent) -> None:
        """Fold one event into the draft."""
        match event:
            case Started():
                self.api_message_id = event.api_message_id
                # An endpoint that does not say answers as the one that was asked.
                self.model = event.model or self.model
                self.usage, self.request_id = event.usage, event.request_id
            case BlockStarted(index, wire):
                part = self.parts[index] = Part(wire)
                # A block may open with words in it already.
                if opening := Block(wire).words:
                    part.words.append(opening)
            case BlockDelta(index, _, words) if index in self.parts:
                self.parts[index].words.append(words)
            case BlockStopped(index, wire) if index in self.parts:
                part = self.parts[index]
                part.wire, part.is_finished = wire, True
            case BlockDelta() | BlockStopped():
                # Of a block never opened: the SDK counts blocks and lets it through.
                pass
            case Stopping():
                self.usage = event.usage
                self.stop_reason, self.stop_details = event.stop_reason, event.stop_details
            case Finished():
                self.finished, self.usage = event, event.usage
                self.stop_reason, self.stop_details = event.stop_reason, event.stop_details

    def start_over(self, model: str) -> None:
        """Forget an attempt that brought nothing to read; `model` is asked again."""
        self.parts.clear()
        self.model = model
        self.usage, self.api_message_id, self.request_id = Usage(), None, None
        self.stop_reason = self.stop_details = None

    @property
    def has_content(self) -> bool:
        """Whether anything of the reply has arrived, text or not."""
        return self.finished is not None or any(p.words for p in self.parts.values())

    @property
    def activity(self) -> Activity:
        """What the reply is doing."""
        if self.retry is not None:
            return "retrying"
        if any(part.words for part in self.parts.values() if part.type == "text"):
            return "streaming"
        return "thinking" if any(p.type in THINKING for p in self.parts.values()) else "waiting"

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What there is to keep, whether or not the reply is whole.

        Blocks of text with nothing to read in them are left out here, once:
        the API refuses them, and leaving them out later would change the prefix
        that thinking is bound to.
        """
        if self.finished is not None:
            # Nothing here runs tools, so a call stays without the result it would need.
            kept = [
                Block(wire, is_sendable=wire.get("type") != "tool_use")
                for wire in self.finished.blocks
            ]
        else:
            kept = [block for part in self.parts.values() if (block := part.block())]
        # What came before a refusal is not to be built on, whole or not.
        is_refused = self.stop_reason == "refusal"
        return tuple(
            replace(block, is_sendable=False) if is_refused or _is_unsigned(block) else block
            for block in kept
            if block.type != "text" or block.words.strip()
        )

    def words(self, block_type: Literal["text", "thinking"]) -> str:
        """Return the words of one kind that have arrived."""
        if self.finished is not None:
            blocks = (Block(wire) for wire in self.finished.blocks)
            return "".join(block.words for block in blocks if block.type == block_type)
        return "".join(
            "".join(part.words) for part in self.parts.values() if part.type == block_type
        )


def _is_unsigned(block: Block) -> bool:
    """Tell whether a thought lacks what it would be known by when it is sent back."""
    return block.type == "thinking" and not block.wire.get("signature")


def ended_state(finished: Finished) -> State:
    """Return how a whole reply ended. Stop reasons not known today are complete."""
    match finished.stop_reason:
        case "max_tokens" | "tool_use" as state:
            return state
        case "model_context_window_exceeded":
            return "context_full"
        case "refusal":
            return "refused"
        case _:
            return "complete"
