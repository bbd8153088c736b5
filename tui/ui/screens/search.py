"""The dialog that searches the whole history and lists the hits."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.config.keymap import format_keys
from tui.domain.query import Found, Hit, Order, Term, parse
from tui.store import HistoryError, Store
from tui.text import formatting
from tui.text.sanitise import clean_line
from tui.ui.bindings import bindings_of
from tui.ui.screens.coverable import CoverableScreen
from tui.ui.widgets.key_hint import effective_key
from tui.ui.widgets.line_input import LineInput
from tui.ui.widgets.snippet_line import around_mark, marked

MAX_HITS = 100
"""At most so many hits are shown."""

FIRST_RESULTS_AFTER: dict[Order, float] = {"newest": 0.04, "best": 0.1}
"""Seconds until the hits found so far are shown, in the order that was asked for."""

_HOW = (
    'Words, "phrases", begin*, *part   role:you  model:opus  tag:work\n'
    "state:failed  after:7d  before:2026-11  in:title"
)
_MUTED = "$foreground 75%"

_MOST_OF_TITLE, _LEAST_OF_TITLE = 50, 12
"""The most columns of a title that are shown, and the fewest."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A hit to open, and the query that found it."""

    hit: Hit
    terms: tuple[Term, ...]
    typed: str


class SearchScreen(CoverableScreen[Chosen | None], ModalScreen[Chosen | None]):
    """Shows the hits while the user types. Its result is the hit to open, or None."""

    CSS_PATH = "search.tcss"
    BINDINGS = bindings_of("search")

    def __init__(self, store: Store, typed: str, order: Order = "newest") -> None:
        super().__init__()
        self._store = store
        self._typed = clean_line(typed)
        self.order: Order = order
        self._found = Found(())
        self._terms: tuple[Term, ...] = ()

    def compose(self) -> ComposeResult:
        """Compose the field above the status and the hits."""
        with Vertical() as box:
            box.border_title = "Search everything"
            yield LineInput(self._typed, placeholder="Search for", compact=True)
            yield Static(classes="status", markup=False)
            hits = OptionList(markup=False)
            hits.can_focus = False
            yield hits

    def on_mount(self) -> None:
        """Search for the text that the field begins with."""
        self.query_one(Input).focus()
        self._show_order()
        self._find()

    def on_input_changed(self) -> None:
        """Search for the text that the field holds now."""
        self._find()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open the hit under the cursor."""
        event.stop()
        self._choose(self._hits.highlighted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open the clicked hit."""
        self._choose(event.option_index)

    def action_step(self, step: int) -> None:
        """Move the cursor by one hit."""
        if step > 0:
            self._hits.action_cursor_down()
        else:
            self._hits.action_cursor_up()

    def action_page(self, step: int) -> None:
        """Move the cursor by pages."""
        page = max(1, self._hits.size.height // 3 - 1)
        last = len(self._found.hits) - 1
        at = self._hits.highlighted or 0
        self._hits.highlighted = max(0, min(last, at + step * page)) if last >= 0 else None

    def action_change_order(self) -> None:
        """Change between the best match first and the newest first."""
        self.order = "best" if self.order == "newest" else "newest"
        self._show_order()
        self._find()

    def action_leave(self) -> None:
        """Close without opening a hit."""
        self.dismiss(None)

    @property
    def typed(self) -> str:
        """The query, as typed."""
        return self.query_one(Input).value

    @property
    def _hits(self) -> OptionList:
        return self.query_one(OptionList)

    def _choose(self, at: int | None) -> None:
        if at is not None and at < len(self._found.hits):
            self.dismiss(Chosen(self._found.hits[at], self._terms, self.typed))

    def _show_order(self) -> None:
        other = "best match" if self.order == "newest" else "newest"
        order, leave = (effective_key(self, f"search.{each}") for each in ("order", "leave"))
        hints = (f"{format_keys(['enter'])} Open", f"{order} {other} first", f"{leave} Close")
        self.query_one(Vertical).border_subtitle = " · ".join(hints)

    @work(exclusive=True, group="find")
    async def _find(self) -> None:
        """Show the first hits early if the search takes long, and then all of them."""
        query = parse(self.typed, self._store.clock.now_ms())
        if query.is_empty:
            self._show(Found(()), (), _HOW)
            return
        if query.problem:
            self._show(Found(()), (), clean_line(query.problem))
            return
        is_first = True

        def show(found: Found, status: str = "Still searching …") -> None:
            nonlocal is_first
            self._show(found, query.terms, status, is_more=not is_first)
            is_first = False

        try:
            found = await self._store.finding.messages(
                query,
                order=self.order,
                limit=MAX_HITS,
                show=show,
                show_after=FIRST_RESULTS_AFTER[self.order],
            )
        except HistoryError as error:
            self._show(Found(()), (), clean_line(str(error)))
            return
        if found is not None:
            cut = (
                "The search took too long. Older messages were not searched."
                if found.is_truncated
                else ""
            )
            lines = [self._count_label(len(found.hits)), cut, clean_line(query.hint)]
            show(found, "\n".join(line for line in lines if line))

    def _count_label(self, count: int) -> str:
        if not count:
            return "No results."
        what = "1 result" if count == 1 else f"{count} results"
        if self.order == "best":
            return f"{what}, best match first"
        return f"The newest {count} results" if count == MAX_HITS else f"{what}, newest first"

    def _show(
        self, found: Found, terms: tuple[Term, ...], status: str, *, is_more: bool = False
    ) -> None:
        self._found, self._terms = found, terms
        self.query_one(".status", Static).update(status)
        # The cursor stays where it is while more hits arrive.
        self._list(self._hits.highlighted or 0 if is_more else 0)

    def on_resize(self) -> None:
        """List the hits for the new width."""
        # After the list has got its new width too.
        self.call_after_refresh(lambda: self._list(self._hits.highlighted or 0))

    def _list(self, highlighted: int) -> None:
        now_ms, hits = self._store.clock.now_ms(), self._hits
        width = hits.scrollable_content_region.width - 2
        hits.clear_options()
        hits.add_options(Option(_lines(hit, now_ms, width)) for hit in self._found.hits)
        if self._found.hits:
            hits.highlighted = highlighted


def _lines(hit: Hit, now_ms: int, width: int) -> Content:
    """Return the lines of a hit: its conversation, who said it, and the text around it.

    A long title is cut so that there is room for who said it.
    """
    title = clean_line(hit.title) or "Untitled"
    who = f"  {_who(hit)} · {formatting.age(hit.created_ms, now_ms)}"
    room = max(_LEAST_OF_TITLE, min(_MOST_OF_TITLE, width - cell_len(who)))
    if cell_len(title) > room:
        title = f"{set_cell_size(title, room - 1).rstrip()}…"
    head = Content.assemble((title, "bold"), (who, _MUTED))
    return Content("\n").join([head, marked(around_mark(hit.snippet, width)), Content()])


def _who(hit: Hit) -> str:
    if hit.found_in == "title":
        return "title"
    who = "You" if hit.role == "user" else formatting.model_name(clean_line(hit.model or ""))
    return f"{who}, thinking" if hit.found_in == "thinking" else who
