"""The changes of a session, as values for its subscribers.

A change says only what has changed. The session holds the present state, so a subscriber
that draws a change late, or twice, still draws it right.
"""

from __future__ import annotations

from dataclasses import dataclass

from tui.domain.conversation import Message, ScrollAnchor
from tui.domain.reply import StreamingReply


@dataclass(frozen=True, slots=True)
class ConversationOpened:
    """Another conversation was opened."""

    conversation_id: str
    place: ScrollAnchor
    """The scroll position at which it was left."""


@dataclass(frozen=True, slots=True)
class PathChanged:
    """The open conversation's path or its versions have changed."""

    conversation_id: str
    message_id: str | None = None
    """The message to scroll to; None shows the end, unless `is_kept_in_place`."""
    is_kept_in_place: bool = False
    """Whether the scroll position stays the same."""


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """A question was asked at the end of a path, and its reply has started."""

    question: Message
    reply: StreamingReply


@dataclass(frozen=True, slots=True)
class ReplyGrew:
    """A reply on the open path, received by another program, has grown."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """A reply has ended, in any conversation."""

    reply: StreamingReply
    problem: str | None
    """Why it could not be saved, as one line for the user."""
    is_on_path: bool
    """Whether it is now at the end of the open path."""


@dataclass(frozen=True, slots=True)
class TitleChanged:
    """A conversation has a new title."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class CostChanged:
    """What a conversation has cost is known, or has changed."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class ParametersChanged:
    """The next questions of a conversation are asked in another way."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class ModelsListed:
    """The endpoint has said what its models can do."""


@dataclass(frozen=True, slots=True)
class DraftChanged:
    """The draft of a conversation was changed by something other than typing."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class QueueChanged:
    """The queue of a conversation has changed, or whether it is sent by itself."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class ListChanged:
    """The list of conversations has changed."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """Something was deleted. For a while that can be undone."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The program did something by itself, or failed to do it."""

    message: str
    """One line for the user."""
    is_error: bool = False


Change = (
    ConversationOpened
    | PathChanged
    | ReplyStarted
    | ReplyGrew
    | ReplyEnded
    | TitleChanged
    | CostChanged
    | ParametersChanged
    | ModelsListed
    | DraftChanged
    | QueueChanged
    | ListChanged
    | Deleted
    | Notice
)
