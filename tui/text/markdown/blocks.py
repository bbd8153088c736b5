"""Parses a Markdown text into leaves."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from markdown_it.token import Token

from tui.text.markdown.builder import Builder
from tui.text.markdown.leaves import Leaf
from tui.text.markdown.note import Aside, NoteLeaf
from tui.text.markdown.parser import TooLarge, tokens
from tui.text.sanitise import clean

Passages: TypeAlias = tuple[str | Aside, ...]
"""The texts of a message, and the other blocks between them as `Aside`s."""


@dataclass(slots=True)
class Parsed:
    """A parsed text: its leaves, and what is needed to continue from the middle of it."""

    text: str
    tokens: list[Token]
    leaves: list[Leaf]
    lines: list[int]
    """The line of the text at which each leaf begins."""
    references: dict[str, Any] = field(default_factory=dict)
    """The link references that this text defines, without earlier ones."""
    reason: str = ""
    """Why the text is shown as plain text; empty if it is not."""


def parse(source: str | Passages) -> list[Leaf]:
    """Return the leaves of a complete text, or of passages. Is thread-safe.

    Each text of the passages is parsed by itself, so a block that it leaves open ends with it.
    """
    if isinstance(source, str):
        return _parse_text(source, gap=0)
    leaves: list[Leaf] = []
    for passage in source:
        if isinstance(passage, Aside):
            leaves.append(note_below(leaves, passage))
        else:
            leaves += _parse_text(passage, gap=int(bool(leaves)))
    return leaves


def _parse_text(source: str, *, gap: int) -> list[Leaf]:
    text = clean(source)
    parsed = parse_part(text, gap=gap)
    if not parsed.reason:
        return parsed.leaves
    note = NoteLeaf(f"Shown as plain text: {parsed.reason}.", gap=gap, below=1)
    # The added line feed keeps the one at the end of the text.
    return [note, *plain_part(f"{text}\n").leaves]


def note_below(leaves: Sequence[Leaf], aside: Aside) -> NoteLeaf:
    """Return the leaf of an aside, with a blank row above it if it follows a text."""
    is_after_text = bool(leaves) and not isinstance(leaves[-1], NoteLeaf)
    return NoteLeaf(aside.words, gap=int(is_after_text))


def plain_part(text: str, *, gap: int = 0) -> Parsed:
    """Return a part of a text as one leaf of plain text, without parsing it."""
    builder = Builder([], gap=gap, number=None)
    builder.add_plain(text.removesuffix("\n"))
    return Parsed(text, [], builder.leaves, builder.starts)


def leaf_lines(text: str) -> list[int]:
    """Return, for each leaf of `parse`, the line of the clean text at which it begins."""
    parsed = parse_part(text)
    # The first 0 is for the note that `parse` adds above plain text.
    return [0, *parsed.lines] if parsed.reason else parsed.lines


def parse_part(
    text: str,
    references: dict[str, Any] | None = None,
    *,
    gap: int = 0,
    number: int | None = None,
) -> Parsed:
    """Parse clean text that may be the rest of a longer text.

    `references` are the link references that the earlier text defines. `gap` is the number
    of blank rows above the first leaf. `number` is the number of the first item, if the
    text continues an ordered list.
    """
    defined: dict[str, Any] = {}
    builder = Builder(text.split("\n"), gap=gap, number=number)
    found: list[Token] = []
    reason = ""
    try:
        # A chain avoids copying the references, of which there may be one for each line.
        found = tokens(text, ChainMap(defined, references or {}))
        builder.build(found)
    except TooLarge as error:
        builder.add_plain(text)
        reason = str(error)
    return Parsed(text, found, builder.leaves, builder.starts, defined, reason)
