"""Parses a text that is still arriving.

When more text arrives, only the unfinished end, the tail, is parsed again. Complete blocks,
list items and table records are frozen. An open code fence is only split into lines. The
text is never cut at an incomplete line, because its next character may change its meaning.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it.token import Token

from tui.text.markdown.blocks import Parsed, note_below, parse_part, plain_part
from tui.text.markdown.code import CodeLeaf
from tui.text.markdown.fence import Fence
from tui.text.markdown.leaf_list import LeafList
from tui.text.markdown.leaves import Leaf
from tui.text.markdown.note import Aside
from tui.text.markdown.parser import MAX_CELLS
from tui.text.markdown.table import TableLeaf

LONGEST_TAIL = 16_000
"""The most characters of a tail. A longer one is frozen, even in the middle of a block."""

MAX_LEAVES = 50_000
"""After this many leaves, the rest is shown as plain text until the end."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A table that may continue: the tail has its next records."""

    headers: str
    """Its first two lines. Every parse of the tail needs them."""
    leaf: TableLeaf


class IncrementalParser:
    """Parses added text into leaves, and freezes complete ones."""

    def __init__(self, leaves: LeafList) -> None:
        self._leaves = leaves
        self.tail = ""
        """The clean text that is not frozen, without the lines in `_open`."""
        self._open: Fence | _Table | None = None
        self._is_plain = False
        """Whether the text is so long that the rest is not parsed."""
        self._references: dict[str, Any] = {}
        self._gap = 0
        """The number of blank rows above the tail's first leaf."""
        self._number: int | None = None
        """The number of the tail's first item, if the tail continues an ordered list."""

    def add(self, text: str) -> None:
        """Add clean text and parse it."""
        self.tail += text
        self._advance()

    def end_text(self, rest: str) -> None:
        """Add the rest of a text and freeze all leaves: nothing can change them any more."""
        self.tail += rest
        if self.tail:
            # The last line is complete now.
            self.add("\n")
        if isinstance(self._open, Fence):
            self._leaves.freeze_grown()
        elif self.tail or self._open is not None:
            leaves = self._parse_tail().leaves
            self._update(leaves, frozen=len(leaves))
        self.reset()
        self._references = {}

    def begin_below(self, aside: Aside | None) -> None:
        """Begin another text, below a note for `aside` if there is one."""
        if aside is not None:
            above = self._leaves.leaves[: self._leaves.frozen]
            self._update([note_below(above, aside)], frozen=1)
        self._gap = int(self._leaves.frozen > 0)

    def reset(self) -> None:
        """Discard the tail, because its leaves are final."""
        self.tail, self._open, self._number = "", None, None

    def _advance(self) -> None:
        while not isinstance(self._open, Fence) or self._read_fence(self._open):
            if not self._read_blocks():
                return

    def _read_fence(self, fence: Fence) -> bool:
        """Move the complete lines of the tail into a fence; return whether it was closed."""
        self.tail, is_closed = fence.read(self.tail)
        if is_closed:
            self._open, self._gap = None, 1
            self._leaves.freeze_grown()
        return is_closed

    def _read_blocks(self) -> bool:
        """Parse the tail and freeze what is complete; return whether to parse again."""
        parsed = self._parse_tail()
        index = _last_block(parsed)
        if index is None:
            self._update(parsed.leaves, frozen=0)
            return self._cut_long_tail()
        block = parsed.tokens[index]
        match block.type:
            case "fence":
                return self._open_fence(parsed, _line(block))
            case "table_open" if _line(block) + 2 <= parsed.text.count("\n"):
                self._grow_table(parsed, block)
            case "bullet_list_open" | "ordered_list_open":
                self._cut_list(parsed, index)
            case _:
                self._cut(parsed, _line(block))
        return self._cut_long_tail()

    def _parse_tail(self, end: int | None = None) -> Parsed:
        """Parse the tail, or its beginning, as a continuation of the text before it."""
        if self._is_plain:
            return plain_part(self.tail[:end], gap=self._gap)
        headers = self._open.headers if isinstance(self._open, _Table) else ""
        parsed = parse_part(
            headers + self.tail[:end],
            self._references,
            gap=self._gap,
            number=self._number,
        )
        match self._open, parsed.leaves:
            case _Table(leaf=leaf), [TableLeaf() as grown, *_]:
                leaf.replace_unfrozen(grown.body())
                parsed.leaves[0] = leaf
            case _:
                pass
        return parsed

    def _cut(self, parsed: Parsed, line: int, number: int | None = None) -> None:
        """Freeze the leaves before a line; those from the line on may still change."""
        frozen = bisect_left(parsed.lines, line)
        if line:
            rest = parsed.leaves[frozen:]
            self._gap = rest[0].margin.gap if rest else 1
            self._open, self._number = None, number
            self._drop(parsed, line)
        self._update(parsed.leaves, frozen=frozen)

    def _cut_list(self, parsed: Parsed, index: int) -> None:
        """Freeze all items of a list except the last one."""
        block = parsed.tokens[index]
        complete = parsed.text.count("\n")
        lines = [
            _line(token)
            for token in parsed.tokens[index:]
            if token.type == "list_item_open" and token.level == 1 and _line(token) < complete
        ]
        number = int(block.attrs.get("start", 1))
        if self._number is not None and not _line(block):
            number = self._number
        self._cut(parsed, lines[-1], number + len(lines) - 1)

    def _open_fence(self, parsed: Parsed, line: int) -> bool:
        index = bisect_left(parsed.lines, line)
        leaf, fence = parsed.leaves[index], None
        if isinstance(leaf, CodeLeaf):
            leaf = CodeLeaf(leaf.info, [], leaf.margin)
            fence = Fence.opened(_from_line(parsed.text, line), leaf)
        if fence is None:
            self._cut(parsed, line)
            return False
        self._update([*parsed.leaves[:index], leaf], frozen=index)
        self._leaves.grow(leaf)
        self._drop(parsed, line + 1)
        self._open, self._number = fence, None
        return True

    def _grow_table(self, parsed: Parsed, block: Token) -> None:
        """Freeze the complete records of a table, and keep it open for more."""
        line, end = block.map or (0, 0)
        index = bisect_left(parsed.lines, line)
        body = min(end, parsed.text.count("\n")) - line - 2
        is_new = not isinstance(self._open, _Table) or line > 0
        match parsed.leaves[index]:
            case TableLeaf() as leaf:
                leaf.freeze(body + is_new)
                self._update(parsed.leaves, frozen=index)
                self._leaves.grow(leaf)
                rows = _from_line(parsed.text, line).split("\n", 2)
                self._open = _Table(f"{rows[0]}\n{rows[1]}\n", leaf)
                self._number = None
                self._drop(parsed, line + 2 + body)
                if leaf.cells > MAX_CELLS:
                    self._close_table(leaf)
            case _:
                pass

    def _close_table(self, leaf: TableLeaf) -> None:
        """End a table that is too large; show the rest of the text as plain text."""
        leaf.replace_unfrozen([])
        self._is_plain, self._open, self._gap = True, None, 1
        self._leaves.freeze_grown()

    def _cut_long_tail(self) -> bool:
        """Freeze most of a tail that is too long; return whether it was."""
        if len(self.tail) <= LONGEST_TAIL:
            return False
        self.cut_tail()
        return True

    def cut_tail(self) -> None:
        """Freeze most of the tail, even in the middle of a block.

        Until the end, later text may be shown wrongly because of this.
        """
        if isinstance(self._open, Fence):
            return
        line_end = self.tail.rfind("\n", len(self.tail) * 3 // 4)
        cut = (line_end if line_end >= 0 else self.tail.rfind(" ")) + 1 or len(self.tail)
        parsed = self._parse_tail(cut)
        self._update(parsed.leaves, frozen=len(parsed.leaves))
        self._references |= parsed.references
        self.tail = self.tail[cut:]
        self._open, self._number, self._gap = None, None, 0

    def _drop(self, parsed: Parsed, line: int) -> None:
        """Remove the text before a line from the tail, and keep its link references."""
        self.tail = _from_line(parsed.text, line)
        for name, found in parsed.references.items():
            if found["map"][1] <= line:
                self._references[name] = found

    def _update(self, leaves: Sequence[Leaf], *, frozen: int) -> None:
        self._leaves.update(leaves, frozen=frozen)
        self._is_plain = self._is_plain or self._leaves.frozen > MAX_LEAVES


def _last_block(parsed: Parsed) -> int | None:
    """Return the index of the token that opens the last block with a complete first line."""
    complete = parsed.text.count("\n")
    for index in range(len(parsed.tokens) - 1, -1, -1):
        token = parsed.tokens[index]
        if token.level == 0 and token.nesting >= 0 and token.map and token.map[0] < complete:
            return index
    return None


def _line(token: Token) -> int:
    return token.map[0] if token.map else 0


def _from_line(text: str, line: int) -> str:
    """Return the text from a line on."""
    return text.split("\n", line)[line]
