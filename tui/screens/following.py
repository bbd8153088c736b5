"""The replies that are being written, as the chat screen shows them.

The one that is read is drawn on a timer which runs only while something is being
written; of the others only the sign in the sidebar changes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tui import wording
from tui.conversation import Conversation, Message
from tui.draft import Draft
from tui.replies import GOES_ON
from tui.sanitise import clean_line
from tui.widgets.sidebar import Mark

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen


class Following:
    """What becomes of replies, on the chat screen."""

    def __init__(self, chat: ChatScreen) -> None:
        self._chat = chat
        self._unread: set[str] = set()
        """The conversations in which a reply ended that was not read there."""
        self._asked_to_wait: set[str] = set()
        """The replies of which a person was asked whether they may wait long."""
        self._counted = 0
        """The second that was last counted in a reply's status."""

    def begun(self, conversation: Conversation, question: Message, draft: Draft) -> None:
        """Show that a question which had waited was asked, if it is being read."""
        chat = self._chat
        if not chat.can_draw:
            return
        chat.go_on_drawing()
        if chat.reading.begun(conversation, question, draft):
            chat.show_asked(question, draft)
            chat.find_versions(question.id)

    async def ended(self, draft: Draft, problem: str | None) -> None:
        """Show that a reply has ended, wherever it was being written."""
        chat, message = self._chat, draft.ended
        if not chat.can_draw:
            return
        if problem is not None:
            chat.complain(problem)
        if message is not None and chat.reading.ended(draft):
            chat.transcript.finish(message)
        else:
            self._unread.add(draft.conversation_id)
            chat.tell_of(draft)
        chat.show_unsent()
        chat.refresh_list()

    async def tell_of(self, draft: Draft) -> None:
        """Tell of a reply that has ended elsewhere. Raises `HistoryError`."""
        conversation = await self._chat.store.conversation(draft.conversation_id)
        if conversation is None or draft.ended is None:
            return
        line = clean_line(wording.told(conversation.title, draft.ended))
        is_good = draft.ended.state in GOES_ON
        self._chat.notify(line, markup=False, severity="information" if is_good else "warning")

    def has_read(self, conversation_id: str) -> None:
        """Know that what came in a conversation was read."""
        self._unread.discard(conversation_id)

    def draw(self) -> None:
        """Draw the running reply that is being read; mark the others in the sidebar."""
        chat, changed = self._chat, self._chat.replies.changed
        open_id, draft = chat.reading.conversation.id, chat.reading.draft
        if draft is not None:
            self._ask_to_wait(draft)
            now = chat.store.clock.monotonic()
            # What it is doing may be told by the second, though nothing comes.
            is_counting, self._counted = int(now) != self._counted, int(now)
            if is_counting or open_id in changed:
                changed.discard(open_id)
                if not chat.transcript.draw(draft, now):
                    changed.add(open_id)
        chat.sidebar.mark(self.marks(), self._waits())

    def _ask_to_wait(self, draft: Draft) -> None:
        """Ask once whether to wait as long as the endpoint of a reply says."""
        if draft.retry is None or not draft.retry.is_asking:
            self._asked_to_wait.discard(draft.id)
        elif draft.id not in self._asked_to_wait:
            self._asked_to_wait.add(draft.id)
            self._chat.offer_to_wait(draft, draft.retry)

    def marks(self) -> dict[str, Mark]:
        """Return the signs of the conversations in the sidebar."""
        chat = self._chat
        marks: dict[str, Mark] = {}
        for conversation_id in chat.desk.conversation_ids() - {chat.reading.conversation.id}:
            marks[conversation_id] = "draft"
        marks |= dict.fromkeys(self._unread, "unread")
        for conversation_id, draft in chat.replies.drafts.items():
            running: Mark = "queued" if draft.is_queued else "streaming"
            marks[conversation_id] = "retrying" if draft.retry else running
        return marks

    def _waits(self) -> dict[str, str]:
        """Return how long each retrying reply still waits."""
        now = self._chat.store.clock.monotonic()
        return {
            conversation_id: wording.counted(max(0, math.ceil(draft.retry.at - now)))
            for conversation_id, draft in self._chat.replies.drafts.items()
            if draft.retry is not None
        }
