"""Finds the links of a text, to follow them with the keyboard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.content import Content
from textual.style import Style

from tui.text.markdown.leaves import Leaf
from tui.text.markdown.table import TableLeaf
from tui.text.markdown.text import TextLeaf


def link_targets(leaves: Iterable[Leaf]) -> list[str]:
    """Return the targets of the links in some leaves, in reading order, each once."""
    return list(dict.fromkeys(target for leaf in leaves for target in _targets(leaf)))


def _targets(leaf: Leaf) -> Iterator[str]:
    match leaf:
        case TextLeaf():
            yield from _targets_in(leaf.text)
        case TableLeaf():
            for cell in leaf.texts:
                yield from _targets_in(cell)
        case _:
            pass


def _targets_in(text: Content) -> Iterator[str]:
    for span in sorted(text.spans, key=lambda span: span.start):
        if isinstance(span.style, Style) and (target := span.style.meta.get("link")):
            yield str(target)
