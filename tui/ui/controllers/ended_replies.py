"""Notices about replies that have ended in conversations that are not open."""

from __future__ import annotations

from textual.notifications import SeverityLevel
from textual.widget import Widget

from tui.chat.reply_scheduler import CONTINUABLE
from tui.chat.session import Session
from tui.domain.reply import StreamingReply
from tui.text import formatting
from tui.text.sanitise import clean_line
from tui.ui.widgets.toasts import retract

TOLD_AFTER = 0.2
"""Seconds before the notice appears: other replies may end at the same time."""


class EndedReplies:
    """Shows one notice for all of them, with their number."""

    def __init__(self, teller: Widget, session: Session) -> None:
        self._teller = teller
        """The widget that shows the notice."""
        self._session = session
        self._notice = ""
        """The last notice."""
        self._shown: list[tuple[str, bool]] = []
        """The replies in that notice: a line about each, and whether it ended well."""
        self._pending: list[tuple[str, bool]] = []
        """The replies that have ended since."""

    async def add(self, reply: StreamingReply) -> None:
        """Show a notice about a reply that has ended, soon."""
        conversation = await self._session.store.conversation(reply.conversation_id)
        if conversation is None or reply.ended is None:
            return
        line = clean_line(formatting.ended_notice(conversation.title, reply.ended))
        if not self._pending:
            self._teller.set_timer(TOLD_AFTER, self._tell)
        self._pending.append((line, reply.ended.state in CONTINUABLE))

    def _tell(self) -> None:
        """Show the notice; replace the one before it if that is still visible."""
        is_shown = retract(self._teller.app, self._notice)
        self._shown = [*(self._shown if is_shown else ()), *self._pending]
        self._pending = []
        last, _ = self._shown[-1]
        count = len(self._shown)
        self._notice = last if count == 1 else f"{count} replies have ended. The last: {last}"
        are_good = all(is_good for _, is_good in self._shown)
        severity: SeverityLevel = "information" if are_good else "warning"
        self._teller.notify(self._notice, markup=False, severity=severity)
