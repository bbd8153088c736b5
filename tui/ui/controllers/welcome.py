"""The welcome page, which an empty conversation shows."""

from __future__ import annotations

from collections.abc import Callable

from tui.chat.session import Session
from tui.config.commands import BY_ID
from tui.config.keymap import Keymap
from tui.text import formatting
from tui.text.sanitise import clean_line
from tui.ui.widgets.welcome import Greeting, Welcome

RECENT = 3
"""How many recent conversations the page offers."""

_STARTERS = (
    "Explain this error, and how to fix it:",
    "Review this code:",
    "Summarise this text in five points:",
)
_DEMO_STARTERS = ("help", "markdown of every kind", "code a gate for five tasks", "slow")
_HINT = "Ask Claude something. Your conversations are saved here."
_DEMO_HINT = "Type help to see what the offline demo can show."
_WAYS = {
    "app.connect-key": "Paste a key",
    "app.connect-login": "Use the login of Anthropic's command line",
    "app.connect-local": "Look for a server on this machine",
    "chat.stop": "Stay in the demo",
}
_COMMANDS = ("composer.send", "chat.sidebar", "app.palette", "app.help", "app.settings")


class WelcomePage:
    """Fills the welcome page from the session."""

    def __init__(
        self,
        welcome: Welcome,
        session: Session,
        keymap: Keymap,
        perform: Callable[..., object],
    ) -> None:
        self._welcome = welcome
        self._session = session
        self._keys = tuple((keymap.key(each), _word_for(each)) for each in _COMMANDS)
        self._ways = tuple(
            (keymap.key(each), words, _click_on(each)) for each, words in _WAYS.items()
        )
        self._perform = perform
        """Runs work in a worker; see `PerformingScreen.perform`."""
        self._recent: tuple[tuple[str, str, str], ...] = ()

    def display(self, *, is_empty: bool) -> None:
        """Show the page if the conversation is empty; else hide it."""
        self._welcome.display = is_empty
        if is_empty:
            self._show()
            self._perform(self._refresh, group="welcome", is_exclusive=True)

    def _show(self) -> None:
        """Show who answers, and the recent conversations if they are known yet."""
        is_demo = self._session.endpoint.is_demo
        # There is no room for both where it is small.
        ways = self._ways if self._session.connections.is_choice_offered else ()
        starters = _DEMO_STARTERS if is_demo else _STARTERS
        self._welcome.greet(
            Greeting(
                answers=self._answers,
                hint=_DEMO_HINT if is_demo else _HINT,
                ways=ways,
                starters=() if ways else starters,
                keys=self._keys,
                recent=self._recent,
            )
        )

    async def _refresh(self) -> None:
        """Read the recent conversations and show them. Raises `HistoryError`."""
        store = self._session.store
        now_ms = store.clock.now_ms()
        self._recent = tuple(
            (each.id, each.title, formatting.age(each.updated_ms, now_ms))
            for each, _ in await store.by_last_use(limit=RECENT)
        )
        if self._welcome.is_attached:
            self._show()

    @property
    def _answers(self) -> str:
        session = self._session
        if session.endpoint.is_demo:
            return "Offline demo: scripted replies, not Claude's"
        name = formatting.model_name(session.current.conversation.parameters.model)
        return clean_line(f"{name} · {session.endpoint.host}")


def _word_for(command_id: str) -> str:
    if command_id == "app.settings":
        # Its whole title does not fit into a small window.
        return "Settings"
    command = BY_ID[command_id]
    return command.label or command.title


def _click_on(command_id: str) -> str:
    """Return the action of a click on a command's line."""
    command = BY_ID[command_id]
    return f"{'app' if command.scope == 'app' else 'screen'}.{command.action}"
