"""Keeps what the open conversation has cost, for whoever shows it."""

from __future__ import annotations

from contextlib import suppress

from tui.chat import changes
from tui.chat.changes import Change
from tui.chat.pricing import Pricing, price_pending
from tui.chat.reply_scheduler import Run
from tui.chat.session import Session
from tui.store import HistoryError


class ConversationCost:
    """Reads the cost of the open conversation after every change that may change it."""

    def __init__(self, session: Session, pricing: Pricing, run: Run) -> None:
        self._session = session
        self._pricing = pricing
        self._run = run
        session.subscribe(self._on_change)

    def _on_change(self, change: Change) -> None:
        match change:
            case changes.ConversationOpened():
                self._session.cost = None
                self._read_soon()
            case changes.ReplyEnded(reply):
                stats = reply.ended.figures if reply.ended is not None else None
                self._read_soon(is_pending=stats is not None and stats.price is None)
            case changes.PathChanged() | changes.TitleChanged():
                self._read_soon()
            case _:
                pass

    def _read_soon(self, *, is_pending: bool = False) -> None:
        conversation_id = self._session.open_id
        work = self._read(conversation_id, is_pending=is_pending)
        self._run(work, f"cost of {conversation_id}")

    async def _read(self, conversation_id: str, *, is_pending: bool) -> None:
        session = self._session
        # Without it, the heading shows what is known; the next change reads again.
        with suppress(HistoryError):
            if is_pending:
                # The reply was stopped before the table of prices was loaded.
                await price_pending(session.store, self._pricing)
                if await session.reread(conversation_id):
                    session.publish(changes.PathChanged(conversation_id, is_kept_in_place=True))
            cost = await session.store.costs.of_conversation(conversation_id)
            if conversation_id == session.open_id and cost != session.cost:
                session.cost = cost
                session.publish(changes.CostChanged(conversation_id))
