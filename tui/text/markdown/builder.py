"""Builds leaves from the tokens of a parse.

A blank row between two items of a list follows the blank line of the source. CommonMark's
loose lists are not used: whether a list is loose is known only at its end, too late for text
that is still arriving.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it.rules_block.table import escapedSplit
from markdown_it.token import Token
from textual.content import Content, Span

from tui.text.markdown.code import CodeLeaf
from tui.text.markdown.grid import Alignment, Record
from tui.text.markdown.inline import inline
from tui.text.markdown.leaves import Leaf
from tui.text.markdown.margin import NOTHING, Margin
from tui.text.markdown.rule import RuleLeaf
from tui.text.markdown.table import TableLeaf
from tui.text.markdown.tabs import expanded
from tui.text.markdown.text import TextLeaf, joined

BULLETS = "•◦▪"
BULLET = "$secondary"
BAR = Content.styled("▌ ", "$secondary")
QUIET = "$foreground 70%"
HEADINGS = {"h1": "bold underline $primary", "h2": "bold $primary"}
LESSER_HEADING = "bold $primary"
TASKS = {"[ ]": "☐", "[x]": "☑", "[X]": "☑"}


@dataclass(slots=True)
class _Container:
    """An open quote, list or list item, or the document itself."""

    rest: Content = NOTHING
    """The prefix of its rows."""
    first: Content | None = None
    """The prefix of its first row; None after that row has been added."""
    is_spaced: bool = True
    """Whether its blocks have blank rows between them even if the source has none."""
    has_blocks: bool = False
    bullet: str = ""
    """The bullet of a list's items; empty for an ordered list."""
    number: int = 0
    """The number of the next item of an ordered list."""


