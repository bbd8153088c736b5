"""Keys as the app's bindings and lines take them, whoever sends them."""

from __future__ import annotations

from collections.abc import Callable

from textual import events

from tui.keymap import Keymap, arrived, without_idle_shift
from tui.terminal.key_reports import is_written


class Key(events.Key):
    """A key that writes every character but control characters.

    Textual 8.2.8 asks `str.isprintable`, which is false of a Japanese space, of the
    joiners of Persian and of emoji, and of all that is newer than Python's tables.
    """

    @property
    def is_printable(self) -> bool:
        """Whether it is typed, where something can be."""
        return self.character is not None and all(map(is_written, self.character))

    def copy(self) -> Key:
        """Return the same key, to be sent on."""
        return Key(self.key, self.character)


def key_event(event: events.Key, keymap: Callable[[], Keymap]) -> Key:
    """Return a key by the name that it is bound under.

    `keymap` is called only if what the user has chosen decides what it means.
    """
    name, character = arrived(event.key, event.character)
    plain = without_idle_shift(name)
    if plain is not None and not keymap().is_bound(name):
        name = plain
    return Key(name, character)
