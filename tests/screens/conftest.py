from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from unicodedata import lookup

import pytest
import textual._wait
from textual.events import Key
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from tests.chosen import app_settings, connected
from tests.conftest import wait_until
from tests.sent import messages
from tui.claude import Claude
from tui.domain.conversation import Message
from tui.domain.reply import StreamingReply
from tui.store import Store
from tui.ui.app import StreamChat
from tui.ui.widgets.composer import Composer
from tui.ui.widgets.transcript import Transcript

# Textual 8.2.8 believes that a process is idle after 20 ms. A quarter is enough here, because
# `Journey` also waits until the app has handled its keys.
textual._wait.SLEEP_GRANULARITY = 0.005
textual._wait.SLEEP_IDLE = 0.0005


def key_press(name: str) -> Key:
    """Return a key by its name or character, as Textual's pilot sends it."""
    key = _character_to_key(name) if len(name) == 1 and not name.isalnum() else name
    try:
        character = lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(key, key)))
    except KeyError:
        return Key(key, name if len(name) == 1 else None)
    return Key(key, character)


class Journey:
    """A user of the app: presses keys, and reads the screen."""

    def __init__(self, app: StreamChat, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys, and wait until all of them have been handled."""
        for key in keys:
            self.app.post_message(key_press(key))
            await self._until_settled()
        await self.pilot.pause()

    async def send(self, sent: str | bytes) -> None:
        """Send bytes as a terminal would."""
        for message in messages(sent if isinstance(sent, bytes) else sent.encode()):
            self.app.post_message(message)
        await self._until_settled()
        await self.pilot.pause()

    async def _until_settled(self) -> None:
        # Every posted event has now been handled or is held by the app.
        await self.pilot._wait_for_screen()
        await wait_until(lambda: self.app.is_settled or not self.app.is_running)

    async def write(self, text: str) -> None:
        self.app.screen.query_one(Composer).insert(text)
        await self.pilot.pause()

    async def ask(self, text: str) -> None:
        if self.transcript.has_focus:
            await self.press("escape")
        await self.write(text)
        await self.press("enter")

    async def go_to_messages(self) -> None:
        """Wait until no reply runs; go from the composer to the newest message."""
        await self.until_done()
        if not self.transcript.has_focus:
            await self.press("shift+tab")
        assert self.transcript.has_focus

    async def until(self, condition: Callable[[], object]) -> None:
        await wait_until(condition)
        await self.pilot.pause()

    async def until_done(self) -> None:
        """Wait until no reply runs and the last one is drawn as it was saved."""
        await self.until(
            lambda: not self.app.session.scheduler.streaming and not self.is_running_seen
        )

    @property
    def is_running_seen(self) -> bool:
        """Whether the screen shows the last reply as running."""
        return any(
            isinstance(entry.content.message, StreamingReply)
            for entry in self.transcript.entries[-1:]
        )

    @property
    def composer(self) -> str:
        return self.app.screen.query_one(Composer).text

    @property
    def questions(self) -> list[str]:
        return [
            entry.content.source
            for entry in self.transcript.entries
            if not entry.content.is_reply
        ]

    @property
    def replies(self) -> list[str]:
        """The Markdown of each reply."""
        return [
            entry.content.source for entry in self.transcript.entries if entry.content.is_reply
        ]

    @property
    def versions(self) -> list[str]:
        """The version numbers in the headings of the messages."""
        return [entry.frame.version for entry in self.transcript.entries]

    @property
    def pointed_at(self) -> str:
        """The text of the message on which keys act."""
        return self.transcript.entries[self.transcript.cursor].content.source

    @property
    def options(self) -> list[str]:
        """The rows of a list of choices, with white space collapsed."""
        options = self.app.screen.query_one(OptionList)
        rows = (options.render_line(y).text for y in range(options.size.height))
        return [" ".join(row.split()) for row in rows if row.strip()]

    @property
    def notices(self) -> list[str]:
        """The visible toasts, without line wraps."""
        return [notice.message for notice in self.app._notifications]

    @property
    def footer(self) -> str:
        """The text of the footer."""
        return " ".join(self.seen.splitlines()[-1].split())

    @property
    def figures(self) -> list[str]:
        """The line below each reply."""
        return [entry.figures for entry in self.transcript.entries if entry.content.is_reply]

    @property
    def sidebar(self) -> list[str]:
        """The rows of the sidebar, with white space collapsed."""
        from tui.ui.widgets.sidebar import Sidebar

        sidebar = self.app.screen.query_one(Sidebar)
        rows = (sidebar.render_line(y).text for y in range(sidebar.size.height))
        return [" ".join(row.lstrip("▌").split()) for row in rows if row.strip()]

    @property
    def title(self) -> str:
        return str(self.app.screen.query_one("#title", Static).content)

    @property
    def seen(self) -> str:
        """The whole screen as text."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in lines)

    @property
    def transcript(self) -> Transcript:
        return self.app.screen.query_one(Transcript)

    async def line(self) -> list[Message]:
        """Return the path of the newest conversation, as it is on disk."""
        store = self.app._store
        newest = (await store.conversations(limit=1))[0]
        return await store.read_path(newest.tip_id)


Open = Callable[..., AbstractAsyncContextManager[Journey]]


@pytest.fixture
def opened(
    store: Store, claude: Claude, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Open:
    """Open the app on the scripted server or another connection, with any settings."""

    @asynccontextmanager
    async def opened(
        connection: Claude | None = None,
        *,
        size: tuple[int, int] = (110, 34),
        is_broken: bool = False,
        environ: Mapping[str, str] | None = None,
        **chosen: Any,
    ) -> AsyncIterator[Journey]:
        app = StreamChat(
            store,
            connected(connection or claude, chosen.get("prices")),
            app_settings(tmp_path, frames_per_second=30, **chosen),
            environ={"TERM": "xterm-kitty", **(environ or {})},
        )
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.pause()
            yield Journey(app, pilot)
            await app.session.scheduler.stop_all()
        # A failure that the app contained is still a fault.
        if not is_broken:
            assert app.failures == []
            assert [
                each for each in caplog.records if each.name == "tui.ui.widgets.entry"
            ] == []

    return opened
