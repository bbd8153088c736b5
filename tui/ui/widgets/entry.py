"""One message as rows: its heading, its thinking, its text, its status line."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from tui.domain.conversation import Message
from tui.domain.reply import StreamingReply
from tui.text.markdown import Aside, Leaf, Passages, Row, laid_out, leaf_lines, parse
from tui.text.sanitise import clean
from tui.ui.widgets.message_content import MessageContent, is_large, passages_of
from tui.ui.widgets.message_frame import MessageFrame
from tui.ui.widgets.message_hints import MessageHints
from tui.ui.widgets.message_layout import MessageLayout
from tui.ui.widgets.selecting import Shown

_log = logging.getLogger(__name__)


class Entry:
    """A message, or a reply while it arrives.

    It is parsed and laid out only when a row or an exact height is asked for. `forget`
    frees that again, because there may be thousands of messages.
    """

    __slots__ = ("_is_broken", "_layout", "content", "frame")

    def __init__(
        self,
        content: MessageContent,
        *,
        now_ms: int,
        is_collapsed: bool,
        version: str = "",
        hints: MessageHints | None = None,
    ) -> None:
        self.content = content
        self.frame = MessageFrame(
            now_ms=now_ms,
            is_collapsed=is_collapsed,
            version=version,
            hints=hints or MessageHints(),
        )
        """What is shown around the text. Set `is_collapsed` only through `collapse`."""
        self._layout: MessageLayout | None = None
        self._is_broken = False
        """Whether its Markdown could not be laid out."""

    @property
    def id(self) -> str:
        """The message's id."""
        return self.content.message.id

    @property
    def is_parsed(self) -> bool:
        """Whether there is a layout that `forget` can free."""
        return self._layout is not None

    @property
    def searched(self) -> Iterator[str]:
        """The texts in which the find bar looks: the message, and its thinking if shown.

        The system prompt is searched even while it is collapsed.
        """
        if self.content.is_continuation_marker:
            return
        yield self.content.source
        if not self.frame.is_collapsed:
            yield self.content.thinking

    @property
    def figures(self) -> str:
        """The line below a reply: its progress, or its tokens, times and end."""
        return self.frame.line(self.content.message).plain

    def is_exact(self, width: int) -> bool:
        """Tell whether its height at `width` is known."""
        return self._layout is not None and self._layout.width == width

    def height(self, width: int) -> int:
        """Return how many rows it takes."""
        return self._laid_out(width).height

    def row(self, index: int, width: int) -> tuple[int, Row]:
        """Return the number of a row's leaf, and the row."""
        return self._laid_out(width).row(index)

    def row_of(self, leaf: int, line: int, column: int, width: int) -> int:
        """Return the index of the row that shows a position in the text of a leaf."""
        return self._laid_out(width).row_of(leaf, line, column)

    def lines(self, width: int) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the number and the lines of each leaf of the text or of shown thinking."""
        layout = self._laid_out(width)
        if self.content.is_system_prompt:
            # The same while it is collapsed: a match in it shows it.
            texts = layout.thoughts(self.content.message)
            return enumerate([leaf.lines() for leaf in texts], 1)
        return layout.lines()

    def pending_layout(self, width: int) -> Callable[[], list[Leaf]] | None:
        """Return the work that lays a large message out; any thread may do it.

        Until `adopt` gets the result, the message is shown as plain text. Returns None if
        there is no such work.
        """
        layout, message = self._layout, self.content.message
        if layout is not None and layout.width == width and not layout.is_as_written:
            return None
        if not is_large(message):
            return None
        return partial(laid_out, passages_of(message, self.content.before), width)

    def adopt(self, leaves: Sequence[Leaf], width: int) -> None:
        """Show the result of the work that `pending_layout` returned."""
        layout = self._laid_out(width)
        layout.adopt(leaves)
        self._stack(layout)

    def shown(self, width: int) -> Iterator[Shown]:
        """Yield the texts that the message shows, with the line at which each leaf begins."""
        layout, content = self._laid_out(width), self.content
        if content.is_system_prompt:
            if not self.frame.is_collapsed:
                texts = layout.thoughts(content.message)
                yield _shown(1, texts, content.source, is_plain=True)
            return
        head = len(self.frame.head(content.message, layout))
        if not self.frame.is_collapsed and (thoughts := layout.thoughts(content.message)):
            is_plain = bool(layout.plain_thoughts)
            yield _shown(2, thoughts, content.thinking, is_plain=is_plain)
        if content.is_continuation_marker:
            return
        if layout.passages:
            yield from _shown_parts(
                head, layout.words, layout.passages, is_plain=bool(layout.plain)
            )
        else:
            # While several texts still arrive, their leaves have no line numbers. These
            # are known when the complete reply is parsed.
            document = layout.document
            source, is_one = clean(document.source), len(document.passages) == 1
            yield Shown(head, layout.words, source, leaf_lines(source) if is_one else ())

    def forget(self) -> None:
        """Free the layout, which can be made again."""
        if not isinstance(self.content.message, StreamingReply):
            self._layout = None

    def collapse(self, *, is_collapsed: bool) -> None:
        """Hide or show the thinking."""
        self.frame.is_collapsed = is_collapsed
        if isinstance(self.content.message, Message):
            # The keys that the line names may have changed.
            self.frame.forget_line()
        if self._layout is not None:
            self._stack(self._layout)

    def catch_up(self, reply: StreamingReply, now: float, width: int) -> tuple[bool, int]:
        """Add what has arrived of the running reply; `now` is in monotonic seconds.

        Returns whether it has added everything, and the first row that changed. Rows above
        that one are not laid out again.
        """
        self.frame.update_line(reply, now)
        try:
            layout = self._laid_out(width)
            has_thought, changed = layout.feed(reply)
            row = self._stack(layout, None if has_thought else changed)
        except Exception as error:  # noqa: BLE001 - whatever it is, the words are shown
            self._lay_out_as_written(width, error)
            return True, 0
        return not layout.document.is_behind, row

    def final_layout(self, message: Message, width: int) -> Callable[[], list[Leaf]]:
        """Return the work that `end` needs for a large reply; any thread may do it."""
        shown = list(self._layout.document.leaves) if self._layout is not None else []
        return partial(laid_out, passages_of(message, self.content.before), width, shown)

    def end(self, message: Message, leaves: Sequence[Leaf] | None, width: int) -> None:
        """Show the saved message instead of a large reply that has ended."""
        self._become(message)
        layout = self._layout
        if layout is None or layout.width != width or leaves is None:
            self._layout = None
            return
        layout.passages = passages_of(message, self.content.before)
        layout.adopt(leaves)
        layout.thinking = None
        self._stack(layout)

    def finish(self, message: Message) -> None:
        """Show the saved message instead of the reply, with its text parsed as a whole.

        Leaves that come out equal are reused, and so keep their colours.
        """
        self._become(message)
        layout = self._layout
        if self._is_broken:
            self._layout = None
        elif layout is not None:
            try:
                layout.passages = passages_of(message, self.content.before)
                layout.document.replace(parse(layout.passages))
                layout.thinking = None
                self._stack(layout)
            except Exception as error:  # noqa: BLE001 - whatever it is, the words are shown
                self._lay_out_as_written(layout.width, error)

    def _become(self, message: Message) -> None:
        self.content = replace(self.content, message=message)
        self.frame.forget_line()

    def _laid_out(self, width: int) -> MessageLayout:
        try:
            return self._lay_out(width)
        except Exception as error:  # noqa: BLE001 - whatever it is, the words are shown
            return self._lay_out_as_written(width, error)

    def _lay_out(self, width: int) -> MessageLayout:
        layout = self._layout
        # For a new width, a thread lays out a large message too.
        if layout is None or (
            layout.width not in (-1, width) and is_large(self.content.message)
        ):
            layout = self._layout = MessageLayout.of(self.content)
        if layout.width != width:
            layout.width = width
            self._stack(layout)
        return layout

    def _lay_out_as_written(self, width: int, error: Exception) -> MessageLayout:
        """Show the plain text, because its Markdown could not be laid out."""
        if not self._is_broken:
            _log.error("a message could not be laid out", exc_info=error)
        self._is_broken = True
        layout = self._layout = MessageLayout.as_written((self.content.source,))
        layout.width = width
        self._stack(layout)
        return layout

    def _stack(self, layout: MessageLayout, changed: int | None = None) -> int:
        """Stack the leaves again, from the text's leaf number `changed`, or else from the top.

        Returns the first row that may have changed.
        """
        head = self.frame.head(self.content.message, layout)
        first = 0 if changed is None else len(head) + changed
        return layout.stack(head, self.frame.foot(self.content), first=first)


def _shown(first: int, leaves: Sequence[Leaf], words: str, *, is_plain: bool) -> Shown:
    source = clean(words)
    return Shown(first, leaves, source, [0] if is_plain else leaf_lines(source))


def _shown_parts(
    first: int, leaves: Sequence[Leaf], passages: Passages, *, is_plain: bool
) -> Iterator[Shown]:
    """Yield the texts of a complete message, without the asides between them."""
    at = 0
    for passage in passages:
        if isinstance(passage, Aside):
            at += 1
            continue
        source = clean(passage)
        starts = [0] if is_plain else leaf_lines(source)
        yield Shown(first + at, leaves[at : at + len(starts)], source, starts)
        at += len(starts)
