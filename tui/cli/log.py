"""`log`: the saved conversations, or one of them."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tui import wording
from tui.cli import DONE, UsageError, tell
from tui.cli.ask import one_matching, recover
from tui.cli.output import print_json, say, shown
from tui.conversation import Conversation, Message
from tui.sanitise import clean_line, whole
from tui.search import Hit, parse
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
        tell(store.notice)
        return asyncio.run(_log(store, options))


async def _log(store: Store, options: argparse.Namespace) -> int:
    await recover(store)
    limit = min(options.n, sys.maxsize) or -1
    if options.search is not None:
        await _search(store, options)
    elif options.id is None and options.json:
        print_json(await store.select(_LIST, [limit]))
    elif options.id is None:
        await _print_list(store, limit, is_raw=options.raw)
    else:
        conversation = await one_matching(store, options.id)
        if options.json:
            print_json(await store.select(_ONE, [conversation.id]))
        else:
            _print_one(conversation, await store.line(conversation.tip_id), is_raw=options.raw)
    return DONE


async def _search(store: Store, options: argparse.Namespace) -> None:
    query = parse(whole(options.search) + " ", store.clock.now_ms())
    if options.id is not None:
        raise UsageError("log takes an ID or --search, not both.")
    if query.is_empty:
        raise UsageError("--search needs something to look for.")
    if query.problem:
        raise UsageError(query.problem)
    tell(query.hint)
    limit = min(options.n, sys.maxsize) or -1
    found = await store.finding.messages(query, limit=limit, order=options.order)
    hits = () if found is None else found.hits
    if options.json:
        print_json([_json_of(hit) for hit in hits])
        return
    if not hits:
        say("Nothing was found.")
    for hit in hits:
        when, who = wording.day_and_time(hit.created_ms), _who(hit)
        short_id = _line(hit.conversation_id[-6:], is_raw=options.raw)
        print(short_id, when, _line(hit.title, is_raw=options.raw), sep="  ")
        print(f"        {who}: {_line(hit.snippet.text, is_raw=options.raw)}")


def _who(hit: Hit) -> str:
    if hit.found_in == "title":
        return "Title"
    who = "You" if hit.role == "user" else wording.model_name(clean_line(hit.model or ""))
    return f"{who}, thinking" if hit.found_in == "thinking" else who


def _json_of(hit: Hit) -> dict[str, object]:
    """Return a hit with its fields named as the columns of the view `transcript`."""
    return {
        "conversation_id": hit.conversation_id,
        "title": hit.title,
        "message_id": hit.message_id,
        "role": hit.role,
        "state": hit.state,
        "model": hit.model,
        "created_at": wording.utc(hit.created_ms),
        "found_in": hit.found_in,
        "snippet": hit.snippet.text,
        "marks": hit.snippet.marks,
    }


async def _print_list(store: Store, limit: int, *, is_raw: bool) -> None:
    conversations = await store.conversations(limit=limit)
    if not conversations:
        say("There are no conversations yet.")
    for conversation in conversations:
        print(
            _line(conversation.id[-6:], is_raw=is_raw),
            wording.day_and_time(conversation.updated_ms),
            _line(conversation.title, is_raw=is_raw),
            sep="  ",
        )


def _line(text: str, *, is_raw: bool) -> str:
    return shown(" ".join(text.split()), is_raw=is_raw)


def _print_one(conversation: Conversation, line: list[Message], *, is_raw: bool) -> None:
    print(shown(conversation.title, is_raw=is_raw))
    conversation_id = shown(conversation.id, is_raw=is_raw)
    print(f"{conversation_id} · {wording.day_and_time(conversation.created_ms)}")
    for message in line:
        who = "You" if message.role == "user" else clean_line(message.model or "")
        print(f"\n── {who} · {wording.day_and_time(message.created_ms)}\n")
        print(shown(message.text, is_raw=is_raw))
        for words in (wording.ending(message), wording.figures(message)):
            if words:
                print(f"   ({clean_line(words)})")
