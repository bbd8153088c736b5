"""Finding: in the conversation that is read, and everywhere."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from tui.search import Term, parse, typed_as
from tui.widgets.find_bar import FindBar
from tui.widgets.matches import Matches

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen
    from tui.screens.search import Chosen

_SLICE = 0.008
"""How many seconds messages are looked at in one go."""


class Looking:
    """The find bar and the search for everything, on the chat screen."""

    def __init__(self, chat: ChatScreen) -> None:
        self._chat = chat
        self.bar = FindBar()
        self._searched = ""
        """What was last searched for everywhere."""
        self._is_best_first = False

    # In the conversation

    def begin(self) -> None:
        """Let it be typed what to find here; a second time, search everywhere."""
        if self.bar.is_typed_into:
            self._chat.search(self.bar.typed)
        elif not self._chat.transcript.entries:
            self._chat.search("")
        else:
            self.bar.open()
            self.bar.type_into()
            self._chat.look(self._terms)

    @property
    def _terms(self) -> tuple[Term, ...]:
        return parse(self.bar.typed, self._chat.store.clock.now_ms()).terms

    def typed(self) -> None:
        """Find what stands in the bar now."""
        self._chat.look(self._terms)

    def again(self) -> None:
        """Find the same in what is shown now, and stay where the reader is."""
        if self.bar.display:
            self._chat.look(self._terms, is_staying=True)

    def end(self) -> bool:
        """Close the bar; False if it was closed."""
        chat = self._chat
        was_open = bool(self.bar.display)
        had_keys = self.bar.is_typed_into
        self.bar.display = False
        chat.transcript.matches = None
        if was_open:
            chat.transcript.draw_matches()
        if had_keys:
            chat.set_focus(chat.transcript)
        return was_open

    def step(self, step: int) -> None:
        """Go to the next match (`step` 1) or the one before (-1)."""
        transcript = self._chat.transcript
        matches = transcript.matches
        if matches is None:
            self.begin()
        elif (match := matches.step(step)) is not None:
            transcript.show_match(match)
            self._count(matches)

    async def look(
        self, terms: tuple[Term, ...], *, at: str | None = None, is_staying: bool = False
    ) -> None:
        """Find some words in what is read, from what is in view on; or from a message on.

        In slices: a conversation may be long, and to find something in it takes its
        layout.
        """
        transcript = self._chat.transcript
        if not terms or not transcript.entries:
            transcript.matches = None
            transcript.draw_matches()
            self.bar.count("")
            return
        old = transcript.matches
        matches = Matches(terms)
        matches.current = old.current if old is not None and is_staying else None
        first = transcript.number_of(at) if at is not None else transcript.number_in_view
        transcript.matches = matches
        is_led = is_staying
        until = perf_counter() + _SLICE
        count = len(transcript.entries)
        for number in [*range(first, count), *range(first)]:
            if transcript.matches is not matches or number >= len(transcript.entries):
                return
            await transcript.prepare(number)
            matches.look_at(number, transcript.entries[number], transcript.text_width)
            transcript.release(number)
            if not is_led and (match := matches.first_from(number)) is not None:
                transcript.show_match(match)
                is_led = True
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
            self.bar.count(more or "Not found")
        elif matches.current in known:
            self.bar.count(f"{known.index(matches.current) + 1}/{len(known)}{more}")
        else:
            self.bar.count(f"{len(known)}{more}")

    # Everywhere

    async def search(self, typed: str) -> None:
        """Search everything, and open the hit that is chosen. Raises `HistoryError`."""
        from tui.screens.search import SearchScreen

        chat = self._chat
        screen = SearchScreen(
            chat.store,
            typed or self._searched,
            "best" if self._is_best_first else "newest",
        )
        chosen = await chat.app.push_screen_wait(screen)
        self._searched, self._is_best_first = screen.typed, screen.order == "best"
        if chosen is not None:
            await self._open(chosen)

    async def _open(self, chosen: Chosen) -> None:
        """Read the conversation of a hit, at its message."""
        chat, hit = self._chat, chosen.hit
        conversation = await chat.store.conversation(hit.conversation_id)
        if conversation is None:
            chat.notify("This conversation was deleted meanwhile.", markup=False)
            return
        chat.remove_class("-drawer")
        # What was searched for everywhere says nothing of the titles any more.
        chat.filter.value = ""
        if conversation.id != chat.reading.conversation.id:
            await chat.read(conversation)
        if hit.message_id is None:
            return
        await chat.reading.go_to(hit.message_id)
        chat.show_reading(at=hit.message_id)
        chat.set_focus(chat.transcript)
        if hit.found_in == "title":
            return
        if hit.found_in == "thinking":
            chat.transcript.unfold(hit.message_id)
        self.bar.open(typed_as(chosen.terms))
        # Once the size is known, should it be the first that is shown.
        chat.call_after_refresh(chat.look, chosen.terms, at=hit.message_id)
