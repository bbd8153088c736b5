"""`chat`: opens the app, or chats in lines of text."""

from __future__ import annotations

import argparse
import asyncio
import os

from tui.chat import known_models
from tui.chat.connections import Connections
from tui.chat.preparing import prepare
from tui.chat.pricing import price_pending
from tui.chat.session import Session
from tui.cli.ask import conversation_to_continue, recover
from tui.cli.connecting import connect
from tui.cli.exit_codes import FAILED, UsageError
from tui.cli.output import is_on_terminal, tell
from tui.cli.plain.commands import tell_opened
from tui.cli.plain.conversation import PlainChat, Work
from tui.cli.plain.line_reader import LineReader, restored_terminal
from tui.cli.plain.prompt import Prompt
from tui.config.loading import Flags
from tui.config.settings import Settings
from tui.store import Store, open_store
from tui.text import formatting


def is_plain(options: argparse.Namespace | None) -> bool:
    """Tell whether the flag or the environment asks for plain mode."""
    is_asked_for = getattr(options, "is_plain", False)
    is_accessible = os.environ.get("ACCESSIBLE", "0") not in ("", "0")
    return is_asked_for or is_accessible or os.environ.get("TERM") == "dumb"


def chat(options: argparse.Namespace, settings: Settings, flags: Flags) -> int:
    """Open the app or plain mode; return the exit code."""
    if is_plain(options):
        with restored_terminal():
            return _converse(options, settings, flags)
    if getattr(options, "conversation", None) or getattr(options, "is_continuing", False):
        raise UsageError("-c and --conversation need --plain.")
    from tui.cli.open import open_app

    return open_app(settings, flags)


def _converse(options: argparse.Namespace, settings: Settings, flags: Flags) -> int:
    for line in settings.warnings:
        tell(line)
    has_key = settings.is_demo or settings.endpoint is not None
    connections, settings = connect(settings, flags)
    with open_store(settings.db) as store:
        tell(store.notice)
        if not (has_key or is_on_terminal()):
            tell("There is no API key: the offline demo answers.")
        return asyncio.run(_run(store, connections, settings, options))


async def _run(
    store: Store, connections: Connections, settings: Settings, options: argparse.Namespace
) -> int:
    session = Session(
        store,
        connections,
        settings.parameters,
        run=lambda work, _: Work(work),
        is_model_asked_for=settings.is_model_named,
        at_once=settings.parallel_replies,
        saves_drafts=False,
    )
    plain = PlainChat(session, LineReader())
    prompt = Prompt(plain)
    preparation: Work | None = None
    try:
        await recover(store)
        await _open(plain, options)
        _greet(plain, settings)
        steps = (
            plain.purges.purge,
            store.back_up,
            lambda: _connect(store, connections),
            lambda: price_pending(store, connections.pricing),
        )
        preparation = Work(prepare(steps, tell))
        code = await prompt.run()
    finally:
        if preparation is not None:
            preparation.cancel()
        plain.purges.close()
        is_saved = await session.stop_all(is_interrupted=prompt.is_ended)
        await connections.close()
    if not is_saved:
        tell("The latest text could not be saved: the history cannot be written.")
        return FAILED
    return code


async def _connect(store: Store, connections: Connections) -> None:
    await known_models.connect(store, connections.current)


async def _open(plain: PlainChat, options: argparse.Namespace) -> None:
    """Open the conversation that the options name. Raises `CommandFailed`."""
    session = plain.session
    found = await conversation_to_continue(
        session.store,
        is_demo=session.endpoint.is_demo,
        part=getattr(options, "conversation", None),
        is_newest=getattr(options, "is_continuing", False),
    )
    if found is not None:
        await session.open(found.id)
        if plain.reader.is_typed:
            tell_opened(plain)


def _greet(plain: PlainChat, settings: Settings) -> None:
    if plain.reader.is_typed:
        name = formatting.model_name(settings.model)
        plain.say(f"streamchat-tui. You talk to: {name}. /help lists the commands.")
