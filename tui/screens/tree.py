"""The tree of a conversation, to see its shape and to go elsewhere in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual.app import ComposeResult
from textual.content import Content

from tui import wording
from tui.sanitise import clean_line
from tui.screens.choice import ChoiceScreen
from tui.tree import Branch, Node, drawn

_LEFT = 44
"""How many columns are left for what was said; a tree that is deeper loses outer rails."""

_LEAST = 8
"""How many columns the rails have at least."""


class TreeScreen(ChoiceScreen):
    """Shows every message, and dismisses with the id of the one to read."""

    CSS_PATH = "choice.tcss"

    def __init__(
        self, nodes: Sequence[Node], *, line_ids: Collection[str], here: str | None
    ) -> None:
        super().__init__("Tree · ● is being read", (), first=here)
        self._branches = drawn(nodes)
        self._line_ids = line_ids

    def compose(self) -> ComposeResult:
        """Compose the list, with rails as the width allows."""
        rails = max(_LEAST, min(self.app.size.width * 9 // 10, 100) - 6 - _LEFT)
        self._lines = tuple(
            (branch.node.id, _line(branch, self._line_ids, rails)) for branch in self._branches
        )
        yield from super().compose()


def _line(branch: Branch, line_ids: Collection[str], most: int) -> Content:
    node = branch.node
    is_read = node.id in line_ids
    sign, style = ("●", "$accent") if is_read else ("○", "$foreground 60%")
    rails = branch.rails if len(branch.rails) <= most else f"… {branch.rails[-most:]}"
    return Content.assemble(
        (rails, "$foreground 40%"),
        (f"{sign} ", style),
        (_who(node), "bold" if is_read else "$foreground 60%"),
        f"  {clean_line(_words(node))}",
    )


def _who(node: Node) -> str:
    return "You" if node.role == "user" else wording.model_name(clean_line(node.model or ""))


def _words(node: Node) -> str:
    if node.is_deleted:
        return "(deleted)"
    if node.is_continuation:
        return "(the rest was asked for)"
    state = "" if node.state == "complete" else f"({wording.state(node.state)}) "
    return state + " ".join(node.words.split())[:160]
