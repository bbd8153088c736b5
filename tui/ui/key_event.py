"""Key events with the names and characters that bindings and text fields expect."""

from __future__ import annotations

from collections.abc import Callable

from textual import events

from tui.config.keymap import Keymap, arrived, without_idle_shift
from tui.terminal.key_reports import is_text


class Key(events.Key):
    """A key event that can insert every character except control characters.

    Textual 8.2.8 asks `str.isprintable`. That is false for a Japanese space, for the
    joiners in Persian and in emoji, and for characters newer than Python's tables.
    """

    @property
    def is_printable(self) -> bool:
        """Whether a text field inserts its character."""
        return self.character is not None and all(map(is_text, self.character))

    def copy(self) -> Key:
        """Return an equal event, to forward."""
        return Key(self.key, self.character)


def is_named(event: events.Key) -> bool:
    """Tell whether `key_event` made this event."""
    return isinstance(event, Key)


def key_event(event: events.Key, keymap: Callable[[], Keymap]) -> Key:
    """Return a key event with the name under which the key is bound.

    `keymap` is called only if the result depends on the user's own keys.
    """
    name, character = arrived(event.key, event.character)
    plain = without_idle_shift(name)
    if plain is not None and not keymap().is_bound(name):
        name = plain
    return Key(name, character)