class Builder:
    """Builds the leaves of a text from its tokens, one by one."""

    def __init__(self, source: Sequence[str], *, gap: int, number: int | None) -> None:
        self.leaves: list[Leaf] = []
        self.starts: list[int] = []
        """The line of the source at which each leaf begins."""
        self._source = source
        self._gap = gap
        self._first_gap = gap
        self._above = NOTHING
        self._number = number
        self._line = 0
        self._containers = [_Container()]
        self._heading = ""
        self._records: list[list[Content]] = []
        self._alignments: list[Alignment] = []
        self._is_in_table = False
        self._row_line = 0

    def build(self, tokens: Sequence[Token]) -> None:
        """Add the leaves of all `tokens`."""
        for token in tokens:
            self._take(token)

    def add_plain(self, text: str) -> None:
        """Add one leaf that shows `text` as plain text."""
        self._add(TextLeaf(Content(expanded(text)), self._margin()))

    def _take(self, token: Token) -> None:
        match token.type:
            case "paragraph_open" | "heading_open":
                self._begin(token)
                self._heading = token.tag if token.type == "heading_open" else ""
            case "inline" if self._is_in_table:
                self._records[-1].append(inline(token, is_cell=True))
            case "inline":
                self._text(token)
            case "table_open" | "tr_open" | "th_open" | "tr_close" | "table_close":
                self._take_table(token)
            case "hr" | "fence" | "code_block" | "html_block" | "definition":
                self._begin(token)
                self._take_leaf(token)
            case "blockquote_open":
                self._open(token, _Container(BAR))
            case "bullet_list_open" | "ordered_list_open" | "list_item_open":
                self._open(token, self._list_container(token))
            case "list_item_close":
                self._close_item()
            case "blockquote_close" | "bullet_list_close" | "ordered_list_close":
                self._containers.pop()
            case _:
                pass

    def _begin(self, token: Token) -> None:
        """Set the gap above a block. The first block of a container has its gap."""
        parent = self._containers[-1]
        self._line = token.map[0] if token.map else self._line
        if parent.has_blocks:
            is_loose = token.type != "definition" and parent.is_spaced
            self._gap = int(is_loose or self._is_after_blank(self._line))
            self._above = self._beside() if self._gap else NOTHING
        parent.has_blocks = True

    def _open(self, token: Token, container: _Container) -> None:
        self._begin(token)
        self._containers.append(container)

    def _list_container(self, token: Token) -> _Container:
        if token.type == "bullet_list_open":
            depth = sum(1 for container in self._containers if container.bullet)
            return _Container(is_spaced=False, bullet=BULLETS[min(depth, 2)])
        if token.type == "ordered_list_open":
            number, self._number = self._number, None
            if number is None or self.leaves:
                number = int(token.attrs.get("start", 1))
            return _Container(is_spaced=False, number=number)
        parent = self._containers[-1]
        marker = f"{parent.bullet or f'{parent.number}{token.markup}'} "
        parent.number += 1
        rest = Content(" " * len(marker))
        return _Container(rest, Content.styled(marker, BULLET), is_spaced=False)

    def _close_item(self) -> None:
        if self._containers[-1].first is not None:
            self._add(TextLeaf(NOTHING, self._margin()))
        self._containers.pop()

    def _take_leaf(self, token: Token) -> None:
        margin = self._margin()
        match token.type:
            case "hr":
                self._add(RuleLeaf(margin))
            case "definition":
                self._add(TextLeaf(_quiet(self._definition(token)), margin))
            case "html_block":
                self._add(TextLeaf(_quiet(token.content.rstrip("\n")), margin))
            case _:
                self._add(CodeLeaf(token.info, _code_lines(token.content), margin))

    def _text(self, token: Token) -> None:
        self._draw_task(token.children or [])
        words = inline(token)
        if self._heading:
            style = HEADINGS.get(self._heading, LESSER_HEADING)
            words = _over(words, style)
        self._add(TextLeaf(words, self._margin()))

    def _draw_task(self, tokens: list[Token]) -> None:
        """Replace an item's bullet by a box if its text begins with `[ ]` or `[x]`."""
        item = self._containers[-1]
        if item.first is None or not tokens or tokens[0].type != "text":
            return
        box, words = tokens[0].content[:3], tokens[0].content[3:]
        if box in TASKS and words[:1].isspace() and words.strip():
            is_numbered = item.first.plain[0] not in BULLETS
            tokens[0].content = f"{TASKS[box]} {words[1:]}" if is_numbered else words[1:]
            if not is_numbered:
                item.first = Content.styled(f"{TASKS[box]} ", BULLET)

    def _take_table(self, token: Token) -> None:
        match token.type:
            case "table_open":
                self._begin(token)
                self._is_in_table = True
                self._records, self._alignments = [], []
            case "tr_open":
                self._records.append([])
                self._row_line = token.map[0] if token.map else 0
            case "th_open":
                self._alignments.append(_alignment(token))
            case "tr_close":
                self._add_extra_cells()
            case _:
                self._is_in_table = False
                self._records[0] = [_over(cell, "bold") for cell in self._records[0]]
                records: list[Record] = list(self._records)
                self._add(TableLeaf(records, self._alignments, self._margin()))

    def _add_extra_cells(self) -> None:
        """Append the text of cells that have no header to the last cell."""
        line = self._source[self._row_line]
        count = len(self._alignments)
        record = self._records[-1]
        if line.count("|") < count:
            return
        cells = escapedSplit(line.lstrip(" \t>").rstrip())
        extra = cells[count + (not cells[0]) :]
        if any(cell.strip() for cell in extra):
            words = " | ".join(cell.strip() for cell in extra if cell.strip())
            record[-1] = joined(record[-1], Content(f" | {expanded(words)}"))

    def _definition(self, token: Token) -> str:
        """Return the source of a link reference definition."""
        first, last = token.map or (0, 0)
        lines = self._source[first:last]
        begin = lines[0].find("[")
        return "\n".join([lines[0][begin:], *(line.lstrip(" \t>") for line in lines[1:])])

    def _is_after_blank(self, line: int) -> bool:
        return line > 0 and not self._source[line - 1].strip(" \t>")

    def _margin(self) -> Margin:
        gap = self._gap if self.leaves else self._first_gap
        if len(self._containers) == 1:
            return Margin(gap)
        rest = self._beside()
        first = joined(*(container.first or container.rest for container in self._containers))
        for container in self._containers:
            container.first = None
        return Margin(gap, self._above, first, rest)

    def _beside(self) -> Content:
        """Return the prefix of a row in all open containers."""
        return joined(*(container.rest for container in self._containers))

    def _add(self, leaf: Leaf) -> None:
        self.leaves.append(leaf)
        self.starts.append(self._line)


def _code_lines(source: str) -> list[str]:
    return source.removesuffix("\n").split("\n") if source else []


def _quiet(text: str) -> Content:
    return Content.styled(expanded(text), QUIET)


def _over(words: Content, style: str) -> Content:
    """Return `words` with a style below their own styles."""
    if not words.plain:
        return words
    return Content(words.plain, [Span(0, len(words.plain), style), *words.spans])


def _alignment(token: Token) -> Alignment:
    style = str(token.attrs.get("style", ""))
    if style.endswith("center"):
        return "center"
    return "right" if style.endswith("right") else "left"
