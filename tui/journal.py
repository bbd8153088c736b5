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


class BadJournal(ValueError):
    """An entry of a journal, or what follows in it, is not what a program wrote."""


def replay(draft: Draft, written: str) -> None:
    """Fold an entry of the journal into a draft.

    Raises `BadJournal` where it cannot be read on; the draft has what came before.
    """
    try:
        listed = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise BadJournal(str(error)) from error
    if not isinstance(listed, list):
        raise BadJournal("an entry is a list of events")
    for fields in listed:
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
            return Stopping(reason, details, Usage(usage))
        case ["start" | "block" | "delta" | "stop" | "stopping", *_]:
            raise BadJournal(f"an event of the kind {fields[0]} is not whole")
        case list():
            # Written by a later version: what this one knows is kept.
            return None
        case _:
            raise BadJournal("an event is a list")
