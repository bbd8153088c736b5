"""Recalls earlier questions into the composer, by stepping or by a search.

The user can change or send them there. Meanwhile the draft that they replace stays on disk,
and it comes back as it was, also after the question was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tui.chat.session import Session
from tui.domain.earlier_prompt import EarlierPrompt
from tui.store.prompts import NEWEST
from tui.ui.widgets.composed_text import ComposedText, composed
from tui.ui.widgets.composer import Composer

PAGE = 20
"""How many questions are read at once."""


@dataclass
class _Steps:
    """The steps that the user has made from a draft through earlier questions."""

    beginnings: int
    """The composer's `beginnings` when the steps began."""
    draft: ComposedText
    prompts: list[EarlierPrompt] = field(default_factory=list)
    """The questions that were read so far, the newest first."""
    position: int = 0
    """The number of the question in the composer, from 1; 0 for the draft."""
    changed: dict[int, ComposedText] = field(default_factory=dict)
    """The questions that the user has changed, by position."""
    is_complete: bool = False
    """Whether there are no earlier questions than these."""

    @property
    def before(self) -> int:
        """The position in the history from which to read the next page."""
        return self.prompts[-1].n if self.prompts else NEWEST


class Recall:
    """Puts earlier questions into the composer."""

    def __init__(
        self,
        composer: Composer,
        session: Session,
        act: Callable[..., object],
        save_draft: Callable[[], None],
    ) -> None:
        self._composer = composer
        self._session = session
        self._act = act
        """Runs in a worker what the user asked for."""
        self._save_draft = save_draft
        self._steps: _Steps | None = None

    def step(self, conversation_id: str, step: int) -> None:
        """Show the question before the present one (`step` 1) or after it (-1)."""
        if conversation_id != self._composer.conversation_id:
            return
        steps = self._noted()
        position = steps.position + step
        if position < 0:
            self._composer.move_cursor(self._composer.document.end)
        elif position <= len(steps.prompts):
            self._show(steps, position)
        elif steps.is_complete:
            self._stay(steps)
        else:
            # What stands there is not meant to be sent any more.
            self._composer.is_waiting = True
            self._act(self._read_on, steps, self._composer.whole)

    def leave(self) -> bool:
        """Show the draft instead of an unchanged question; return False if none is shown."""
        if not self._composer.is_recalled:
            return False
        self._show(self._noted(), 0)
        return True

    def bring_back(self) -> None:
        """Show the draft again after the question that replaced it was sent."""
        if self._composer.is_recalled and not self._composer.whole:
            self._composer.end_recall(self._noted().draft, is_sent=True)
            self._steps = None

    async def search(self) -> None:
        """Let the user search for an earlier question, and show it instead of the draft."""
        from tui.ui.screens.recall import RecallScreen

        screen = RecallScreen(self._session.store)
        chosen = await self._composer.app.push_screen_wait(screen)
        self._composer.focus()
        if chosen is not None:
            steps = self._noted()
            # From there Up goes to the questions before it, and Down to the present text.
            del steps.prompts[steps.position :]
            steps.prompts.append(chosen)
            steps.is_complete = False
            self._show(steps, steps.position + 1)

    def _noted(self) -> _Steps:
        """Return the steps, after noting the present text of the composer in them."""
        steps, composer = self._steps, self._composer
        if steps is None or steps.beginnings != composer.beginnings:
            steps = None
        elif composer.whole == steps.draft.whole and not composer.is_recalled:
            # The draft is back, for example after an undo.
            steps.position = 0
        if steps is None or not (steps.position or steps.changed):
            # New steps: there may be a newer question by now.
            self._save_draft()
            steps = self._steps = _Steps(composer.beginnings, composer.composed)
        elif not steps.position:
            self._save_draft()
            steps.draft = composer.composed
        elif not composer.is_recalled:
            steps.changed[steps.position] = composer.composed
        return steps

    async def _read_on(self, steps: _Steps, whole: str) -> None:
        try:
            added = await self._added(steps)
        finally:
            self._composer.is_waiting = False
        is_current = steps is self._steps and steps.beginnings == self._composer.beginnings
        if added is None or not is_current:
            return
        steps.prompts += added
        if self._composer.whole != whole:
            # It took long, and something was typed meanwhile.
            return
        if added:
            self._show(steps, steps.position + 1)
        else:
            self._stay(steps)

    async def _added(self, steps: _Steps) -> list[EarlierPrompt] | None:
        """Read on; None if something else was read meanwhile."""
        known = {prompt.text for prompt in steps.prompts}
        before = steps.before
        added: list[EarlierPrompt] = []
        while not added:
            page = await self._session.store.finding.prompts.earlier(before=before, limit=PAGE)
            if page is None:
                return None
            added = [prompt for prompt in page.prompts if prompt.text not in known]
            steps.is_complete = page.is_complete
            if page.is_complete:
                break
            before = page.prompts[-1].n
        return added

    def _stay(self, steps: _Steps) -> None:
        """Move the cursor as Up does on the first line, if no question precedes the draft."""
        if not steps.position:
            self._composer.move_cursor((0, 0))

    def _show(self, steps: _Steps, position: int) -> None:
        composer = self._composer
        steps.position = position
        if not position:
            composer.end_recall(steps.draft)
            return
        changed = steps.changed.get(position)
        written = composed(steps.prompts[position - 1].text) if changed is None else changed
        composer.recall(written, set_aside=steps.draft.whole, is_changed=changed is not None)
