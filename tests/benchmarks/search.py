"""How soon something is found in everything that was ever said, in milliseconds.

Not ratios, as elsewhere here: what is promised is promised in milliseconds. The history
is made once, and is only read; it stays in the system's temporary folder.
"""

from __future__ import annotations

import asyncio
import string
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from time import perf_counter

from tests.benchmarks.eight import MODEL, Sending
from tests.benchmarks.history import COMMON, NOW_MS, PHRASE, RARE, generate, vocabulary
from tests.benchmarks.painting import apart_paced, painted, painting
from tests.benchmarks.probe import TICK
from tests.benchmarks.recording import percentile, told
from tests.benchmarks.report import Effort, Row
from tests.benchmarks.sidebar import StillClock
from tui.app import StreamChat
from tui.listing import Held
from tui.screens.search import AT_ONCE
from tui.search import Order, parse
from tui.store import Store
from tui.store.connection import Access
from tui.widgets.sidebar import Sidebar

TITLE = "Search"
GOALS: dict[Order, float] = {"newest": 50, "best": 150}
SHOWN = 50
"""How many hits are asked for."""

WORDS: dict[str, tuple[str, ...]] = {
    "common words": (*(f"{word} " for word in COMMON), "the of ", "a stream with "),
    "rare words": (f"{RARE} ", *(f"{word} " for word in vocabulary()[-40::4])),
    "phrases": (f'"{PHRASE}"', '"of the"', '"the of a"', '"to and in is"', '"it stream"'),
    "beginnings": ("s", "b", "st", "qu", "str", "the", "quin", "quinq", "brab", "the st"),
    "parts of words": ("*ream ", "*quagesi ", "*nquinly ", '*"of the str" ', "*zzz "),
    "two characters": ("東京 ", "検索 ", "日本 ", "猫が ", "窓を ", "本語 "),
}
"""What is typed, by its kind. A space after a word says that it is whole."""

SLOW: tuple[tuple[str, Order], ...] = (
    ("the ", "best"), ("s", "best"), ("the of a to ", "best"), ("the %% ", "newest"),
    ("%% ", "newest"),
)  # fmt: skip
"""What takes long: words of most messages, and signs that no index knows."""

SOON = 0.005
"""How long such a search has been running when another is asked for, in seconds."""


def run(effort: Effort) -> Iterator[Row]:
    """Find, filter and interrupt in a short history or a long one."""
    path = history(*((2_000, 40_000) if effort == "quick" else (100_000, 2_000_000)))
    times = 3 if effort == "quick" else 10
    for order, goal in GOALS.items():
        seen = apart_paced(find, path, order, times, is_bound=True)
        whole = apart_paced(find, path, order, times, is_bound=False)
        for kind, seconds in seen.items():
            yield _row(f"{order} first, {kind}: p95 to something to see", seconds, goal)
            yield _row(f"{order} first, {kind}: p95 to all of it", whole[kind], goal)
    filtered = apart_paced(filter_titles, path, times)
    yield _row("first key of a filter to paint: p95", filtered, 100)
    stalls, ends = apart_paced(interrupt, path, times)
    yield Row("worst stall of the loop while a search runs", 1000 * max(stalls), 50, "ms")
    yield _row("a new key until the old search has ended: p95", ends, 20)


def _row(what: str, seconds: list[float], goal: float) -> Row:
    note = f"p50/p95/max {told(seconds)} ms"
    return Row(what, 1000 * percentile(seconds, 95), goal, "ms", note)


def history(conversations: int, messages: int) -> Path:
    """The path of a history of so many, made if it is not there."""
    folder = Path(gettempdir()) / "streamchat-benchmarks"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"history-{conversations}-{messages}.db"
    if not path.exists():
        # Under another name until it is whole.
        unnamed = path.with_suffix(".new")
        unnamed.unlink(missing_ok=True)
        generate(unnamed, conversations, messages)
        unnamed.rename(path)
    return path


def _opened(path: Path) -> Store:
    """The history, not to be written, so that it is the same the next time."""
    return Store(path, StillClock(), Access(read_only_uri=f"{path.as_uri()}?mode=ro"))


def find(path: Path, order: Order, times: int, *, is_bound: bool) -> dict[str, list[float]]:
    """Seconds to find each of the words, by their kind.

    Bound: until there is something to see; what was cut short then is searched on.
    """
    return asyncio.run(_find(_opened(path), order, times, is_bound=is_bound))


async def _find(
    store: Store, order: Order, times: int, *, is_bound: bool
) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {kind: [] for kind in WORDS}
    for _ in range(times):
        for kind, all_typed in WORDS.items():
            for typed in all_typed:
                query, began = parse(typed, NOW_MS), perf_counter()
                found = await store.finding.messages(
                    query,
                    order=order,
                    limit=SHOWN,
                    seconds=AT_ONCE[order] if is_bound else None,
                )
                took[kind].append(perf_counter() - began)
                assert found is not None
    store.close()
    return took


def filter_titles(path: Path, times: int) -> list[float]:
    """Seconds from the first key in the filter until what it leaves is painted."""
    return asyncio.run(_filter_titles(_opened(path), times))


async def _filter_titles(store: Store, times: int) -> list[float]:
    app = StreamChat(
        store,
        Sending(()),
        model=MODEL,
        log_path=Path("streamchat.log"),
        env_path=Path(".env"),
    )
    took: list[float] = []
    async with painting(app):
        chat = app._chat
        await _listed(chat.sidebar, None)
        chat.set_focus(chat.filter)
        for letter in string.ascii_lowercase * max(1, times // 5):
            before, began = chat.sidebar._held, perf_counter()
            app.simulate_key(letter)
            await _listed(chat.sidebar, before)
            took.append(perf_counter() - began)
            assert chat.filter.value == letter
            before = chat.sidebar._held
            chat.filter.value = ""
            await _listed(chat.sidebar, before)
    store.close()
    return took


async def _listed(sidebar: Sidebar, before: Held | None) -> None:
    """Wait until another list than the one before is painted."""
    while sidebar._held is before:
        await asyncio.sleep(0.001)
    await painted(sidebar.app)


def interrupt(path: Path, times: int) -> tuple[list[float], list[float]]:
    """Search for what takes long, and for something else meanwhile, again and again.

    The seconds that the loop was held up, and those until the old search has ended.
    """
    return asyncio.run(_interrupt(_opened(path), times))


async def _interrupt(store: Store, times: int) -> tuple[list[float], list[float]]:
    stalls: list[float] = []
    ends: list[float] = []
    ticking = asyncio.create_task(_tick(stalls))
    other = parse(f"{RARE} ", NOW_MS)
    for _ in range(times):
        for typed, order in SLOW:
            query = parse(typed, NOW_MS)
            old = asyncio.create_task(store.finding.messages(query, order=order))
            await asyncio.wait([old], timeout=SOON)
            if old.done():
                continue
            began = perf_counter()
            new = asyncio.create_task(store.finding.messages(other))
            assert await old is None
            ends.append(perf_counter() - began)
            assert await new is not None
    ticking.cancel()
    store.close()
    return stalls, ends


async def _tick(stalls: list[float]) -> None:
    while True:
        began = perf_counter()
        await asyncio.sleep(TICK)
        stalls.append(perf_counter() - began - TICK)
