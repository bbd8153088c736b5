"""A reply while it arrives. It is the only mutable value: events are added to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import dropwhile, groupby
from typing import Literal

from tui.domain.conversation import (
    PROSE,
    READABLE,
    THINKING,
    Activity,
    Block,
    Message,
    State,
    text_of,
    thinking_of,
)
from tui.domain.reply_events import (
    BlockDelta,
    BlockStarted,
    BlockStopped,
    Finished,
    MessageDelta,
    ReplyEvent,
    Started,
)
from tui.domain.usage import Usage
from tui.domain.wire import Json


@dataclass(slots=True)
class Part:
    """A content block while it arrives."""

    wire: Json
    words: list[str] = field(default_factory=list)
    is_finished: bool = False

    @property
    def type(self) -> str:
        """The API's type of the block."""
        return str(self.wire.get("type", ""))

    def block(self) -> Block | None:
        """Return the block to save; None for an unfinished block without text."""
        if self.is_finished:
            # If the reply broke off, a tool call may have no result. The API refuses that.
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
    """The time of the next attempt on the monotonic clock, in seconds."""
    reason: str
    is_asking: bool = False
    """Whether the wait is so long that the user decides about it."""


@dataclass(slots=True)
class StreamingReply:
    """A reply while it arrives."""

    id: str
    """The id of its message."""
    conversation_id: str
    model: str
    parent_id: str | None = None
    """The question it answers."""
    endpoint: str | None = None
    """The endpoint that gets the request, as in `Message.endpoint`; None if not known."""
    started_ms: int = 0
    effort: str | None = None
    """The effort in its request; None if it has none."""
    parts: dict[int, Part] = field(default_factory=dict)
    """The blocks so far, by the API's index."""
    usage: Usage = field(default_factory=Usage)
    api_message_id: str | None = None
    request_id: str | None = None
    stop_reason: str | None = None
    stop_details: Json | None = None
    retry: Retry | None = None
    is_queued: bool = False
    """Whether it waits because the maximum number of replies is running."""
    content_at: float | None = None
    """When text last arrived, or the request was sent: seconds of the monotonic clock."""
    since: float | None = None
    """When its activity began, in seconds of the monotonic clock; None if not known."""
    written: int = 0
    """How many bytes of text have arrived, to estimate the tokens."""
    delta_count: int = 0
    """How many deltas have arrived."""
    stops_as: State = "stopped"
    """Its end reason if its task is cancelled: `stopped` by the user, or `interrupted`."""
    save_problem: str = ""
    """Why its journal cannot be written at the moment; one line for the user."""
    is_refused: bool = False
    """Whether the history refused to begin it, so that it is not saved."""
    finished: Finished | None = None
    ended: Message | None = None
    """Its message when it has ended, even if saving failed."""

    def take(self, event: ReplyEvent) -> None:
        """Add an event to the reply."""
        match event:
            case Started():
                self.api_message_id = event.api_message_id
                # If the endpoint names no model, it is the requested one.
                self.model = event.model or self.model
                self.usage, self.request_id = event.usage, event.request_id
            case BlockStarted(index, wire):
                part = self.parts[index] = Part(wire)
                # The start of a block may have text already.
                if first_words := Block(wire).words:
                    part.words.append(first_words)
            case BlockDelta(index, kind, words) if index in self.parts:
                self.parts[index].words.append(words)
                self.delta_count += 1
                if kind == "text_delta":
                    self.written += len(words.encode("utf-8", "replace"))
            case BlockStopped(index, wire) if index in self.parts:
                part = self.parts[index]
                part.wire, part.is_finished = wire, True
            case BlockDelta() | BlockStopped():
                # Its block never started, and the SDK does not check that.
                pass
            case MessageDelta():
                self.usage = event.usage
                self.stop_reason, self.stop_details = event.stop_reason, event.stop_details
            case Finished():
                self.finished, self.usage = event, event.usage
                self.stop_reason, self.stop_details = event.stop_reason, event.stop_details

    def start_over(self, model: str) -> None:
        """Discard a failed attempt without content, before a new request to `model`."""
        self.parts.clear()
        self.written = self.delta_count = 0
        self.model = model
        self.usage, self.api_message_id, self.request_id = Usage(), None, None
        self.stop_reason = self.stop_details = None

    @property
    def has_content(self) -> bool:
        """Whether any content has arrived, of text blocks or others."""
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
        """The blocks to save, whether or not the reply is complete.

        A text block without text is never sent again, because the API refuses it. That is
        decided here, once: leaving it out later would change the prefix that thinking is
        bound to. Between two texts, such a block is kept for reading.
        """
        if self.finished is not None:
            # This program runs no tools, so a tool call never gets its result.
            blocks = [
                Block(wire, is_sendable=wire.get("type") != "tool_use")
                for wire in self.finished.blocks
            ]
        else:
            blocks = [block for part in self.parts.values() if (block := part.block())]
        # A refused reply is never sent again, not even its beginning.
        is_refused = self.stop_reason == "refusal"
        return tuple(
            replace(block, is_sendable=False)
            if is_refused or _is_unsigned(block) or _is_blank(block)
            else block
            for block in _without_blank_ends(blocks)
        )

    def words(self, block_type: Literal["text", "thinking"]) -> str:
        """Return the text or the thinking that has arrived."""
        return (text_of if block_type == "text" else thinking_of)(self._arrived)

    @property
    def _arrived(self) -> Iterator[Block]:
        """Every block as far as it has arrived, even if it will not be saved."""
        if self.finished is not None:
            yield from map(Block, self.finished.blocks)
            return
        for part in self.parts.values():
            name = READABLE.get(part.type)
            yield Block(part.wire | ({name: "".join(part.words)} if name else {}))


def _is_blank(block: Block) -> bool:
    return block.type == "text" and not block.words.strip()


def _without_blank_ends(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield blocks, without the blank text blocks that are not between two texts.

    Between two texts, a blank block separates words, such as a line break between two
    claims with citations.
    """
    for is_text, run in groupby(blocks, key=lambda block: block.type == "text"):
        found = list(run)
        while is_text and found and _is_blank(found[-1]):
            found.pop()
        yield from dropwhile(_is_blank, found) if is_text else found


def _is_unsigned(block: Block) -> bool:
    """Return whether a thinking block has no signature, which it needs to be sent back."""
    return block.type == "thinking" and not block.wire.get("signature")


def ended_state(finished: Finished) -> State:
    """Return the end reason of a complete reply. An unknown stop reason means `complete`."""
    match finished.stop_reason:
        case "max_tokens" | "tool_use" as state:
            return state
        case "model_context_window_exceeded":
            return "context_full"
        case "refusal":
            return "refused"
        case _:
            return "complete"
