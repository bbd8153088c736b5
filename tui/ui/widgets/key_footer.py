"""The footer: the keys that do something now, the most useful first, as many as fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Footer, Static
from textual.widgets._footer import FooterKey

FIRST = ("message.undo", "sidebar.undo", "chat.stop")
"""The bindings that get room before all others: they do something only for a while."""

LAST = ("app.palette", "app.help")
"""The bindings that always get room, at the right end."""

PADDING = 3
"""Columns of an entry besides its key and its label."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and what it does."""

    key: str
    shown: str
    label: str
    action: str
    rank: int
    """0 for `FIRST`, 2 for `LAST`, else 1."""

    @property
    def width(self) -> int:
        """The columns it takes."""
        return cell_len(self.shown) + cell_len(self.label) + PADDING


class KeyFooter(Footer):
    """Textual's footer, which leaves out entries that do not fit instead of cutting them."""

    def __init__(self, label: Callable[[Binding], str]) -> None:
        super().__init__(show_command_palette=False)
        self._label = label
        """Returns what a binding would do now; empty if it would do nothing."""
        self._entries: tuple[Entry, ...] = ()

    def compose(self) -> ComposeResult:
        """Compose the entries that fit."""
        for entry in self._entries:
            if entry is self._first_at_end:
                yield Static(classes="gap")
            yield FooterKey(entry.key, entry.shown, entry.label, entry.action).data_bind(
                compact=Footer.compact
            )

    @property
    def _first_at_end(self) -> Entry | None:
        """The first of the entries at the right end."""
        return next((entry for entry in self._entries if entry.rank == 2), None)

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Show the keys that do something now, if they have changed."""
        if self.is_attached and screen is self.screen and screen.app.app_focus:
            self._show()

    def on_resize(self) -> None:
        """Show as many as fit now."""
        self._show()

    def _show(self) -> None:
        entries = tuple(_fitting(self._all(), self.size.width))
        if entries != self._entries and self.size.width:
            self._entries = entries
            self.call_after_refresh(self.recompose)

    def _all(self) -> list[Entry]:
        """Return an entry for each action that has a key now, the most useful first."""
        found: dict[str, Entry] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            label = self._label(binding) if active.enabled and binding.show else ""
            if label and binding.action not in found:
                shown = self.app.get_key_display(binding)
                found[binding.action] = Entry(
                    binding.key, shown, label, binding.action, _rank(binding)
                )
        return sorted(found.values(), key=lambda entry: entry.rank)


def _rank(binding: Binding) -> int:
    return 0 if binding.id in FIRST else 2 if binding.id in LAST else 1


def _fitting(entries: list[Entry], width: int) -> Iterator[Entry]:
    """Yield as many entries as fit, and always those at the right end."""
    # The gap takes at least one column.
    left = width - 1 - sum(entry.width for entry in entries if entry.rank == 2)
    for entry in entries:
        if entry.rank == 2:
            yield entry
        elif entry.width <= left:
            left -= entry.width
            yield entry
        else:
            # A less useful entry must not appear just because it is shorter.
            left = 0
