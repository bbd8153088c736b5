"""Markdown to leaves: one parse of a text, from its tokens to what is drawn."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass, field
from typing import Any

from markdown_it.token import Token

from tui.markdown.builder import Builder
from tui.markdown.leaves import Leaf
from tui.markdown.note import NoteLeaf
from tui.markdown.parser import TooLarge, tokens
from tui.sanitise import clean


@dataclass(slots=True)
class Parsed:
    """A text parsed: its leaves, and what is needed to go on from the middle of it."""

    text: str
    tokens: list[Token]
    leaves: list[Leaf]
    lines: list[int]
    """The line of the text at which each leaf begins."""
    references: dict[str, Any] = field(default_factory=dict)
    """What this text defines that no text before it has."""
    reason: str = ""
    """Why the text is shown as it was written; empty where it is not."""


def parse(source: str) -> list[Leaf]:
    """Return the leaves of a whole text. May be called in any thread."""
    parsed = parse_part(clean(source))
    if not parsed.reason:
        return parsed.leaves
    return [NoteLeaf(f"Shown as it was written: {parsed.reason}."), *parsed.leaves]


def plain_part(text: str, *, gap: int = 0) -> Parsed:
    """Return a part of a text as it was written, not parsed."""
    builder = Builder([], gap=gap, number=None)
    builder.add_plain(text.removesuffix("\n"))
    return Parsed(text, [], builder.leaves, builder.starts)


def leaf_lines(text: str) -> list[int]:
    """Return the line of a clean text at which each leaf of `parse` begins."""
    parsed = parse_part(text)
    # What `parse` puts above a text that it shows as it was written.
    return [0, *parsed.lines] if parsed.reason else parsed.lines


def parse_part(
    text: str,
    references: dict[str, Any] | None = None,
    *,
    gap: int = 0,
    number: int | None = None,
) -> Parsed:
    """Parse clean text that may be the rest of a longer one.

    `references` are those the text before has defined, `gap` the blank rows above
    the first leaf, and `number` that of the first item if the text goes on with an
    ordered list.
    """
    defined: dict[str, Any] = {}
    builder = Builder(text.split("\n"), gap=gap, number=number)
    found: list[Token] = []
    reason = ""
    try:
        # A chain, since there may be as many as there are lines: no copy for each part.
        found = tokens(text, ChainMap(defined, references or {}))
        builder.build(found)
    except TooLarge as error:
        builder.add_plain(text)
        reason = str(error)
    return Parsed(text, found, builder.leaves, builder.starts, defined, reason)
