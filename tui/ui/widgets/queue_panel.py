"""The panel above the composer: the queued questions, and the edit in progress."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from tui.config.keymap import Keymap, default_keymap, format_keys
from tui.domain.conversation import ComposerDraft
from tui.text.sanitise import clean_line

MOST = 3
"""How many queued questions are shown; the others are counted."""

LONGEST = 1_000
"""Most characters of a queued question that a window can show."""


class QueuePanel(Static):
    """Shows the queue in a few lines; hidden while it is empty."""

    def __init__(self, keymap: Keymap | None = None) -> None:
        super().__init__(id="queue", markup=False)
        self._keymap = keymap or default_keymap()
        self._shown: tuple[ComposerDraft, bool] | None = None

    def show(self, draft: ComposerDraft, *, is_running: bool) -> None:
        """Show the queue. It is sent by itself only while a reply is running."""
        if self._shown == (draft, is_running):
            return
        self._shown = draft, is_running
        lines = [*self._queued(draft.queued, is_running=is_running)]
        if draft.edited_id is not None:
            hints = "{composer.send} send as a new version · {chat.stop} cancel"
            lines.append(self._keymap.fill(f"Editing a question · {hints}"))
        self.display = bool(lines)
        self.update(Content("\n".join(lines)))

    def _queued(self, queued: tuple[str, ...], *, is_running: bool) -> list[str]:
        shown = [clean_line(text[:LONGEST]) for text in queued[:MOST]]
        lines = [f"{number}. {text}" for number, text in enumerate(shown, 1)]
        if len(queued) > MOST:
            lines.append(f"   and {len(queued) - MOST} more")
        edit = f"{format_keys(['up'])} edit the last"
        if queued and is_running:
            lines.append(f"Sent when the reply is complete · in the empty field: {edit}")
        elif queued:
            send = f"{self._keymap.key('composer.send')} send the first"
            lines.append(f"Waiting · in the empty field: {send} · {edit}")
        return lines
