"""The draft and the queue of each conversation.

They are in memory for every conversation that was opened, and on disk soon after each
change. A program that dies loses half a second of typing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace

from tui.domain.conversation import ComposerDraft, FirstParameters
from tui.store import HistoryError, Store

SAVE_AFTER = 0.4
"""Seconds from a change until it is written to disk."""

RETRY_AFTER = 0.8
"""Seconds from a failed write until the next try. Each further wait is twice as long."""

LONGEST_RETRY_WAIT = 60.0
"""The longest wait between two tries, in seconds."""


_NOTHING = ComposerDraft()


class DraftStore:
    """The drafts and queues, by conversation, saved or not.

    With `is_saved=False`, they stay in memory, and those on disk are neither read nor changed.
    """

    def __init__(self, store: Store, *, is_saved: bool = True) -> None:
        self._store = store
        self._is_saved = is_saved
        self._drafts: dict[str, ComposerDraft] = {}
        self._changed: set[str] = set()
        self._saving: asyncio.Task[None] | None = None
        self._ids: AbstractSet[str] = frozenset()
        """The conversations that had a draft or a queue when the program started."""

    async def find_all(self) -> None:
        """Read which conversations have a draft or a queue. Raises `HistoryError`."""
        if self._is_saved:
            self._ids = await self._store.drafts.conversation_ids()

    async def open(self, conversation_id: str) -> ComposerDraft:
        """Return the draft of a conversation. Raises `HistoryError`.

        Joins a queue from an earlier run to the text: starting the program must not send
        anything by itself.
        """
        known = self._drafts.get(conversation_id)
        if known is None:
            saved = _NOTHING
            if self._is_saved:
                saved = await self._store.drafts.draft(conversation_id)
            parts = [part for part in (*saved.queued, saved.text) if part]
            known = replace(saved, text="\n\n".join(parts), queued=())
            known = self._drafts.setdefault(conversation_id, known)
        return known

    def draft(self, conversation_id: str) -> ComposerDraft:
        """Return the draft of a conversation that was opened."""
        return self._drafts.get(conversation_id, ComposerDraft())

    def conversation_ids(self) -> set[str]:
        """Return the conversations that have a draft or a queue."""
        ids = set(self._ids) | self._drafts.keys()
        return {each for each in ids if self._has_any(each)}

    def write(self, conversation_id: str, text: str) -> None:
        """Save the present text as the draft, or as the edit while a question is edited."""
        draft = self.draft(conversation_id)
        is_edit = draft.edited_id is not None
        written = replace(draft, edit=text) if is_edit else replace(draft, text=text)
        if written != draft:
            self._put(conversation_id, written)

    def give_back(self, conversation_id: str, text: str, edited_id: str | None) -> None:
        """Put back a text that could not be sent, before what was typed since.

        It becomes an edit again if the question `edited_id` is still being edited.
        """
        draft = self.draft(conversation_id)
        is_edit = edited_id is not None and edited_id == draft.edited_id
        since = draft.edit if is_edit else draft.text
        both = f"{text}\n{since}" if since.strip() else text
        draft = replace(draft, edit=both) if is_edit else replace(draft, text=both)
        self._put(conversation_id, draft)

    def edit(self, conversation_id: str, question_id: str, text: str) -> None:
        """Begin to edit a question. The draft stays for later."""
        draft = self.draft(conversation_id)
        self._put(conversation_id, replace(draft, edited_id=question_id, edit=text))

    def leave_edit(self, conversation_id: str) -> ComposerDraft:
        """End an edit; return the draft from before it."""
        draft = replace(self.draft(conversation_id), edited_id=None, edit="")
        self._put(conversation_id, draft)
        return draft

    def choose(self, conversation_id: str, first: FirstParameters | None) -> None:
        """Keep the parameters for the first question, or None once it is asked."""
        draft = self.draft(conversation_id)
        if first != draft.first:
            self._put(conversation_id, replace(draft, first=first))

    def queue(self, conversation_id: str, text: str, *, is_next: bool = False) -> None:
        """Add a question to the end of the queue, or to its front if `is_next`."""
        draft = self.draft(conversation_id)
        queued = (text, *draft.queued) if is_next else (*draft.queued, text)
        self._put(conversation_id, replace(draft, queued=queued))

    def take_next(self, conversation_id: str) -> str | None:
        """Remove the oldest question from the queue and return it; None if it is empty."""
        draft = self.draft(conversation_id)
        if not draft.queued:
            return None
        self._put(conversation_id, replace(draft, queued=draft.queued[1:]))
        return draft.queued[0]

    def take_newest(self, conversation_id: str) -> str | None:
        """Remove the newest question from the queue and return it; None if it is empty."""
        draft = self.draft(conversation_id)
        if not draft.queued:
            return None
        self._put(conversation_id, replace(draft, queued=draft.queued[:-1]))
        return draft.queued[-1]

    async def save(self) -> None:
        """Write all changes to disk. Raises `HistoryError`; the change is tried again later.

        If one draft cannot be written, the others still are.
        """
        failed: dict[str, HistoryError] = {}
        while left := self._changed - failed.keys():
            conversation_id = min(left)
            draft = self.draft(conversation_id)
            try:
                await self._store.drafts.save(conversation_id, draft)
            except HistoryError as problem:
                failed[conversation_id] = problem
                continue
            if draft is self.draft(conversation_id):
                self._changed.discard(conversation_id)
        for error in failed.values():
            raise error

    def _has_any(self, conversation_id: str) -> bool:
        draft = self._drafts.get(conversation_id)
        return draft is None or not draft.is_empty

    def _put(self, conversation_id: str, draft: ComposerDraft) -> None:
        self._drafts[conversation_id] = draft
        if not self._is_saved:
            return
        self._changed.add(conversation_id)
        if self._saving is None and not self._store.is_read_only:
            self._saving = asyncio.create_task(self._save_soon())

    async def _save_soon(self) -> None:
        again_after: float | None = None
        while self._changed:
            # Real time, whatever the program's clock says: the disk is real.
            if again_after is None:
                await asyncio.sleep(SAVE_AFTER)
            else:
                await self._until_written(again_after)
            try:
                await self.save()
            except HistoryError:
                # It is logged where it was raised. A draft is not worth a notice at every key.
                longer = RETRY_AFTER if again_after is None else again_after * 2
                again_after = min(longer, LONGEST_RETRY_WAIT)
            else:
                again_after = None
        self._saving = None

    async def _until_written(self, seconds: float) -> None:
        """Wait, but only until anything is written to the history."""
        written = asyncio.Event()
        with suppress(TimeoutError), self._store.after_write(written.set):
            async with asyncio.timeout(seconds):
                await written.wait()
