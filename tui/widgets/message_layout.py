"""The leaves of one message one below the other, laid out for one width."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from textual.content import Content

from tui import continuing
from tui.conversation import Message
from tui.draft import Draft
from tui.markdown import Document, Leaf, Row, TextLeaf
from tui.markdown.margin import Margin
from tui.sanitise import clean

LARGE = 8_000
"""Characters from which on a reply is laid out in a thread: less never takes long."""

LARGE_THOUGHT = 50_000
"""Characters from which on thinking is shown as it was written."""


class MessageLayout:
    """The leaves of a message one below the other, at one width."""

    def __init__(self) -> None:
        self.width = -1
        self.heading: TextLeaf | None = None
        self.thinking: Document | None = None
        self.plain_thoughts: list[Leaf] = []
        """The thinking as it was written, if it is too long to be laid out."""
        self._taken: dict[int, int] = {}
        """How many pieces of each block of a draft are in the documents."""
        self._around: list[Leaf] = []
        """The leaves that nobody said: what stands above the words, and below."""
        self._leaves: list[Leaf] = []
        self._tops = [0]
        """The first row of each leaf; last, the height."""
        self.plain: list[Leaf] = []
        """The words as they were written, if that is how they are shown."""
        self.is_as_written = False
        """Whether they are shown so only until they are laid out."""
        self.document = Document()

    @classmethod
    def of(cls, said: Message | Draft, before: str) -> MessageLayout:
        """Return what is said, read as Markdown if Claude said it, or to be read so later."""
        layout = cls()
        if isinstance(said, Draft):
            layout.document.feed(continuing.opening(before))
            layout.feed(said)
        elif is_large(said):
            layout = cls.as_written(continuing.shown(before, said.text))
            layout.is_as_written = True
        elif said.role == "assistant":
            layout.document = Document.whole(continuing.shown(before, said.text))
        elif not said.is_continuation:
            layout = cls.as_written(said.text)
        return layout

    @classmethod
    def as_written(cls, text: str) -> MessageLayout:
        """Return a text as it is."""
        layout = cls()
        layout.plain = [as_written_leaf(text)]
        return layout

    @property
    def height(self) -> int:
        """How many rows all of it takes."""
        return self._tops[-1]

    @property
    def words(self) -> Sequence[Leaf]:
        """The leaves of what was said, as they are shown."""
        return self.plain or self.document.leaves

    def feed(self, draft: Draft) -> tuple[bool, int]:
        """Feed the documents what they have not had.

        Returns whether thinking has come, and the first leaf of the words that changed.
        """
        has_thought = False
        for index, part in draft.parts.items():
            fresh = part.words[self._taken.get(index, 0) :]
            self._taken[index] = len(part.words)
            if part.type == "text":
                self.document.feed("".join(fresh))
            elif part.type == "thinking" and fresh:
                has_thought = True
                self.thinking = self.thinking or Document()
                self.thinking.feed("".join(fresh))
                self.thinking.flush()
        return has_thought, self.document.flush()

    def adopt(self, leaves: Sequence[Leaf]) -> None:
        """Show the words as they were laid out."""
        self.document.put(leaves)
        self.plain, self.is_as_written = [], False

    def thoughts(self, said: Message | Draft) -> Sequence[Leaf]:
        """Return the leaves of the thinking."""
        if isinstance(said, Message) and len(said.thinking) > LARGE_THOUGHT:
            self.plain_thoughts = self.plain_thoughts or [as_written_leaf(said.thinking)]
            return self.plain_thoughts
        if self.thinking is None and isinstance(said, Message):
            self.thinking = Document.whole(said.thinking)
        return () if self.thinking is None else self.thinking.leaves

    def stack(self, head: list[Leaf], foot: list[Leaf], *, first: int = 0) -> int:
        """Put the leaves one below the other, from the `first` one that changed.

        Returns that one's first row.
        """
        self._around = [*head[:2], *foot]
        words = self.words
        first = min(first, len(self._leaves))
        start = first - len(head)
        fresh = head[first:] if start < 0 else []
        fresh += [words[at] for at in range(max(0, start), len(words))]
        del self._leaves[first:], self._tops[first + 1 :]
        for leaf in (*fresh, *foot):
            self._leaves.append(leaf)
            self._tops.append(self._tops[-1] + leaf.height(self.width))
        return self._tops[first]

    def row(self, index: int) -> tuple[int, Row]:
        """Return a row, and the number of the leaf that it belongs to."""
        number = bisect_right(self._tops, index) - 1
        return number, self._leaves[number].row(index - self._tops[number], self.width)

    def row_of(self, number: int, line: int, column: int) -> int:
        """Return the row that shows a place in the text of a leaf."""
        number = min(number, len(self._leaves) - 1)
        leaf = self._leaves[number]

        def place(index: int) -> tuple[int, int]:
            row = leaf.row(index, self.width)
            return row.line, row.column

        rows = range(leaf.height(self.width))
        return self._tops[number] + max(0, bisect_right(rows, (line, column), key=place) - 1)

    def lines(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the number of each leaf of what was said, with its lines."""
        for number, leaf in enumerate(self._leaves):
            if leaf not in self._around:
                yield number, leaf.lines()


def is_large(said: Message | Draft) -> TypeGuard[Message]:
    """Tell whether laying out a message may take long."""
    if isinstance(said, Draft) or said.role != "assistant":
        return False
    return sum(len(block.words) for block in said.blocks if block.type == "text") > LARGE


def as_written_leaf(words: str) -> TextLeaf:
    """Return a leaf that shows a text as it was written, but clean."""
    return plain_leaf(Content(clean(words).expandtabs(4), strip_control_codes=False))


def plain_leaf(words: Content, *, gap: int = 0) -> TextLeaf:
    """Return a leaf that shows words as they are, below `gap` blank rows."""
    return TextLeaf(words, Margin(gap=gap))
