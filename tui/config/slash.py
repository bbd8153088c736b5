"""Commands that are typed into the composer: `/new`, `/rename A better title`.

A text is a command if it is a known name, followed by text only if the command takes an
argument. Any other text that begins with a slash is a question: `/etc/hosts why?`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui.config.commands import COMMANDS, Command

_FIRST = (
    *("chat.new", "chat.search", "chat.find", "chat.rename", "chat.model", "chat.system"),
    *("message.regenerate", "message.edit", "message.continue", "message.copy"),
    *("message.copy-code", "composer.template", "composer.recall", "composer.editor"),
)
"""The commands that the list begins with: what people do most."""

_CALL = re.compile(r"/(?P<name>[\w-]+)(?:[ \t]+(?P<argument>\S.*))?\s*")
_BEGUN = re.compile(r"/(?P<name>[\w-]*)")


@dataclass(frozen=True, slots=True)
class SlashEntry:
    """Something that can be typed behind a slash."""

    name: str
    title: str
    help: str = ""
    """What it does, if the title does not say everything; ids of keys are in braces."""
    takes: str = ""
    """What its argument is; empty if it takes none."""
    command_id: str = ""


@dataclass(frozen=True, slots=True)
class SlashCall:
    """A command as it was typed."""

    entry: SlashEntry
    argument: str = ""

    @property
    def text(self) -> str:
        """The text that the user typed."""
        return f"/{self.entry.name} {self.argument}".rstrip()


def entries_of_commands() -> tuple[SlashEntry, ...]:
    """Return the commands of the palette, the most useful ones first.

    Commands about the whole program are last.
    """
    return tuple(
        SlashEntry(
            command.slash or command.id.partition(".")[2],
            command.title,
            command.help,
            command.takes,
            command.id,
        )
        for command in sorted(COMMANDS, key=_place)
        if command.is_in_palette
    )


def _place(command: Command) -> tuple[int, bool]:
    at = _FIRST.index(command.id) if command.id in _FIRST else len(_FIRST)
    return at, command.scope == "app"


def parse_call(text: str, entries: Iterable[SlashEntry]) -> SlashCall | None:
    """Parse a text as a command; return None if it is a question."""
    found = _CALL.fullmatch(text)
    if found is None:
        return None
    argument = (found["argument"] or "").rstrip()
    for entry in entries:
        if entry.name == found["name"] and (entry.takes or not argument):
            return SlashCall(entry, argument)
    return None


def completions(text: str, entries: Sequence[SlashEntry]) -> list[SlashEntry]:
    """Return the entries that complete a text; names that begin with it come first.

    Returns only the entry itself after a name with its argument, and nothing for a question.
    """
    begun = _BEGUN.fullmatch(text)
    if begun is None:
        call = parse_call(text, entries)
        return [] if call is None or not call.entry.takes else [call.entry]
    typed = begun["name"].casefold()
    first = [entry for entry in entries if entry.name.startswith(typed)]
    inside = [entry for entry in entries if entry not in first and _has(entry, typed)]
    return first + inside


def begun_call(text: str, entries: Sequence[SlashEntry]) -> SlashCall | None:
    """Return the call of the only listed command whose name begins with a text.

    Returns None for a text that begins none of them, or several.
    """
    begun = text[1:].casefold()
    found = [each for each in completions(text, entries) if each.name.startswith(begun)]
    return SlashCall(found[0]) if begun and len(found) == 1 else None


def completed(entry: SlashEntry) -> str:
    """Return the text of an entry, ready for its argument."""
    return f"/{entry.name} " if entry.takes else f"/{entry.name}"


def _has(entry: SlashEntry, typed: str) -> bool:
    """Tell whether a word of the name or of the title begins with the typed text."""
    words = re.split(r"[\W_]+", f"{entry.name} {entry.title}".casefold())
    return any(word.startswith(typed) for word in words)
