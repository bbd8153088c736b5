"""The events of a reply while it arrives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui.domain.usage import Usage
from tui.domain.wire import Json


@dataclass(frozen=True, slots=True)
class Started:
    """The endpoint began to answer."""

    api_message_id: str
    model: str
    usage: Usage
    request_id: str | None


@dataclass(frozen=True, slots=True)
class BlockStarted:
    """A content block started."""

    index: int
    wire: Json


@dataclass(frozen=True, slots=True)
class BlockDelta:
    """The next part of a started block: text, thinking, or the JSON of a tool's input."""

    index: int
    type: Literal["text_delta", "thinking_delta", "input_json_delta"]
    words: str


@dataclass(frozen=True, slots=True)
class BlockStopped:
    """A content block is complete."""

    index: int
    wire: Json


@dataclass(frozen=True, slots=True)
class MessageDelta:
    """The model stopped, with its stop reason and the usage so far."""

    stop_reason: str | None
    stop_details: Json | None
    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """`message_stop` arrived: the reply is complete. Has the SDK's final message."""

    blocks: tuple[Json, ...]
    stop_reason: str | None
    stop_details: Json | None
    usage: Usage


ReplyEvent = Started | BlockStarted | BlockDelta | BlockStopped | MessageDelta | Finished
