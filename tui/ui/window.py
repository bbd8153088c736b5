"""A terminal window of any size: the layout never gets less room than `LEAST`.

In a smaller window the screens keep that size, with their dialogs, their focus and
their scroll positions, and still take keys. The terminal shows two words instead of
what they draw.
"""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from rich.console import RenderableType
from textual import events
from textual.app import App
from textual.geometry import Size
from textual.screen import Screen

LEAST = Size(24, 10)
"""The fewest columns and rows in which a person can read anything."""

TOO_SMALL = "Too small"


class SizedApp(App[None]):
    """An app whose screens are never smaller than `LEAST`."""

    _window: Size | None = None
    """The real size of the terminal."""

    @property
    def size(self) -> Size:
        """The size of the layout: the terminal's, but at least `LEAST`."""
        found = super().size
        if self._size is None:
            self._window = found
        return _roomy(found)

    @property
    def is_too_small(self) -> bool:
        """Whether the terminal is smaller than the layout."""
        return self._window is not None and _roomy(self._window) != self._window

    async def on_event(self, event: events.Event) -> None:
        """Adopt a new size; ignore the mouse while nothing is drawn."""
        if isinstance(event, events.Resize):
            was_too_small = self.is_too_small
            # The first event only repeats what `size` returned, not the real size.
            if self._size is not None:
                self._window = event.size
            size = _roomy(event.size)
            await super().on_event(events.Resize(size, size, size, event.pixel_size))
            if was_too_small or self.is_too_small:
                self.refresh()
        elif not (self.is_too_small and isinstance(event, events.MouseEvent)):
            await super().on_event(event)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Write what was drawn, if there is room for it."""
        if not self.is_too_small:
            super()._display(screen, renderable)
            return
        is_shown = self._running and not self.is_headless
        if self._window is not None and self._driver is not None and is_shown:
            self._driver.write(_word(self._window))
            self._driver.flush()
        self.post_display_hook()


def _roomy(size: Size) -> Size:
    return Size(max(size.width, LEAST.width), max(size.height, LEAST.height))


def _word(size: Size) -> str:
    """Return the bytes that clear the terminal and say why it is empty."""
    width, height = max(1, size.width), max(1, size.height)
    rows = wrap(TOO_SMALL, width)[:height]
    return "\x1b[0m\x1b[2J\x1b[H" + "\r\n".join(rows)
