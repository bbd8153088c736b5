"""Opening a link of a reply, after the user has seen its real target."""

from __future__ import annotations

import webbrowser

from tui.text.sanitise import clean_line
from tui.ui.widgets.inline_question import InlineQuestion, Question
from tui.ui.widgets.transcript import Transcript
from tui.ui.widgets.virtual_message_view import OPENABLE


class LinkOpener:
    """Asks before it opens anything."""

    def __init__(self, transcript: Transcript, question: InlineQuestion) -> None:
        self._transcript = transcript
        self._question = question

    def offer(self, link: str, number: str) -> None:
        """Ask whether to open a link; warn if it is of a kind that must not be opened.

        `number` says which of several links it is, such as `2 of 3`; it is empty for an only
        one.
        """
        target = clean_line(link)
        if not target.lower().startswith(OPENABLE):
            self._warn(f"Not opened: {target}")
            return

        def on_answer(is_yes: bool) -> None:  # noqa: FBT001 - the only argument
            if is_yes:
                self._open(target)

        which = f"link {number}: " if number else ""
        self._question.ask(Question(f"Open {which}{target} ?", "Open", "Cancel", on_answer))

    def _open(self, target: str) -> None:
        try:
            webbrowser.get()
        except webbrowser.Error:
            self._warn("No browser was found to open the link; its address is copied.")
            self._transcript.post_message(Transcript.Copied(target, "the address"))
        else:
            self._transcript.app.open_url(target)

    def _warn(self, line: str) -> None:
        self._transcript.notify(line, severity="warning", markup=False)
