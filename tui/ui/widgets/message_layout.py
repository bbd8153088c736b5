"""The stacked leaves of one message, laid out for one width."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from textual.content import Content

from tui.domain import continuation
from tui.domain.conversation import APART, READABLE, Block, Message, SystemPrompt
from tui.domain.reply import Part, StreamingReply
from tui.text import formatting
from tui.text.markdown import (
    Aside,
    Document,
    Leaf,
    Passages,
    Row,
    TextLeaf,
    note_below,
    parse,
)
from tui.text.markdown.margin import Margin
from tui.text.markdown.tabs import expanded
from tui.text.sanitise import clean
from tui.ui.widgets.message_content import MessageContent, Written, is_large, passages_of

LARGE_THOUGHT = 50_000
"""Longer thinking, in characters, is shown as plain text."""


class MessageLayout:
    """The stacked leaves of a message, at one width."""

    def __init__(self) -> None:
        self.width = -1
        self.heading: TextLeaf | None = None
        self.thinking: Document | None = None
        self.plain_thoughts: list[Leaf] = []
        """The thinking as plain text, if it is too long to lay out; or the system prompt."""
        self._taken: dict[int, int] = {}
        """How many pieces of each block of a reply are already in the documents."""
        self._shown_blocks: set[int] = set()
        """The blocks of a reply that are not text and are already shown."""
        self._around: list[Leaf] = []
        """The leaves around the text: the heading, the thinking's label, the lines below."""
        self._leaves: list[Leaf] = []
        self._tops = [0]
        """The first row of each leaf; last, the height."""
        self.plain: list[Leaf] = []
        """The text as plain leaves, if it is shown without Markdown."""
        self.is_as_written = False
        """Whether the plain leaves are shown only until a thread has laid the text out."""
        self.document = Document()
        self.passages: Passages = ()
        """The passages of a complete message."""
        self._is_after_other_block = False
        """Whether a block of another type followed the last text of a reply."""
        self._opening = ""
        """The line that opens a code block again, if the continued reply ended inside it."""

    @classmethod
    def of(cls, content: MessageContent) -> MessageLayout:
        """Return the layout of a message: parsed for a reply, plain for a question.

        A large reply is plain at first; `adopt` replaces that later.
        """
        message, before = content.message, content.before
        layout = cls()
        if isinstance(message, StreamingReply):
            layout._opening = continuation.opening(before)
            layout.feed(message)
        elif is_large(message):
            layout = cls.as_written(passages_of(message, before))
            layout.is_as_written = True
        elif content.is_reply and isinstance(message, Message):
            layout.passages = passages_of(message, before)
            layout.document.put(parse(layout.passages))
        elif not isinstance(message, SystemPrompt) and not message.is_continuation:
            layout = cls.as_written(passages_of(message, before))
        return layout

    @classmethod
    def as_written(cls, passages: Passages) -> MessageLayout:
        """Return a layout that shows passages as plain text, in at least one row."""
        layout = cls()
        layout.passages = passages or ("",)
        for passage in layout.passages:
            gap = int(bool(layout.plain))
            layout.plain.append(
                note_below(layout.plain, passage)
                if isinstance(passage, Aside)
                else as_written_leaf(passage, gap=gap)
            )
        return layout

    @property
    def height(self) -> int:
        """The rows of the whole message."""
        return self._tops[-1]

    @property
    def words(self) -> Sequence[Leaf]:
        """The leaves of the text, as they are shown."""
        return self.plain or self.document.leaves

    def feed(self, reply: StreamingReply) -> tuple[bool, int]:
        """Feed the documents with what has arrived since the last call.

        Returns whether thinking has arrived, and the first leaf of the text that changed.
        """
        has_thought = False
        for index, part in reply.parts.items():
            taken = self._taken.get(index)
            fresh = "".join(part.words[taken or 0 :])
            self._taken[index] = len(part.words)
            if part.type == "text":
                if fresh:
                    self._feed_text(fresh)
                continue
            self._is_after_other_block = self._is_after_other_block or taken is None
            if part.type not in READABLE:
                self._feed_other(index, part)
            elif fresh:
                has_thought = True
                self._feed_thinking(fresh, is_new=not taken)
        return has_thought, self.document.flush()

    def _feed_text(self, fresh: str) -> None:
        if self._is_after_other_block and self.document.passages:
            self.document.part()
        self._is_after_other_block = False
        self.document.feed(self._opening + fresh)
        self._opening = ""

    def _feed_thinking(self, fresh: str, *, is_new: bool) -> None:
        self.thinking = self.thinking or Document()
        if is_new and self.thinking.source:
            self.thinking.feed(APART)
        self.thinking.feed(fresh)
        self.thinking.flush()

    def _feed_other(self, index: int, part: Part) -> None:
        """Show a block that is not text, once it is complete: until then it is not saved."""
        if part.is_finished and index not in self._shown_blocks:
            self._shown_blocks.add(index)
            self.document.part(Aside(formatting.aside(Block(part.wire))))
            self._is_after_other_block = False

    def adopt(self, leaves: Sequence[Leaf]) -> None:
        """Show leaves that a thread has laid out."""
        self.document.put(leaves)
        self.plain, self.is_as_written = [], False

    def thoughts(self, message: Written) -> Sequence[Leaf]:
        """Return the leaves that can be collapsed: of the thinking, or of the system prompt."""
        if isinstance(message, SystemPrompt):
            self.plain_thoughts = self.plain_thoughts or [as_written_leaf(message.text)]
            return self.plain_thoughts
        if isinstance(message, Message) and len(message.thinking) > LARGE_THOUGHT:
            self.plain_thoughts = self.plain_thoughts or [as_written_leaf(message.thinking)]
            return self.plain_thoughts
        if self.thinking is None and isinstance(message, Message):
            self.thinking = Document.from_text(message.thinking)
        return () if self.thinking is None else self.thinking.leaves

    def stack(self, head: list[Leaf], foot: list[Leaf], *, first: int = 0) -> int:
        """Stack the leaves again, from leaf number `first`, the first that changed.

        Returns that leaf's first row.
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
        """Return the number of a row's leaf, and the row."""
        number = bisect_right(self._tops, index) - 1
        return number, self._leaves[number].row(index - self._tops[number], self.width)

    def row_of(self, number: int, line: int, column: int) -> int:
        """Return the index of the row that shows a position in the text of a leaf."""
        number = min(number, len(self._leaves) - 1)
        leaf = self._leaves[number]

        def place(index: int) -> tuple[int, int]:
            row = leaf.row(index, self.width)
            return row.line, row.column

        rows = range(leaf.height(self.width))
        return self._tops[number] + max(0, bisect_right(rows, (line, column), key=place) - 1)

    def lines(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the number and the lines of each leaf of the text or of shown thinking."""
        for number, leaf in enumerate(self._leaves):
            if leaf not in self._around:
                yield number, leaf.lines()


def as_written_leaf(words: str, *, gap: int = 0) -> TextLeaf:
    """Return a leaf that shows plain text, without control characters."""
    text = Content(expanded(clean(words)), strip_control_codes=False)
    return plain_leaf(text, gap=gap)


def plain_leaf(words: Content, *, gap: int = 0) -> TextLeaf:
    """Return a leaf that shows content as it is, below `gap` blank rows."""
    return TextLeaf(words, Margin(gap=gap))
