"""A screen that does its work in workers, and tells the user if that fails."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from textual.screen import ScreenResultType
from textual.worker import Worker

from tui.chat.open_conversation import Refused
from tui.store import HistoryError
from tui.text.sanitise import clean_line
from tui.ui.screens.coverable import CoverableScreen

Work = Callable[..., Coroutine[Any, Any, object]]


class PerformingScreen(CoverableScreen[ScreenResultType]):
    """Runs work in workers, and shows `HistoryError` and `Refused` as notices."""

    def __init__(self) -> None:
        super().__init__()
        self._acting: set[Worker[None]] = set()

    def perform(
        self, work: Work, *args: object, group: str = "", is_exclusive: bool = False
    ) -> Worker[None]:
        """Run `work` in a worker; if it cannot be done, tell the user why.

        `is_exclusive` cancels the group's other workers.
        """
        # Not a coroutine: a worker that is cancelled before it starts would not await it.
        return self.run_worker(
            partial(self._perform, partial(work, *args)), group=group, exclusive=is_exclusive
        )

    async def _perform(self, work: Work) -> None:
        try:
            await work()
        except (HistoryError, Refused) as error:
            self.notify_error(str(error))

    def notify_error(self, line: str) -> None:
        """Tell the user what went wrong."""
        self.notify(clean_line(line), severity="error", timeout=10, markup=False)

    def act(self, work: Work, *args: object) -> None:
        """Run what the user asked for; keys that they press meanwhile wait for it."""
        self._acting.add(self.perform(work, *args, group="act"))

    @property
    def is_acting(self) -> bool:
        """Whether work started by `act` still runs."""
        self._acting = {each for each in self._acting if not each.is_finished}
        return bool(self._acting)
