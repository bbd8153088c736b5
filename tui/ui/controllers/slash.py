"""Commands typed into the composer, and the list of them above it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from tui.chat.open_conversation import Refused
from tui.chat.session import Session
from tui.config.commands import BY_ID
from tui.config.slash import SlashCall, SlashEntry, begun_call, completed, completions
from tui.store import HistoryError
from tui.ui.widgets.composed_text import composed
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.slash_list import SlashList

Run = Callable[[str], Awaitable[object]]
"""Runs a command of the screen by its id."""

WithArgument = Callable[[str], Awaitable[object] | None]
"""Runs a command with the argument that the user typed."""


class SlashCommands:
    """Lists and completes the commands that match the typed text, and runs them."""

    def __init__(
        self, composer: Composer, slash_list: SlashList, session: Session, run: Run
    ) -> None:
        self._composer = composer
        self._list = slash_list
        self._session = session
        self._run = run
        self._with_argument: Mapping[str, WithArgument] = {}
        self._closed_at = ""
        """The composer's text when the user closed the list; empty if it is not closed."""
        composer.begun_call = self._begun_call

    def take_arguments(
        self, *, search: WithArgument, find: WithArgument, rename: WithArgument
    ) -> None:
        """Set the functions that run the commands with an argument."""
        self._with_argument = {
            "chat.search": search,
            "chat.find": find,
            "chat.rename": rename,
        }

    @property
    def is_open(self) -> bool:
        """Whether the list is visible."""
        return bool(self._list.display)

    def follow_typing(self) -> None:
        """List the commands that complete the text; none while a question is edited."""
        text = self._composer.whole
        if not text.startswith("/"):
            self._closed_at = ""
        is_listed = (
            text.startswith("/")
            and not self._closed_at
            and self._composer.edited_id is None
            and self._composer.has_focus
        )
        shown = completions(text, self._entries()) if is_listed else []
        if shown or self.is_open:
            self._list.show(shown, is_first_chosen=self._begun_call(text) is not None)
        self._note()

    def step(self, step: int) -> bool:
        """Choose another command of the list; return False if the list is closed."""
        if self.is_open:
            self._list.step(step)
            self._note()
        return self.is_open

    def complete(self) -> bool:
        """Complete the chosen or the first command; return False if the list is closed."""
        if not self.is_open:
            return False
        entry = self._list.chosen or self._list.entries[0]
        # Do not remove an argument that is already there.
        if not self._composer.text.startswith(completed(entry)):
            self._composer.replace_all(composed(completed(entry)))
        return True

    def close(self) -> bool:
        """Close the list and keep the text; return False if it was closed already."""
        was_open = self.is_open
        if was_open:
            self._closed_at = self._composer.whole
            self.follow_typing()
        return was_open

    async def run(self, call: SlashCall) -> None:
        """Run a command; if that fails, put its text back into the composer."""
        command = BY_ID[call.entry.command_id]
        if not self._applies(call.entry):
            self._composer.give_back(call.text)
            raise Refused(f"/{call.entry.name} does nothing now.")
        if not call.argument:
            if command.scope == "app":
                await self._composer.app.run_action(command.action)
            else:
                await self._run(command.id)
            return
        try:
            running = self._with_argument[command.id](call.argument)
            if running is not None:
                await running
        except (HistoryError, Refused):
            self._composer.give_back(call.text)
            raise

    def _begun_call(self, text: str) -> SlashCall | None:
        """Return the only listed command that a text begins; Enter runs it."""
        return None if self._closed_at else begun_call(text, self._entries())

    def _entries(self) -> Sequence[SlashEntry]:
        return [entry for entry in self._composer.slash_entries if self._applies(entry)]

    def _applies(self, entry: SlashEntry) -> bool:
        from tui.ui.pages import applies

        return applies(BY_ID[entry.command_id], self._session)

    def _note(self) -> None:
        """Tell the composer which command Enter runs, until another letter is typed."""
        chosen = self._list.chosen if self.is_open else None
        self._composer.chosen = None if chosen is None else (self._composer.text, chosen)
