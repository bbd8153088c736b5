"""Textual's bindings, made from the table of commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.binding import Binding, BindingType
from textual.widgets import TextArea

from tui.config.commands import COMMANDS, PLACES, Command, Scope
from tui.config.keymap import Keymap, Known, keymap, known_commands


def bindings_of(scope: Scope) -> list[BindingType]:
    """Return the bindings of a scope."""
    return [_binding(each) for each in COMMANDS if each.scope == scope and each.keys]


def keymap_of(chosen: Mapping[str, str]) -> Keymap:
    """Return what every key does; `chosen` maps the ids of bindings to the user's keys."""
    return keymap(every_key(), chosen)


def every_key() -> list[Known]:
    """Return everything that keys do.

    The text field's own keys come last. They have no id, and the user cannot change them.
    """
    ours = known_commands()
    return [*ours, *_of_text_field({key for known in ours for key in known.keys})]


def _binding(command: Command) -> Binding:
    return Binding(
        command.keys,
        command.action or f"run('{command.id}')",
        command.label or command.title,
        id=command.id,
        show=bool(command.label),
        priority=command.is_priority,
    )


def _of_text_field(taken: set[str]) -> Iterator[Known]:
    """Yield Textual's own keys of a text field, without those that we bind ourselves."""
    for binding in TextArea.BINDINGS:
        each = list(Binding.make_bindings([binding]))
        left = tuple(one.key for one in each if one.key not in taken)
        if left:
            yield Known(None, left, each[0].description, PLACES["composer"].heading)
