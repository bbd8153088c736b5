"""Connections are added, tested, switched and removed while the app runs."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.widgets import OptionList, TabbedContent

from tests import file_keyring
from tests.chosen import app_settings
from tests.faults.test_environment import certificate
from tests.screens.conftest import Journey
from tests.screens.failing import Failing, told
from tests.scripted import (
    SONNET,
    Hold,
    Raw,
    Reply,
    Scripted,
    end,
    refuses,
    says,
    scripted,
    start,
    text,
)
from tui.chat.connections import Connections
from tui.claude import Claude, demo
from tui.store import Store
from tui.ui.app import StreamChat
from tui.ui.screens.connection_form import ConnectionForm
from tui.ui.screens.conversation_settings import ConversationSettingsScreen
from tui.ui.widgets.connections_tab import ConnectionList, ConnectionsTab

__all__ = ["certificate"]

KEY = "sk-canary-4Hq8canary7Zk2Wx9"


@pytest.fixture
def other() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import keyring

    path = tmp_path / "keyring.json"
    monkeypatch.setenv("KEYRING_FILE", str(path))
    keyring.set_keyring(file_keyring.FileKeyring())
    return path


class Panel:
    """The panel of connections, as the user sees and uses it."""

    def __init__(self, journey: Journey) -> None:
        self.journey = journey
        self.press = journey.press

    @property
    def tab(self) -> ConnectionsTab:
        return self.journey.app.screen.query_one(ConnectionsTab)

    @property
    def rows(self) -> list[str]:
        options = self.tab.query_one(ConnectionList)
        rows = (options.render_line(y).text for y in range(options.size.height))
        return [" ".join(row.split()) for row in rows if row.strip()]

    async def open(self) -> None:
        await self.press("ctrl+o")
        app = self.journey.app
        await self.journey.until(lambda: isinstance(app.screen, ConversationSettingsScreen))
        tabs = app.screen.query_one(TabbedContent)
        for _ in range(3):
            if tabs.active != "connections":
                await self.press("ctrl+pagedown")
        await self.journey.until(lambda: tabs.active == "connections" and self.rows)

    async def until_reported(self, words: str) -> None:
        """Wait until the status line of the tab or of the form contains these words."""
        try:
            await self.journey.until(lambda: words in self.status)
        except TimeoutError:
            raise AssertionError(self.status or self.journey.seen) from None

    @property
    def status(self) -> str:
        found = self.journey.app.screen.query(".status")
        return " ".join(str(each.render()) for each in found)

    async def paste(self, words: str) -> None:
        await self.journey.send(f"\x1b[200~{words}\x1b[201~")

    async def fill(self, key: str, address: str, name: str, place: str = "") -> None:
        """Fill in the form and submit it."""
        await self.journey.until(lambda: isinstance(self.journey.app.screen, ConnectionForm))
        for words in (key, address, name):
            if words:
                await self.paste(words)
            await self.press("tab")
        places = self.journey.app.screen.query_one(OptionList)
        ids = [option.id for option in places.options]
        if place:
            await self.journey.until(lambda: not places.get_option(place).disabled)
            places.highlighted = ids.index(place)
        await self.press("enter")


App = Callable[..., AbstractAsyncContextManager[Journey]]


@pytest.fixture
def app(store: Store, tmp_path: Path) -> App:
    """The app with a connection, or with the demo if there is no key."""

    @asynccontextmanager
    async def app(client: Claude | None = None) -> AsyncIterator[Journey]:
        found = demo.connect() if client is None else client
        connections = Connections("claude", lambda _: found, is_choice_offered=client is None)
        endpoint = None if client is None else client.endpoint
        settings = app_settings(tmp_path, frames_per_second=30, endpoint=endpoint)
        opened = StreamChat(store, connections, settings, environ={"TERM": "xterm-kitty"})
        opened.local_ports = ()
        async with opened.run_test(size=(80, 24), notifications=True) as pilot:
            await pilot.pause()
            yield Journey(opened, pilot)
            await opened.session.scheduler.stop_all()
        assert opened.failures == []

    return app


def profile(config: Path, server: Scripted, name: str = "near", more: str = "") -> None:
    before = config.read_text("utf-8") if config.exists() else "# mine\n"
    config.write_text(f'{before}[profiles.{name}]\nbase_url = "{server.url}"\n{more}', "utf-8")


async def test_each_profile_has_a_line(
    app: App, claude: Claude, config: Path, other: Scripted
) -> None:
    profile(config, other, more="keyring = true\n")
    async with app(claude) as journey:
        panel = Panel(journey)
        await panel.open()
        assert panel.rows == [
            "● claude api.anthropic.com key missing default",
            f"near {other.url.removeprefix('http://')} keyring",
            "offline demo needs no key",
        ]
        for hint in ("Enter Use", "a Add", "t Test", "d Make default", "x Remove"):
            assert hint in journey.seen
        await journey.press("escape")
        await journey.until(lambda: journey.app.screen.query("Composer"))
    assert other.seen == []


async def test_a_connection_is_tested_used_made_the_default_and_removed(
    app: App, claude: Claude, config: Path, other: Scripted
) -> None:
    profile(config, other, more='model = "tiny"\n')
    async with app(claude) as journey:
        panel = Panel(journey)
        await panel.open()
        await panel.press("j", "t")
        await panel.until_reported("near answers: 1 model, newest Claude Sonnet 5.5")
        assert "1 model · now" in panel.rows[1]
        await panel.press("d")
        await panel.until_reported("starts with near")
        assert 'profile = "near"\n# mine' in config.read_text("utf-8")
        await panel.press("enter")
        await panel.until_reported("The next question goes to 127.0.0.1")
        assert panel.rows[1].startswith("● near")
        await panel.press("x")
        await panel.until_reported("is in use")
        await panel.press("escape")
        await journey.ask("Hi")
        await journey.until_done()
        assert [seen.json["model"] for seen in other.asked] == ["tiny"]
        await panel.open()
        await panel.press("G", "end", "enter")
        await panel.until_reported("the offline demo")
        await panel.press("home", "j", "x")
        await journey.until(lambda: "Remove near" in journey.seen)
        await panel.press("y")
        await panel.until_reported("near was removed")
        assert config.read_text("utf-8") == "# mine\n"
        assert not any("near" in row for row in panel.rows)


async def test_switching_lets_a_reply_end_where_it_began(
    app: App, claude: Claude, server: Scripted, config: Path, other: Scripted
) -> None:
    profile(config, other)
    hold = Hold()
    server.will(Reply([start(), *text(0, "Half", " and half")[:-1], hold, *end()]))
    other.will(says("From the other"))
    async with app(claude) as journey:
        panel = Panel(journey)
        await journey.ask("One")
        await journey.until(hold.reached.is_set)
        await panel.open()
        await panel.press("j", "enter")
        await panel.until_reported("The next question goes to")
        await panel.press("escape")
        hold.release()
        await journey.until_done()
        await journey.ask("Two")
        await journey.until_done()
        assert journey.replies == ["Half and half", "From the other"]
        assert (len(server.asked), len(other.asked)) == (1, 1)


@pytest.mark.parametrize("place", [".env", "keyring", "this run"])
async def test_a_pasted_key_is_checked_and_kept_where_it_is_wanted(
    app: App, tmp_path: Path, kept: Path, other: Scripted, place: str
) -> None:
    async with app() as journey:
        panel = Panel(journey)
        assert "F6" in journey.seen
        await journey.press("f6")
        await panel.fill(KEY, other.url, "near", place)
        await journey.until(lambda: journey.app.screen.query("Composer"))
        assert "near works: 1 model, newest Claude Sonnet 5.5." in journey.notices
        assert KEY not in journey.seen + "".join(journey.notices)
        await journey.ask("Hi")
        await journey.until_done()
        assert journey.replies == ["Hello there"]
    config = tmp_path / "config.toml"
    assert {seen.headers["authorization"] for seen in other.seen} == {f"Bearer {KEY}"}
    holding = {
        path.name
        for path in tmp_path.rglob("*")
        if path.is_file() and KEY.encode() in path.read_bytes()
    }
    assert holding == {".env": {".env"}, "keyring": {kept.name}, "this run": set()}[place]
    assert config.exists() == (place != "this run")
    if config.exists():
        assert config.read_text("utf-8").startswith('profile = "near"\n')


async def test_leaving_the_form_of_the_first_start_goes_back_to_the_chat(app: App) -> None:
    async with app() as journey:
        await journey.write("half a question")
        await journey.press("f6")
        await journey.until(lambda: isinstance(journey.app.screen, ConnectionForm))
        await journey.press("escape")
        await journey.until(lambda: journey.app.screen is journey.app._chat)
        await journey.press("!")
        assert journey.composer == "half a question!"
        # In the panel, the form goes back to the panel.
        await journey.press("ctrl+o", "a")
        await journey.until(lambda: isinstance(journey.app.screen, ConnectionForm))
        await journey.press("escape")
        await journey.until(lambda: "Ctrl+S Save" in journey.seen)


async def test_a_key_that_was_copied_with_the_lines_around_it_is_the_key(
    app: App, other: Scripted
) -> None:
    async with app() as journey:
        panel = Panel(journey)
        await journey.press("f6")
        await panel.fill(f"\n  {KEY}\r\n", other.url, "near", "this run")
        await journey.until(lambda: journey.app.screen.query("Composer"))
    assert {seen.headers["authorization"] for seen in other.seen} == {f"Bearer {KEY}"}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (refuses(401, "authentication_error", f"no {KEY}"), "key"),
        (
            Reply([Raw(b"<html>hi</html>")], headers={"content-type": "text/html"}),
            "is not the Messages API",
        ),
        (refuses(404, "not_found_error"), "has no /v1/messages"),
    ],
)
async def test_a_key_that_does_not_work_is_not_saved(
    app: App, config: Path, other: Scripted, reply: Reply, said: str
) -> None:
    other.models_reply = reply
    other.answer = lambda _: refuses(404, "not_found_error")
    async with app() as journey:
        panel = Panel(journey)
        await journey.press("f6")
        await panel.fill(KEY, other.url, "near")
        await panel.until_reported(said)
        assert KEY not in journey.seen
        # The user can correct it and try again.
        other.models_reply = None
        await panel.press("enter")
        await journey.until(lambda: journey.app.screen.query("Composer"))
    assert config.exists()


@pytest.mark.parametrize(
    ("key", "address", "said"),
    [
        ("", "", "Paste a key"),
        (KEY, "http://gateway.example", "is not encrypted"),
        ("sk with blanks", "", "characters that no key has"),
        (KEY, "http://127.0.0.1:9", "Could not reach 127.0.0.1:9"),
    ],
)
async def test_the_form_shows_what_cannot_work(
    app: App, config: Path, key: str, address: str, said: str
) -> None:
    async with app() as journey:
        panel = Panel(journey)
        await journey.press("f6")
        await panel.fill(key, address, "near")
        await panel.until_reported(said)
        await panel.press("escape", "escape")
        await journey.until(lambda: journey.app.screen.query("Composer"))
    assert not config.exists()


async def test_a_key_cannot_be_copied_out_of_its_field(app: App, tmp_path: Path) -> None:
    async with app() as journey:
        panel = Panel(journey)
        await journey.press("f6")
        await journey.until(lambda: isinstance(journey.app.screen, ConnectionForm))
        await panel.paste(KEY)
        await panel.press("shift+home", "ctrl+x", "ctrl+c")
        assert journey.app.clipboard == ""
        await panel.press("escape")
    copied = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in path.read_bytes() for path in copied)


async def test_a_keyring_that_fails_is_no_choice(
    app: App, monkeypatch: pytest.MonkeyPatch, other: Scripted
) -> None:
    monkeypatch.setenv("KEYRING_FAULT", "locked")
    async with app() as journey:
        panel = Panel(journey)
        await journey.press("f6")
        # There is a keyring. Only saving a key shows that it is locked.
        await panel.fill(KEY, other.url, "near", "keyring")
        await panel.until_reported("The keyring is locked. Unlock it")
        assert KEY not in journey.seen


async def test_a_local_server_is_found_added_and_used(
    app: App, config: Path, other: Scripted
) -> None:
    async with app() as journey:
        journey.app.local_ports = (other.port,)
        panel = Panel(journey)
        await journey.press("f9")
        await panel.until_reported(f"Found: local {other.port}")
        assert len(other.seen) == 1
        await panel.press("enter")
        await panel.until_reported("The next question goes to")
        await panel.press("escape")
        await journey.ask("Hi")
        await journey.until_done()
        assert journey.replies == ["Hello there"]
    assert f'base_url = "{other.url}"' in config.read_text("utf-8")
    assert f'profile = "local-{other.port}"' in config.read_text("utf-8")


async def test_keys_that_no_server_or_saved_connection_has_say_so(app: App) -> None:
    async with app() as journey:
        journey.app.local_ports = ()
        panel = Panel(journey)
        await journey.press("f9")
        await panel.until_reported("No server answers on this machine")
        for key in "txd":
            await panel.press("l", "end")
            await panel.until_reported("No server answers")
            await panel.press(key)
            await panel.until_reported("Only a connection in config.toml can be")
        await panel.press("enter")
        await panel.until_reported("The next question goes to the offline demo.")


async def test_a_missing_login_is_reported_and_an_existing_one_used(app: App) -> None:
    async with app() as journey:
        panel = Panel(journey)
        await journey.press("f7")
        await panel.until_reported("No login was found. Run: ant auth login.")


async def test_the_first_start_offers_four_ways_until_one_is_chosen(app: App) -> None:
    async with app() as journey:
        for line in (
            "F6   Paste a key",
            "F7   Use the login of Anthropic's command line",
            "F9   Look for a server on this machine",
            "Esc  Stay in the demo",
        ):
            assert line in journey.seen
        await journey.press("escape")
        await journey.until(lambda: "Paste a key" not in journey.seen)
        assert "markdown of every kind" in journey.seen


async def test_a_click_on_a_way_takes_it(app: App) -> None:
    async with app() as journey:
        rows = journey.seen.splitlines()
        y = next(at for at, row in enumerate(rows) if "Paste a key" in row)
        await journey.pilot.click(offset=(rows[y].index("Paste"), y))
        await journey.until(lambda: isinstance(journey.app.screen, ConnectionForm))


async def test_an_unsigned_certificate_is_reported_in_one_line(
    app: App, certificate: Path
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with scripted(tls) as server:
        async with app() as journey:
            panel = Panel(journey)
            await journey.press("f6")
            await panel.fill(KEY, server.url, "near")
            await panel.until_reported("cannot be trusted")


async def test_an_unwritable_file_is_reported(
    app: App, claude: Claude, config: Path, other: Scripted
) -> None:
    profile(config, other)
    config.chmod(0o400)
    async with app(claude) as journey:
        panel = Panel(journey)
        await panel.open()
        await panel.press("j", "d")
        await panel.until_reported("it is read-only")


async def test_the_heading_names_the_new_model_and_host(
    app: App, claude: Claude, config: Path, other: Scripted
) -> None:
    profile(config, other, more='model = "qwen3"\n')
    async with app(claude) as journey:
        panel = Panel(journey)
        await panel.open()
        await panel.press("j", "enter")
        await panel.until_reported("The next question goes to")
        await panel.press("escape")
        await journey.until(lambda: "qwen3 · 127.0.0.1" in journey.seen.splitlines()[0])


async def test_after_a_switch_the_first_tab_has_the_models_of_the_new_connection(
    app: App, claude: Claude, config: Path, other: Scripted
) -> None:
    """It had the old ones, and saved a model of the old connection for the new one."""
    profile(config, other, more='model = "tiny"\n')
    other.models = [SONNET | {"id": name, "display_name": name} for name in ("tiny", "large")]
    async with app(claude) as journey:
        panel = Panel(journey)
        await panel.open()
        await panel.press("j", "enter")
        await panel.until_reported("The next question goes to")
        await panel.press("ctrl+pageup", "ctrl+pageup")
        await journey.until(lambda: "● tiny" in journey.seen and "large" in journey.seen)
        await panel.press(*["tab"] * 3, *"2000", "ctrl+s")
        await journey.until(lambda: journey.app.screen.query("Composer"))
        await journey.ask("Hi")
        await journey.until_done()
        sent = other.asked[0].json
        assert (sent["model"], sent["max_tokens"]) == ("tiny", 2000)


async def test_the_form_shows_that_the_history_cannot_be_read(
    app: App, other: Scripted, store: Store
) -> None:
    async with app() as journey:
        panel = Panel(journey)
        await journey.press("f6")
        await journey.until(lambda: isinstance(journey.app.screen, ConnectionForm))
        Failing(store, ["models"], at=1)
        await panel.fill(KEY, other.url, "near")
        await panel.until_reported(told("models"))
