"""Write a small history of today's shape, and beside it what it holds, as JSON.

    python -m tests.data.make

Run once for each shape that is released; what it wrote is kept and never made anew.
`tests/test_migrations.py` brings each of them to today's shape.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tests.scripted import (
    Close,
    Reply,
    block,
    delta,
    end,
    refuses,
    says,
    scripted,
    start,
    text,
    thinking,
)
from tests.turns import SetClock, converse
from tui import schema, turn
from tui.claude import Claude
from tui.conversation import Message, Place, Unsent
from tui.endpoint import Endpoint
from tui.store import Store, open_store

HERE = Path(__file__).parent
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "clock", "input": {}}


def told(messages: list[Message]) -> list[dict[str, object]]:
    """Return what of a line must outlive every change of shape."""
    return [
        {
            "id": message.id,
            "role": message.role,
            "state": message.state,
            "blocks": [block.wire for block in message.blocks],
            "model": message.model,
            "stop_reason": message.stop_reason,
            "failure": message.failure.message if message.failure else None,
            "usage": message.figures.usage.wire if message.figures else None,
        }
        for message in messages
    ]


async def fill(store: Store, claude: Claude) -> None:
    """Have conversations of every kind."""
    message = await converse(store, claude, "Where does the moon rise? 東京では？")
    await converse(store, claude, "And in summer?", after=message)
    await converse(store, claude, "This fails")
    await converse(store, claude, "This is cut")
    await converse(store, claude, "This fills all there is")
    await converse(store, claude, "This calls a tool")
    last = await converse(store, claude, "A tool", system="Be brief.")
    conversation = await store.conversation(last.conversation_id)
    line = await store.line(last.id)
    assert conversation is not None
    # Another version of a question, a conversation of its own, and what a person adds.
    await turn.ask_after(store, conversation, "A tool!", parent_id=line[0].parent_id)
    await store.branches.move_tip(conversation.id, last.id)
    fork = replace(conversation, id=store.new_id(), title="A fork")
    await store.branches.fork(fork, last.id)
    await store.branches.delete(line[0].id)
    await store.labels.rename(fork.id, "Été", by="person")
    await store.labels.set_tags([fork.id], ["work", "été"])
    await store.labels.pin([fork.id], is_pinned=True)
    await store.drafts.keep(fork.id, Unsent("not sent", ("next", "after"), line[0].id, "edit"))
    await store.drafts.keep_place(fork.id, Place(last.id, 1, 2, 3))


async def lines(store: Store) -> dict[str, list[dict[str, object]]]:
    """Return every conversation's line, by its id."""
    return {
        conversation.id: told(await store.line(conversation.tip_id))
        for conversation in await store.conversations()
    }


def main() -> None:
    """Write the two files."""
    path = HERE / f"history-v{schema.VERSION}.db"
    if path.exists():
        sys.exit(f"{path.name} is there already, and is never made anew.")
    with scripted() as server:
        server.will(
            Reply(
                [start(), *thinking(0, "The ecliptic."), *text(1, "In the ", "east."), *end()]
            ),
            says("夏は南東から。 More to the south."),
            refuses(400, "invalid_request_error", "no such thing"),
            Reply([start(), *text(0, "Half a ")[:-1], Close()]),
            says("That is all", stop_reason="model_context_window_exceeded"),
            Reply([start(), *text(0, "Let me look."), *block(1, TOOL), *end("tool_use")]),
            Reply(
                [
                    start(),
                    *text(0, "Looking."),
                    delta(0, "text_delta", text=""),
                    *end("refusal"),
                ]
            ),
        )
        claude = Claude(Endpoint(server.url, api_key="sk-test"))
        with open_store(path, SetClock()) as store:
            asyncio.run(fill(store, claude))
            kept = asyncio.run(lines(store))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = delete")
        connection.execute("VACUUM")
    text_of = json.dumps(kept, ensure_ascii=False, indent=1)
    path.with_suffix(".json").write_text(text_of + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
