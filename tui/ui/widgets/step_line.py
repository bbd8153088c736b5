"""A row of a few choices, called steps. Left and Right choose another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui.ui.bindings import bindings_of

_MUTED = "$foreground 60%"


class StepLine(Widget, can_focus=True):
    """A label, the steps with the chosen one highlighted, and a note."""

    BINDINGS = bindings_of("steps")

    @dataclass
    class Changed(Message):
        """The user chose another step."""

        line: StepLine
        step: str

    def __init__(self, label: str, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._label = label
        self._steps: tuple[str, ...] = ()
        self._note = ""
        self.step = ""
        """The chosen step; empty if there are no steps."""

    def offer(self, steps: Sequence[str], step: str, *, note: str = "") -> None:
        """Show steps with `step` chosen, and a note after them."""
        self._steps, self._note = tuple(steps), note
        self.step = step if step in self._steps else next(iter(self._steps), "")
        self.refresh()

    def action_step(self, step: int) -> None:
        """Choose the step to the right (1) or to the left (-1)."""
        if self._steps:
            at = self._steps.index(self.step) + step
            self._choose(self._steps[max(0, min(len(self._steps) - 1, at))])

    def on_click(self, event: events.Click) -> None:
        """Choose the clicked step."""
        left = cell_len(self._label)
        for step in self._steps:
            if left <= event.x < left + cell_len(step) + 2:
                self._choose(step)
            left += cell_len(step) + 2

    def _choose(self, step: str) -> None:
        if step != self.step:
            self.step = step
            self.refresh()
            self.post_message(self.Changed(self, step))

    def render(self) -> Content:
        """Return the row as text."""
        label = (self._label, "bold $accent" if self.has_focus else "")
        chosen = "bold reverse" if self.has_focus else "reverse"
        steps = [(f" {step} ", chosen if step == self.step else _MUTED) for step in self._steps]
        return Content.assemble(label, *steps, (f" {self._note}" if self._note else "", _MUTED))
