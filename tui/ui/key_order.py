"""Handles each key only after the key before it is done.

Textual sends a key to the widget that has the focus at that moment. The effect of the
key before it (another conversation opens, the focus moves) may still be in the queues
of several widgets. Then an `x` typed after Enter would delete a conversation in the
list, instead of appearing in the composer.
"""

from __future__ import annotations

import asyncio
from collections import deque

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.widgets import Input, TextArea

LONGEST_HOLD = 2.0
"""Most seconds that keys wait for an earlier one, for example on a locked history."""

_POLL_SECONDS = 0.005

HeldEvent = events.Key | events.Paste


class KeysInOrder(App[None]):
    """An app in which a key waits until the one before it is done."""

    def __init__(self) -> None:
        super().__init__()
        self._held: deque[HeldEvent] = deque()
        """Keys that wait, oldest first."""
        self._released: HeldEvent | None = None
        """The key that may pass although others wait."""
        self._settling: asyncio.Task[None] | None = None

    @property
    def is_acting(self) -> bool:
        """Whether a key's action still runs and does not wait for an answer."""
        return False

    @property
    def is_settled(self) -> bool:
        """Whether every key has been handled, as far as the app can know."""
        return not self._is_busy

    @property
    def _is_busy(self) -> bool:
        # A released key is in the queue again, behind events that arrived meanwhile.
        return bool(self._settling or self._held or self._released)

    async def on_event(self, event: events.Event) -> None:
        """Hold a key while another one is handled."""
        if isinstance(event, HeldEvent) and not event.is_forwarded:
            if event is self._released:
                self._released = None
            elif self._is_busy:
                self._held.append(event)
                return
            target = self.focused or self.screen
            try:
                await super().on_event(event)
            except Exception:
                # It started nothing that the next key would have to wait for.
                self._release()
                raise
            if self._is_typed(event):
                self._release()
            elif self._settling is None or self._settling.done():
                self._settling = asyncio.create_task(self._settle(target))
        else:
            await super().on_event(event)

    def _is_typed(self, event: HeldEvent) -> bool:
        """Whether a key only inserts a character, so that the next need not wait for it."""
        return (
            isinstance(event, events.Key)
            and event.is_printable
            and isinstance(self.focused, TextArea | Input)
        )

    async def _settle(self, target: DOMNode) -> None:
        try:
            async with asyncio.timeout(LONGEST_HOLD):
                # Twice: a key that no widget uses bubbles up, and the app then runs its action.
                for pump in (*target.ancestors_with_self, *target.ancestors_with_self):
                    await _wait_until_handled(pump)
                while self.is_acting:  # noqa: ASYNC110 - several workers and screens decide it
                    await asyncio.sleep(_POLL_SECONDS)
                # The screen's last message may move the focus.
                await _wait_until_handled(self.screen)
        except TimeoutError:
            self.log.warning("a key was not done in time")
        finally:
            self._settling = None
            self._release()

    def _release(self) -> None:
        if self._held and self._settling is None:
            self._released = self._held.popleft()
            self.post_message(self._released)


async def _wait_until_handled(pump: DOMNode) -> None:
    """Wait until a widget has handled every message sent to it so far."""
    passed = asyncio.Event()
    if pump.is_running and pump.post_message(events.Callback(callback=passed.set)):
        await passed.wait()
