"""A question above the composer, for questions that the user does not expect.

A dialog that opens while somebody types would take their next letter for an answer.
This question takes no focus and no letter. Two keys that type nothing answer it, or a
click.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from tui.text.sanitise import clean_line
from tui.ui.widgets.key_hint import effective_key

LONGEST = 400
"""Most characters of a question that are shown; a link may be much longer."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its two answers, and the callback that gets the answer."""

    text: str
    yes: str
    no: str
    on_answer: Callable[[bool], object] = field(compare=False)
    is_urgent: bool = True
    """Whether it replaces any other question, and only an urgent one replaces it."""


class InlineQuestion(Vertical):
    """Shows one question at a time, or nothing."""

    def __init__(self) -> None:
        super().__init__(id="question")
        self.display = False
        self._question: Question | None = None
        self._text = Static(classes="text", markup=False)
        self._answers = Static(classes="answers", markup=False)

    def compose(self) -> ComposeResult:
        """Compose the question above its answers."""
        yield self._text
        yield self._answers

    def ask(self, question: Question) -> None:
        """Ask a question, unless one that is more urgent has no answer yet."""
        shown = self._question
        if question == shown or (shown and shown.is_urgent and not question.is_urgent):
            return
        self._question = question
        self._text.update(Content(_shortened(clean_line(question.text))))
        if shown is None or (shown.yes, shown.no) != (question.yes, question.no):
            self._answers.update(self._answers_to(question))
        self.display = True

    def _answers_to(self, question: Question) -> Content:
        yes, no = (
            Content.assemble(
                (effective_key(self.screen, name), "bold $accent"), " ", words
            ).stylize(Style.from_meta({"is_yes": is_yes}))
            for name, words, is_yes in (
                ("chat.accept", question.yes, True),
                ("chat.stop", question.no, False),
            )
        )
        return Content("   ").join([yes, no])

    @property
    def question(self) -> Question | None:
        """The question that is shown now."""
        return self._question

    def answer(self, *, is_yes: bool) -> bool:
        """Answer the question; return False if there is none."""
        asked = self._question
        self.withdraw()
        if asked is None:
            return False
        asked.on_answer(is_yes)
        return True

    def withdraw(self) -> None:
        """Remove the question."""
        self._question = None
        self.display = False

    def on_click(self, event: events.Click) -> None:
        """Answer with what was clicked."""
        is_yes = event.style.meta.get("is_yes")
        if is_yes is not None:
            event.stop()
            self.answer(is_yes=bool(is_yes))


def _shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}… ({len(text):,} characters)"
