"""A screen that uses no time while another screen covers it."""

from __future__ import annotations

from typing import Any

from textual.binding import BindingsMap
from textual.dom import DOMNode
from textual.screen import Screen, ScreenResultType

QUIT = "app.quit"
"""The id of the command that quits."""


class QuittableScreen(Screen[ScreenResultType]):
    """A screen in which the key that quits works, even if it is a dialog."""

    @property
    def _modal_binding_chain(self) -> list[tuple[DOMNode, BindingsMap]]:
        """Return where keys are looked for, with that key of the app at the end.

        Textual 8.2.8 hides all keys of the app in a dialog, except those that take precedence
        over letters that were typed just before them.
        """
        chain = super()._modal_binding_chain
        if not self.is_modal:
            return chain
        bound = self.app._bindings.key_to_bindings  # noqa: SLF001
        quits = {
            key: found
            for key, bindings in bound.items()
            if (found := [each for each in bindings if each.id == QUIT])
        }
        return [*chain, (self.app, BindingsMap.from_keys(quits))]


class CoverableScreen(QuittableScreen[ScreenResultType]):
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
