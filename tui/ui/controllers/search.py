"""Searching the whole history, and opening the result that the user chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.chat import message_commands
from tui.chat.session import Session
from tui.domain.query import Hit, Term
from tui.ui.controllers.find import Finder
from tui.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from tui.ui.screens.search import Chosen


class Searcher:
    """Opens the search screen, and then the message of the chosen hit."""

    def __init__(self, transcript: Transcript, finder: Finder, session: Session) -> None:
        self._transcript = transcript
        self._finder = finder
        self._session = session
        self._typed = ""
        """The last query."""
        self._is_best_first = False

    async def search(self, typed: str) -> bool:
        """Let the user search, and open the hit they choose; return False if none."""
        from tui.ui.screens.search import SearchScreen

        screen = SearchScreen(
            self._session.store,
            typed or self._typed,
            "best" if self._is_best_first else "newest",
        )
        chosen = await self._transcript.app.push_screen_wait(screen)
        self._typed, self._is_best_first = screen.typed, screen.order == "best"
        if chosen is not None:
            await self._open(chosen)
        return chosen is not None

    async def _open(self, chosen: Chosen) -> None:
        hit, session, transcript = chosen.hit, self._session, self._transcript
        if hit.message_id is None:
            if hit.conversation_id != session.open_id:
                await session.open(hit.conversation_id)
            return
        await message_commands.go_to(session, hit.conversation_id, hit.message_id)
        transcript.focus()
        # After the messages with which the session announced its new path.
        transcript.screen.call_later(self._show_hit, chosen.terms, hit)

    def _show_hit(self, terms: tuple[Term, ...], hit: Hit) -> None:
        if hit.message_id is None or hit.found_in == "title":
            return
        if hit.found_in == "thinking":
            self._transcript.show_thinking(hit.message_id)
        self._finder.find(terms, hit.message_id)
