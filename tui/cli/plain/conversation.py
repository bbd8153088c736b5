"""The session of plain mode: asks questions and writes out the replies.

It is a second front end of the same `Session`. It writes each line once, from the event
loop's thread, and never changes it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any

from tui.chat import changes, question_commands
from tui.chat.changes import Change
from tui.chat.other_windows import OtherWindows
from tui.chat.purge_schedule import PurgeSchedule
from tui.chat.session import Session
from tui.cli.plain.line_reader import LineReader
from tui.cli.plain.reply_reader import ReplyReader
from tui.cli.plain.words import message_text
from tui.domain.conversation import Message, as_question
from tui.domain.reply import StreamingReply
from tui.store import HistoryError
from tui.text.sanitise import clean_line

LOOK_EVERY = 0.1
"""Seconds between two checks for new text of a reply."""

_WAITS = "Claude is still answering in another window. The question waits. Ctrl+C cancels it."

_log = logging.getLogger(__name__)


class Work:
    """A worker of the session, as an asyncio task."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.get_running_loop().create_task(work)
        self._task.add_done_callback(_log_failure)

    def cancel(self) -> None:
        """Cancel the task."""
        self._task.cancel()

    async def wait(self) -> object:
        """Wait until the task has ended."""
        await self._task
        return None


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("a worker failed", exc_info=error)


