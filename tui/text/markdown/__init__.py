"""Parses and draws Markdown while it arrives, without widgets.

A `Document` gets the text of a reply in pieces and holds it as a flat list of leaves. A leaf
lays itself out for a width and draws its rows. This package knows nothing about an app, a
screen or a widget.
"""

from __future__ import annotations

from tui.text.markdown.blocks import Passages, leaf_lines, note_below, parse
from tui.text.markdown.code import CodeLeaf
from tui.text.markdown.document import Document
from tui.text.markdown.layout import laid_out
from tui.text.markdown.leaves import Leaf
from tui.text.markdown.links import link_targets
from tui.text.markdown.margin import Margin
from tui.text.markdown.note import Aside, NoteLeaf
from tui.text.markdown.row import Row
from tui.text.markdown.rule import RuleLeaf
from tui.text.markdown.table import TableLeaf
from tui.text.markdown.text import TextLeaf

__all__ = [
    "Aside",
    "CodeLeaf",
    "Document",
    "Leaf",
    "Margin",
    "NoteLeaf",
    "Passages",
    "Row",
    "RuleLeaf",
    "TableLeaf",
    "TextLeaf",
    "laid_out",
    "leaf_lines",
    "link_targets",
    "note_below",
    "parse",
]
