"""A screen that uses no time while another screen covers it."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen, ScreenResultType


class CoverableScreen(Screen[ScreenResultType]):
    """A screen that, while it is covered, is drawn only where it has changed.

    Textual 8.2.8 draws the whole of a covered screen again whenever that screen has handled
    a message, even a timer's: while a dialog is open, that happens all the time.
    """

    def warn_of_unsaved(self) -> bool:
        """Warn if quitting would lose unsaved changes; return whether it warned now."""
        return False

    def _compositor_refresh(self) -> None:
        """Pass the changed regions to the screen on top, once."""
        super()._compositor_refresh()
        if self.app.screen is not self:
            # When it is on top again, it is drawn anyway.
            self._repaint_required = False


def warn_of_unsaved(screen: Screen[Any]) -> bool:
    """Let a screen warn if quitting would lose its changes; return whether it warned now."""
    return isinstance(screen, CoverableScreen) and screen.warn_of_unsaved()
