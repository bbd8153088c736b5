"""Parses and lays out a complete text. It may run in a thread, before the text is shown."""

from __future__ import annotations

from collections.abc import Sequence

from tui.text.markdown.blocks import Passages, parse
from tui.text.markdown.leaves import Leaf, with_reused

DRAWN = 60
"""How many rows at the end are drawn, because the end is shown first.

Drawing them also computes the colours of the code above them.
"""


def laid_out(source: str | Passages, width: int, older: Sequence[Leaf] = ()) -> list[Leaf]:
    """Return the leaves of a text, or of passages, laid out for a width.

    Reuses the leaves of `older` that show the same. Does not change them, because they may
    be on the screen.
    """
    leaves = with_reused(older, parse(source))
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
