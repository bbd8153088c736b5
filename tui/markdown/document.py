"""A document that is still being written.

Only the unfinished end of the text is parsed again when more comes: blocks, items
and records that are complete are frozen, and an open fence is not parsed at all,
only cut into lines. Nothing is cut at a line that is not complete, whose next
character could make it something else. What that gets wrong, such as a link whose
address comes later, the one parse of the whole text at the end puts right.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it.token import Token

from tui.markdown.blocks import Parsed, parse, parse_part, plain_part
from tui.markdown.code import CodeLeaf
from tui.markdown.leaves import Leaf, heir
from tui.markdown.parser import MOST_CELLS
from tui.markdown.table import TableLeaf
from tui.sanitise import clean

LONGEST_TAIL = 16_000
"""Characters without the end of a block that are parsed again and again."""

MOUTHFUL = 4_000
"""Characters that are taken in at once, however many have come."""

LONGEST_FLUSH = 0.02
"""Seconds after which a flush takes in no more: the rest waits for the next."""

MOST_LEAVES = 50_000
"""Blocks beyond which what comes is shown as it is, until the end."""

LONG_TAIL = 2_000
"""Characters from which on parsing the tail again can be dear."""

CHEAP = 0.002
"""Seconds a flush may take without being followed by a rest."""

REST = 4
"""How many times longer than a dear flush the rest after it is."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_CLOSING = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*")
_HALF = re.compile("[\r\ud800-\udbff]$")
"""What the next character belongs to: half of a line's end, or of a character."""


@dataclass(slots=True)
class _Fence:
    """The tail is the inside of a fence, from the first line not complete."""

    marker: str
    indent: int
    leaf: CodeLeaf
    count: int = 0
    """How many complete lines the leaf has."""

    def closes(self, line: str) -> bool:
        """Return whether a line ends the fence."""
        closing = _CLOSING.fullmatch(line)
        return closing is not None and closing[1].startswith(self.marker)

    def could_close(self, line: str) -> bool:
        """Return whether the beginning of a line may become the end of the fence."""
        return not line.strip(" \t").strip(self.marker[0])

    def inside(self, line: str) -> str:
        """Return a line without the indentation of the fence."""
        spaces = len(line) - len(line.lstrip(" "))
        return line[min(spaces, self.indent) :]


@dataclass(frozen=True, slots=True)
class _Table:
    """The tail is records of a table."""

    headers: str
    """Its first two lines, which every parse of the tail needs."""
    leaf: TableLeaf


