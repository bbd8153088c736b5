"""Makes better titles in the background."""

from __future__ import annotations

from contextlib import suppress

from tui.chat import titles
from tui.chat.changes import Change, ReplyEnded
from tui.chat.connections import Connections
from tui.chat.reply_scheduler import Run
from tui.chat.session import Session
from tui.store import HistoryError


class Titler:
    """Requests a title for each conversation after its first complete reply."""

    def __init__(self, session: Session, connections: Connections, run: Run) -> None:
        self._session = session
        self._connections = connections
        self._run = run
        self._titled: set[str] = set()
        """The conversations for which a title was requested."""
        session.subscribe(self._on_change)

    def _on_change(self, change: Change) -> None:
        if not isinstance(change, ReplyEnded) or change.reply.ended is None:
            return
        conversation_id = change.reply.conversation_id
        if change.reply.ended.endpoint != self._connections.current.endpoint.identity:
            # The titles go to another endpoint now, which must not get this conversation.
            return
        if change.reply.ended.state == "complete" and conversation_id not in self._titled:
            # Only once for each conversation, even if it gets no title.
            self._titled.add(conversation_id)
            self._run(self._improve(conversation_id), f"title of {conversation_id}")

    async def _improve(self, conversation_id: str) -> None:
        model, claude = self._connections.title_model, self._connections.current
        if model is None:
            return
        with suppress(HistoryError):
            if await titles.improve(
                self._session.store,
                claude,
                conversation_id,
                model,
                pricing=self._connections.pricing,
            ):
                await self._session.retitle(conversation_id)
