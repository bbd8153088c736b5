"""The dialog that searches earlier questions, to put one into the composer."""

from __future__ import annotations

import asyncio

from rich.cells import cell_len
from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.config.keymap import format_keys
from tui.domain.earlier_prompt import EarlierPrompt, EarlierPrompts, search_words
from tui.domain.query import Term, snippet
from tui.store import HistoryError, Store
from tui.text import formatting
from tui.text.sanitise import clean_line
from tui.ui.bindings import bindings_of
from tui.ui.screens.coverable import CoverableScreen
from tui.ui.widgets.key_hint import effective_key
from tui.ui.widgets.line_input import LineInput
from tui.ui.widgets.snippet_line import around_mark, marked

SHOWN = 100
"""At most so many questions are shown."""

_AGE_WIDTH = 6
"""Columns for the age of a question."""

_MUTED = "$foreground 75%"


class RecallScreen(CoverableScreen[EarlierPrompt | None], ModalScreen[EarlierPrompt | None]):
    """Shows matching questions while the user types. Its result is a question, or None."""

    CSS_PATH = "recall.tcss"
    BINDINGS = bindings_of("recall")

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._prompts: tuple[EarlierPrompt, ...] = ()
        self._is_found = asyncio.Event()
        """Set when the typed text has a result to choose, or has none at all."""

    def compose(self) -> ComposeResult:
        """Compose the field above the questions."""
        with Vertical() as box:
            box.border_title = "Earlier prompts"
            yield LineInput(placeholder="Search for", compact=True)
            yield Static(classes="status", markup=False)
            prompts = OptionList(markup=False)
            prompts.can_focus = False
            yield prompts

    def on_mount(self) -> None:
        """Show the newest questions."""
        self.query_one(Input).focus()
        hints = (
            f"{format_keys(['enter'])} Insert",
            f"{effective_key(self, 'recall.leave')} Close",
        )
        self.query_one(Vertical).border_subtitle = " · ".join(hints)
        self._find()

    def on_input_changed(self) -> None:
        """Show the questions that match now."""
        self._is_found.clear()
        self._find()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Choose the question under the cursor, after the whole typed text was searched for."""
        event.stop()
        await self._is_found.wait()
        self._choose(self._list.highlighted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose the clicked question."""
        self._choose(event.option_index)

    def action_step(self, step: int) -> None:
        """Move the cursor by one question."""
        if step > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def action_page(self, step: int) -> None:
        """Move the cursor by pages."""
        page, last = max(1, self._list.size.height - 1), len(self._prompts) - 1
        at = self._list.highlighted or 0
        self._list.highlighted = max(0, min(last, at + step * page)) if last >= 0 else None

    def action_leave(self) -> None:
        """Close without a choice."""
        self.dismiss(None)

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    def _choose(self, at: int | None) -> None:
        if at is not None and at < len(self._prompts):
            self.dismiss(self._prompts[at])

    @work(exclusive=True, group="find")
    async def _find(self) -> None:
        """Show the first results early if the search takes long, and then all of them."""
        typed = self.query_one(Input).value
        is_first = True

        def show(found: EarlierPrompts, status: str = "Still searching …") -> None:
            nonlocal is_first
            self._show(found.prompts, status, is_more=not is_first)
            is_first = False

        try:
            found = await self._store.finding.prompts.earlier(typed, limit=SHOWN, show=show)
        except HistoryError as error:
            self._show((), clean_line(str(error)))
            return
        if found is not None:
            show(found, _status(found))

    def _show(
        self, prompts: tuple[EarlierPrompt, ...], status: str, *, is_more: bool = False
    ) -> None:
        # The cursor stays where it is while more results arrive.
        at = self._list.highlighted if is_more else None
        pointed_at = None if at is None or at >= len(self._prompts) else self._prompts[at].n
        self._prompts = prompts
        self.query_one(".status", Static).update(status)
        self._fill(pointed_at)
        self._is_found.set()

    def on_resize(self) -> None:
        """List the questions for the new width."""
        # After the list has got its new width too.
        self.call_after_refresh(self._fill_again)

    def _fill_again(self) -> None:
        at = self._list.highlighted
        self._fill(None if at is None or at >= len(self._prompts) else self._prompts[at].n)

    def _fill(self, pointed_at: int | None) -> None:
        terms = [
            Term(word, is_inside=True) for word in search_words(self.query_one(Input).value)
        ]
        now_ms, shown = self._store.clock.now_ms(), self._list
        width = shown.scrollable_content_region.width - 2
        shown.clear_options()
        shown.add_options(
            Option(_line(prompt, terms, now_ms, width)) for prompt in self._prompts
        )
        if self._prompts:
            numbers = [prompt.n for prompt in self._prompts]
            shown.highlighted = numbers.index(pointed_at) if pointed_at in numbers else 0


def _status(found: EarlierPrompts) -> str:
    if not found.prompts:
        return "No results."
    if not found.is_complete:
        return f"The newest {SHOWN} prompts"
    count = len(found.prompts)
    return "1 prompt" if count == 1 else f"{count} prompts, newest first"


def _line(prompt: EarlierPrompt, terms: list[Term], now_ms: int, width: int) -> Content:
    """Return the line of a question: its age and its text."""
    age = formatting.age(prompt.created_ms, now_ms)
    before = age.rjust(_AGE_WIDTH - 2) + "  "
    words = snippet(prompt.text, terms, 2 * max(20, width))
    return Content.assemble(
        (before, _MUTED), marked(around_mark(words, max(1, width - cell_len(before))))
    )
