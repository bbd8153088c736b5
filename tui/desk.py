"""What lies written and unsent: a text for each conversation, and its queue.

Kept in memory for every conversation that was opened, and on disk soon after each
change, so that a program that dies loses half a second of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set as AbstractSet
from dataclasses import replace

from tui.conversation import Unsent
from tui.store import HistoryError, Store

KEEP_AFTER = 0.4
"""How long after a change it is written to disk, in seconds."""


class Desk:
    """The unsent texts, by conversation, saved or not."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._unsent: dict[str, Unsent] = {}
        self._changed: set[str] = set()
        self._keeping: asyncio.Task[None] | None = None
        self._ids: AbstractSet[str] = frozenset()
        """The conversations that had something unsent when the program started."""

    async def find_all(self) -> None:
        """Learn in which conversations something lies unsent. Raises `HistoryError`."""
        self._ids = await self._store.drafts.conversation_ids()

    async def open(self, conversation_id: str) -> Unsent:
        """Return what lies unsent in a conversation. Raises `HistoryError`.

        A queue that another start left is put into the text: nothing is sent by itself
        because the program was started.
        """
        known = self._unsent.get(conversation_id)
        if known is None:
            kept = await self._store.drafts.unsent(conversation_id)
            parts = [part for part in (*kept.queued, kept.text) if part]
            known = replace(kept, text="\n\n".join(parts), queued=())
            known = self._unsent.setdefault(conversation_id, known)
        return known

    def unsent(self, conversation_id: str) -> Unsent:
        """Return what lies unsent in a conversation that was opened."""
        return self._unsent.get(conversation_id, Unsent())

    def conversation_ids(self) -> set[str]:
        """Return the conversations in which something lies unsent, waiting or not."""
        ids = set(self._ids) | self._unsent.keys()
        return {each for each in ids if self._has_any(each)}

    def write(self, conversation_id: str, text: str) -> None:
        """Keep a text that is being written: the edit, if a question is being edited."""
        unsent = self.unsent(conversation_id)
        is_edit = unsent.edited_id is not None
        written = replace(unsent, edit=text) if is_edit else replace(unsent, text=text)
        if written != unsent:
            self._put(conversation_id, written)

    def edit(self, conversation_id: str, question_id: str, text: str) -> None:
        """Begin to edit a question. What was being written stays for afterwards."""
        unsent = self.unsent(conversation_id)
        self._put(conversation_id, replace(unsent, edited_id=question_id, edit=text))

    def leave_edit(self, conversation_id: str) -> Unsent:
        """End an edit; return what was being written before."""
        unsent = replace(self.unsent(conversation_id), edited_id=None, edit="")
        self._put(conversation_id, unsent)
        return unsent

    def queue(self, conversation_id: str, text: str, *, is_next: bool = False) -> None:
        """Let a question wait for the reply before it; behind the others, or before them."""
        unsent = self.unsent(conversation_id)
        queued = (text, *unsent.queued) if is_next else (*unsent.queued, text)
        self._put(conversation_id, replace(unsent, queued=queued))

    def take_next(self, conversation_id: str) -> str | None:
        """Take the question that waits longest out of the queue; None if none waits."""
        unsent = self.unsent(conversation_id)
        if not unsent.queued:
            return None
        self._put(conversation_id, replace(unsent, queued=unsent.queued[1:]))
        return unsent.queued[0]

    def take_newest(self, conversation_id: str) -> str | None:
        """Take the question that was queued last out of the queue; None if none waits."""
        unsent = self.unsent(conversation_id)
        if not unsent.queued:
            return None
        self._put(conversation_id, replace(unsent, queued=unsent.queued[:-1]))
        return unsent.queued[-1]

    async def keep(self) -> None:
        """Write what has changed. Raises `HistoryError`; it is tried again then."""
        while self._changed:
            conversation_id = next(iter(self._changed))
            unsent = self.unsent(conversation_id)
            await self._store.drafts.keep(conversation_id, unsent)
            if unsent is self.unsent(conversation_id):
                self._changed.discard(conversation_id)

    def _has_any(self, conversation_id: str) -> bool:
        unsent = self._unsent.get(conversation_id)
        return unsent is None or not unsent.is_empty

    def _put(self, conversation_id: str, unsent: Unsent) -> None:
        self._unsent[conversation_id] = unsent
        self._changed.add(conversation_id)
        if self._keeping is None and not self._store.is_read_only:
            self._keeping = asyncio.create_task(self._keep_soon())

    async def _keep_soon(self) -> None:
        while self._changed:
            # In real time, whatever clock the program is told: the disk is real.
            await asyncio.sleep(KEEP_AFTER)
            try:
                await self.keep()
            except HistoryError:
                # Logged where it was raised. A draft is not worth a message at every key.
                continue
        self._keeping = None
