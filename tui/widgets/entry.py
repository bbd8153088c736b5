"""One message as rows: its heading, its thinking, its words, what it took."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from textual.content import Content

from tui import continuing, wording
from tui.continuing import can_go_on
from tui.conversation import Message
from tui.draft import Draft
from tui.markdown import CodeLeaf, Document, Leaf, Row, laid_out, leaf_lines, parse
from tui.sanitise import clean, clean_line
from tui.widgets.message_layout import MessageLayout, is_large, plain_leaf
from tui.widgets.selecting import Shown

MUTED = "$foreground 60%"

_log = logging.getLogger(__name__)


class Entry:
    """A message, or a reply while it arrives.

    Nothing is parsed or laid out before a row or an exact height is asked for, and
    that can be let go of again: there may be thousands.
    """

    __slots__ = (
        "_is_broken",
        "_layout",
        "_now_ms",
        "_status",
        "before",
        "is_folded",
        "said",
        "version",
    )

    def __init__(
        self,
        said: Message | Draft,
        *,
        now_ms: int,
        is_folded: bool,
        version: str = "",
        before: str = "",
    ) -> None:
        self.said = said
        self.is_folded = is_folded
        """Whether the thinking is hidden; `fold` changes it."""
        self.version = version
        """Which of how many versions it is; empty for the only one."""
        self.before = before
        """What the reply goes on with, that broke off."""
        self._now_ms = now_ms
        self._status = ""
        if isinstance(said, Draft) and said.retry is None:
            self._status = wording.activity(said, 0)
        self._layout: MessageLayout | None = None
        self._is_broken = False
        """Whether its Markdown could not be laid out."""

    @property
    def id(self) -> str:
        """The message's id."""
        return self.said.id

    @property
    def is_reply(self) -> bool:
        """Whether Claude said it."""
        return isinstance(self.said, Draft) or self.said.role == "assistant"

    @property
    def is_parsed(self) -> bool:
        """Whether there is something to let go of."""
        return self._layout is not None

    @property
    def is_seam(self) -> bool:
        """Whether it is the program's own question, to go on with a reply."""
        return isinstance(self.said, Message) and self.said.is_continuation

    @property
    def source(self) -> str:
        """The words as they were said; of a reply that went on, both parts as one."""
        said = self.said
        words = said.words("text") if isinstance(said, Draft) else said.text
        return continuing.joined(self.before, words) if self.before else words

    @property
    def searched(self) -> Iterator[str]:
        """Everything said that is shown, as far as somebody may look for it in there."""
        if self.is_seam:
            return
        yield self.source
        if not self.is_folded:
            said = self.said
            yield said.words("thinking") if isinstance(said, Draft) else said.thinking

    @property
    def figures(self) -> str:
        """The line below a reply: what it is doing, or what it took and how it ended."""
        return self._status if isinstance(self.said, Draft) else _ending(self.said)

    def estimate(self, width: int) -> int:
        """Return about how many rows it takes, without laying it out."""
        said = self.said
        words = (
            [block.words for block in said.blocks if block.type == "text"]
            if isinstance(said, Message)
            else [said.words("text")]
        )
        return 4 + sum(len(each) // max(20, width - 6) + each.count("\n") for each in words)

    def is_exact(self, width: int) -> bool:
        """Tell whether its height at `width` is known."""
        return self._layout is not None and self._layout.width == width

    def height(self, width: int) -> int:
        """Return how many rows it takes."""
        return self._laid_out(width).height

    def row(self, index: int, width: int) -> tuple[int, Row]:
        """Return one of its rows, and the number of the leaf that it belongs to."""
        return self._laid_out(width).row(index)

    def row_of(self, leaf: int, line: int, column: int, width: int) -> int:
        """Return the row that shows a place in the text of a leaf."""
        return self._laid_out(width).row_of(leaf, line, column)

    def lines(self, width: int) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the number of each leaf of what was said, with its lines."""
        return self._laid_out(width).lines()

    def waits_for(self, width: int) -> Callable[[], list[Leaf]] | None:
        """Return what has to be done, in any thread, before it can be shown laid out.

        Until `adopt` is given what comes of it, it is shown as it was written. None if
        there is nothing to be done.
        """
        layout, said = self._layout, self.said
        if layout is not None and layout.width == width and not layout.is_as_written:
            return None
        if not is_large(said):
            return None
        return partial(laid_out, continuing.shown(self.before, said.text), width)

    def adopt(self, leaves: Sequence[Leaf], width: int) -> None:
        """Show what `waits_for` asked for."""
        layout = self._laid_out(width)
        layout.adopt(leaves)
        layout.stack(self._head(layout), self._foot())

    def shown(self, width: int) -> Iterator[Shown]:
        """Yield the texts that it shows, with where each of their leaves begins."""
        layout, said = self._laid_out(width), self.said
        head = len(self._head(layout))
        if not self.is_folded and (thoughts := layout.thoughts(said)):
            thinking = said.thinking if isinstance(said, Message) else said.words("thinking")
            yield _shown(2, thoughts, thinking, is_plain=bool(layout.plain_thoughts))
        if self.is_seam:
            return
        words = layout.document.source
        if isinstance(said, Message):
            words = continuing.shown(self.before, said.text) if self.is_reply else self.source
        yield _shown(head, layout.words, words, is_plain=bool(layout.plain))

    def code(self) -> list[str]:
        """Return the source of every code block."""
        leaves = Document.whole(self.source).leaves if self.is_reply else ()
        return [leaf.source for leaf in leaves if isinstance(leaf, CodeLeaf)]

    def forget(self) -> None:
        """Let go of what can be made again."""
        if isinstance(self.said, Message):
            self._layout = None

    def fold(self, *, is_folded: bool) -> None:
        """Hide or show the thinking."""
        self.is_folded = is_folded
        if self._layout is not None:
            self._layout.stack(self._head(self._layout), self._foot())

    def catch_up(self, draft: Draft, now: float, width: int) -> tuple[bool, int]:
        """Take in what is new of the draft that this is; `now` is monotonic seconds.

        Returns whether that was all of it, and the first row that changed. What did
        not change is not laid out again.
        """
        self._status = clean_line(wording.activity(draft, now))
        try:
            layout = self._laid_out(width)
            has_thought, changed = layout.feed(draft)
            head = self._head(layout)
            first = 0 if has_thought else len(head) + changed
            row = layout.stack(head, self._foot(), first=first)
        except Exception as error:  # noqa: BLE001 - whatever it is, the words are shown
            self._lay_out_as_written(width, error)
            return True, 0
        return not layout.document.is_behind, row

    def ending(self, message: Message, width: int) -> Callable[[], list[Leaf]]:
        """Return what has to be done, in any thread, before a large draft can `end`."""
        shown = list(self._layout.document.leaves) if self._layout is not None else []
        return partial(laid_out, continuing.shown(self.before, message.text), width, shown)

    def end(self, message: Message, leaves: Sequence[Leaf] | None, width: int) -> None:
        """Become the message that a large draft was kept as."""
        self.said = message
        layout = self._layout
        if layout is None or layout.width != width or leaves is None:
            self._layout = None
            return
        layout.adopt(leaves)
        layout.thinking = None
        layout.stack(self._head(layout), self._foot())

    def finish(self, message: Message) -> None:
        """Become the message that the draft was kept as, its text parsed whole.

        Leaves that came out as they were drawn stay, and with them their colours.
        """
        self.said = message
        layout = self._layout
        if self._is_broken:
            self._layout = None
        elif layout is not None:
            try:
                layout.document.replace(parse(continuing.shown(self.before, message.text)))
                layout.thinking = None
                layout.stack(self._head(layout), self._foot())
            except Exception as error:  # noqa: BLE001 - whatever it is, the words are shown
                self._lay_out_as_written(layout.width, error)

    def _laid_out(self, width: int) -> MessageLayout:
        try:
            return self._lay_out(width)
        except Exception as error:  # noqa: BLE001 - whatever it is, the words are shown
            return self._lay_out_as_written(width, error)

    def _lay_out(self, width: int) -> MessageLayout:
        layout = self._layout
        # To lay a large message out at another width is done in a thread too.
        if layout is None or (layout.width not in (-1, width) and is_large(self.said)):
            layout = self._layout = MessageLayout.of(self.said, self.before)
        if layout.width != width:
            layout.width = width
            layout.stack(self._head(layout), self._foot())
        return layout

    def _lay_out_as_written(self, width: int, error: Exception) -> MessageLayout:
        """Show the words without Markdown, which could not be laid out."""
        if not self._is_broken:
            _log.error("a message could not be laid out", exc_info=error)
        self._is_broken = True
        layout = self._layout = MessageLayout.as_written(self.source)
        layout.width = width
        layout.stack(self._head(layout), self._foot())
        return layout

    def _head(self, layout: MessageLayout) -> list[Leaf]:
        heading = layout.heading = layout.heading or plain_leaf(
            _heading(self.said, self._now_ms, self.version)
        )
        label = _thought_label(self.said, layout)
        if label is None:
            return [heading]
        sign = "▸" if self.is_folded else "▾"
        line = plain_leaf(Content(f"{sign} {label}").stylize(f"italic {MUTED}"))
        return [heading, line, *([] if self.is_folded else layout.thoughts(self.said))]

    def _foot(self) -> list[Leaf]:
        """Return the line below a reply, and the blank row below every message."""
        if not (self.is_reply and (words := self.figures)):
            return [plain_leaf(Content())]
        return [plain_leaf(Content(words).stylize(MUTED), gap=1), plain_leaf(Content())]


def _shown(first: int, leaves: Sequence[Leaf], words: str, *, is_plain: bool) -> Shown:
    source = clean(words)
    return Shown(first, leaves, source, [0] if is_plain else leaf_lines(source))


def _thought_label(said: Message | Draft, layout: MessageLayout) -> str | None:
    """Return the line that stands for the thinking; None when there was none."""
    if isinstance(said, Message):
        return wording.thought(said) if said.thinking else None
    if layout.thinking is None:
        return None
    return "Thinking" if said.activity == "thinking" else "Thought"


def _heading(said: Message | Draft, now_ms: int, version: str) -> Content:
    if isinstance(said, Message) and said.is_continuation:
        return Content.assemble(("┄┄ the rest was asked for ┄┄", MUTED))
    if isinstance(said, Message) and said.role == "user":
        name, colour, created_ms = "You", "$text-primary", said.created_ms
    else:
        name, colour = wording.model_name(said.model or ""), "$text-accent"
        created_ms = said.started_ms if isinstance(said, Draft) else said.created_ms
    moment = wording.moment(created_ms, now_ms)
    words = Content.assemble((clean_line(name), f"bold {colour}"), "  ", (moment, MUTED))
    return Content.assemble(words, "  ", (version, "bold $accent")) if version else words


def _ending(message: Message) -> str:
    ending = wording.ending(message)
    if ending and message.state not in ("max_tokens", "streaming", "context_full"):
        what = "o goes on, r asks again." if can_go_on(message) else "r asks again."
        ending = f"{ending.rstrip('.')}. {what}"
    elif message.state == "max_tokens":
        ending += " · o goes on."
    return clean_line(" · ".join(part for part in (wording.figures(message), ending) if part))
