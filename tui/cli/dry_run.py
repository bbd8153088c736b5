"""`ask --dry-run`: prints the request as JSON, and neither sends nor saves anything."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import replace

from tui.claude import Claude
from tui.cli.ask import conversation_of, prompt_of, temporary_history
from tui.cli.connecting import connect
from tui.cli.exit_codes import DONE
from tui.cli.output import print_json, tell
from tui.config.loading import Flags
from tui.config.settings import Settings
from tui.domain.conversation import Block, Message
from tui.domain.endpoint import Endpoint
from tui.domain.prompt import prompt
from tui.store import Store, open_store


def dry_run(options: argparse.Namespace, settings: Settings, flags: Flags) -> int:
    """Print the request and return the exit code. It needs no key."""
    question, options, settings = prompt_of(options, settings)
    if settings.endpoint is None:
        # Without a key, `connect` would choose the demo.
        settings = replace(settings, endpoint=Endpoint())
    connections, settings = connect(settings, flags)
    history = open_store(settings.db) if settings.db.exists() else temporary_history()
    with history as store:
        return asyncio.run(_dry_run(store, connections.current, question, settings, options))


async def _dry_run(
    store: Store,
    claude: Claude,
    question: str,
    settings: Settings,
    options: argparse.Namespace,
) -> int:
    conversation = await conversation_of(store, claude, question, settings, options)
    parameters = conversation.parameters.over(settings.parameters)
    asked = Message(
        id="",
        conversation_id=conversation.id,
        role="user",
        blocks=(Block({"type": "text", "text": question}),),
        created_ms=0,
    )
    path = [*await store.read_path(conversation.tip_id), asked]
    sent = prompt(path, endpoint=claude.endpoint.identity, system=parameters.system)
    known = await store.models(claude.endpoint.host)
    if known is None:
        tell("The models of this endpoint are not known yet: a real request may contain more.")
    models = [] if known is None else known[1]
    described = next((each for each in models if each.id == parameters.model), None)
    request = claude.request(sent.messages, parameters, described)
    print_json(request if options.no_stream else request | {"stream": True})
    return DONE
