"""Write a small history of the present schema, and its contents as JSON.

    python -m tests.data.make

Run this once for each released schema. Its files stay in the repository and are never made
again. `tests/test_migrations.py` migrates each of them to the present schema.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from tests.attachments.files import ask_with_file
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
from tui.chat import turn
from tui.chat.pricing import Pricing, price_pending
from tui.claude import Claude
from tui.domain.conversation import ComposerDraft, Message, ScrollAnchor
from tui.domain.endpoint import Endpoint
from tui.domain.money import Rates
from tui.domain.parameters import Parameters
from tui.store import Store, open_store, schema

HERE = Path(__file__).parent
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "clock", "input": {}}


def facts(messages: list[Message]) -> list[dict[str, object]]:
    """Return the parts of a path that every migration must preserve."""
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
    """Make conversations of every kind."""
    message = await converse(store, claude, "Where does the moon rise? 東京では？")
    await converse(store, claude, "And in summer?", after=message)
    await converse(store, claude, "This fails")
    await converse(store, claude, "This is cut")
    await converse(store, claude, "This fills all there is")
    await converse(store, claude, "This calls a tool")
    last = await converse(store, claude, "A tool", system="Be brief.")
    conversation = await store.conversation(last.conversation_id)
    line = await store.read_path(last.id)
    assert conversation is not None
    # Another version of a question, a fork, and what the user adds.
    await turn.ask_after(store, conversation, "A tool!", parent_id=line[0].parent_id)
    await store.branches.move_tip(conversation.id, last.id)
    fork = replace(conversation, id=store.new_id(), title="A fork")
    await store.branches.fork(fork, last.id)
    await store.branches.delete(line[0].id)
    await store.labels.rename(fork.id, "Été", by="person")
    await store.labels.set_tags([fork.id], ["work", "été"])
    await store.labels.pin([fork.id], is_pinned=True)
    asked = Parameters("claude-haiku-5-5", "Be kind.", 2000, "omitted", "low")
    await store.labels.set_parameters(fork.id, asked)
    await store.drafts.save(
        fork.id, ComposerDraft("not sent", ("next", "after"), line[0].id, "edit")
    )
    await store.drafts.save_scroll_anchor(fork.id, ScrollAnchor(last.id, 1, 2, 3))
    await ask_with_file(store)
    own = {"claude-sonnet-5-5": Rates(Decimal(2), Decimal(10))}
    await price_pending(store, Pricing(own))


async def paths(store: Store) -> dict[str, list[dict[str, object]]]:
    """Return every conversation's path, by its id."""
    return {
        conversation.id: facts(await store.read_path(conversation.tip_id))
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
            kept = asyncio.run(paths(store))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = delete")
        connection.execute("VACUUM")
    text_of = json.dumps(kept, ensure_ascii=False, indent=1)
    path.with_suffix(".json").write_text(text_of + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