class Document:
    """Markdown as it arrives, as a flat list of leaves."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._rested_at = float("-inf")
        self._source: list[str] = []
        self._fed = deque[str]()
        self._half = ""
        """The last character fed, if it belongs to the next."""
        self._tail = ""
        """The clean text of what is not frozen, but for what an open block has taken."""
        self._leaves: list[Leaf] = []
        self._frozen = 0
        """How many leaves will not change before the end."""
        self._open: _Fence | _Table | None = None
        self._is_plain = False
        """Whether there is so much of it by now that the rest is not parsed."""
        self._references: dict[str, Any] = {}
        self._gap = 0
        """Blank rows above the tail's first leaf."""
        self._number: int | None = None
        """Of the tail's first item, if the tail goes on with an ordered list."""

    @classmethod
    def whole(cls, text: str) -> Document:
        """Return the finished document of a text."""
        document = cls()
        document.feed(text)
        document.finish()
        return document

    @property
    def source(self) -> str:
        """Everything that was fed, as it came."""
        if len(self._source) > 1:
            self._source = ["".join(self._source)]
        return self._source[0] if self._source else ""

    @property
    def leaves(self) -> Sequence[Leaf]:
        """The blocks so far: those that are frozen, then those of the unfinished end."""
        return self._leaves

    @property
    def is_behind(self) -> bool:
        """Whether text was fed that no flush has taken in."""
        return bool(self._fed)

    def feed(self, text: str) -> None:
        """Add text. Costs nothing: the next flush reads it."""
        self._source.append(text)
        self._fed.append(text)

    def flush(self) -> int:
        """Take in what was fed; return the index of the first leaf that may have changed.

        Of very much it takes in only some, so that no flush takes long: it is behind
        then. After a flush that was dear, because a block is long and does not end, the
        next ones do nothing until four times its cost has passed: they return the
        number of leaves, and the text waits.
        """
        now = self._clock()
        if not self._fed or now < self._rested_at:
            return len(self._leaves)
        unchanged = self._frozen
        cost = 0.0
        while self._fed and cost < LONGEST_FLUSH:
            began = cost
            self._take_in()
            self._advance()
            cost = self._clock() - now
            if cost - began > LONGEST_FLUSH and len(self._tail) > LONG_TAIL:
                self._cut_tail()
        # While there is more to take in, it is not the same that is parsed again.
        if cost > CHEAP and len(self._tail) > LONG_TAIL and not self._fed:
            self._rested_at = now + (1 + REST) * cost
        return unchanged

    def finish(self) -> int:
        """Parse the whole text; return the index of the first leaf that came out different.

        For a long text, `replace(parse(source))` is the same in two steps, the
        first of which may be done in a thread.
        """
        return self.replace(parse(self.source))

    def put(self, leaves: Sequence[Leaf]) -> None:
        """Put the leaves of the whole text in place, as they are."""
        self._fed.clear()
        self._half, self._tail, self._open, self._number = "", "", None, None
        self._leaves, self._frozen = list(leaves), len(leaves)

    def replace(self, leaves: Sequence[Leaf]) -> int:
        """Put the leaves of the whole text in place; return the first that is different."""
        older = list(self._leaves)
        self._frozen = 0
        self._settle(leaves, frozen=0)
        self.put(self._leaves)
        pairs = zip(older, self._leaves, strict=False)
        changed = (index for index, (old, new) in enumerate(pairs) if old is not new)
        return next(changed, min(len(older), len(leaves)))

    def _take_in(self) -> None:
        fed = self._half + self._mouthful()
        self._half = fed[-1:] if _HALF.search(fed) else ""
        self._tail += clean(fed.removesuffix(self._half))

    def _mouthful(self) -> str:
        """Take what was fed first, but not much of it."""
        pieces: list[str] = []
        room = MOUTHFUL
        while self._fed and room > 0:
            piece = self._fed.popleft()
            if len(piece) > room:
                self._fed.appendleft(piece[room:])
            pieces.append(piece[:room])
            room -= len(piece)
        return "".join(pieces)

    def _advance(self) -> None:
        while not isinstance(self._open, _Fence) or self._read_fence(self._open):
            if not self._read_blocks():
                return

    def _read_fence(self, fence: _Fence) -> bool:
        """Move complete lines of the tail into a fence; return whether it was closed."""
        *lines, partial = self._tail.split("\n")
        end = next((n for n, line in enumerate(lines) if fence.closes(line)), None)
        code = [fence.inside(line) for line in lines[:end]]
        is_shown = end is None and partial and not fence.could_close(partial)
        shown = [fence.inside(partial)] if is_shown else []
        fence.leaf.replace_from(fence.count, code + shown)
        fence.count += len(code)
        if end is None:
            self._tail = partial
            return False
        self._tail = "\n".join([*lines[end + 1 :], partial])
        self._open, self._gap = None, 1
        self._frozen += 1
        return True

    def _read_blocks(self) -> bool:
        """Parse the tail and freeze what is complete; return whether to go on."""
        parsed = self._parse_tail()
        index = _last_block(parsed)
        if index is None:
            self._settle(parsed.leaves, frozen=0)
            return self._cut_short()
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
        return self._cut_short()

    def _parse_tail(self, end: int | None = None) -> Parsed:
        """Parse the tail, in the light of what came before it."""
        if self._is_plain:
            return plain_part(self._tail[:end], gap=self._gap)
        headers = self._open.headers if isinstance(self._open, _Table) else ""
        parsed = parse_part(
            headers + self._tail[:end],
            self._references,
            gap=self._gap,
            number=self._number,
        )
        match self._open, parsed.leaves:
            case _Table(leaf=leaf), [TableLeaf() as grown, *_]:
                leaf.replace_unsettled(grown.body())
                parsed.leaves[0] = leaf
            case _:
                pass
        return parsed

    def _cut(self, parsed: Parsed, line: int, number: int | None = None) -> None:
        """Freeze what stands before a line; what stands from there on may still change."""
        frozen = bisect_left(parsed.lines, line)
        if line:
            rest = parsed.leaves[frozen:]
            self._gap = rest[0].margin.gap if rest else 1
            self._open, self._number = None, number
            self._drop(parsed, line)
        self._settle(parsed.leaves, frozen=frozen)

    def _cut_list(self, parsed: Parsed, index: int) -> None:
        """Freeze all items of a list but the last."""
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
        match parsed.leaves[index], _FENCE.match(_from_line(parsed.text, line)):
            case CodeLeaf(info=info, margin=margin), re.Match() as opening:
                leaf = CodeLeaf(info, [], margin)
                self._settle([*parsed.leaves[:index], leaf], frozen=index)
                self._leaves[self._frozen] = leaf
                self._drop(parsed, line + 1)
                self._open = _Fence(opening[1], opening.start(1), leaf)
                self._number = None
                return True
            case _:
                self._cut(parsed, line)
                return False

    def _grow_table(self, parsed: Parsed, block: Token) -> None:
        """Freeze the complete records of a table, of which more may come."""
        line, end = block.map or (0, 0)
        index = bisect_left(parsed.lines, line)
        body = min(end, parsed.text.count("\n")) - line - 2
        is_new = not isinstance(self._open, _Table) or line > 0
        match parsed.leaves[index]:
            case TableLeaf() as leaf:
                leaf.settle(body + is_new)
                self._settle(parsed.leaves, frozen=index)
                self._leaves[self._frozen] = leaf
                rows = _from_line(parsed.text, line).split("\n", 2)
                self._open = _Table(f"{rows[0]}\n{rows[1]}\n", leaf)
                self._number = None
                self._drop(parsed, line + 2 + body)
                if leaf.cells > MOST_CELLS:
                    self._close_table(leaf)
            case _:
                pass

    def _close_table(self, leaf: TableLeaf) -> None:
        """Let a table grow no more that will be too large to be kept as one."""
        leaf.replace_unsettled([])
        self._is_plain, self._open, self._gap = True, None, 1
        self._frozen += 1

    def _cut_short(self) -> bool:
        """Freeze a tail that has grown too long, block or not; return whether it was."""
        if len(self._tail) <= LONGEST_TAIL:
            return False
        self._cut_tail()
        return True

    def _cut_tail(self) -> None:
        """Freeze most of the tail, block or not.

        What comes may be drawn as something else than it is, until the end.
        """
        if isinstance(self._open, _Fence):
            return
        line_end = self._tail.rfind("\n", len(self._tail) * 3 // 4)
        cut = (line_end if line_end >= 0 else self._tail.rfind(" ")) + 1 or len(self._tail)
        parsed = self._parse_tail(cut)
        self._settle(parsed.leaves, frozen=len(parsed.leaves))
        self._references |= parsed.references
        self._tail = self._tail[cut:]
        self._open, self._number, self._gap = None, None, 0

    def _drop(self, parsed: Parsed, line: int) -> None:
        """Leave only what stands from a line on to be parsed again."""
        self._tail = _from_line(parsed.text, line)
        for name, found in parsed.references.items():
            if found["map"][1] <= line:
                self._references[name] = found

    def _settle(self, leaves: Sequence[Leaf], *, frozen: int) -> None:
        """Put `leaves` in the place of those not frozen, and freeze the first of them."""
        start = self._frozen
        older = self._leaves[start:]
        heirs = [heir(old, new) for old, new in zip(older, leaves, strict=False)]
        self._leaves[start:] = [*heirs, *leaves[len(heirs) :]]
        self._frozen += frozen
        self._is_plain = self._is_plain or self._frozen > MOST_LEAVES


def _last_block(parsed: Parsed) -> int | None:
    """Return the index of the token that opens the last block begun by a complete line."""
    complete = parsed.text.count("\n")
    for index in range(len(parsed.tokens) - 1, -1, -1):
        token = parsed.tokens[index]
        if token.level == 0 and token.nesting >= 0 and token.map and token.map[0] < complete:
            return index
    return None


def _line(token: Token) -> int:
    return token.map[0] if token.map else 0


def _from_line(text: str, line: int) -> str:
    """Return what stands from a line on."""
    return text.split("\n", line)[line]
