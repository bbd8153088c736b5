from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from tests.conftest import wait_until
from tests.sent import messages
from tui.app import StreamChat
from tui.claude import Claude
from tui.conversation import Message
from tui.replies import AT_ONCE
from tui.store import Store
from tui.widgets.composer import Composer
from tui.widgets.transcript import Transcript


class Journey:
    """A person in front of the app: what they press, and what they see."""

    def __init__(self, app: StreamChat, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def send(self, sent: str | bytes) -> None:
        """Have a terminal send something."""
        for message in messages(sent if isinstance(sent, bytes) else sent.encode()):
            self.app.post_message(message)
        await self.pilot.pause()

    async def write(self, text: str) -> None:
        self.app.screen.query_one(Composer).insert(text)
        await self.pilot.pause()

    async def ask(self, text: str) -> None:
        await self.write(text)
        await self.press("enter")

    async def go_to_messages(self) -> None:
        """Go from the composer to the newest message, once nothing is being written."""
        await self.until_done()
        await self.press("shift+tab")
        assert self.transcript.has_focus

    async def until(self, condition: Callable[[], object]) -> None:
        await wait_until(condition)
        await self.pilot.pause()

    async def until_done(self) -> None:
        """Wait until no reply is being written and the last one is drawn as it was kept."""
        await self.until(lambda: not self.app.replies.drafts and "Writing" not in self.seen)

    @property
    def composer(self) -> str:
        return self.app.screen.query_one(Composer).text

    @property
    def questions(self) -> list[str]:
        return [entry.source for entry in self.transcript.entries if not entry.is_reply]

    @property
    def replies(self) -> list[str]:
        """The Markdown of each reply."""
        return [entry.source for entry in self.transcript.entries if entry.is_reply]

    @property
    def versions(self) -> list[str]:
        """Which of how many versions each message is, as its heading tells it."""
        return [entry.version for entry in self.transcript.entries]

    @property
    def pointed_at(self) -> str:
        """The words of the message that keys act on."""
        return self.transcript.entries[self.transcript.cursor].source

    @property
    def options(self) -> list[str]:
        """The rows of a list to choose from, white space folded."""
        options = self.app.screen.query_one(OptionList)
        rows = (options.render_line(y).text for y in range(options.size.height))
        return [" ".join(row.split()) for row in rows if row.strip()]

    @property
    def notices(self) -> list[str]:
        """What a person is being told at the edge of the screen, unwrapped."""
        return [notice.message for notice in self.app._notifications]

    @property
    def footer(self) -> str:
        """The keys that the last row tells."""
        return " ".join(self.seen.splitlines()[-1].split())

    @property
    def figures(self) -> list[str]:
        """The line below each reply."""
        return [entry.figures for entry in self.transcript.entries if entry.is_reply]

    @property
    def sidebar(self) -> list[str]:
        """The rows of the sidebar, white space folded."""
        from tui.widgets.sidebar import Sidebar

        sidebar = self.app.screen.query_one(Sidebar)
        rows = (sidebar.render_line(y).text for y in range(sidebar.size.height))
        return [" ".join(row.split()) for row in rows if row.strip()]

    @property
    def title(self) -> str:
        return str(self.app.screen.query_one("#title", Static).content)

    @property
    def seen(self) -> str:
        """Everything that is drawn on the screen, as text."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in lines)

    @property
    def transcript(self) -> Transcript:
        return self.app.screen.query_one(Transcript)

    async def line(self) -> list[Message]:
        """The newest conversation as it is on disk."""
        store = self.app._store
        newest = (await store.conversations(limit=1))[0]
        return await store.line(newest.tip_id)


Open = Callable[..., AbstractAsyncContextManager[Journey]]


@pytest.fixture
def opened(
    store: Store, claude: Claude, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Open:
    """Open the app on the scripted server, or on another connection."""

    @asynccontextmanager
    async def opened(
        connection: Claude | None = None,
        *,
        size: tuple[int, int] = (110, 34),
        keys: Mapping[str, str] | None = None,
        title_model: str | None = None,
        at_once: int = AT_ONCE,
        **options: bool,
    ) -> AsyncIterator[Journey]:
        app = StreamChat(
            store,
            connection or claude,
            model="claude-sonnet-5-5",
            log_path=tmp_path / "streamchat.log",
            environ={"TERM": "xterm-kitty"},
            env_path=Path(".env"),
            frames_per_second=30,
            keys=keys,
            title_model=title_model,
            at_once=at_once,
            is_key_missing=options.get("is_key_missing", False),
        )
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.pause()
            yield Journey(app, pilot)
            await app.replies.stop_all()
        # What the app went on from is a fault all the same.
        if not options.get("is_broken", False):
            assert app.troubles == []
            assert [each for each in caplog.records if each.name == "tui.widgets.entry"] == []

    return opened
