"""Shows the open conversation in the transcript and in the widgets around it."""

from __future__ import annotations

from tui.chat import changes
from tui.chat.changes import Change
from tui.chat.session import Session
from tui.domain.conversation import ScrollAnchor
from tui.ui.controllers.composer import ComposerController
from tui.ui.controllers.find import Finder
from tui.ui.controllers.heading import Heading
from tui.ui.controllers.reply_view import ReplyView
from tui.ui.controllers.welcome import WelcomePage
from tui.ui.widgets.transcript import Transcript


class PathView:
    """Draws the changes that the session publishes about conversations and replies."""

    def __init__(
        self,
        *,
        transcript: Transcript,
        welcome: WelcomePage,
        heading: Heading,
        replies: ReplyView,
        composer: ComposerController,
        finder: Finder,
        session: Session,
    ) -> None:
        self._transcript = transcript
        self._welcome = welcome
        """Shown instead of a conversation without questions."""
        self._heading = heading
        self._replies = replies
        self._composer = composer
        self._finder = finder
        self._session = session

    def follow(self, change: Change) -> None:
        """Draw a change, if it can be seen in the open conversation."""
        match change:
            case changes.ConversationOpened():
                self._show_opened(change)
            case changes.PathChanged():
                self._show_changed(change)
            case changes.ReplyStarted():
                self._show_started(change)
            case changes.ReplyGrew():
                self._replies.resume()
            case changes.ReplyEnded(reply):
                if change.is_on_path and reply.ended is not None:
                    self._transcript.finish(reply.ended)
            case (
                changes.TitleChanged()
                | changes.CostChanged()
                | changes.ListChanged()
                | changes.Deleted()
                | changes.ParametersChanged()
                | changes.ModelsListed()
            ):
                self.show_heading()
                if self._transcript.conversation_id in ("", self._session.open_id):
                    self._show_system_prompt()
            case changes.DraftChanged() | changes.QueueChanged() | changes.Notice():
                pass

    def show_heading(self) -> None:
        """Show the title; if the conversation is empty, show the welcome page.

        A conversation with a system prompt is not empty.
        """
        self._heading.show()
        conversation = self._session.current.conversation
        is_empty = not conversation.tip_id and conversation.system_prompt is None
        self._welcome.display(is_empty=is_empty)
        self._transcript.display = not is_empty

    def _show_opened(self, change: changes.ConversationOpened) -> None:
        # Unless another one was opened meanwhile.
        if change.conversation_id == self._session.open_id:
            self._finder.end()
            self._show(place=change.place)
            self._composer.show()

    def _show_changed(self, change: changes.PathChanged) -> None:
        if change.conversation_id == self._session.open_id:
            here = self._transcript.place if change.is_kept_in_place else None
            self._show(place=here, at=change.message_id)

    def _show_started(self, change: changes.ReplyStarted) -> None:
        question, reply = change.question, change.reply
        self._replies.resume()
        if question.conversation_id != self._session.open_id:
            return
        is_shown = any(entry.id == question.id for entry in self._transcript.entries)
        if is_shown or self._session.current.reply is not reply:
            self._show()
            return
        self.show_heading()
        self._show_system_prompt()
        self._transcript.add(question, reply, now_ms=self._session.store.clock.now_ms())
        self._composer.show_queue()

    def _show_system_prompt(self) -> None:
        """Show the system prompt of the next question, if it has changed."""
        if self._transcript.show_system_prompt(
            self._session.current.conversation.system_prompt
        ):
            self._finder.find_again()

    def _show(self, *, place: ScrollAnchor | None = None, at: str | None = None) -> None:
        """Show the open conversation as it is now, at a scroll anchor or at a message."""
        current = self._session.current
        if current.reply is not None:
            self._replies.resume()
        self.show_heading()
        self._transcript.show(
            current.path,
            current.reply,
            now_ms=self._session.store.clock.now_ms(),
            system=current.conversation.system_prompt,
            versions=current.versions,
            place=place,
        )
        if at is not None:
            self._transcript.go_to(at)
        self._finder.find_again()
        self._composer.show_queue()
