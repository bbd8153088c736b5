"""Quitting the app, after replies and drafts are saved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from textual.app import App
from textual.worker import Worker

from tui.chat.session import Session
from tui.config.keymap import Keymap
from tui.store import HistoryError
from tui.ui.containment import LEAVING

AGAIN_WITHIN = 2.0
"""Seconds within which a second press quits."""


class Leaving:
    """Quits the app, once. Asks first if something would be lost."""

    def __init__(
        self,
        app: App[None],
        session: Session,
        keymap: Keymap,
        save_scroll_anchor: Callable[[], Awaitable[object]],
    ) -> None:
        self._app = app
        self._session = session
        self._keymap = keymap
        self._save_scroll_anchor = save_scroll_anchor
        """Saves the scroll position of the open conversation."""
        self._pressed_at = float("-inf")
        """When `press` was last called, in monotonic seconds."""
        self._worker: Worker[None] | None = None
        """The worker that asks and quits."""

    def press(self) -> None:
        """Quit at the second press; at the first one, tell the user to press again."""
        now = self._session.store.clock.monotonic()
        if now - self._pressed_at < AGAIN_WITHIN:
            self.leave()
            return
        self._pressed_at = now
        line = self._keymap.fill("Press {app.interrupt} again to quit.")
        self._app.notify(line, timeout=AGAIN_WITHIN, markup=False)

    def forget_press(self) -> None:
        """Count the next press as the first one."""
        self._pressed_at = float("-inf")

    def leave(self) -> None:
        """Quit, unless that has begun: a second dialog would leave a dead one below it."""
        if self._worker is None or self._worker.is_finished:
            self._worker = self._run(self._ask_and_leave)

    def leave_at_once(self, code: int) -> None:
        """Quit without a question, for a signal or a closed terminal; save what has arrived."""

        async def work() -> None:
            await self._session.scheduler.stop_all(is_interrupted=True)
            await self._save_drafts()
            self._app.exit(return_code=code)

        self._run(work)

    def _run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> Worker[None]:
        return self._app.run_worker(work, group=LEAVING, exclusive=True)

    async def _ask_and_leave(self) -> None:
        running = len(self._session.scheduler.streaming)
        what = "A reply is" if running == 1 else f"{running} replies are"
        question = f"{what} being written. Stop and quit? The text so far is saved."
        if running and not await self._may_quit(question):
            return
        # Do both, even if one of them fails.
        are_saved = await self._session.stop_all(), await self._save_drafts()
        question = "The latest text could not be saved: the history cannot be written."
        if not all(are_saved) and not await self._may_quit(f"{question} Quit and lose it?"):
            self._session.scheduler.resume()
            return
        self._app.exit()

    async def _may_quit(self, question: str) -> bool:
        from tui.ui.screens.confirm import ConfirmScreen

        return await self._app.push_screen_wait(ConfirmScreen(question, yes="Quit"))

    async def _save_drafts(self) -> bool:
        """Save the drafts and the scroll position; return False if a draft is not saved."""
        # It is logged where it was raised, and a lost scroll position needs no notice.
        with suppress(HistoryError):
            await self._save_scroll_anchor()
        try:
            await self._session.drafts.save()
        except HistoryError:
            return False
        return True
