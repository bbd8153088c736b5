"""The kinds of leaves in a document, and how a new leaf replaces an old one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from tui.text.markdown.code import CodeLeaf
from tui.text.markdown.note import NoteLeaf
from tui.text.markdown.rule import RuleLeaf
from tui.text.markdown.table import TableLeaf
from tui.text.markdown.text import TextLeaf

Leaf: TypeAlias = TextLeaf | CodeLeaf | TableLeaf | RuleLeaf | NoteLeaf
"""One block of a document. Every kind has `height`, `row`, `lines` and `key`."""


def with_reused(older: Sequence[Leaf], newer: Sequence[Leaf]) -> list[Leaf]:
    """Return the newer leaves, but the older one where both show the same.

    Does not change any leaf, so it may run in a thread.
    """
    pairs = zip(older, newer, strict=False)
    alike = [old if old.key == new.key else new for old, new in pairs]
    return [*alike, *newer[len(alike) :]]


def reuse(older: Leaf, newer: Leaf) -> Leaf:
    """Return the leaf that replaces `older`: `older` itself if both show the same.

    Otherwise it is `newer`, which takes over the layout, colours and rows of `older` that
    are still valid.
    """
    if older is newer or older.key == newer.key:
        return older
    match older, newer:
        case (TextLeaf(), TextLeaf()):
            newer.adopt_cache(older)
        case (CodeLeaf(), CodeLeaf()):
            newer.adopt_cache(older)
        case (TableLeaf(), TableLeaf()):
            newer.adopt_cache(older)
        case (RuleLeaf(), RuleLeaf()):
            newer.adopt_cache(older)
        case (NoteLeaf(), NoteLeaf()):
            newer.adopt_cache(older)
        case _:
            pass
    return newer
