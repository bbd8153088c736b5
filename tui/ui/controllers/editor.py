"""Opens the composer's text in the user's own editor."""

from __future__ import annotations

from textual.app import SuspendNotSupported

from tui.chat.open_conversation import Refused
from tui.terminal.external_editor import EditorFailed, ExternalEditor
from tui.ui.widgets.composed_text import composed
from tui.ui.widgets.composer import Composer


class EditorSession:
    """Gives the terminal to the editor, and puts the saved text into the composer."""

    def __init__(self, composer: Composer, editor: ExternalEditor) -> None:
        self._composer = composer
        self._editor = editor

    async def edit(self) -> None:
        """Edit the composer's text in the editor. Raises `Refused` if that fails.

        Replies continue meanwhile.
        """
        composer = self._composer
        where, before = (composer.conversation_id, composer.edited_id), composer.whole
        try:
            text = await self._edited(before)
        except EditorFailed as error:
            raise Refused(str(error)) from error
        except SuspendNotSupported as error:
            raise Refused("There is no terminal here for an editor.") from error
        composer.focus()
        if text == before:
            return
        if ((composer.conversation_id, composer.edited_id), composer.whole) == (where, before):
            composer.replace_all(composed(text))
        else:
            # The composer's text changed meanwhile, for example when a question could not
            # be sent: keep both texts.
            composer.give_back(text)

    async def _edited(self, text: str) -> str:
        failed: EditorFailed | None = None
        with self._composer.app.suspend():
            # Textual does not take the terminal back after an error in this block. A
            # cancellation may pass: the program ends then.
            try:
                text = await self._editor.edit(text)
            except EditorFailed as error:
                failed = error
        if failed is not None:
            raise failed
        return text
