"""The leaves of a document that is still arriving."""

from __future__ import annotations

from collections.abc import Sequence

from tui.text.markdown.leaves import Leaf, reuse


class LeafList:
    """A list of leaves. The first ones are frozen: they do not change before the end."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.frozen = 0
        """How many leaves are frozen."""

    def update(self, leaves: Sequence[Leaf], *, frozen: int) -> None:
        """Replace the leaves that are not frozen, and freeze the first `frozen` new ones.

        Keeps an old leaf that shows the same as its replacement, with its drawn rows.
        """
        older = self.leaves[self.frozen :]
        reused = [reuse(old, new) for old, new in zip(older, leaves, strict=False)]
        self.leaves[self.frozen :] = [*reused, *leaves[len(reused) :]]
        self.frozen += frozen

    def grow(self, leaf: Leaf) -> None:
        """Set the first leaf that is not frozen to one that its owner changes in place."""
        self.leaves[self.frozen] = leaf

    def freeze_grown(self) -> None:
        """Freeze the leaf that was changed in place."""
        self.frozen += 1

    def put(self, leaves: Sequence[Leaf]) -> None:
        """Replace all leaves without reusing any, and freeze the new ones."""
        self.leaves, self.frozen = list(leaves), len(leaves)

    def replace(self, leaves: Sequence[Leaf]) -> int:
        """Replace all leaves, reuse what shows the same, and freeze them.

        Returns the index of the first leaf that is different.
        """
        older = list(self.leaves)
        self.frozen = 0
        self.update(leaves, frozen=0)
        self.put(self.leaves)
        pairs = zip(older, self.leaves, strict=False)
        changed = (index for index, (old, new) in enumerate(pairs) if old is not new)
        return next(changed, min(len(older), len(leaves)))
