"""`log`: lists the saved conversations, or prints one of them."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tui.cli.ask import one_matching, recover
from tui.cli.exit_codes import DONE, UsageError
from tui.cli.output import print_json, say, shown, tell
from tui.config.settings import Settings
from tui.domain.conversation import Conversation, Message
from tui.domain.query import Hit, parse
from tui.store import Store, open_store
from tui.text import formatting
from tui.text.sanitise import clean_line, fix_surrogates


def log(options: argparse.Namespace, settings: Settings) -> int:
    """Print the list, one conversation or search results; return the exit code."""
    with open_store(settings.db) as store:
        tell(store.notice)
        return asyncio.run(_log(store, options))


async def _log(store: Store, options: argparse.Namespace) -> int:
    await recover(store)
    if options.search is not None:
        await _search(store, options)
    elif options.id is None:
        await _list(store, options)
    else:
        conversation = await one_matching(store, options.id)
        if options.json:
            print_json(await store.message_rows(conversation.id))
        else:
            _print_one(
                conversation, await store.read_path(conversation.tip_id), is_raw=options.raw
            )
    return DONE


async def _search(store: Store, options: argparse.Namespace) -> None:
    query = parse(fix_surrogates(options.search), store.clock.now_ms())
    if options.id is not None:
        raise UsageError("log takes an ID or --search, not both.")
    if query.is_empty:
        raise UsageError("--search needs a query.")
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
        say("No results.")
    for hit in hits:
        when, who = formatting.day_and_time(hit.created_ms), _who(hit)
        short_id = _line(hit.conversation_id[-6:], is_raw=options.raw)
        print(short_id, when, _line(hit.title, is_raw=options.raw), sep="  ")
        print(f"        {who}: {_line(hit.snippet.text, is_raw=options.raw)}")


def _who(hit: Hit) -> str:
    if hit.found_in == "title":
        return "Title"
    who = "You" if hit.role == "user" else formatting.model_name(clean_line(hit.model or ""))
    return f"{who}, thinking" if hit.found_in == "thinking" else who


def _json_of(hit: Hit) -> dict[str, object]:
    """Return a hit for JSON, with the column names of the view `transcript`."""
    return {
        "conversation_id": hit.conversation_id,
        "title": hit.title,
        "message_id": hit.message_id,
        "role": hit.role,
        "state": hit.state,
        "model": hit.model,
        "created_at": formatting.utc(hit.created_ms),
        "found_in": hit.found_in,
        "snippet": hit.snippet.text,
        "marks": hit.snippet.marks,
    }


async def _list(store: Store, options: argparse.Namespace) -> None:
    limit = min(options.n, sys.maxsize) or -1
    found = await store.by_last_use(limit=limit, with_archived=options.archived)
    if options.json:
        print_json([_listed(conversation, count) for conversation, count in found])
        return
    if not found:
        say(await _why_none(store))
    for conversation, _ in found:
        print(
            _line(conversation.id[-6:], is_raw=options.raw),
            formatting.day_and_time(conversation.updated_ms),
            _line(conversation.title, is_raw=options.raw),
            sep="  ",
        )


async def _why_none(store: Store) -> str:
    if await store.by_last_use(limit=1, with_archived=True):
        return "Every conversation is archived; --archived lists them."
    return "There are no conversations yet."


def _listed(conversation: Conversation, count: int) -> dict[str, object]:
    """Return a conversation for JSON, with the column names of the view `transcript`."""
    return {
        "conversation_id": conversation.id,
        "title": conversation.title,
        "created_at": formatting.utc(conversation.created_ms),
        "updated_at": formatting.utc(conversation.updated_ms),
        "messages": count,
        "model": conversation.parameters.model,
        "system": conversation.parameters.system,
        "effort": conversation.parameters.effort,
        "max_tokens": conversation.parameters.max_tokens,
        "thinking_display": conversation.parameters.thinking_display,
    }


def _line(text: str, *, is_raw: bool) -> str:
    return shown(" ".join(text.split()), is_raw=is_raw)


def _print_one(conversation: Conversation, line: list[Message], *, is_raw: bool) -> None:
    print(shown(conversation.title, is_raw=is_raw))
    conversation_id = shown(conversation.id, is_raw=is_raw)
    print(f"{conversation_id} · {formatting.day_and_time(conversation.created_ms)}")
    parameters = conversation.parameters
    if how := formatting.chosen(parameters):
        print(how)
    if parameters.system:
        print(f"\n── System prompt\n\n{shown(parameters.system, is_raw=is_raw)}")
    for message in line:
        asked = filter(None, (message.model, message.effort))
        who = "You" if message.role == "user" else clean_line(" · ".join(asked))
        print(f"\n── {who} · {formatting.day_and_time(message.created_ms)}\n")
        print(shown(formatting.readable(message.blocks), is_raw=is_raw))
        for words in (formatting.end_reason(message), formatting.reply_stats(message)):
            if words:
                print(f"   ({clean_line(words)})")
