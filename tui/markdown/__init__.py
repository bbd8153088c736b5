"""Markdown as it arrives, without widgets.

A `Document` takes the words of a reply as they come and keeps them as a flat list
of leaves; a leaf lays itself out for a width and draws its rows. Nothing here has
heard of an app, a screen or a widget.
"""

from __future__ import annotations

from tui.markdown.blocks import leaf_lines, parse
from tui.markdown.code import CodeLeaf
from tui.markdown.document import Document
from tui.markdown.leaves import Leaf
from tui.markdown.margin import Margin
from tui.markdown.row import Row
from tui.markdown.rule import RuleLeaf
from tui.markdown.table import TableLeaf
from tui.markdown.text import TextLeaf
from tui.markdown.whole import laid_out

__all__ = [
    "CodeLeaf",
    "Document",
    "Leaf",
    "Margin",
    "Row",
    "RuleLeaf",
    "TableLeaf",
    "TextLeaf",
    "laid_out",
    "leaf_lines",
    "parse",
]
