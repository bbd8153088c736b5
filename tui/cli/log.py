"""`log`: the saved conversations, or one of them."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from tui import wording
from tui.cli import DONE, is_on_terminal
from tui.cli.ask import one_matching
from tui.conversation import Conversation, Message
from tui.sanitise import clean, clean_line
from tui.settings import Settings
from tui.store import Store, open_store

_LIST = """
    SELECT conversation_id, title, min(created_at) AS created_at,
        max(created_at) AS updated_at, count(*) AS messages
    FROM transcript GROUP BY conversation_id ORDER BY max(created_at) DESC LIMIT ?
"""
_ONE = """
    SELECT t.*, r.input_tokens, r.output_tokens, r.cache_read_input_tokens,
        r.cache_creation_input_tokens, r.thinking_tokens, r.first_text_ms, r.duration_ms,
        r.attempts, r.request_id, r.error_type
    FROM transcript AS t LEFT JOIN replies AS r USING (message_id)
    WHERE t.conversation_id = ? ORDER BY message_id
"""


def log(options: argparse.Namespace, settings: Settings) -> int:
    """Print the list, or one conversation, and return the exit code."""
    with open_store(settings.db) as store:
        return asyncio.run(_log(store, options))


async def _log(store: Store, options: argparse.Namespace) -> int:
    await store.recover()
    limit = min(options.n, sys.maxsize) or -1
    if options.id is None and options.json:
        _print_json(await store.select(_LIST, [limit]))
    elif options.id is None:
        await _print_list(store, limit)
    else:
        conversation = await one_matching(store, options.id)
        if options.json:
            _print_json(await store.select(_ONE, [conversation.id]))
        else:
            _print_one(conversation, await store.line(conversation.tip_id))
    return DONE


def _print_json(rows: list[dict[str, object]]) -> None:
    # JSON's own escapes are the only ones that keep it JSON and drive no terminal.
    print(json.dumps(rows, ensure_ascii=is_on_terminal(), indent=2))


async def _print_list(store: Store, limit: int) -> None:
    conversations = await store.conversations(limit=limit)
    if not conversations:
        print("There are no conversations yet.", file=sys.stderr)
    shown = clean_line if is_on_terminal() else _line
    for conversation in conversations:
        print(
            conversation.id[-6:],
            wording.day_and_time(conversation.updated_ms),
            shown(conversation.title),
            sep="  ",
        )


def _line(text: str) -> str:
    return " ".join(text.split())


def _print_one(conversation: Conversation, line: list[Message]) -> None:
    shown = clean if is_on_terminal() else str
    print(shown(conversation.title))
    print(f"{conversation.id} · {wording.day_and_time(conversation.created_ms)}")
    for message in line:
        who = "You" if message.role == "user" else clean_line(message.model or "")
        print(f"\n── {who} · {wording.day_and_time(message.created_ms)}\n")
        print(shown(message.text))
        for words in (wording.ending(message), wording.figures(message)):
            if words:
                print(f"   ({clean_line(words)})")
