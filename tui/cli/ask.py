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

from tui.chat import known_models, turn
from tui.chat.connections import Connections
from tui.claude import Claude
from tui.claude.extras import MissingExtra
from tui.claude.network import BadVariable
from tui.cli.asked_template import ask_with
from tui.cli.connecting import connect
from tui.cli.exit_codes import DONE, FAILED, CommandFailed, UsageError
from tui.cli.output import print_json, shown, tell
from tui.cli.piped import read_piped
from tui.config.config import BadSetting
from tui.config.loading import Flags
from tui.config.settings import PASTE_A_KEY, Settings
from tui.domain.clock import Clock
from tui.domain.conversation import (
    APART,
    Conversation,
    Message,
    as_question,
    title_of,
    with_model,
)
from tui.domain.failure import ReplyFailed
from tui.domain.parameters import Parameters
from tui.domain.reply import StreamingReply
from tui.store import BranchBusy, HistoryError, Store, open_store
from tui.text import formatting
from tui.text.sanitise import clean_line, fix_surrogates

LOOK_EVERY = 0.25
"""Seconds between two checks whether another program's reply has ended."""


def ask(options: argparse.Namespace, settings: Settings, flags: Flags) -> int:
    """Ask one question and return the exit code."""
    prompt, options, settings = prompt_of(options, settings)
    _check_has_key(settings)
    connections, settings = connect(settings, flags)
    history = temporary_history() if options.no_save else _history(settings.db)
    with history as store:
        return asyncio.run(_ask(store, connections, prompt, settings, options))


async def _ask(
    store: Store,
    connections: Connections,
    prompt: str,
    settings: Settings,
    options: argparse.Namespace,
) -> int:
    claude = connections.current
    try:
        await _check_variables(claude)
        await recover(store)
        conversation = await conversation_of(store, claude, prompt, settings, options)
        conversation, question = await _save_question(store, conversation, prompt)
        parameters = conversation.parameters.over(settings.parameters)
        message = await _answer(store, connections, question, parameters, options)
        # The reply is printed and saved: a failure after that must not fail the command.
        with suppress(TimeoutError, HistoryError):
            async with asyncio.timeout(known_models.MODELS_WAIT):
                await known_models.refresh_models(store, claude)
    finally:
        await connections.close()
    return _exit_code(message)


async def _answer(
    store: Store,
    connections: Connections,
    question: Message,
    parameters: Parameters,
    options: argparse.Namespace,
) -> Message:
    """Request the reply to a question, and print it."""
    printer = Printer(
        store.clock, is_silent=options.json or options.no_stream, is_raw=options.raw
    )
    message = await turn.reply(
        store,
        connections.current,
        question,
        turn.empty_reply(store, question, parameters),
        printer.show,
        parameters=parameters,
        tip_id=question.id,
        is_streamed=not options.no_stream,
        pricing=connections.pricing,
    )
    if options.json:
        row = await store.reply_row(message.id)
        row["error_message"] = message.failure.message if message.failure else None
        print_json(row)
    else:
        printer.finish(message)
    return message


async def _save_question(store: Store, conversation: Conversation, prompt: str) -> turn.Asked:
    """Save the question once no other program is writing a reply before it."""
    is_waiting_shown = False
    while True:
        with suppress(BranchBusy):
            return await turn.ask(store, conversation, prompt)
        while (tip := await store.claims.tip(conversation.id)) is not None and tip.is_busy:
            if not is_waiting_shown:
                tell("Claude is still answering in another window; waiting for that reply.")
                is_waiting_shown = True
            await asyncio.sleep(LOOK_EVERY)
            # Its program may have died.
            with suppress(HistoryError):
                await store.recover()
        found = await store.conversation(conversation.id)
        if found is None:
            raise CommandFailed("This conversation was deleted in another window.")
        conversation = replace(conversation, tip_id=found.tip_id)


def prompt_of(
    options: argparse.Namespace, settings: Settings
) -> tuple[str, argparse.Namespace, Settings]:
    """Return the question: the typed text, then the piped text, in a template if one is named.

    The template may change the options and the settings. Raises `UsageError`.
    """
    typed = fix_surrogates(" ".join(options.prompt))
    parts = (as_question(typed), as_question(read_piped()))
    prompt, options, settings = ask_with(
        options, settings, "\n\n".join(part for part in parts if part)
    )
    if not prompt.strip():
        raise UsageError("ask needs a question: type it after the command, or pipe it in.")
    return prompt, options, settings


def _check_has_key(settings: Settings) -> None:
    if settings.is_demo:
        return
    if settings.keyring_problem:
        raise CommandFailed(settings.keyring_problem)
    if settings.endpoint is not None:
        return
    ways = f"{PASTE_A_KEY}, set ANTHROPIC_API_KEY, or try the offline demo with --demo."
    line = f"There is no API key. {ways}"
    if settings.unused_env is not None:
        line += f" {settings.unused_env} holds a key. Use --env-file to read it."
    raise CommandFailed(line)


