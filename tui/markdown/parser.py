"""The Markdown parser, kept from texts that would cost it far more than their length.

Where it would not come to an end in reasonable time or memory it raises
`TooLarge`, or reads a text in pieces. What it says of a text depends on the text
alone, never on how fast the machine is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.reference import reference
from markdown_it.rules_block.table import table
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.image import image
from markdown_it.rules_inline.link import link
from markdown_it.token import Token

DEEPEST = 100
"""Nesting beyond this is not followed, in levels: a list in a list is two."""

DEEPEST_BRACKET = 10
"""A bracket with more levels of brackets in it is no link: each looks into all in it."""

DEEPEST_PICTURE = 8
"""Pictures in the words of pictures beyond this are not followed."""

LONGEST_PIECE = 4_000
"""Characters of one block in which emphasis, links and the like are looked for at once.

Looking for what closes them can take time by the square of this.
"""

MOST_TOKENS = 150_000
"""Beyond this, blocks and what opens and closes them cost more memory than there is."""

MOST_CELLS = 50_000
"""The cells of the largest table."""

References = MutableMapping[str, Any]
"""What `[name]: address` lines have defined, as the parser keeps it."""

_BRACKET = re.compile(r"\\.|[\[\]]")
"""One that opens or closes, unless it is escaped."""

_LINE_START = re.compile("\n *")


class TooLarge(Exception):
    """The text has more in it than can be laid out; the reason is for the reader."""


def tokens(text: str, references: References) -> list[Token]:
    """Return the tokens of a text, and add what it defines to `references`.

    Raises `TooLarge`.
    """
    # The parser looks one character beyond a last line that has no end (4.3.0, in
    # HTML within a list within a quote).
    ended = text if text.endswith("\n") else f"{text}\n"
    found = _parser().parse(ended, {"references": references})
    if any(token.level >= DEEPEST - 2 for token in found):
        # Beyond its limit the parser leaves words out.
        raise TooLarge("nested too deeply")
    return found


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": DEEPEST, "inline_definitions": True})
    parser.enable(["table", "strikethrough"])
    parser.block.ruler.before("table", "count", _count)
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    parser.block.ruler.at("reference", _reference)
    parser.core.ruler.at("inline", _inline)
    parser.inline.ruler.at("link", _link)
    parser.inline.ruler.at("image", _picture)
    return parser


def _count(state: StateBlock, line: int, end: int, silent: bool) -> bool:  # noqa: ARG001, FBT001 - the parser's signature
    if len(state.tokens) > MOST_TOKENS:
        raise TooLarge("too many parts")
    return False


def _table(state: StateBlock, line: int, end: int, silent: bool) -> bool:  # noqa: FBT001
    """Read a table, but none that is larger than can be kept."""
    if silent:
        return table(state, line, end, silent)
    columns = state.src.count("|", state.bMarks[line], state.eMarks[line]) + 1
    last = line + 2 + MOST_CELLS // columns
    is_table = table(state, line, min(end, last), silent)
    if is_table and state.line == last < end:
        raise TooLarge("too large a table")
    return is_table


def _reference(state: StateBlock, line: int, end: int, silent: bool) -> bool:  # noqa: FBT001
    """Read a definition, but leave a footnote's text where it can be read."""
    start = state.bMarks[line] + state.tShift[line]
    return not state.src.startswith("[^", start) and reference(state, line, end, silent)


def _inline(state: StateCore) -> None:
    """Read the words of every block, those of a long one in pieces."""
    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = []
        for piece in _pieces(token.content):
            found: list[Token] = []
            state.md.inline.parse(piece, state.md, state.env, found)
            token.children += found


def _pieces(words: str) -> Iterator[str]:
    """Cut words at ends of lines, or between words, where they are too long to be read."""
    start = 0
    while len(words) - start > LONGEST_PIECE:
        least, most = start + LONGEST_PIECE // 2, start + LONGEST_PIECE
        line_end = words.rfind("\n", least, most)
        if line_end >= 0 and (found := _LINE_START.match(words, line_end)) is not None:
            end = found.end()
        else:
            end = words.rfind(" ", least, most) + 1 or most
        yield words[start:end]
        start = end
    yield words[start:]


def _link(state: StateInline, silent: bool) -> bool:  # noqa: FBT001
    return _is_opening(state, state.pos) and link(state, silent)


def _is_opening(state: StateInline, pos: int) -> bool:
    """Tell whether a link may begin here, which the parser itself looks for at any price."""
    if not state.src.startswith("[", pos):
        return False
    known: dict[str, dict[int, int]] = state.env.setdefault("brackets", {})
    if state.src not in known:
        known[state.src] = _levels(state.src)
    return known[state.src].get(pos, 0) <= DEEPEST_BRACKET


def _levels(words: str) -> dict[int, int]:
    """Return how many levels of brackets are in each that opens, closed or not."""
    levels: dict[int, int] = {}
    opened: list[int] = []

    def close() -> None:
        inner = levels[opened.pop()]
        if opened:
            levels[opened[-1]] = max(levels[opened[-1]], inner + 1)

    for match in _BRACKET.finditer(words):
        if match.group() == "[":
            opened.append(match.start())
            levels[match.start()] = 0
        elif match.group() == "]" and opened:
            close()
    while opened:
        close()
    return levels


def _picture(state: StateInline, silent: bool) -> bool:  # noqa: FBT001
    """Read a picture, but follow pictures in its words only so deep."""
    depth = state.env.get("depth", 0)
    if depth >= DEEPEST_PICTURE or not _is_opening(state, state.pos + 1):
        return False
    state.env["depth"] = depth + 1
    try:
        return image(state, silent)
    finally:
        state.env["depth"] = depth
