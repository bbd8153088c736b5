"""Every key there is: what the screens and widgets bind, by the place where it works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.binding import Binding, BindingType
from textual.widgets import TextArea

from tui.keymap import EVERYWHERE, Known
from tui.screens.chat import ChatScreen
from tui.screens.choice import ChoiceScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.help import HelpScreen
from tui.screens.line import LineScreen
from tui.screens.search import SearchScreen
from tui.widgets.composer import Composer
from tui.widgets.filter import Filter
from tui.widgets.find_bar import Field as FindField
from tui.widgets.sidebar import Sidebar
from tui.widgets.transcript import Transcript

WRITING = "While writing"
FINDING = "Finding in a conversation"
FILTERING = "In the filter above the list"

_PLACES: tuple[tuple[str, Sequence[BindingType]], ...] = (
    (EVERYWHERE, ChatScreen.BINDINGS),
    (WRITING, Composer.BINDINGS),
    ("On a message (Shift+Tab goes there)", Transcript.BINDINGS),
    ("In the sidebar", Sidebar.BINDINGS),
    (FILTERING, Filter.BINDINGS),
    (FINDING, FindField.BINDINGS),
)
_ALONE: tuple[tuple[str, Sequence[BindingType]], ...] = (
    ("Asked a question", ConfirmScreen.BINDINGS),
    ("Asked for a line", LineScreen.BINDINGS),
    ("Asked to choose", ChoiceScreen.BINDINGS),
    ("Searching everything", SearchScreen.BINDINGS),
    ("On a page like this", HelpScreen.BINDINGS),
)
"""Screens that are laid over all others."""


def every_key(of_app: Sequence[BindingType]) -> list[Known]:
    """Return everything that keys do, `of_app` first.

    At the end come the text field's own keys, which have no id and cannot be changed.
    """
    found = list(_known(EVERYWHERE, of_app))
    for group, bindings in _PLACES:
        found += _known(group, bindings)
    for group, bindings in _ALONE:
        found += _known(group, bindings, is_alone=True)
    return [*found, *_of_text_field(found)]


def _known(
    group: str, bindings: Sequence[BindingType], *, is_alone: bool = False
) -> Iterator[Known]:
    for binding in bindings:
        each = list(Binding.make_bindings([binding]))
        one = each[0]
        yield Known(
            one.id,
            tuple(expanded.key for expanded in each),
            one.description,
            group,
            is_alone=is_alone,
            leaves_writing=not (one.priority or group in (WRITING, FILTERING, FINDING)),
        )


def _of_text_field(ours: Sequence[Known]) -> Iterator[Known]:
    """Yield what Textual binds in a text field, but for what we bind on purpose too."""
    taken = {key for known in ours for key in known.keys}
    for known in _known(WRITING, TextArea.BINDINGS):
        if left := tuple(key for key in known.keys if key not in taken):
            yield Known(None, left, known.description, known.group)
