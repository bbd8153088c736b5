"""Saving the scroll position of the open conversation for the next start."""

from __future__ import annotations

from tui.domain.conversation import ScrollAnchor
from tui.store import Store


class ScrollAnchors:
    """Saves scroll positions, but not before the saved one has been restored."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._saved: tuple[str, ScrollAnchor] | None = None
        """The conversation and the anchor that were saved last."""
        self.is_resumed = False
        """Whether the last run's conversation has been read, so that a save may replace it."""

    async def save(self, conversation_id: str, anchor: ScrollAnchor) -> None:
        """Save the scroll position, unless it is saved already. Raises `HistoryError`."""
        known = conversation_id, anchor
        can_save = not (self._store.is_read_only or self._store.lost.why)
        if self.is_resumed and can_save and known != self._saved:
            await self._store.drafts.save_scroll_anchor(conversation_id, anchor)
            self._saved = known
