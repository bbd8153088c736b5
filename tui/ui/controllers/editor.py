"""Opens a text in the user's own editor, above all the composer's."""

from __future__ import annotations

from typing import Any

from textual.app import App, SuspendNotSupported

from tui.chat.open_conversation import Refused
from tui.terminal.external_editor import EditorFailed, ExternalEditor
from tui.ui.widgets.composed_text import composed
from tui.ui.widgets.composer import Composer


async def edited(app: App[Any], editor: ExternalEditor, text: str) -> str:
    """Give the terminal to the editor; return the text as it was saved there.

    Replies continue meanwhile. Raises `Refused` if the text could not be edited.
    """
    try:
        return await _edited(app, editor, text)
    except EditorFailed as error:
        raise Refused(str(error)) from error
    except SuspendNotSupported as error:
        raise Refused("There is no terminal here for an editor.") from error


async def _edited(app: App[Any], editor: ExternalEditor, text: str) -> str:
    failed: EditorFailed | None = None
    with app.suspend():
        # Textual does not take the terminal back after an error in this block. A
        # cancellation may pass: the program ends then.
        try:
            text = await editor.edit(text)
        except EditorFailed as error:
            failed = error
    if failed is not None:
        raise failed
    return text


class EditorSession:
    """Edits the composer's text in the editor."""

    def __init__(self, composer: Composer, editor: ExternalEditor) -> None:
        self._composer = composer
        self._editor = editor

    async def edit(self) -> None:
        """Put the text that was saved in the editor into the composer. Raises `Refused`."""
        composer = self._composer
        where, before = (composer.conversation_id, composer.edited_id), composer.whole
        text = await edited(composer.app, self._editor, before)
        composer.focus()
        if text == before:
            return
        if ((composer.conversation_id, composer.edited_id), composer.whole) == (where, before):
            composer.replace_all(composed(text))
        else:
            # The composer's text changed meanwhile, for example when a question could not
            # be sent: keep both texts.
            composer.give_back(text)
