"""A running reply as it is written to disk, so that it outlives the program.

What the journal holds is the events, not the text: folded into an empty draft they
make the reply that was on the screen, whatever its blocks are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tui.conversation import (
    BlockDelta,
    BlockStarted,
    BlockStopped,
    Finished,
    ReplyEvent,
    Started,
    Stopping,
    Usage,
)
from tui.draft import Draft


def entry(events: Iterable[ReplyEvent]) -> str:
    """Return events as one entry of the journal: JSON, in ASCII.

    Words that follow each other in a block are joined. Half a surrogate pair stays
    as it came: its other half may be in the next entry.
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


def replay(draft: Draft, written: str) -> None:
    """Fold an entry of the journal into a draft."""
    for fields in json.loads(written):
        event = _event(fields)
        if event is not None:
            draft.take(event)


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
        case Stopping(stop_reason, details, usage):
            return ["stopping", stop_reason, details, usage.wire]
        case Finished():
            # With it the reply itself is written.
            return []


def _event(fields: list[Any]) -> ReplyEvent | None:
    match fields:
        case ["start", api_message_id, model, usage, request_id]:
            return Started(api_message_id, model, Usage(usage), request_id)
        case ["block", index, wire]:
            return BlockStarted(index, wire)
        case ["delta", index, kind, words]:
            return BlockDelta(index, kind, words)
        case ["stop", index, wire]:
            return BlockStopped(index, wire)
        case ["stopping", stop_reason, details, usage]:
            return Stopping(stop_reason, details, Usage(usage))
        case _:
            # Written by a later version: what this one knows is kept.
            return None
