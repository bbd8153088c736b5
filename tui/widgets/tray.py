"""What lies above the composer: the questions that wait, and what is being edited."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from tui.conversation import Unsent
from tui.sanitise import clean_line

MOST = 3
"""How many waiting questions are shown; the others are counted."""

LONGEST = 1_000
"""Characters of a waiting question that can be seen at all."""


class Tray(Static):
    """A few lines, or none."""

    def __init__(self) -> None:
        super().__init__(id="tray", markup=False)
        self._shown: tuple[Unsent, bool] | None = None

    def show(self, unsent: Unsent, *, is_running: bool) -> None:
        """Show what waits. It goes on by itself only while a reply is running."""
        if self._shown == (unsent, is_running):
            return
        self._shown = unsent, is_running
        lines = [*_queued(unsent.queued, is_running=is_running)]
        if unsent.edited_id is not None:
            lines.append("Editing a question: Enter asks it anew beside the old, Esc leaves")
        self.display = bool(lines)
        self.update(Content("\n".join(lines)))


def _queued(queued: tuple[str, ...], *, is_running: bool) -> list[str]:
    shown = [clean_line(text[:LONGEST]) for text in queued[:MOST]]
    lines = [f"{number}. {text}" for number, text in enumerate(shown, 1)]
    if len(queued) > MOST:
        lines.append(f"   and {len(queued) - MOST} more")
    if queued and is_running:
        lines.append("Next, when the reply is there · ↑ in the empty field edits the last")
    elif queued:
        lines.append("Waiting · Enter in the empty field asks the first · ↑ edits the last")
    return lines
