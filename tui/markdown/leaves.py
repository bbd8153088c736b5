"""The kinds of leaf a document is made of, and how one takes another's place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from tui.markdown.code import CodeLeaf
from tui.markdown.note import NoteLeaf
from tui.markdown.rule import RuleLeaf
from tui.markdown.table import TableLeaf
from tui.markdown.text import TextLeaf

Leaf: TypeAlias = TextLeaf | CodeLeaf | TableLeaf | RuleLeaf | NoteLeaf
"""One block of a document. Each answers `height`, `row`, `lines` and `key`."""


def kept(older: Sequence[Leaf], newer: Sequence[Leaf]) -> list[Leaf]:
    """Return the newer leaves, and in place of those that show the same the older ones.

    Changes none of them, so that it may be done in a thread.
    """
    pairs = zip(older, newer, strict=False)
    alike = [old if old.key == new.key else new for old, new in pairs]
    return [*alike, *newer[len(alike) :]]


def heir(older: Leaf, newer: Leaf) -> Leaf:
    """Return the leaf to show where `older` stood and `newer` was parsed.

    It is `older` if both show the same. What was laid out, coloured and drawn of
    `older` passes to `newer` as far as it holds.
    """
    if older is newer or older.key == newer.key:
        return older
    match older, newer:
        case (TextLeaf(), TextLeaf()):
            newer.inherit(older)
        case (CodeLeaf(), CodeLeaf()):
            newer.inherit(older)
        case (TableLeaf(), TableLeaf()):
            newer.inherit(older)
        case (RuleLeaf(), RuleLeaf()):
            newer.inherit(older)
        case (NoteLeaf(), NoteLeaf()):
            newer.inherit(older)
        case _:
            pass
    return newer
