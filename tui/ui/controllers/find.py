"""Finding words in the open conversation."""

from __future__ import annotations

import asyncio
from time import perf_counter

from textual.widget import Widget
from textual.worker import Worker

from tui.domain.clock import Clock
from tui.domain.query import Query, Term, parse, typed_as
from tui.ui.widgets.find_bar import FindBar
from tui.ui.widgets.match_set import Matches
from tui.ui.widgets.transcript import Transcript

_SLICE = 0.008
"""Seconds of searching before keys and drawing get their turn."""


class Finder:
    """Connects the find bar with the matches in the transcript."""

    def __init__(self, transcript: Transcript, bar: FindBar, clock: Clock) -> None:
        self._transcript = transcript
        self._bar = bar
        self._clock = clock
        self._came_from: Widget | None = None
        """The widget that had the focus before the bar."""

    def begin(self, typed: str | None = None) -> None:
        """Open the find bar and move the focus to it; with `typed`, find that."""
        self._came_from = self._bar.screen.focused
        self._bar.open(typed)
        self._bar.type_into()
        self.find_typed()

    def find_typed(self) -> None:
        """Find what the bar contains now."""
        self._find(self._terms)

    def find_again(self) -> None:
        """Find the same words again after the transcript has changed, without scrolling."""
        if self._bar.display:
            self._find(self._terms, is_staying=True)

    def find(self, terms: tuple[Term, ...], message_id: str) -> None:
        """Show these terms in the bar, and find them, beginning at a message."""
        self._bar.open(typed_as(terms))
        # After the layout: the first conversation shown has no size before that.
        self._transcript.call_after_refresh(self._find, terms, at=message_id)

    @property
    def _query(self) -> Query:
        return parse(self._bar.typed, self._clock.now_ms())

    @property
    def _terms(self) -> tuple[Term, ...]:
        return self._query.terms

    def _find(
        self, terms: tuple[Term, ...], *, at: str | None = None, is_staying: bool = False
    ) -> Worker[None]:
        # Not a coroutine: a worker that is cancelled before it starts would not await it.
        async def look() -> None:
            await self._look(terms, at=at, is_staying=is_staying)

        return self._transcript.run_worker(look, exclusive=True, group="find")

    def end(self) -> bool:
        """Close the bar; return False if it was closed already."""
        was_open = bool(self._bar.display)
        had_keys = self._bar.is_typed_into
        self._bar.display = False
        self._transcript.matches = None
        if was_open:
            self._transcript.draw_matches()
        if had_keys and self._came_from is not None and self._came_from.focusable:
            self._came_from.focus()
        return was_open

    def step(self, step: int) -> None:
        """Go to the next match (`step` 1) or the one before (-1)."""
        matches = self._transcript.matches
        if matches is None:
            self.begin()
        elif (match := matches.step(step)) is not None:
            self._transcript.show_match(match)
            self._count(matches)

    async def _look(self, terms: tuple[Term, ...], *, at: str | None, is_staying: bool) -> None:
        """Find terms, beginning at the message in view or at a given one.

        It works in slices: a conversation may be long, and a match is known only after
        its message is laid out.
        """
        transcript = self._transcript
        if not terms or not transcript.entries:
            transcript.matches = None
            transcript.draw_matches()
            self._show_count("")
            return
        old = transcript.matches
        matches = Matches(terms)
        matches.current = old.current if old is not None and is_staying else None
        in_view, _ = transcript.column.position(int(transcript.scroll_y))
        first = in_view if at is None else transcript.column.number_of(at) or 0
        transcript.matches = matches
        has_scrolled = is_staying
        until = perf_counter() + _SLICE
        count = len(transcript.entries)
        for number in [*range(first, count), *range(first)]:
            if transcript.matches is not matches or number >= len(transcript.entries):
                return
            await transcript.prepare(number)
            matches.look_at(number, transcript.entries[number], transcript.text_width)
            transcript.column.release(number)
            if not has_scrolled and (match := matches.first_from(number)) is not None:
                transcript.show_match(match)
                has_scrolled = True
            if perf_counter() > until:
                self._count(matches, is_counting=True)
                await asyncio.sleep(0)
                until = perf_counter() + _SLICE
        transcript.draw_matches()
        self._count(matches)

    def _count(self, matches: Matches, *, is_counting: bool = False) -> None:
        known = matches.all
        more = " …" if is_counting else ""
        if not known:
            self._show_count(more or "Not found")
        elif matches.current in known:
            self._show_count(f"{known.index(matches.current) + 1}/{len(known)}{more}")
        else:
            self._show_count(f"{len(known)}{more}")

    def _show_count(self, count: str) -> None:
        note = "filters have no effect here" if self._query.has_filters else ""
        self._bar.count(" · ".join(part for part in (count, note) if part))
