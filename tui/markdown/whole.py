"""A whole text parsed and laid out, in a thread, before any of it is shown."""

from __future__ import annotations

from collections.abc import Sequence

from tui.markdown.blocks import parse
from tui.markdown.leaves import Leaf, kept

DRAWN = 60
"""Rows drawn at the end, which is what is read first; with them come the colours above."""


def laid_out(source: str, width: int, older: Sequence[Leaf] = ()) -> list[Leaf]:
    """Return the leaves of a text, those from `older` where they show the same.

    The older ones may be on the screen meanwhile: they are not changed.
    """
    leaves = kept(older, parse(source))
    shown = {id(leaf) for leaf in older}
    fresh = [leaf for leaf in leaves if id(leaf) not in shown]
    for leaf in fresh:
        leaf.height(width)
    left = DRAWN
    for leaf in reversed(fresh):
        height = leaf.height(width)
        for index in range(max(0, height - left), height):
            leaf.row(index, width)
        left -= height
        if left <= 0:
            break
    return leaves
