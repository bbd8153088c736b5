"""Connects the tab of the connections with the profiles and the session.

Threads read and write the files and the keyring. Every error is one line in the tab, which
never contains a key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from tui.chat import connection_commands
from tui.chat.connection_commands import LOCAL_PORTS, LocalServer
from tui.chat.session import Session
from tui.claude import Claude, demo
from tui.config.config import BadSetting
from tui.config.endpoints import LOGIN
from tui.config.profiles import KeyPlace, ListedProfile, NewProfile, Profiles
from tui.domain.endpoint import ANTHROPIC, Endpoint
from tui.domain.failure import ReplyFailed
from tui.domain.model import Model
from tui.domain.parameters import Parameters
from tui.store import HistoryError
from tui.text import formatting
from tui.text.sanitise import clean_line
from tui.ui.screens.confirm import ConfirmScreen
from tui.ui.screens.connection_form import ConnectionForm
from tui.ui.widgets.connections_tab import ConnectionRow, ConnectionsTab

DEMO_ROW, LOGIN_ROW, PROFILE_ROW, LOCAL_ROW = "demo", "login", "profile:", "local:"
"""The ids of rows, or their prefixes."""

LOGIN_NAME = "login"
"""The session's name of the connection that uses the login of Anthropic's command line."""

_NOT_SAVED = "Only a connection in config.toml can be tested, removed or made the default."


class ConnectionsController:
    """Fills the tab, and runs the commands of its keys."""

    KEYS = {
        "use": "Use",
        "add": "Add",
        "test": "Test",
        "default": "Make default",
        "remove": "Remove",
        "local": "Local servers",
    }
    """The labels of the keys, by the last part of their commands' ids."""

    def __init__(self, tab: ConnectionsTab, session: Session, profiles: Profiles) -> None:
        self.tab = tab
        self.ports: Sequence[int] = tuple(LOCAL_PORTS)
        self.note = ""
        """The line to show before the first action."""
        self._session = session
        self._profiles = profiles
        self._listed: tuple[ListedProfile, ...] = ()
        self._found: dict[str, LocalServer] = {}
        """Servers on this machine that were found, by the ids of their rows."""

    async def open(self, way: str) -> None:
        """List the connections, and start a `way` to connect: `key`, `login` or `local`."""
        await self._performed(self._refresh)
        match way:
            case "key":
                await self.act("add", None)
            case "login":
                await self.act("use", LOGIN_ROW)
            case "local":
                await self.act("local", None)
            case _:
                self.tab.tell(self.note)

    async def act(self, what: str, row_id: str | None) -> None:
        """Run an action, one of `KEYS`, on a row."""
        works: dict[str, Callable[[], Awaitable[object]]] = {
            "add": self._add,
            "local": self._look_for_local,
            "use": lambda: self._use(row_id or ""),
            "test": lambda: self._test(row_id or ""),
            "default": lambda: self._make_default(_profile(row_id)),
            "remove": lambda: self._remove(_profile(row_id)),
        }
        await self._performed(works[what])

    async def _performed(self, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
        except (BadSetting, ReplyFailed, HistoryError) as error:
            self.tab.tell(str(error), is_error=True)

    # The list

    async def _refresh(self) -> None:
        self._listed = await asyncio.to_thread(self._profiles.listed)
        rows = [await self._row(each) for each in self._listed]
        login = await asyncio.to_thread(lambda: self._profiles.login)
        is_login_listed = any(each.key_from == LOGIN for each in self._listed)
        current = self._current
        if login is not None and not is_login_listed:
            rows.append(
                ConnectionRow(
                    LOGIN_ROW, LOGIN_NAME, "api.anthropic.com", "Anthropic's command line",
                    "", is_current=current == LOGIN_ROW,
                )
            )  # fmt: skip
        for row_id, server in self._found.items():
            state = f"{_count(server.models)} · Enter adds it"
            rows.append(
                ConnectionRow(row_id, server.name, _host(server.base_url), "found", state)
            )
        rows.append(
            ConnectionRow(
                DEMO_ROW, "offline demo", "", "", "needs no key",
                is_current=current == DEMO_ROW,
            )
        )  # fmt: skip
        self.tab.show(rows)

    async def _row(self, each: ListedProfile) -> ConnectionRow:
        row_id = f"{PROFILE_ROW}{each.name}"
        known = await self._session.store.models(each.host)
        state = each.problem
        if known is not None and not state:
            age = formatting.age(known[0], self._session.store.clock.now_ms())
            state = f"{_count(known[1])} · {age}"
        return ConnectionRow(
            row_id,
            each.name,
            each.label,
            each.key_status if not each.problem else "",
            state,
            is_current=row_id == self._current,
            is_default=each.is_default,
            is_usable=each.is_usable,
        )

    @property
    def is_demo(self) -> bool:
        """Whether the offline demo is in use."""
        return self._session.endpoint.is_demo

    @property
    def _current(self) -> str:
        connections = self._session.connections
        if self._session.endpoint.is_demo:
            return DEMO_ROW
        if connections.profile == LOGIN_NAME and self._session.endpoint.login:
            return LOGIN_ROW
        return f"{PROFILE_ROW}{connections.profile}"

    # Actions

    async def _use(self, row_id: str) -> None:
        if row_id == DEMO_ROW:
            await self._switch(DEMO_ROW, demo.connect(), Parameters(demo.MODEL), None)
        elif row_id == LOGIN_ROW:
            await self._use_login()
        elif (server := self._found.get(row_id)) is not None:
            await self._add_local(row_id, server)
        elif row_id:
            await self._use_profile(row_id.removeprefix(PROFILE_ROW))

    async def _use_profile(self, name: str) -> None:
        self.tab.tell(f"Connecting {name} …")
        settings = await asyncio.to_thread(self._profiles.load, name)
        if settings.keyring_problem:
            raise BadSetting(settings.keyring_problem)
        if settings.endpoint is None:
            raise BadSetting(f"{name} has no key. Press a to paste one.")
        client = Claude(settings.endpoint, limits=settings.limits)
        await self._switch(name, client, settings.parameters, settings.title_model)

    async def _use_login(self) -> None:
        login = await asyncio.to_thread(lambda: self._profiles.login)
        if login is None:
            raise BadSetting("No login was found. Run: ant auth login. Then try again.")
        settings = await asyncio.to_thread(self._profiles.load, "claude")
        client = Claude(Endpoint(ANTHROPIC, login=login), limits=settings.limits)
        await self._switch(LOGIN_NAME, client, settings.parameters, settings.title_model)

    async def _switch(
        self, name: str, client: Claude, parameters: Parameters, title_model: str | None
    ) -> None:
        await connection_commands.switch(
            self._session, name, client, parameters=parameters, title_model=title_model
        )
        await self._refresh()
        model = formatting.model_name(parameters.model)
        is_demo = client.endpoint.is_demo
        where = "the offline demo" if is_demo else f"{client.endpoint.host}, {model}"
        self.tab.tell(f"The next question goes to {where}.")
        if not client.endpoint.is_demo:
            self.tab.app.run_worker(self._prepare(), group="session")

    async def _prepare(self) -> None:
        """Load the SDK and request the models, even if the tab is closed meanwhile."""
        await self._performed(lambda: connection_commands.prepare(self._session))

    async def _test(self, row_id: str) -> None:
        if not row_id.startswith(PROFILE_ROW):
            raise BadSetting(_NOT_SAVED)
        name = row_id.removeprefix(PROFILE_ROW)
        self.tab.tell(f"Testing {name} …")
        settings = await asyncio.to_thread(self._profiles.load, name)
        if settings.endpoint is None:
            raise BadSetting(settings.keyring_problem or f"{name} has no key.")
        models = await connection_commands.models_of(
            self._session, settings.endpoint, settings.model
        )
        await self._refresh()
        self.tab.tell(f"{name} answers: {_described(models)}.")

    async def _make_default(self, name: str) -> None:
        await asyncio.to_thread(self._profiles.make_default, name)
        await self._refresh()
        self.tab.tell(f"The program starts with {name}.")

    async def _remove(self, name: str) -> None:
        if f"{PROFILE_ROW}{name}" == self._current:
            raise BadSetting(f"{name} is in use. Use another connection first.")
        question = f"Remove {name} and its saved key?"
        if not await self.tab.app.push_screen_wait(ConfirmScreen(question, yes="Remove")):
            return
        await asyncio.to_thread(self._profiles.remove, name)
        connection_commands.remove(self._session, name)
        await self._refresh()
        self.tab.tell(f"{name} was removed.")

    # Adding

    async def _add(self) -> None:
        names = {each.name for each in self._listed if each.key_from}
        name = next(each for each in _names("claude") if each not in names)
        form = ConnectionForm(self._check_and_save, name=name)
        line = await self.tab.app.push_screen_wait(form)
        if line is not None:
            self.tab.tell(line)

    async def _check_and_save(self, new: NewProfile, place: KeyPlace) -> str:
        """Check a profile, save it, and return a line about it."""
        models = await connection_commands.models_of(self._session, new.endpoint)
        await asyncio.to_thread(self._profiles.add, new.with_model_of(models), place)
        name, was_demo = new.name.strip(), self._session.endpoint.is_demo
        if was_demo:
            # The first connection is the one to use, now and at the next start.
            await self._use_profile(name)
            default = next((each for each in self._listed if each.is_default), None)
            if place != "this run" and not (default and default.is_usable):
                await asyncio.to_thread(self._profiles.make_default, name)
        await self._refresh()
        self.tab.go_to(f"{PROFILE_ROW}{name}")
        return f"{name} works: {_described(models)}."

    async def _look_for_local(self) -> None:
        self.tab.tell("Looking for servers on this machine …")
        servers = await connection_commands.local_servers(self.ports)
        known = {each.host for each in self._listed}
        self._found = {
            f"{LOCAL_ROW}{each.base_url}": each
            for each in servers
            if _host(each.base_url) not in known
        }
        await self._refresh()
        if self._found:
            self.tab.go_to(next(iter(self._found)))
            self.tab.tell(f"Found: {', '.join(each.name for each in self._found.values())}.")
        else:
            ports = ", ".join(map(str, self.ports))
            which = "No other server" if servers else "No server"
            self.tab.tell(f"{which} answers on this machine, ports {ports}.")

    async def _add_local(self, row_id: str, server: LocalServer) -> None:
        names = {each.name for each in self._listed}
        begin = server.name.lower().replace(" ", "-")
        name = next(each for each in _names(begin) if each not in names)
        new = NewProfile(name, server.base_url, "").with_model_of(server.models)
        await asyncio.to_thread(self._profiles.add, new, ".env")
        was_demo = self._session.endpoint.is_demo
        del self._found[row_id]
        await self._use_profile(name)
        if was_demo:
            await asyncio.to_thread(self._profiles.make_default, name)
            await self._refresh()
        self.tab.go_to(f"{PROFILE_ROW}{name}")


def _names(begin: str) -> Sequence[str]:
    return [begin, *(f"{begin}-{number}" for number in range(2, 100))]


def _profile(row_id: str | None) -> str:
    """Return the name of a row's profile. Raises `BadSetting` if it has none."""
    if row_id is None or not row_id.startswith(PROFILE_ROW):
        raise BadSetting(_NOT_SAVED)
    return row_id.removeprefix(PROFILE_ROW)


def _host(base_url: str) -> str:
    return Endpoint(base_url).host


def _count(models: Sequence[Model]) -> str:
    if not models:
        return "no list of models"
    return "1 model" if len(models) == 1 else f"{len(models)} models"


def _described(models: Sequence[Model]) -> str:
    """Return the number of models, and the newest one, which an endpoint lists first."""
    if not models:
        return "it has no list of models"
    return f"{_count(models)}, newest {clean_line(formatting.model_name(models[0].id))}"
