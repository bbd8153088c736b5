"""The journal: a running reply on disk, so that it survives if the program dies.

The journal contains the events, not the text. Added to an empty reply, they give the reply
that was on the screen, whatever its blocks are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tui.domain.reply import StreamingReply
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


def entry(events: Iterable[ReplyEvent]) -> str:
    """Return events as one journal entry: JSON in ASCII.

    Joins successive deltas of a block. Keeps a lone surrogate, because its other half may
    be in the next entry.
    """
    written: list[list[Any]] = []
    for event in events:
        fields = _fields(event)
        if (
            isinstance(event, BlockDelta)
            and written
            and written[-1][:3] == fields[:3] == ["delta", event.index, event.type]
        ):
            written[-1][3] += event.words
        elif fields:
            written.append(fields)
    return json.dumps(written, separators=(",", ":"))


class BadJournal(ValueError):
    """A journal entry cannot be read."""


def replay(reply: StreamingReply, written: str) -> None:
    """Add the events of a journal entry to a reply.

    Raises `BadJournal` at the first event that cannot be read, after adding those before.
    """
    try:
        events = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise BadJournal(str(error)) from error
    if not isinstance(events, list):
        raise BadJournal("the entry is not a list of events")
    for fields in events:
        event = _event(fields)
        if event is not None:
            reply.take(event)


def _fields(event: ReplyEvent) -> list[Any]:
    match event:
        case Started(api_message_id, model, usage, request_id):
            return ["start", api_message_id, model, usage.wire, request_id]
        case BlockStarted(index, wire):
            return ["block", index, wire]
        case BlockDelta(index, kind, words):
            return ["delta", index, kind, words]
        case BlockStopped(index, wire):
            return ["stop", index, wire]
        case MessageDelta(stop_reason, details, usage):
            return ["stopping", stop_reason, details, usage.wire]
        case Finished():
            # The complete reply is saved in its place.
            return []


def _event(fields: object) -> ReplyEvent | None:
    match fields:
        case [
            "start",
            str(api_message_id),
            str(model),
            dict(usage),
            str() | None as request_id,
        ]:
            return Started(api_message_id, model, Usage(usage), request_id)
        case ["block", int(index), dict(wire)]:
            return BlockStarted(index, wire)
        case [
            "delta",
            int(index),
            "text_delta" | "thinking_delta" | "input_json_delta" as kind,
            str(words),
        ]:
            return BlockDelta(index, kind, words)
        case ["delta", int(), str(), str()]:
            return None
        case ["stop", int(index), dict(wire)]:
            return BlockStopped(index, wire)
        case ["stopping", str() | None as reason, dict() | None as details, dict(usage)]:
            return MessageDelta(reason, details, Usage(usage))
        case ["start" | "block" | "delta" | "stop" | "stopping", *_]:
            raise BadJournal(f"an event of the kind {fields[0]} is not valid")
        case list():
            # A newer version wrote it. Ignore the events that this version does not know.
            return None
        case _:
            raise BadJournal("an event is not a list")