class PlainChat:
    """Writes out a session: one reply at a time, each line once."""

    def __init__(self, session: Session, reader: LineReader) -> None:
        self.session = session
        self.reader = reader
        self.choices: list[tuple[str, str | None]] = []
        """The last list that was shown: conversations, each with a message to go to or None."""
        self.is_left = False
        """Whether the user wants to quit."""
        self.purges = PurgeSchedule(session, lambda work, _: Work(work))
        self._other_windows = OtherWindows(session)
        self._readers: dict[str, ReplyReader] = {}
        """The readers of the replies that are being written out, by reply id."""
        self._ended: list[tuple[StreamingReply, str | None]] = []
        """Replies that have ended but are not completely written out, with their problems."""
        self._notices: list[str] = []
        """Notices to write before the next prompt."""
        self._news = asyncio.Event()
        self._is_answering = False
        self._is_stop_wanted = False
        """Whether the user pressed Ctrl+C before there was a reply to stop."""
        self._asked_to_wait: set[tuple[str, int]] = set()
        """The reply ids and attempts for which the user was asked whether to wait."""
        session.subscribe(self._receive)

    # Output

    def write(self, text: str) -> None:
        """Write clean text, and flush it."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def say(self, line: str) -> None:
        """Write one line; it may quote text that is not clean."""
        self.write(f"{clean_line(line)}\n")

    def show(self, messages: Iterable[Message]) -> None:
        """Write out messages."""
        for message in messages:
            self.write(f"{message_text(message)}\n")

    def tell_notices(self) -> None:
        """Write the notices that have arrived since the last call."""
        notices, self._notices = self._notices, []
        for line in notices:
            self.say(line)

    # Replies

    async def ask(self, text: str) -> None:
        """Ask a question in the open conversation, and write out the reply."""
        session = self.session
        # From here on, Ctrl+C stops the reply.
        self._is_answering = True
        try:
            await self._ask(session, text)
        finally:
            self._is_answering = self._is_stop_wanted = False
        await self.catch_up(is_own=True)

    async def _ask(self, session: Session, text: str) -> None:
        match await question_commands.submit(session, session.open_id, as_question(text)):
            case question_commands.NeedsNewConversation():
                who = "Claude" if session.endpoint.is_demo else "the offline demo"
                self.say(f"This conversation is with {who}. Not sent: type /new first.")
                return
            case question_commands.Queued():
                self.say(_WAITS)
            case question_commands.Started():
                pass
        await self.read_out()

    async def read_out(self) -> None:
        """Write out the replies in the open conversation, until no more are expected."""
        self._is_answering = True
        try:
            while self._is_busy():
                self._news.clear()
                await self._look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY):
                        await self._news.wait()
            self._finish_ended()
        finally:
            self._is_answering = self._is_stop_wanted = False

    def _is_busy(self) -> bool:
        session, open_id = self.session, self.session.open_id
        return session.scheduler.is_busy(open_id) or bool(session.drafts.draft(open_id).queued)

    async def _look(self) -> None:
        self._finish_ended()
        open_id = self.session.open_id
        reply = self.session.scheduler.streaming.get(open_id)
        if reply is not None:
            if self._is_stop_wanted:
                self._is_stop_wanted = not self.session.scheduler.stop(open_id)
            self._reader_of(reply).show()
            if reply.retry is not None and reply.retry.is_asking:
                await self._ask_whether_to_wait(reply, reply.retry.attempt)
        elif not self.session.scheduler.will_send_queue(open_id):
            await self._ask_waiting(open_id)

    async def _ask_waiting(self, conversation_id: str) -> None:
        """Send the queued question although the reply before it failed, or take it back."""
        session = self.session
        try:
            await question_commands.submit_queued(session, conversation_id)
        finally:
            # Do not try again and again: the conversation may be gone.
            if not session.scheduler.will_send_queue(conversation_id):
                self.take_back()

    def take_back(self) -> bool:
        """Take back the newest queued question; return False if there is none."""
        session = self.session
        if question_commands.take_newest_queued(session, session.open_id) is None:
            return False
        self.say("The question was not sent.")
        return True

    def _reader_of(self, reply: StreamingReply) -> ReplyReader:
        if reply.id not in self._readers:
            self._readers[reply.id] = ReplyReader(reply, self.write, self.session.store.clock)
        return self._readers[reply.id]

    def _finish_ended(self) -> None:
        ended, self._ended = self._ended, []
        for reply, problem in ended:
            self._reader_of(reply).finish(problem)
            del self._readers[reply.id]

    async def _ask_whether_to_wait(self, reply: StreamingReply, attempt: int) -> None:
        """Ask the user whether to wait as long as the endpoint asks."""
        scheduler, conversation_id = self.session.scheduler, reply.conversation_id
        if (reply.id, attempt) in self._asked_to_wait:
            return
        self._asked_to_wait.add((reply.id, attempt))
        answer: str | None = None
        if self.reader.is_typed:
            read = self.reader.read("Wait for it? Type yes or no: ")
            answering = asyncio.get_running_loop().create_task(read)
            while not answering.done() and conversation_id in scheduler.streaming:
                await asyncio.wait({answering}, timeout=LOOK_EVERY)
            # There is no answer if Ctrl+C stopped the reply meanwhile.
            answer = answering.result() if answering.done() else None
            answering.cancel()
        may_wait = (answer or "").strip().lower() in ("y", "yes")
        scheduler.answer(conversation_id, may_wait=may_wait)

    # Changes

    async def catch_up(self, *, is_own: bool = False) -> None:
        """Read changes of other programs, and report them unless this one made them."""
        before = [message.id for message in self.session.current.path]
        conversation_id = self.session.open_id
        # The next call tries again; a command that fails meanwhile reports it itself.
        with suppress(HistoryError):
            await self._other_windows.poll()
        after = [message.id for message in self.session.current.path]
        if not is_own and after != before and conversation_id == self.session.open_id:
            self.say("This conversation was changed in another window. /show prints it.")

    def stop(self) -> bool:
        """Stop the reply, or take back the queued question; False if there is neither."""
        if not self._is_answering:
            return False
        if not (self.session.scheduler.stop(self.session.open_id) or self.take_back()):
            # The reply is about to begin.
            self._is_stop_wanted = True
        return True

    def _receive(self, change: Change) -> None:
        match change:
            case changes.ReplyEnded(reply, problem):
                self._ended.append((reply, problem))
                self._news.set()
            case changes.Notice(line):
                self._notices.append(line)
            case _:
                pass
