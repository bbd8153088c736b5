"""The palette: every action, found by its name."""

from __future__ import annotations

from textual import on
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider, ProviderSource
from textual.content import Content
from textual.theme import ThemeProvider
from textual.widgets import Input

from tui.ui.screens.coverable import QuittableScreen

TITLE_WIDTH = 30
"""Columns of the titles; after them comes what a command does."""


class Commands(Provider):
    """The commands of the palette, each on one line, in the order of the command table."""

    async def discover(self) -> Hits:
        """Yield every command."""
        for title, help_text, callback, _ in self.app.get_system_commands(self.screen):
            yield DiscoveryHit(_line(Content(title), help_text), callback, text=title)

    async def search(self, query: str) -> Hits:
        """Yield the commands whose titles match, the best match first."""
        matcher = self.matcher(query)
        for title, help_text, callback, _ in self.app.get_system_commands(self.screen):
            if (score := matcher.match(title)) > 0:
                line = _line(matcher.highlight(title), help_text)
                yield Hit(score, line, callback, text=title)


def _line(title: Content, help_text: str) -> Content:
    room = " " * max(2, TITLE_WIDTH - title.cell_length)
    return Content.assemble(title, room, (help_text, "$foreground 70% not bold"))


def theme_choice() -> ActionsScreen:
    """Return the same dialog with all themes."""
    return ActionsScreen([ThemeProvider], placeholder="Search for themes…")


class ActionsScreen(CommandPalette, QuittableScreen[None]):
    """Textual's palette, but it uses no time while nobody types."""

    CSS_PATH = "actions.tcss"

    def __init__(
        self,
        providers: ProviderSource | None = None,
        *,
        placeholder: str = "Search for commands…",
    ) -> None:
        # Textual recognises an open palette by this id.
        super().__init__(providers, placeholder=placeholder, id="--command-palette")

    def on_mount(self) -> None:
        """Stop the cursor from blinking: that would draw the screen twice a second."""
        self.query_one(Input).cursor_blink = False

    @on(Input.Submitted)
    async def _await_matches(self) -> None:
        """Let Enter choose only when the search for the whole text is done.

        Textual 8.2.8 chooses from the results for an earlier text, or from no results.
        Its own handler runs after this one.
        """
        searches = [
            each
            for each in self.workers
            if each.group == self._GATHER_COMMANDS_GROUP
            and not (each.is_cancelled or each.is_finished)
        ]
        await self.workers.wait_for_complete(searches)
