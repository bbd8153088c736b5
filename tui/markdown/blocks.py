"""Markdown to leaves: one parse of a text, from its tokens to what is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.reference import reference
from markdown_it.token import Token

from tui.markdown.builder import Builder
from tui.markdown.leaves import Leaf
from tui.sanitise import clean

DEEPEST = 100
"""Nesting beyond this is not followed, in levels: a list in a list is two."""

References = Mapping[str, Any]
"""What `[name]: address` lines have defined, as the parser keeps it."""


@dataclass(slots=True)
class Parsed:
    """A text parsed: its leaves, and what is needed to go on from the middle of it."""

    text: str
    tokens: list[Token]
    leaves: list[Leaf]
    lines: list[int]
    """The line of the text at which each leaf begins."""
    references: dict[str, Any] = field(default_factory=dict)


def parse(source: str) -> list[Leaf]:
    """Return the leaves of a whole text. May be called in any thread."""
    return parse_part(clean(source)).leaves


def parse_part(
    text: str,
    references: References | None = None,
    *,
    gap: int = 0,
    number: int | None = None,
) -> Parsed:
    """Parse clean text that may be the rest of a longer one.

    `references` are those the text before has defined, `gap` the blank rows above
    the first leaf, and `number` that of the first item if the text goes on with an
    ordered list.
    """
    environment = {"references": dict(references or {})}
    # The parser looks one character beyond a last line that has no end (4.3.0, in
    # HTML within a list within a quote).
    ended = text if text.endswith("\n") else f"{text}\n"
    tokens = _parser().parse(ended, environment)
    builder = Builder(text.split("\n"), gap=gap, number=number)
    if any(token.level >= DEEPEST - 2 for token in tokens):
        # Beyond its limit the parser leaves words out.
        builder.add_plain(text)
        tokens = []
    else:
        builder.build(tokens)
    return Parsed(text, tokens, builder.leaves, builder.starts, environment["references"])


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": DEEPEST, "inline_definitions": True})
    parser.enable(["table", "strikethrough"])
    parser.block.ruler.at("reference", _reference)
    return parser


def _reference(state: StateBlock, line: int, end: int, silent: bool) -> bool:  # noqa: FBT001
    """Read a definition, but leave a footnote's text where it can be read."""
    start = state.bMarks[line] + state.tShift[line]
    return not state.src.startswith("[^", start) and reference(state, line, end, silent)
