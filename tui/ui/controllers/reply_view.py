"""Draws replies while they arrive.

A timer draws the reply of the open conversation. It runs only while a reply arrives.
Of the other replies, only the marks in the sidebar change.
"""

from __future__ import annotations

from textual.timer import Timer

from tui.chat.session import Session
from tui.domain import attention
from tui.domain.reply import StreamingReply
from tui.text import formatting
from tui.ui.widgets.conversation_marks import Mark
from tui.ui.widgets.inline_question import InlineQuestion, Question
from tui.ui.widgets.sidebar import Sidebar
from tui.ui.widgets.transcript import Transcript

LONGEST_PAUSE = 0.15
"""Most seconds without a frame, however fast the user types."""


class ReplyView:
    """Draws replies while they arrive."""

    def __init__(
        self,
        transcript: Transcript,
        sidebar: Sidebar,
        question: InlineQuestion,
        session: Session,
    ) -> None:
        self._transcript = transcript
        self._sidebar = sidebar
        self._question = question
        self._session = session
        self._wait: Question | None = None
        """The question about a long wait, while it is asked."""
        self._tick = "", 0
        """The reply that was drawn last, and the second that its line showed."""
        self._drawn_at = 0.0
        """When it was drawn last, in monotonic seconds."""
        self.timer: Timer
        """Calls `draw`; paused while no reply arrives."""

    def resume(self) -> None:
        """Start drawing; this stops by itself when no reply arrives any more."""
        self._session.scheduler.changed.add(self._session.open_id)
        self.timer.resume()

    def draw(self) -> None:
        """Draw the reply of the open conversation; mark the others in the sidebar."""
        session, changed = self._session, self._session.scheduler.changed
        if not session.scheduler.streaming and session.current.reply is None:
            self.timer.pause()
        if not self._sidebar.is_attached:
            return
        open_id, reply = session.open_id, session.current.reply
        self._offer_to_wait(reply)
        if reply is not None:
            now = session.store.clock.monotonic()
            # The line below it may count seconds although nothing arrives.
            tick = reply.id, formatting.tick(reply, now)
            # A person who types waits for their letter, not for the next word.
            if attention.is_key_unpainted() and now - self._drawn_at < LONGEST_PAUSE:
                return
            is_new_second, self._tick = tick != self._tick, tick
            if is_new_second or open_id in changed:
                self._drawn_at = now
                changed.discard(open_id)
                if not self._transcript.draw(reply, now):
                    changed.add(open_id)
        self.mark()

    def _offer_to_wait(self, reply: StreamingReply | None) -> None:
        """Ask whether to wait as long as the endpoint demands, until that is decided."""
        shown, session = self._question, self._session
        if reply is None or reply.retry is None or not reply.retry.is_asking:
            if self._wait is not None and shown.question == self._wait:
                shown.withdraw()
            self._wait = None
            return
        retry, conversation_id = reply.retry, reply.conversation_id
        wait = formatting.wait_left(retry, session.store.clock.monotonic())

        def on_answer(is_yes: bool) -> None:  # noqa: FBT001 - the only argument
            session.scheduler.answer(conversation_id, may_wait=is_yes)

        reason = formatting.sentence(retry.reason)
        text = f"{reason} The endpoint asks to wait {wait}. Wait and retry?"
        self._wait = Question(text, "Wait", "Do not wait", on_answer, is_urgent=False)
        shown.ask(self._wait)

    def mark(self) -> None:
        """Mark the conversations that have a running reply, an unread one or a draft."""
        session = self._session
        marks: dict[str, Mark] = dict.fromkeys(
            session.drafts.conversation_ids() - {session.open_id}, "draft"
        )
        marks |= dict.fromkeys(session.unread, "unread")
        waits: dict[str, str] = {}
        now = session.store.clock.monotonic()
        for conversation_id, reply in session.scheduler.streaming.items():
            running: Mark = "queued" if reply.is_queued else "streaming"
            marks[conversation_id] = "retrying" if reply.retry else running
            if reply.retry is not None:
                waits[conversation_id] = formatting.wait_left(reply.retry, now)
        self._sidebar.mark(marks, waits)
