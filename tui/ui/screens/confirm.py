"""A dialog that asks a question with two answers."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Center, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.text.sanitise import clean
from tui.ui.bindings import bindings_of
from tui.ui.screens.coverable import CoverableScreen
from tui.ui.widgets.key_hint import effective_key


class ConfirmScreen(CoverableScreen[bool], ModalScreen[bool]):
    """Asks a question. Its result is whether the user confirmed."""

    CSS_PATH = "confirm.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-high")]
    BINDINGS = bindings_of("confirm")

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
        """Close with the answer."""
        self.dismiss(answer)
