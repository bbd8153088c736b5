"""Find anything that was ever said: over the chat, one hit below the other."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui import wording
from tui.sanitise import clean, clean_line
from tui.search import Found, Hit, Order, Snippet, Term, parse
from tui.store import HistoryError, Store
from tui.widgets.line_input import LineInput

SHOWN = 100
"""How many hits are shown."""

AT_ONCE: dict[Order, float] = {"newest": 0.04, "best": 0.1}
"""After how many seconds what was found until then is shown, and ranked."""

_HOW = (
    'Words, "phrases", begin*, *part   role:you  model:opus  state:failed  tag:work\n'
    "after:7d  before:2026-11  in:title"
)
_MUTED = "$foreground 60%"

_MOST_OF_TITLE, _LEAST_OF_TITLE = 50, 12
"""How many columns of a title are shown, at most and at least."""

_AROUND = 12
"""How many columns are left for what follows a mark."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A hit to open, and what was looked for."""

    hit: Hit
    terms: tuple[Term, ...]
    typed: str


class SearchScreen(ModalScreen[Chosen | None]):
    """Shows what matches while it is typed, and dismisses with the hit to open."""

    CSS_PATH = "search.tcss"
    BINDINGS = [
        Binding("down", "step(1)", "Down", id="search.down", show=False),
        Binding("up", "step(-1)", "Up", id="search.up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="search.page-down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="search.page-up", show=False),
        Binding("tab", "change_order", "Newest or best match first", id="search.order"),
        Binding("escape", "leave", "Leave", id="search.leave"),
    ]

    def __init__(self, store: Store, typed: str, order: Order = "newest") -> None:
        super().__init__()
        self._store = store
        self._typed = clean_line(typed)
        self.order: Order = order
        self._found = Found(())
        self._terms: tuple[Term, ...] = ()

    def compose(self) -> ComposeResult:
        """Compose the line to type into above what was found."""
        with Vertical() as box:
            box.border_title = "Search everything"
            field = LineInput(self._typed, placeholder="What was said", compact=True)
            field.cursor_blink = False
            yield field
            yield Static(classes="status", markup=False)
            hits = OptionList(markup=False)
            hits.can_focus = False
            yield hits

    def on_mount(self) -> None:
        """Search for what is there already."""
        self.query_one(Input).focus()
        self._tell_order()
        self._find()

    def on_input_changed(self) -> None:
        """Search for what stands there now."""
        self._find()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open what the cursor is on."""
        event.stop()
        self._choose(self._hits.highlighted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open what was clicked."""
        self._choose(event.option_index)

    def action_step(self, step: int) -> None:
        """Move by a hit."""
        if step > 0:
            self._hits.action_cursor_down()
        else:
            self._hits.action_cursor_up()

    def action_page(self, step: int) -> None:
        """Move by a page."""
        page = max(1, self._hits.size.height // 3 - 1)
        last = len(self._found.hits) - 1
        at = self._hits.highlighted or 0
        self._hits.highlighted = max(0, min(last, at + step * page)) if last >= 0 else None

    def action_change_order(self) -> None:
        """Show what matches best first, or the newest."""
        self.order = "best" if self.order == "newest" else "newest"
        self._tell_order()
        self._find()

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)

    @property
    def typed(self) -> str:
        """What is looked for."""
        return self.query_one(Input).value

    @property
    def _hits(self) -> OptionList:
        return self.query_one(OptionList)

    def _choose(self, at: int | None) -> None:
        if at is not None and at < len(self._found.hits):
            self.dismiss(Chosen(self._found.hits[at], self._terms, self.typed))

    def _tell_order(self) -> None:
        other = "best match" if self.order == "newest" else "newest"
        self.query_one(Vertical).border_subtitle = f"Enter opens, Tab {other} first, Esc leaves"

    @work(exclusive=True, group="find")
    async def _find(self) -> None:
        """Show what there is at once; then all of it, should that take longer."""
        query = parse(self.typed, self._store.clock.now_ms())
        if query.is_empty:
            self._show(Found(()), (), _HOW)
            return
        if query.problem:
            self._show(Found(()), (), clean_line(query.problem))
            return
        finding = self._store.finding
        try:
            found = await finding.messages(
                query, order=self.order, limit=SHOWN, seconds=AT_ONCE[self.order]
            )
            if found is not None and found.is_cut:
                self._show(found, query.terms, "Searching further …")
                found = await finding.messages(query, order=self.order, limit=SHOWN)
        except HistoryError as error:
            self._show(Found(()), (), clean_line(str(error)))
            return
        if found is not None:
            lines = [self._counted(len(found.hits)), clean_line(query.hint)]
            self._show(found, query.terms, "\n".join(line for line in lines if line))

    def _counted(self, count: int) -> str:
        if not count:
            return "Nothing was found."
        what = "1 hit" if count == 1 else f"{count} hits"
        if self.order == "best":
            return f"{what}, the best match first"
        return f"The newest {count} hits" if count == SHOWN else f"{what}, the newest first"

    def _show(self, found: Found, terms: tuple[Term, ...], status: str) -> None:
        self._found, self._terms = found, terms
        self.query_one(".status", Static).update(status)
        self._list(0)

    def on_resize(self) -> None:
        """List the hits for the new width."""
        # Once the list has it too.
        self.call_after_refresh(lambda: self._list(self._hits.highlighted or 0))

    def _list(self, highlighted: int) -> None:
        now_ms, hits = self._store.clock.now_ms(), self._hits
        width = hits.scrollable_content_region.width - 2
        hits.clear_options()
        hits.add_options(Option(_lines(hit, now_ms, width)) for hit in self._found.hits)
        if self._found.hits:
            hits.highlighted = highlighted


def _lines(hit: Hit, now_ms: int, width: int) -> Content:
    """Return a hit as it is listed: where it is, and the words around it.

    Of a long title as much as leaves room for who said it.
    """
    title = clean_line(hit.title) or "Untitled"
    who = f"  {_who(hit)} · {wording.age(hit.created_ms, now_ms)}"
    room = max(_LEAST_OF_TITLE, min(_MOST_OF_TITLE, width - cell_len(who)))
    if cell_len(title) > room:
        title = f"{set_cell_size(title, room - 1).rstrip()}…"
    head = Content.assemble((title, "bold"), (who, _MUTED))
    return Content("\n").join([head, _marked(_seen(hit.snippet, width)), Content()])


def _seen(snippet: Snippet, width: int) -> Snippet:
    """Return a snippet that begins so late that its first mark can be seen."""
    text, marks = snippet.text, snippet.marks
    if not marks or cell_len(text[: marks[0][1]]) < width:
        return snippet
    first, after = marks[0]
    begin = next(
        (at for at in range(first) if cell_len(text[at:after]) < width - _AROUND), first
    )
    return Snippet(
        f"…{text[begin:]}", tuple((at + 1 - begin, end + 1 - begin) for at, end in marks)
    )


def _who(hit: Hit) -> str:
    if hit.found_in == "title":
        return "title"
    who = "You" if hit.role == "user" else wording.model_name(clean_line(hit.model or ""))
    return f"{who}, thinking" if hit.found_in == "thinking" else who


def _marked(snippet: Snippet) -> Content:
    # Piece by piece: what is cleaned may become longer, and the marks would slip.
    pieces, end = [], 0
    for start, after in snippet.marks:
        if start >= end:
            pieces.append(Content(clean(snippet.text[end:start])))
            mark = clean(snippet.text[start:after])
            pieces.append(Content(mark).stylize("bold $accent"))
            end = after
    pieces.append(Content(clean(snippet.text[end:])))
    return Content("").join(pieces)
