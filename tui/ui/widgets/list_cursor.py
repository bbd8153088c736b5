"""The cursor of the list of conversations, which stays on its conversation.

It remembers the conversation by its id, because rows move: a conversation that gets a
message goes to the top.
"""

from __future__ import annotations

from dataclasses import dataclass

from tui.domain.conversation_list import PageCache


@dataclass(slots=True)
class ListCursor:
    """The position in a list of which only some pages are in memory."""

    open_id: str | None = None
    """The id of the open conversation."""
    index: int | None = None
    """The index of the conversation under the cursor; None if it is not in the list."""
    is_to_choose: bool = False
    """Whether the user chose the conversation before its page was in memory."""
    _id: str | None = None
    """The id of the conversation under the cursor; None until its page is in memory."""

    @property
    def id(self) -> str | None:
        """The conversation under the cursor, or the open one if there is no cursor."""
        return self.open_id if self._is_nowhere else self._id

    @property
    def pointed_at(self) -> str | None:
        """The conversation under the cursor, if it is in the list: keys can act on it."""
        return None if self.index is None else self._id

    def open(self, conversation_id: str, pages: PageCache | None) -> None:
        """Go to a conversation that was opened."""
        self.open_id = self._id = conversation_id
        self.index = None if pages is None else pages.index_of(conversation_id)
        self.is_to_choose = False

    def move_to(self, index: int, pages: PageCache) -> None:
        """Go to an index of a list that is not empty, or to the end that is nearer to it."""
        self.index = max(0, min(index, pages.listing.count - 1))
        self._id, self.is_to_choose = None, False
        self.resolve(pages)

    def choose(self) -> str | None:
        """Return the chosen conversation.

        Returns None if its page is not in memory yet; `resolve` returns it later.
        """
        self.is_to_choose = self._id is None
        return self.pointed_at

    def place(self, pages: PageCache) -> str | None:
        """Follow the conversation to its index in a new list; keep the index if it is gone.

        Returns what `resolve` returns.
        """
        listing = pages.listing
        if self._is_nowhere:
            # The cursor had no conversation: the last list was empty or another one.
            self._id = self.open_id
        if self._id is not None:
            is_found = listing.cursor_id == self._id
            index = listing.cursor_index if is_found else pages.index_of(self._id)
            if index is not None or self.index is None:
                self.index = index
                return None
        if self.index is None:
            return None
        self._id = None
        self.index = min(self.index, listing.count - 1) if listing.count else None
        return self.resolve(pages)

    def resolve(self, pages: PageCache) -> str | None:
        """Look up the conversation under the cursor, if its page has arrived.

        Returns its id if it was chosen before that, else None.
        """
        found = None if self.index is None else pages.conversation(self.index)
        if self._id is not None or found is None:
            return None
        self._id = found.id
        return self.choose() if self.is_to_choose else None

    @property
    def _is_nowhere(self) -> bool:
        return self.index is None and self._id is None
