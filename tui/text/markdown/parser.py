"""The Markdown parser, with limits for texts that it would parse in more than linear time.

Such a text is parsed in pieces, or raises `TooLarge`. The result depends only on the text,
never on the speed of the machine.
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

from tui.text.markdown.formula import use_formulas

MAX_NESTING = 100
"""The deepest nesting that is parsed, in levels. A list in a list has two."""

MAX_BRACKET_DEPTH = 10
"""A bracket with more levels inside of it is not a link, because the parser reads them all."""

MAX_IMAGE_DEPTH = 8
"""How many images may be nested in the descriptions of images."""

LONGEST_PIECE = 4_000
"""The most characters of a block that are searched at once for emphasis, links and others.

The search can take quadratic time.
"""

MAX_TOKENS = 150_000
"""The most block tokens of a text. More would take too much memory."""

MAX_CELLS = 50_000
"""The most cells of a table."""

References = MutableMapping[str, Any]
"""The link references of `[name]: address` lines, in the parser's format."""

_BRACKET = re.compile(r"\\.|[\[\]]")
"""A bracket. An escaped one matches with its backslash."""

_LINE_START = re.compile("\n *")


class TooLarge(Exception):
    """The text is too large or too complex to parse. Its text is a reason for the user."""


def tokens(text: str, references: References) -> list[Token]:
    """Return the tokens of a text, and add its link references to `references`.

    Raises `TooLarge`.
    """
    # markdown-it-py 4.3.0 reads one character too far if the last line has no line feed,
    # in HTML within a list within a quote.
    terminated = text if text.endswith("\n") else f"{text}\n"
    found = _parser().parse(terminated, {"references": references})
    if any(token.level >= MAX_NESTING - 2 for token in found):
        # Beyond its limit, the parser drops text.
        raise TooLarge("nested too deeply")
    return found


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt(
        "commonmark",
        {
            "maxNesting": MAX_NESTING,
            "inline_definitions": True,
            "strikethrough_single_tilde": True,
        },
    )
    parser.enable(["table", "strikethrough"])
    use_formulas(parser)
    parser.block.ruler.before("table", "count", _count)
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    parser.block.ruler.at("reference", _reference)
    parser.core.ruler.at("inline", _inline)
    parser.inline.ruler.at("link", _link)
    parser.inline.ruler.at("image", _image)
    return parser


def _count(state: StateBlock, line: int, end: int, silent: bool) -> bool:  # noqa: ARG001, FBT001 - the parser's signature
    if len(state.tokens) > MAX_TOKENS:
        raise TooLarge("too many parts")
    return False


def _table(state: StateBlock, line: int, end: int, silent: bool) -> bool:  # noqa: FBT001
    """Parse a table. Raises `TooLarge` if it has too many cells."""
    if silent:
        return table(state, line, end, silent)
    columns = state.src.count("|", state.bMarks[line], state.eMarks[line]) + 1
    last = line + 2 + MAX_CELLS // columns
    is_table = table(state, line, min(end, last), silent)
    if is_table and state.line == last < end:
        raise TooLarge("a table is too large")
    return is_table


def _reference(state: StateBlock, line: int, end: int, silent: bool) -> bool:  # noqa: FBT001
    """Parse a link reference definition, but not a footnote, whose text must stay visible."""
    start = state.bMarks[line] + state.tShift[line]
    return not state.src.startswith("[^", start) and reference(state, line, end, silent)


def _inline(state: StateCore) -> None:
    """Parse the inline content of every block; that of a long one in pieces."""
    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = []
        for piece in _pieces(token.content):
            found: list[Token] = []
            state.md.inline.parse(piece, state.md, state.env, found)
            token.children += found


def _pieces(words: str) -> Iterator[str]:
    """Split a text that is too long at a line end, or else between words."""
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
    """Return whether a link may begin here. The parser itself would search without limit."""
    if not state.src.startswith("[", pos):
        return False
    known: dict[str, dict[int, int]] = state.env.setdefault("brackets", {})
    if state.src not in known:
        known[state.src] = _levels(state.src)
    return known[state.src].get(pos, 0) <= MAX_BRACKET_DEPTH


def _levels(words: str) -> dict[int, int]:
    """Return the levels of brackets inside of each opening bracket, closed or not."""
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


def _image(state: StateInline, silent: bool) -> bool:  # noqa: FBT001
    """Parse an image, and images in its description up to `MAX_IMAGE_DEPTH`."""
    depth = state.env.get("depth", 0)
    if depth >= MAX_IMAGE_DEPTH or not _is_opening(state, state.pos + 1):
        return False
    state.env["depth"] = depth + 1
    try:
        return image(state, silent)
    finally:
        state.env["depth"] = depth
