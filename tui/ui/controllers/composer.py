"""Connects the composer, and the queue above it, with the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeAlias

from tui.chat import message_commands, question_commands
from tui.chat.changes import DraftChanged, QueueChanged
from tui.chat.open_conversation import Refused
from tui.chat.question_commands import NeedsNewConversation
from tui.chat.session import Session
from tui.config.slash import SlashCall, completed
from tui.store import HistoryError
from tui.terminal.external_editor import ExternalEditor
from tui.ui.controllers.editor import EditorSession
from tui.ui.controllers.recall import Recall
from tui.ui.controllers.slash import Run, SlashCommands
from tui.ui.controllers.templates import Templates
from tui.ui.widgets.composed_text import composed
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.inline_question import InlineQuestion, Question
from tui.ui.widgets.queue_panel import QueuePanel
from tui.ui.widgets.slash_list import SlashList

Asked: TypeAlias = (
    Composer.EmptySubmitted
    | Composer.QueueEditRequested
    | Composer.RecallRequested
    | Composer.CommandEntered
    | Composer.CompletionRequested
    | SlashList.Picked
)


class ComposerController:
    """Saves each conversation's draft, and sends its questions."""

    def __init__(
        self,
        composer: Composer,
        queue: QueuePanel,
        slash_list: SlashList,
        question: InlineQuestion,
        session: Session,
        *,
        act: Callable[..., object],
        run: Run,
        prompts: Path,
        editor: ExternalEditor,
    ) -> None:
        self._composer = composer
        self._queue = queue
        self._question = question
        self._session = session
        self._act = act
        """Runs in a worker what the user asked for."""
        self.slash = SlashCommands(composer, slash_list, session, run)
        self._editor = EditorSession(composer, editor)
        self._recall = Recall(composer, session, act, self.save_draft)
        self.templates = Templates(composer, session, prompts, act)
        self._state = False, False, False
        """Whether a question is recalled, commands are listed, and Enter runs one."""

    @property
    def commands(self) -> Mapping[str, Callable[[], object]]:
        """The commands that this controller runs, by id."""
        return {
            "composer.recall": partial(self._act, self._recall.search),
            "composer.editor": partial(self._act, self._editor.edit),
            **self.templates.commands,
        }

    def follow(self, event: Asked) -> None:
        """Carry out a request of the composer."""
        match event:
            case Composer.CommandEntered(_, call):
                self._act(self._run_command, call)
            case Composer.CompletionRequested():
                if not self.slash.complete():
                    self._composer.screen.focus_next()
            case SlashList.Picked(entry):
                self._composer.replace_all(composed(completed(entry)))
            case Composer.EmptySubmitted(conversation_id):
                self._act(question_commands.submit_queued, self._session, conversation_id)
            case Composer.QueueEditRequested(conversation_id):
                self._edit_queued(conversation_id)
            case Composer.RecallRequested(conversation_id, step):
                # In the list of commands, too, a step back goes up.
                if self.slash.step(-step):
                    self._note_state()
                else:
                    self._recall.step(conversation_id, step)

    def close(self) -> bool:
        """Close the list of commands, or show the draft instead of a recalled question.

        Return False if there was nothing to close.
        """
        if not (self._composer.has_focus and (self.slash.close() or self._recall.leave())):
            return False
        self._note_state()
        return True

    def show(self) -> None:
        """Show the draft and the queue of the open conversation."""
        session, composer = self._session, self._composer
        if composer.conversation_id not in ("", session.open_id):
            # The composer may not have posted the last letters yet.
            self.save_draft()
        composer.conversation_id = session.open_id
        self.show_draft()
        self.show_queue()

    def show_change(self, change: DraftChanged | QueueChanged) -> None:
        """Show a changed draft or queue, if it belongs to the composer's conversation."""
        if change.conversation_id == self._composer.conversation_id:
            if isinstance(change, DraftChanged):
                self.show_draft()
            self.show_queue()

    def show_draft(self) -> None:
        """Show the draft; while a question is being edited, show the edit instead."""
        draft = self._session.drafts.draft(self._composer.conversation_id)
        self._composer.edited_id = draft.edited_id
        self._composer.write(draft.text if draft.edited_id is None else draft.edit)

    def show_queue(self) -> None:
        """Show the queued questions."""
        open_id = self._session.open_id
        is_running = self._session.scheduler.will_send_queue(open_id)
        self._queue.show(self._session.drafts.draft(open_id), is_running=is_running)

    def save_draft(self) -> None:
        """Save the composer's text, unless an edit has begun that it does not show yet."""
        composer, drafts = self._composer, self._session.drafts
        if composer.edited_id == drafts.draft(composer.conversation_id).edited_id:
            drafts.write(composer.conversation_id, composer.draft)

    def follow_typing(self) -> None:
        """Save the draft after typing, and update the labels of the keys."""
        self.save_draft()
        self.slash.follow_typing()
        self._note_state()

    def _note_state(self) -> None:
        """Update the labels of the keys, if they do other things now."""
        composer = self._composer
        state = composer.is_recalled, self.slash.is_open, composer.call is not None
        if state != self._state:
            self._state = state
            self._composer.screen.refresh_bindings()

    def leave_edit(self) -> bool:
        """End the edit of a question; return False if no question is being edited."""
        return message_commands.leave_edit(self._session, self._composer.conversation_id)

    async def submit(self, event: Composer.Submitted) -> None:
        """Send a text; put it back if it cannot be sent."""
        session = self._session
        try:
            if event.edited_id is not None:
                await message_commands.edit(
                    session, event.conversation_id, event.edited_id, event.text
                )
                return
            submitted = await question_commands.submit(
                session, event.conversation_id, event.text
            )
        except (HistoryError, Refused):
            self._give_back(event.conversation_id, event.text, event.edited_id)
            raise
        if isinstance(submitted, NeedsNewConversation):
            self._give_back(event.conversation_id, event.text)
            self._offer_new(event.conversation_id)
        else:
            self._bring_draft_back()

    async def _run_command(self, call: SlashCall) -> None:
        try:
            await self.slash.run(call)
        finally:
            self._bring_draft_back()

    def _bring_draft_back(self) -> None:
        """Show the draft that a recalled question replaced, if that question was sent."""
        self._recall.bring_back()
        self._note_state()

    def _offer_new(self, asked_in: str) -> None:
        """Offer to ask in a new conversation: Claude and the demo never share one."""
        is_demo = self._session.endpoint.is_demo
        here, there = ("Claude", "the demo") if is_demo else ("the demo", "Claude")
        text = f"This conversation is with {here}. Ask {there} in a new one?"

        def on_answer(is_yes: bool) -> None:  # noqa: FBT001 - the only argument
            if is_yes and self._composer.conversation_id == asked_in:
                self._act(self._submit_in_new)

        self._question.ask(Question(text, "Ask in a new one", "Cancel", on_answer))

    async def _submit_in_new(self) -> None:
        """Send the composer's text in a new conversation."""
        if text := self._composer.take():
            try:
                await question_commands.submit_in_new(self._session, text)
            except (HistoryError, Refused):
                self._give_back(self._session.open_id, text)
                raise

    def _edit_queued(self, conversation_id: str) -> None:
        """Move the newest queued question into the composer, or else recall the newest."""
        text = question_commands.take_newest_queued(self._session, conversation_id)
        if text is not None:
            self._give_back(conversation_id, text)
        else:
            self._recall.step(conversation_id, 1)

    def _give_back(self, conversation_id: str, text: str, edited_id: str | None = None) -> None:
        composer = self._composer
        if (conversation_id, edited_id) == (composer.conversation_id, composer.edited_id):
            composer.give_back(text)
        else:
            if conversation_id == composer.conversation_id:
                # The composer may not have posted the last letters yet.
                self.save_draft()
            message_commands.give_back(self._session, conversation_id, text, edited_id)
