"""`ask`: one question, the reply on stdout as it arrives."""

from __future__ import annotations

import argparse
import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tui import turn, wording
from tui.claude import Claude, Limits
from tui.cli import DONE, FAILED, CommandFailed, UsageError, tell
from tui.cli.output import print_json, shown
from tui.cli.piped import read_piped
from tui.clock import Clock
from tui.conversation import Conversation, Message, title_of
from tui.draft import Draft
from tui.sanitise import clean_line, whole
from tui.settings import Settings
from tui.store import HistoryError, Store, open_store

_ONE_REPLY = """
    SELECT t.*, r.* FROM transcript AS t JOIN replies AS r USING (message_id)
    WHERE message_id = ?
"""


def ask(options: argparse.Namespace, settings: Settings) -> int:
    """Ask one question and return the exit code."""
    prompt = _prompt(options.prompt)
    claude, model = _connection(options, settings)
    with _history(settings.db, is_kept=not options.no_save) as store:
        return asyncio.run(_ask(store, claude, prompt, model, options))


async def _ask(
    store: Store, claude: Claude, prompt: str, model: str, options: argparse.Namespace
) -> int:
    await recover(store)
    conversation = await _conversation(store, claude, prompt, model, options)
    question = await turn.ask(store, conversation, prompt)
    printer = Printer(
        store.clock, is_silent=options.json or options.no_stream, is_raw=options.raw
    )
    try:
        message = await turn.reply(
            store,
            claude,
            question,
            turn.draft_for(store, question, conversation.model),
            printer.show,
            tip_id=question.id,
            system=conversation.system,
            is_streamed=not options.no_stream,
        )
        if options.json:
            row = (await store.select(_ONE_REPLY, [message.id]))[0]
            row["error_message"] = message.failure.message if message.failure else None
            print_json(row)
        else:
            printer.finish(message)
        # The reply is out and kept: nothing that fails now may make it a failure.
        with suppress(TimeoutError, HistoryError):
            async with asyncio.timeout(turn.MODELS_WAIT):
                await turn.refresh_models(store, claude)
    finally:
        await claude.close()
    return _exit_code(message)


def _prompt(words: list[str]) -> str:
    """Return the question: what was typed, and below it what was piped in."""
    parts = (whole(" ".join(words)).strip(), read_piped().strip())
    prompt = "\n\n".join(part for part in parts if part)
    if not prompt:
        raise UsageError("ask needs a question: as words after it, or piped in.")
    return prompt


def _connection(options: argparse.Namespace, settings: Settings) -> tuple[Claude, str]:
    if "demo" in options:
        from tui import demo

        return demo.connect(), demo.MODEL
    if settings.endpoint is None:
        line = (
            "There is no API key. Set ANTHROPIC_API_KEY, or try the offline demo with --demo."
        )
        if settings.unused_env is not None:
            line += f" {settings.unused_env} holds a key: --env-file uses it."
        raise CommandFailed(line)
    return Claude(settings.endpoint, limits=limits(settings)), whole(settings.model)


def limits(settings: Settings) -> Limits:
    """Return how long the endpoint may be silent."""
    return Limits(silence=settings.silence_limit, content=settings.waiting_limit)


@contextmanager
def _history(path: Path, *, is_kept: bool) -> Iterator[Store]:
    if is_kept:
        with open_store(path) as store:
            if not store.is_read_only:
                # It is the reason, when the question cannot be kept.
                tell(store.notice)
            yield store
        return
    with (
        TemporaryDirectory(prefix="streamchat-") as folder,
        open_store(Path(folder) / "history.db") as store,
    ):
        yield store


async def _conversation(
    store: Store, claude: Claude, prompt: str, model: str, options: argparse.Namespace
) -> Conversation:
    """Return the conversation to ask in, with the model and system prompt to use."""
    is_demo = claude.endpoint.is_demo
    found: Conversation | None = None
    if options.conversation is not None:
        found = await one_matching(store, options.conversation)
        if await store.is_demo(found.id) not in (None, is_demo):
            whose = "Claude's" if is_demo else "the offline demo's"
            raise CommandFailed(f"That conversation is {whose}. Ask in a new one.")
    elif options.is_continuing:
        found = await store.newest(is_demo=is_demo)
        if found is None:
            raise CommandFailed("There is no conversation to go on with yet.")
    if found is None:
        now = store.clock.now_ms()
        found = Conversation(store.new_id(), model, now, now, title=title_of(prompt))
    elif "model" in options:
        found = replace(found, model=model)
    return found if options.system is None else replace(found, system=whole(options.system))


async def recover(store: Store) -> None:
    """Bring to an end what programs that died left, or say why that is left for later."""
    try:
        await store.recover()
    except HistoryError as error:
        tell(f"{error} A reply whose program died stays as it was for now.")


async def one_matching(store: Store, part: str) -> Conversation:
    """Return the one conversation that `part` of an id means, or raise `CommandFailed`."""
    found = await store.matching(whole(part)) if part else []
    if not found:
        raise CommandFailed(f"There is no conversation {part!r}. List them with: log")
    if len(found) > 1:
        raise CommandFailed(f"{part!r} means more than one conversation; give more of the id.")
    return found[0]


def _exit_code(message: Message) -> int:
    if message.state == "complete":
        if not message.text.strip():
            kinds = ", ".join(clean_line(block.type) for block in message.blocks)
            tell(f"The reply has no text: {kinds or 'nothing'}.")
        return DONE
    tell(_sentence(message))
    return DONE if message.state == "max_tokens" else FAILED


def _sentence(message: Message) -> str:
    words = clean_line(wording.ending(message))
    return words if words.endswith(".") else f"{words}."


class Printer:
    """Prints a reply as it grows: clean, or exactly as it came."""

    def __init__(self, clock: Clock, *, is_silent: bool, is_raw: bool) -> None:
        self._clock = clock
        self._is_silent = is_silent
        self._printed: dict[int, int] = {}
        self._retry = 0
        self._held = ""
        self._is_raw = is_raw

    def show(self, draft: Draft) -> None:
        """Print what is new."""
        retry = draft.retry
        if retry is not None and not retry.is_asking and retry.attempt != self._retry:
            self._retry = retry.attempt
            wait = math.ceil(retry.at - self._clock.monotonic())
            tell(f"{retry.reason} Trying again in {wait} s (attempt {retry.attempt}).")
        if self._is_silent:
            return
        for index, part in draft.parts.items():
            printed = self._printed.get(index, 0)
            if part.type == "text" and len(part.words) > printed:
                self._printed[index] = len(part.words)
                self._print("".join(part.words[printed:]))

    def finish(self, message: Message) -> None:
        """Print what is left of a reply, and end the line."""
        if self._is_silent:
            self._print(message.text)
        if message.text and not message.text.endswith("\n"):
            self._print("\n")
        print(shown(self._held, is_raw=self._is_raw), end="", flush=True)

    def _print(self, text: str) -> None:
        text = self._held + text
        # Half of a surrogate pair, or of a line end, waits for its other half.
        self._held = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" or text[-1:] == "\r" else ""
        whole_part = text.removesuffix(self._held)
        print(shown(whole_part, is_raw=self._is_raw), end="", flush=True)
