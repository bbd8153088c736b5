"""Make the pictures of the app, from the real app on the offline demo.

    python screenshots/make.py            write every SVG, and the PNGs of the README
    python screenshots/make.py --check    fail if an SVG is not what the app draws now

The pictures are the same on every run: time, ids and the demo's pace come from a
clock that only this script moves.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

os.environ.update(TEXTUAL_ANIMATIONS="none", TZ="UTC", COLORTERM="truecolor")
for name in ("NO_COLOR", *(each for each in os.environ if each.startswith("ANTHROPIC_"))):
    os.environ.pop(name, None)
time.tzset()
sys.path.insert(0, str(Path(__file__).parent.parent))

from textual.pilot import Pilot  # noqa: E402 - after the environment it reads

from tui.chat import turn  # noqa: E402
from tui.chat.connections import Connections  # noqa: E402
from tui.claude import demo  # noqa: E402
from tui.config.prompt_files import save_template  # noqa: E402
from tui.config.settings import Settings  # noqa: E402
from tui.domain.clock import Clock  # noqa: E402
from tui.domain.conversation import Conversation, title_of  # noqa: E402
from tui.domain.endpoint import Endpoint  # noqa: E402
from tui.domain.parameters import Parameters  # noqa: E402
from tui.domain.prompt_template import Argument, PromptTemplate  # noqa: E402
from tui.store import Store, open_store  # noqa: E402
from tui.ui.app import StreamChat  # noqa: E402
from tui.ui.screens.choice import ChoiceScreen  # noqa: E402
from tui.ui.screens.conversation_settings import (  # noqa: E402
    ConversationSettingsScreen,
)
from tui.ui.screens.search import SearchScreen  # noqa: E402
from tui.ui.screens.tree import TreeScreen  # noqa: E402
from tui.ui.themes import LIGHT  # noqa: E402
from tui.ui.widgets.transcript import Transcript  # noqa: E402

HERE = Path(__file__).parent
NOW_MS = 1_795_442_520_000
"""2026-11-23 14:02 UTC."""

Press = Callable[[Pilot[None], "StillClock"], Awaitable[None]]


class StillClock(Clock):
    """A clock that moves only when somebody sleeps by it, or it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.ms = float(NOW_MS)
        self.stop_after: int | None = None
        """How many more sleeps may end before everything stands still."""
        self._random = 0

    def wall_ms(self) -> int:
        """Return the time as it was set."""
        return int(self.ms)

    def monotonic(self) -> float:
        """Return the same time in seconds."""
        return self.ms / 1000

    def random_bytes(self, length: int) -> bytes:
        """Return bytes that differ each time, and are the same on every run."""
        self._random += 1
        return self._random.to_bytes(length)

    async def sleep(self, seconds: float) -> None:
        """Move on at once, unless everything is to stand still."""
        if self.stop_after is not None:
            if self.stop_after == 0:
                await asyncio.Event().wait()
            self.stop_after -= 1
        self.ms += seconds * 1000
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Picture:
    """One picture: how large, and what is pressed before it is taken."""

    name: str
    press: Press
    size: tuple[int, int] = (110, 34)
    is_light: bool = False
    has_history: bool = True


async def ask(pilot: Pilot[None], question: str) -> None:
    """Type a question and send it."""
    await pilot.press(*["space" if letter == " " else letter for letter in question], "enter")


async def until(pilot: Pilot[None], is_reached: Callable[[StreamChat], bool]) -> None:
    """Let the app run until something can be seen."""
    app = cast("StreamChat", pilot.app)
    async with asyncio.timeout(60):
        while not is_reached(app):
            await pilot.pause(0.02)
    await pilot.pause()


def is_drawn(app: StreamChat) -> bool:
    """Tell whether the running reply stands still and is drawn as far as it goes."""
    drafts, changed = app.session.scheduler.streaming, app.session.scheduler.changed
    return bool(drafts) and not changed and all(reply.parts for reply in drafts.values())


def is_done(app: StreamChat) -> bool:
    """Tell whether no reply is running any more."""
    return not app.session.scheduler.streaming


async def show_streaming(pilot: Pilot[None], clock: StillClock) -> None:
    """Show a reply in the middle of its code."""
    clock.stop_after = 96
    await ask(pilot, "code a gate for five tasks")
    await until(pilot, is_drawn)


