"""How much more a very long list of conversations costs than a short one."""

from __future__ import annotations

import asyncio
import gc
import random
import sqlite3
import statistics
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from textual import on, work
from textual.app import App, ComposeResult
from textual.strip import Strip

from tests.benchmarks.floors import f_paint
from tests.benchmarks.painting import apart, cpu, painted, painting
from tests.benchmarks.report import Effort, Row, table
from tui.domain.clock import Clock
from tui.store import Store, open_store
from tui.ui.widgets.conversation_marks import Mark
from tui.ui.widgets.sidebar import Sidebar

TITLE = "Sidebar"
KEYS = ("down", "pagedown", "end", "home")
NOW_MS = 1_795_356_120_000
THREE_YEARS = 3 * 365 * 86_400_000


class StillClock(Clock):
    def wall_ms(self) -> int:
        return NOW_MS


@dataclass(frozen=True)
class Used:
    """CPU seconds to open and use a sidebar, with the thread that reads the history."""

    opened: float
    keys: dict[str, float]
    """For each key: until the painted frame in which every row is loaded."""
    marked: float
    megabytes: float
    """How much opening the list grew the process."""
    after_use: float
    """How much it has grown in the end."""
    floor: float = 1.0


class Counting(Sidebar):
    """A sidebar that counts how often it was drawn."""

    drawn = 0

    def render_line(self, y: int) -> Strip:
        self.drawn += 1
        return super().render_line(y)


class Showing(App[None]):
    """An app with a sidebar, which does what the screen would do for it."""

    CSS = "Sidebar { width: 34; overflow-x: hidden; scrollbar-size-vertical: 1; }"

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self.sidebar = Counting()

    def compose(self) -> ComposeResult:
        yield self.sidebar

    async def read(self) -> None:
        """Read the list."""
        self.sidebar.show(await self._store.listing(cursor_id=self.sidebar.cursor_id))

    @on(Sidebar.PageWanted)
    @work
    async def give(self, event: Sidebar.PageWanted) -> None:
        """Read a page."""
        page = await self._store.page(event.listing, event.start)
        assert page is not None
        self.sidebar.give(page, event.listing)

    async def press(self, key: str) -> float:
        """Return the CPU seconds from a key to the frame in which every row is loaded."""
        began, drawn = cpu(), self.sidebar.drawn
        self.simulate_key(key)
        await self.drawn_since(drawn)
        return cpu() - began

    async def drawn_since(self, drawn: int) -> None:
        """Wait until the sidebar is painted with every page that it asked for."""
        await painted(self)
        # Not frame after frame: that would take the interpreter from the page's reader.
        while len(self.workers):
            await self.workers.wait_for_complete()
            await painted(self)
        while self.sidebar.drawn == drawn:
            await painted(self)


def run(effort: Effort) -> Iterator[Row]:
    """Measure a short list and a long one."""
    many, presses = (10_000, 10) if effort == "quick" else (100_000, 60)
    short, long = apart(measure, 100, 0), apart(measure, many, presses)
    name = f"{many:,} conversations"
    note = f"{1000 * long.opened:.1f} ms of CPU, {1000 * short.opened:.1f} ms"
    yield Row(f"{name}: opened / 100", long.opened / short.opened, 2, note=note)
    note = f"100: {short.megabytes:.1f} MB"
    yield Row(f"{name}: memory when opened", long.megabytes, 3, unit="MB", note=note)
    yield Row(f"{name}: memory after use", long.after_use, unit="MB")
    for key in KEYS:
        yield Row(f"{name}: {key} / F-paint", long.keys[key] / long.floor, 3)
    yield Row(f"{name}: a live mark / F-paint", long.marked / long.floor, 0.5)
    yield Row(f"{name}: a live mark / 100", long.marked / short.marked, 2)


def measure(count: int, presses: int) -> Used:
    """Measure a list of `count` conversations."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        with open_store(path, StillClock()) as store:
            fill(path, count)
            before = f_paint(100)
            used = asyncio.run(_use(store, presses))
            floor = (before + f_paint(100)) / 2
    return Used(**{**vars(used), "floor": floor})


def fill(path: Path, count: int) -> None:
    """Save conversations from the last three years; pin every five thousandth."""
    dice = random.Random(count)
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany(
            "INSERT INTO conversations (id, title, model, is_pinned, created_ms, updated_ms)"
            " VALUES (?, ?, 'claude-sonnet-5-5', ?, ?, ?)",
            (
                (f"{used:012x}-{number}", f"About number {number} and what came of it",
                 int(number % 5000 == 0), used, used)
                for number in range(count)
                for used in [NOW_MS - dice.randrange(THREE_YEARS)]
            ),
        )  # fmt: skip
        connection.commit()


async def _use(store: Store, presses: int) -> Used:
    app = Showing(store)
    async with painting(app):
        app.sidebar.focus()
        await painted(app)
        gc.collect()
        resident = _resident()
        opened = [await _open(app)]
        megabytes = _grown_since(resident)
        keys = {key: await _press(app, key, presses) for key in KEYS if presses}
        marked = await _mark(app)
        after_use = _grown_since(resident)
        opened += [await _open(app) for _ in range(6)]
    return Used(statistics.median(opened), keys, marked, megabytes, after_use)


async def _open(app: Showing) -> float:
    """Return the CPU seconds to read the list into a new sidebar and paint it."""
    await app.sidebar.remove()
    app.sidebar = Counting()
    await app.mount(app.sidebar)
    app.sidebar.focus()
    await painted(app)
    began, drawn = cpu(), app.sidebar.drawn
    await app.read()
    await app.drawn_since(drawn)
    return cpu() - began


async def _press(app: Showing, key: str, presses: int) -> float:
    """Return the CPU seconds of one key press; `end` and `home` begin at the other end."""
    other = {"end": "home", "home": "end"}.get(key)
    spent = 0.0
    for _ in range(presses):
        if other is not None:
            await app.press(other)
        spent += await app.press(key)
    return spent / presses


async def _mark(app: Showing, times: int = 60) -> float:
    """Return the CPU seconds to draw one changed mark."""
    await app.press("down")
    await app.press("home")
    live = app.sidebar.cursor_id or ""
    signs: tuple[Mark, ...] = ("streaming", "retrying")
    began = cpu()
    for number in range(times):
        drawn = app.sidebar.drawn
        app.sidebar.mark({live: signs[number % 2]})
        await app.drawn_since(drawn)
    return (cpu() - began) / times


def _grown_since(resident: float) -> float:
    gc.collect()
    return _resident() - resident


def _resident() -> float:
    """Return the resident memory of this process, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    sys.stdout.write("\n".join(table(TITLE, run("usual"))))
