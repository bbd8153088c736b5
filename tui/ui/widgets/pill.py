"""The hint that there is more text below the view."""

from __future__ import annotations

from textual.widgets import Static


class Pill(Static):
    """A hint at the lower edge; a click on it scrolls to the end."""

    def __init__(self, words: str) -> None:
        super().__init__(words, id="pill", markup=False)

    async def on_click(self) -> None:
        """Scroll to the end."""
        await self.run_action("screen.run('chat.end')")