async def show_finished(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show a reply with code and a table, done."""
    await ask(pilot, "markdown of every kind")
    await until(pilot, is_done)


async def show_sidebar(pilot: Pilot[None], clock: StillClock) -> None:
    """Show the sidebar in use while a reply is being written elsewhere."""
    clock.stop_after = 30
    await ask(pilot, "slow and steady")
    await until(pilot, is_drawn)
    await pilot.press("ctrl+s", "down", "down", "enter")
    await until(pilot, lambda app: len(app.screen.query_one(Transcript).entries) == 2)
    await pilot.press("ctrl+s", "tab")


async def show_nothing(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show the app as it opens."""
    await pilot.pause()


async def show_help(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show the keys."""
    await pilot.press("f1")


async def show_retrying(pilot: Pilot[None], clock: StillClock) -> None:
    """Show a reply that was refused, waiting for its next attempt."""
    clock.stop_after = 0
    await ask(pilot, "overloaded today")
    await until(
        pilot, lambda app: any(d.retry for d in app.session.scheduler.streaming.values())
    )
    await pilot.pause(0.2)


async def show_cut(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show a reply that was cut off, focused."""
    await ask(pilot, "cut short")
    await until(pilot, is_done)
    await pilot.press("shift+tab")
    await pilot.pause()


async def show_search(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show what was found everywhere."""
    await pilot.press("ctrl+s", *"history", "enter")
    await until(pilot, lambda app: isinstance(app.screen, SearchScreen))
    await pilot.press(*["backspace"] * 7, *"markdown")
    await pilot.pause(0.3)


async def show_find(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show what was found in the conversation."""
    await ask(pilot, "markdown of every kind")
    await until(pilot, is_done)
    await pilot.press("ctrl+f", *"the")
    await pilot.pause(0.2)
    await pilot.press("enter", "enter")


async def make_versions(pilot: Pilot[None]) -> None:
    """Ask, edit the question, and ask for another version of the answer."""
    await ask(pilot, "hello")
    await until(pilot, is_done)
    await pilot.press("shift+tab", "k", "e", *" there", "enter")
    await pilot.pause(0.2)
    await until(pilot, is_done)
    # The keys are on the messages again.
    await pilot.press("j", "r")
    await pilot.pause(0.2)
    await until(pilot, is_done)
    await pilot.press("escape")
    await ask(pilot, "what next")
    await until(pilot, is_done)
    await pilot.press("shift+tab", "k", "k")


async def show_versions(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show a question and an answer that have other versions."""
    await make_versions(pilot)


async def show_tree(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show the tree of that conversation."""
    await make_versions(pilot)
    await pilot.press("v")
    await until(pilot, lambda app: isinstance(app.screen, TreeScreen))


async def show_archive(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show the archive in the sidebar, with something in it."""
    await pilot.press("ctrl+s", "tab", "home", "down", "space", "down", "space", "a")
    await pilot.pause(0.3)
    await pilot.press("A")
    await pilot.pause(0.3)


async def show_queue(pilot: Pilot[None], clock: StillClock) -> None:
    """Show questions that wait for the reply before them."""
    clock.stop_after = 30
    await ask(pilot, "slow and steady")
    await until(pilot, is_drawn)
    await ask(pilot, "and then what?")
    await ask(pilot, "make a table of it")
    await pilot.press(*"one more")
    await pilot.pause(0.2)


async def show_connections(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show the connections in the settings."""
    await pilot.press("ctrl+o")
    await pilot.pause(0.5)


async def show_model(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show the model and the parameters in the settings."""
    await cast("StreamChat", pilot.app).run_action("settings('model')")
    await pilot.pause(0.5)


async def show_system_prompt(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show the system prompt in the settings, taken from a template."""
    app = cast("StreamChat", pilot.app)
    system = "You are a careful reviewer. Name the bug first, then the fix.\n\nBe brief."
    template = PromptTemplate("reviewer", "{{input}}", title="Careful reviewer", system=system)
    save_template(app.session.store.path.parent / "prompts", template)
    await app.run_action("settings('system')")
    await pilot.pause(0.3)
    await pilot.press("ctrl+t")
    await until(pilot, lambda app: isinstance(app.screen, ChoiceScreen))
    await pilot.press("enter")
    await until(pilot, lambda app: isinstance(app.screen, ConversationSettingsScreen))


async def show_under_system_prompt(pilot: Pilot[None], clock: StillClock) -> None:
    """Show a conversation under a system prompt, which is folded out."""
    await show_system_prompt(pilot, clock)
    await pilot.press("ctrl+s")
    await ask(pilot, "code a gate for five tasks")
    await until(pilot, is_done)
    await pilot.press("shift+tab", "g", "enter")


async def show_commands(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show the commands that are typed behind a slash."""
    await pilot.press("slash", *"re", "down")
    await pilot.pause(0.2)


async def show_recall(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show earlier questions while one is searched for."""
    await pilot.press("ctrl+r", *"two")
    await pilot.pause(0.5)


async def show_template(pilot: Pilot[None], clock: StillClock) -> None:  # noqa: ARG001
    """Show the form of a prompt template."""
    template = PromptTemplate(
        "review",
        "Review this {{language}} code, and mind {{focus}}: {{input}}",
        title="Review code",
        declared=(Argument("language", "Python"), Argument("focus")),
    )
    folder = cast("StreamChat", pilot.app).session.store.path.parent / "prompts"
    save_template(folder, template)
    await pilot.press("slash", *"template", "enter")
    await pilot.pause(0.5)
    await pilot.press("enter")
    await pilot.pause(0.3)


PICTURES = (
    Picture("streaming", show_streaming, size=(124, 46)),
    Picture("finished", show_finished, size=(110, 46)),
    Picture("sidebar", show_sidebar),
    Picture("narrow", show_finished, size=(60, 30)),
    Picture("no-key", show_nothing, has_history=False),
    Picture("help", show_help, size=(100, 40)),
    Picture("retrying", show_retrying),
    Picture("cut-off", show_cut),
    Picture("light", show_streaming, size=(124, 46), is_light=True),
    Picture("search", show_search),
    Picture("find", show_find),
    Picture("versions", show_versions),
    Picture("tree", show_tree),
    Picture("archive", show_archive),
    Picture("queue", show_queue),
    Picture("connections", show_connections),
    Picture("model", show_model),
    Picture("system-prompt", show_system_prompt),
    Picture("under-system-prompt", show_under_system_prompt),
    Picture("commands", show_commands),
    Picture("recall", show_recall),
    Picture("template", show_template),
)


async def make_history(store: Store, clock: StillClock) -> None:
    """Fill a history by asking the demo, at times long past."""
    days = 86_400_000
    asked = (
        (71 * days, "A packing list for two weeks in the north"),
        (24 * days, "Why the moon looks larger near the horizon"),
        (5 * days, "Café hours, and when the bakery opens"),
        (3 * days, "table: five ways to keep a chat history, with what each costs"),
        (1 * days, "Parser rewrite"),
        (5_400_000, "thinking about nine coins and a scale"),
    )
    claude = demo.connect(clock.sleep)
    for before_ms, text in asked:
        clock.ms = NOW_MS - before_ms
        now = clock.now_ms()
        conversation = Conversation(
            store.new_id(), Parameters(demo.MODEL), now, now, title=title_of(text)
        )
        _, question = await turn.ask(store, conversation, text)
        reply = turn.empty_reply(store, question, conversation.parameters)
        await turn.reply(
            store,
            claude,
            question,
            reply,
            lambda _: None,
            parameters=conversation.parameters,
            tip_id=question.id,
        )
    clock.ms = NOW_MS
    await claude.close()


async def settled(pilot: Pilot[None]) -> str:
    """Return the screen as SVG, once it has been the same for a while."""
    seen: list[str] = []
    while len(seen) < 4 or len(set(seen[-4:])) > 1:
        await pilot.pause(0.1)
        seen.append(pilot.app.export_screenshot(title="streamchat-tui", simplify=True))
    return seen[-1]


async def take(picture: Picture, folder: Path) -> str:
    """Return one picture as SVG."""
    clock = StillClock()
    with open_store(folder / f"{picture.name}.db", clock) as store:
        if picture.has_history:
            await make_history(store, clock)
        app = StreamChat(
            store,
            Connections(
                "claude",
                lambda _: demo.connect(clock.sleep),
                is_choice_offered=not picture.has_history,
            ),
            Settings(
                db=folder / f"{picture.name}.db",
                is_default_db=False,
                config=folder / "config.toml",
                env_file=folder / ".env",
                log=Path("streamchat.log"),
                theme=LIGHT.name if picture.is_light else None,
                model=demo.MODEL,
                endpoint=Endpoint(is_demo=True),
            ),
        )
        running: AbstractAsyncContextManager[Pilot[None]] = app.run_test(size=picture.size)
        async with running as pilot:
            await pilot.pause()
            await picture.press(pilot, clock)
            svg = await settled(pilot)
            clock.stop_after = None
            await app.session.scheduler.stop_all()
        return svg


async def draw(picture: Picture) -> str:
    """Return one picture as SVG, from a history of its own."""
    with TemporaryDirectory() as folder:
        return await take(picture, Path(folder))


def kept(picture: Picture) -> str | None:
    """Return a picture as it was kept; None if it never was."""
    path = HERE / f"{picture.name}.svg"
    return path.read_text(encoding="utf-8") if path.exists() else None


async def main() -> int:
    """Make all the pictures, or check them; return the exit code."""
    if "--check" in sys.argv:
        stale = [p.name for p in PICTURES if await draw(p) != kept(p)]
        if stale:
            print(f"stale: {', '.join(stale)}. Run: make screenshots", file=sys.stderr)
        return 1 if stale else 0
    for picture in PICTURES:
        svg = await draw(picture)
        path = HERE / f"{picture.name}.svg"
        path.write_text(svg, encoding="utf-8")
        write_png(svg, path.with_suffix(".png"))
        print(path.name)
    return 0


def write_png(svg: str, path: Path) -> None:
    """Draw an SVG with a font that most machines have."""
    import resvg_py

    svg = svg.replace("Fira Code", "DejaVu Sans Mono")
    path.write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=1200)))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
