"""The keys of a message: regenerate, fork, continue, delete."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from tui.chat import message_commands
from tui.chat.open_conversation import Refused
from tui.chat.session import Session
from tui.chat.undo_stack import UNDO_SECONDS
from tui.config.keymap import Keymap
from tui.domain.conversation import SYSTEM_PROMPT_ID
from tui.text import formatting
from tui.text.sanitise import clean_line
from tui.ui.controllers.save_code import CodeSaver
from tui.ui.controllers.templates import Templates
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.transcript import MessageAction, Transcript


class MessageActions:
    """Carries out the actions on a message."""

    def __init__(
        self,
        transcript: Transcript,
        composer: Composer,
        session: Session,
        keymap: Keymap,
        templates: Templates,
    ) -> None:
        self._transcript = transcript
        self._composer = composer
        self._session = session
        self._keymap = keymap
        self._templates = templates
        self._code_saver = CodeSaver(transcript)
        self._edited_id: str | None = None
        """The question whose edit began in the transcript; the focus returns there."""

    async def act(self, what: MessageAction, conversation_id: str, message_id: str) -> None:
        """Carry out an action on a message. Raises `HistoryError` and `Refused`."""
        if message_id == SYSTEM_PROMPT_ID:
            await self._act_on_system_prompt(what)
        else:
            await self._act(what, conversation_id, message_id)

    async def _act(self, what: MessageAction, conversation_id: str, message_id: str) -> None:
        session, ids = self._session, (conversation_id, message_id)
        match what:
            case "edit":
                await self._edit(*ids)
            case "regenerate":
                await message_commands.regenerate(session, *ids)
            case "regenerate_with":
                await self._regenerate_with(*ids)
            case "previous" | "next":
                await self._step_version(*ids, -1 if what == "previous" else 1)
            case "tree":
                await self._show_tree(*ids)
            case "fork":
                await self._fork(*ids)
            case "continue":
                await message_commands.continue_reply(session, *ids)
            case "delete":
                await self._delete(*ids)
            case "save_code" | "save_template":
                await self._save(what, message_id)

    async def _act_on_system_prompt(self, what: MessageAction) -> None:
        """Open the settings to edit the system prompt; refuse everything else."""
        if what != "edit":
            keys = self._keymap.fill(
                "{message.edit} edit · {message.copy} copy · {message.collapse} show or hide"
            )
            raise Refused(f"This is the system prompt, not a message · {keys}")
        await self._transcript.app.run_action("settings('system')")

    async def _save(self, what: MessageAction, message_id: str) -> None:
        """Save the code of a message as a file, or a question as a template."""
        if what == "save_code":
            await self._code_saver.save(message_id)
            return
        path = self._session.current.path
        question = next((each for each in path if each.id == message_id), None)
        if question is None or question.role != "user" or question.is_continuation:
            raise Refused("Only a question can be saved as a template. Go to one first.")
        await self._templates.save_text(question.text)

    async def _edit(self, conversation_id: str, message_id: str) -> None:
        await message_commands.begin_edit(self._session, conversation_id, message_id)
        self._edited_id = message_id if self._transcript.has_focus else None
        self._composer.focus()

    def return_from_edit(self) -> None:
        """Move the focus back to the transcript if an edit that began there has ended."""
        if self._edited_id is not None and self._composer.edited_id != self._edited_id:
            self._edited_id = None
            self._transcript.focus()

    async def regenerate_newest(self) -> None:
        """Regenerate the newest reply: a new version beside the old."""
        if reply_id := self._transcript.newest_reply_id:
            await message_commands.regenerate(
                self._session, self._transcript.conversation_id, reply_id
            )

    async def _fork(self, conversation_id: str, message_id: str) -> None:
        await message_commands.fork(self._session, conversation_id, message_id)
        if self._session.open_id == conversation_id:
            # The fork could not be opened; a notice has said so.
            return
        line = "This is the fork. The original conversation has not changed."
        self._transcript.notify(line, timeout=4, markup=False)
        self._composer.focus()

    async def _delete(self, conversation_id: str, message_id: str) -> None:
        await message_commands.delete_message(self._session, conversation_id, message_id)
        hint = "{app.palette} “Undo delete”"
        if self._transcript.has_focus:
            hint = "{message.undo} or {app.suspend} undo"
        line = f"Deleted the message · {self._keymap.fill(hint)}"
        self._transcript.notify(line, timeout=UNDO_SECONDS, markup=False)

    async def _regenerate_with(self, conversation_id: str, message_id: str) -> None:
        """Let the user choose a model, and regenerate with it."""
        from tui.ui.screens.choice import ChoiceScreen

        session = self._session
        present = session.current.conversation.parameters.model
        known = await session.store.models(session.endpoint.host)
        ids = dict.fromkeys(
            [present, *(model.id for model in known[1])] if known else [present]
        )
        names = {each: clean_line(formatting.model_name(each)) for each in ids}
        width = max(map(cell_len, names.values()))
        lines = [
            (each, _choice(each, set_cell_size(name, width), is_present=each == present))
            for each, name in names.items()
        ]
        screen = ChoiceScreen("Regenerate and continue with which model?", lines, first=present)
        model = await self._transcript.app.push_screen_wait(screen)
        if model is not None:
            await message_commands.regenerate(session, conversation_id, message_id, model)

    async def _step_version(self, conversation_id: str, message_id: str, step: int) -> None:
        if await message_commands.step_version(
            self._session, conversation_id, message_id, step
        ):
            return
        if message_id in self._session.current.versions:
            which = "first" if step < 0 else "last"
            self._transcript.notify(f"This is the {which} version.", timeout=2, markup=False)
        else:
            hint = "{message.edit} edit · {message.regenerate} regenerate"
            line = f"There is no other version · {self._keymap.fill(hint)}"
            self._transcript.notify(line, timeout=3, markup=False)

    async def _show_tree(self, conversation_id: str, message_id: str) -> None:
        from tui.ui.screens.tree import TreeScreen

        session = self._session
        nodes = await session.store.branches.tree(conversation_id)
        ids = {message.id for message in session.current.path}
        if session.current.reply is not None:
            ids.add(session.current.reply.id)
        screen = TreeScreen(nodes, path_ids=ids, here=message_id)
        found = await self._transcript.app.push_screen_wait(screen)
        if found is not None:
            await message_commands.go_to(session, conversation_id, found)


def _choice(model: str, name: str, *, is_present: bool) -> Content:
    """Return the line of a model to choose: a mark, its name and its id, in columns."""
    mark = ("●" if is_present else " ", "$accent")
    return Content.assemble(mark, f" {name}  ", (clean_line(model), "$text-muted"))