async def _check_variables(claude: Claude) -> None:
    """Raise an error if a variable or a missing package makes every request impossible."""
    try:
        await claude.ready()
    except ReplyFailed as error:
        # Any other error is shown, and saved, as the failure of the reply.
        if isinstance(error.__cause__, BadVariable):
            raise BadSetting(str(error)) from None
        if isinstance(error.__cause__, MissingExtra):
            raise CommandFailed(str(error)) from None


@contextmanager
def _history(path: Path) -> Iterator[Store]:
    with open_store(path) as store:
        if not store.is_read_only:
            # If it is read-only, saving the question fails with the same text.
            tell(store.notice)
        yield store


@contextmanager
def temporary_history() -> Iterator[Store]:
    """Open an empty history, and remove it at the end."""
    with (
        TemporaryDirectory(prefix="streamchat-") as folder,
        open_store(Path(folder) / "history.db") as store,
    ):
        yield store


async def conversation_of(
    store: Store, claude: Claude, prompt: str, settings: Settings, options: argparse.Namespace
) -> Conversation:
    """Return the conversation to ask in, with the model and system prompt to use."""
    found = await conversation_to_continue(
        store,
        is_demo=claude.endpoint.is_demo,
        part=options.conversation,
        is_newest=options.is_continuing,
    )
    if found is None:
        now = store.clock.now_ms()
        found = Conversation(
            store.new_id(), Parameters(settings.model), now, now, title=title_of(prompt)
        )
    elif settings.is_model_named:
        found = with_model(found, settings.model)
    return replace(found, parameters=_chosen(found.parameters, options))


def _chosen(parameters: Parameters, options: argparse.Namespace) -> Parameters:
    """Return parameters with those that the options set."""
    if options.system is not None:
        parameters = replace(parameters, system=fix_surrogates(options.system))
    return replace(
        parameters,
        effort=options.effort or parameters.effort,
        max_tokens=options.max_tokens or parameters.max_tokens,
    )


async def conversation_to_continue(
    store: Store, *, is_demo: bool, part: str | None, is_newest: bool
) -> Conversation | None:
    """Return the conversation to continue; None for a new one.

    `part` is a part of its id; `is_newest` asks for the newest one. Raises `CommandFailed`
    if there is none, or if one of the two is with the demo and the other is not.
    """
    if part is not None:
        found = await one_matching(store, part)
        if await store.is_demo(found.id) not in (None, is_demo):
            other = "Claude" if is_demo else "the offline demo"
            raise CommandFailed(f"That conversation is with {other}. Start a new one.")
        return found
    if not is_newest:
        return None
    newest = await store.newest(is_demo=is_demo)
    if newest is None:
        raise CommandFailed("There is no conversation to continue yet.")
    return newest


async def recover(store: Store) -> None:
    """Recover the replies of programs that died, or print why that must wait."""
    try:
        await store.recover()
    except HistoryError as error:
        tell(f"{error} The replies of programs that crashed are not recovered yet.")


async def one_matching(store: Store, part: str) -> Conversation:
    """Return the one conversation whose id matches `part`. Raises `CommandFailed`."""
    found = await store.matching(fix_surrogates(part)) if part else []
    if not found:
        raise CommandFailed(f"There is no conversation {part!r}. List them with: log")
    if len(found) > 1:
        raise CommandFailed(f"{part!r} matches several conversations. Type more of the id.")
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
    words = clean_line(formatting.end_reason(message))
    return words if words.endswith(".") else f"{words}."


class Printer:
    """Prints a reply while it grows: clean, or exactly as it arrived."""

    def __init__(self, clock: Clock, *, is_silent: bool, is_raw: bool) -> None:
        self._clock = clock
        self._is_silent = is_silent
        self._printed: dict[int, int] = {}
        self._retry = 0
        self._held = ""
        self._is_raw = is_raw

    def show(self, reply: StreamingReply) -> None:
        """Print what has arrived since the last call."""
        retry = reply.retry
        if retry is not None and not retry.is_asking and retry.attempt != self._retry:
            self._retry = retry.attempt
            wait = math.ceil(retry.at - self._clock.monotonic())
            reason = formatting.sentence(retry.reason)
            tell(f"{reason} Retrying in {wait} s (attempt {retry.attempt}).")
        if self._is_silent:
            return
        is_apart = False
        for index, part in reply.parts.items():
            printed = self._printed.get(index, 0)
            if part.type != "text":
                # As `text_of` does: a blank line if other blocks are between two texts.
                is_apart = bool(self._printed)
            elif part.words:
                if is_apart and not printed:
                    self._print(APART)
                is_apart = False
                self._printed[index] = len(part.words)
                self._print("".join(part.words[printed:]))

    def finish(self, message: Message) -> None:
        """Print the rest of a reply, and end the line."""
        if self._is_silent:
            self._print(message.text)
        if message.text and not message.text.endswith("\n"):
            self._print("\n")
        print(shown(self._held, is_raw=self._is_raw), end="", flush=True)

    def _print(self, text: str) -> None:
        text = self._held + text
        # Half of a surrogate pair or of a line end waits for the other half.
        self._held = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" or text[-1:] == "\r" else ""
        whole_part = text.removesuffix(self._held)
        print(shown(whole_part, is_raw=self._is_raw), end="", flush=True)
