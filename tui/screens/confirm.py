"""A question with two answers, over whatever screen it comes from."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Center, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.sanitise import clean
from tui.widgets.effective import effective_key


class ConfirmScreen(ModalScreen[bool]):
    """Asks, and dismisses with the answer."""

    CSS_PATH = "confirm.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-high")]
    BINDINGS = [
        Binding("enter,y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("escape,n", "answer(False)", "No", id="confirm.no"),
    ]

    def __init__(self, question: str, *, yes: str) -> None:
        super().__init__()
        self._question = question
        self._yes = yes

    def compose(self) -> ComposeResult:
        """Compose the question above its two answers."""
        with Vertical():
            yield Static(Content(clean(self._question)))
            with Center():
                yes, no = (effective_key(self, f"confirm.{name}") for name in ("yes", "no"))
                yield Static(
                    Content.assemble(
                        *((f"{yes} ", "bold $accent"), self._yes, "   "),
                        *((f"{no} ", "bold $accent"), "Cancel"),
                    ),
                    classes="answers",
                )

    def action_answer(self, answer: bool) -> None:  # noqa: FBT001 - Textual's actions are positional
        """Leave with the answer."""
        self.dismiss(answer)
