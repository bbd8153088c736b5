"""What a person does with a message: ask anew, branch off, go on, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from tui import wording
from tui.conversation import Message
from tui.reading import Refused
from tui.sanitise import clean_line
from tui.store import HistoryError
from tui.trash import UNDO_SECONDS
from tui.widgets.transcript import Want

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen


class Acting:
    """The keys of a message, on the chat screen."""

    def __init__(self, chat: ChatScreen) -> None:
        self._chat = chat

    async def act(self, what: Want, message_id: str) -> None:
        """Do what is wanted with a message; tell why, if it cannot be done."""
        with self._chat.telling():
            match what:
                case "edit":
                    self._edit(message_id)
                case "regenerate":
                    await self._regenerate(message_id)
                case "regenerate_with":
                    self._chat.run_worker(self._regenerate_with(message_id))
                case "previous":
                    await self._step(message_id, -1)
                case "next":
                    await self._step(message_id, 1)
                case "tree":
                    self._chat.run_worker(self._show_tree(message_id))
                case "fork":
                    await self._fork(message_id)
                case "go_on":
                    await self._go_on(message_id)
                case "delete":
                    await self._delete(message_id)

    def _edit(self, message_id: str) -> None:
        chat = self._chat
        message = self._message(message_id)
        if message is None or message.role != "user" or message.is_continuation:
            raise Refused("Only a question can be edited; r asks for a reply again.")
        chat.desk.edit(chat.reading.conversation.id, message_id, message.text)
        chat.composer.write(message.text)
        chat.show_unsent()
        chat.set_focus(chat.composer)

    async def send_edit(self, text: str) -> None:
        """Ask the question that was edited, beside the old one."""
        chat = self._chat
        conversation_id = chat.reading.conversation.id
        edited_id = chat.desk.unsent(conversation_id).edited_id or ""
        try:
            await chat.reading.edit(edited_id, text)
        except (HistoryError, Refused) as error:
            chat.complain(str(error))
            chat.composer.give_back(text)
            return
        chat.desk.leave_edit(conversation_id)
        chat.show_reading()
        chat.show_unsent_text()

    async def _regenerate(self, message_id: str, model: str | None = None) -> None:
        await self._chat.reading.regenerate(message_id, model)
        self._chat.show_reading()
        self._chat.set_focus(self._chat.composer)

    async def _regenerate_with(self, message_id: str) -> None:
        """Let a model be chosen, and ask it."""
        from tui.screens.choice import ChoiceScreen

        chat = self._chat
        with chat.telling():
            present = chat.reading.conversation.model
            known = await chat.store.models(chat.host)
            ids = dict.fromkeys(
                [present, *(model.id for model in known[1])] if known else [present]
            )
            lines = [(each, Content(clean_line(_named(each)))) for each in ids]
            screen = ChoiceScreen("Ask again: which model?", lines, first=present)
            model = await chat.app.push_screen_wait(screen)
            if model is not None:
                await self._regenerate(message_id, model)

    async def _step(self, message_id: str, step: int) -> None:
        chat = self._chat
        found = await chat.reading.step_version(message_id, step)
        if found is not None:
            chat.show_reading(at=found)
        elif message_id in chat.reading.versions:
            which = "first" if step < 0 else "last"
            chat.notify(f"This is the {which} version.", timeout=2, markup=False)
        else:
            chat.notify("There is no other version. e and r make one.", timeout=3, markup=False)

    async def _show_tree(self, message_id: str) -> None:
        from tui.screens.tree import TreeScreen

        chat = self._chat
        with chat.telling():
            nodes = await chat.store.branches.tree(chat.reading.conversation.id)
            ids = {message.id for message in chat.reading.line}
            if chat.reading.draft is not None:
                ids.add(chat.reading.draft.id)
            screen = TreeScreen(nodes, line_ids=ids, here=message_id)
            found = await chat.app.push_screen_wait(screen)
            if found is not None:
                await chat.reading.go_to(found)
                chat.show_reading(at=found)

    async def _fork(self, message_id: str) -> None:
        fork = await self._chat.reading.fork(message_id)
        await self._chat.read(fork)
        self._chat.notify("This is the fork. The conversation it left is as it was.", timeout=4)
        self._chat.set_focus(self._chat.composer)

    async def _go_on(self, message_id: str) -> None:
        await self._chat.reading.go_on(message_id)
        self._chat.show_reading()

    async def _delete(self, message_id: str) -> None:
        chat = self._chat
        place = chat.transcript.place
        await chat.reading.delete(message_id)
        chat.show_reading(place=place)
        line = "Deleted the message. u brings it back."
        chat.notify(line, timeout=UNDO_SECONDS, markup=False)
        chat.set_timer(UNDO_SECONDS + 0.5, chat.empty_trash)

    def _message(self, message_id: str) -> Message | None:
        line = self._chat.reading.line
        return next((message for message in line if message.id == message_id), None)


def _named(model: str) -> str:
    name = wording.model_name(model)
    return model if name == model else f"{name}  {model}"
