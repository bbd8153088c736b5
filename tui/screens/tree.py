"""The tree of a conversation, to see its shape and to go elsewhere in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual.content import Content

from tui import wording
from tui.sanitise import clean_line
from tui.screens.choice import ChoiceScreen
from tui.tree import Branch, Node, drawn

_RAILS = 40
"""How many columns the rails may take; a tree that is deeper loses the outer ones."""


class TreeScreen(ChoiceScreen):
    """Shows every message, and dismisses with the id of the one to read."""

    CSS_PATH = "choice.tcss"

    def __init__(
        self, nodes: Sequence[Node], *, line_ids: Collection[str], here: str | None
    ) -> None:
        lines = [(branch.node.id, _line(branch, line_ids)) for branch in drawn(nodes)]
        super().__init__("Tree · ● is being read", lines, first=here)


def _line(branch: Branch, line_ids: Collection[str]) -> Content:
    node = branch.node
    is_read = node.id in line_ids
    sign, style = ("●", "$accent") if is_read else ("○", "$foreground 60%")
    rails = branch.rails if len(branch.rails) <= _RAILS else f"… {branch.rails[-_RAILS:]}"
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
