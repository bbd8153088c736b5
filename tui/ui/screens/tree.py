"""The dialog that shows a conversation's tree, and goes to another message in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual.app import ComposeResult
from textual.content import Content

from tui.domain.tree import Branch, Node, drawn
from tui.text import formatting
from tui.text.sanitise import clean_line
from tui.ui.screens.choice import ChoiceScreen

_LEFT = 44
"""Columns for the text of a message; the outer rails of a deep tree are left out."""

_LEAST = 8
"""The fewest columns of the rails."""


class TreeScreen(ChoiceScreen):
    """Shows every message. Its result is the id of the message to go to."""

    CSS_PATH = "choice.tcss"

    def __init__(
        self, nodes: Sequence[Node], *, path_ids: Collection[str], here: str | None
    ) -> None:
        super().__init__("Tree · ● current", (), first=here)
        self._branches = drawn(nodes)
        self._line_ids = path_ids

    def compose(self) -> ComposeResult:
        """Compose the list, with as many rails as the width allows."""
        rails = max(_LEAST, min(self.app.size.width * 9 // 10, 100) - 6 - _LEFT)
        self._lines = tuple(
            (branch.node.id, _line(branch, self._line_ids, rails)) for branch in self._branches
        )
        yield from super().compose()


def _line(branch: Branch, path_ids: Collection[str], most: int) -> Content:
    node = branch.node
    is_read = node.id in path_ids
    sign, style = ("●", "$accent") if is_read else ("○", "$foreground 60%")
    rails = branch.rails if len(branch.rails) <= most else f"… {branch.rails[-most:]}"
    return Content.assemble(
        (rails, "$foreground 40%"),
        (f"{sign} ", style),
        (_who(node), "bold" if is_read else "$foreground 60%"),
        f"  {clean_line(_words(node))}",
    )


def _who(node: Node) -> str:
    return "You" if node.role == "user" else formatting.model_name(clean_line(node.model or ""))


def _words(node: Node) -> str:
    if node.is_deleted:
        return "(deleted)"
    if node.is_continuation:
        return "(continued)"
    state = "" if node.state == "complete" else f"({formatting.state(node.state)}) "
    return state + " ".join(node.words.split())[:160]
