"""How fast the search finds something in a whole history, in milliseconds.

These are not ratios, as elsewhere here, because the goals are in milliseconds. The history
is made once and only read. It stays in the system's temporary folder.
"""

from __future__ import annotations

import asyncio
import string
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from time import perf_counter

from tests.benchmarks.eight import Sending
from tests.benchmarks.history import COMMON, NOW_MS, PHRASE, RARE, generate, vocabulary
from tests.benchmarks.painting import apart_paced, painted, painting
from tests.benchmarks.probe import TICK
from tests.benchmarks.recording import percentile, told
from tests.benchmarks.report import Effort, Row
from tests.benchmarks.sidebar import StillClock
from tests.chosen import app_settings, connected
from tui.domain.conversation_list import PageCache
from tui.domain.query import Order, parse
from tui.store import Store
from tui.store.connection import Access
from tui.ui.app import StreamChat
from tui.ui.screens.search import FIRST_RESULTS_AFTER
from tui.ui.widgets.sidebar import Sidebar

TITLE = "Search"
GOALS: dict[Order, float] = {"newest": 50, "best": 150}
SHOWN = 50
"""The limit of hits."""

WORDS: dict[str, tuple[str, ...]] = {
    "common words": (*(f"{word} " for word in COMMON), "the of ", "a stream with "),
    "rare words": (f"{RARE} ", *(f"{word} " for word in vocabulary()[-40::4])),
    "phrases": (f'"{PHRASE}"', '"of the"', '"the of a"', '"to and in is"', '"it stream"'),
    "beginnings": ("s", "b", "st", "qu", "str", "the", "quin", "quinq", "brab", "the st"),
    "parts of words": ("*ream ", "*quagesi ", "*nquinly ", '*"of the str" ', "*zzz "),
    "two characters": ("東京 ", "検索 ", "日本 ", "猫が ", "窓を ", "本語 "),
}
"""Queries by their kind. A space after a word means a whole word."""

SLOW: tuple[tuple[str, Order], ...] = (
    ("the ", "best"), ("s", "best"), ("the of a to ", "best"), ("the %% ", "newest"),
    ("%% ", "newest"),
)  # fmt: skip
"""Slow queries: words of most messages, and characters that no index has."""

SOON = 0.005
"""Seconds from the start of a slow search until the next one."""


def run(effort: Effort) -> Iterator[Row]:
    """Measure search, filter and interruption, in a short history and a long one."""
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
    """Return the path of a history of this size; make it if it does not exist."""
    folder = Path(gettempdir()) / "streamchat-benchmarks"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"history-{conversations}-{messages}.db"
    if not path.exists():
        # It has another name until it is complete.
        unnamed = path.with_suffix(".new")
        unnamed.unlink(missing_ok=True)
        generate(unnamed, conversations, messages)
        unnamed.rename(path)
    return path


def _opened(path: Path) -> Store:
    """Open the history read-only, so that it stays the same."""
    return Store(path, StillClock(), Access(read_only_uri=f"{path.as_uri()}?mode=ro"))


def find(path: Path, order: Order, times: int, *, is_bound: bool) -> dict[str, list[float]]:
    """Return the seconds to find each query, by kind.

    With `is_bound`, measure only until the first results are shown.
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
                    seconds=FIRST_RESULTS_AFTER[order] if is_bound else None,
                )
                took[kind].append(perf_counter() - began)
                assert found is not None
    store.close()
    return took


def filter_titles(path: Path, times: int) -> list[float]:
    """Return the seconds from the first key in the filter until its result is painted."""
    return asyncio.run(_filter_titles(_opened(path), times))


async def _filter_titles(store: Store, times: int) -> list[float]:
    app = StreamChat(store, connected(Sending(())), app_settings(Path.cwd()))
    took: list[float] = []
    async with painting(app):
        chat = app._chat
        await _listed(chat.sidebar, None)
        chat.set_focus(chat.filter)
        for letter in string.ascii_lowercase * max(1, times // 5):
            before, began = chat.sidebar._pages, perf_counter()
            app.simulate_key(letter)
            await _listed(chat.sidebar, before)
            took.append(perf_counter() - began)
            assert chat.filter.value == letter
            before = chat.sidebar._pages
            chat.filter.value = ""
            await _listed(chat.sidebar, before)
    store.close()
    return took


async def _listed(sidebar: Sidebar, before: PageCache | None) -> None:
    """Wait until a list other than `before` is painted."""
    while sidebar._pages is before:
        await asyncio.sleep(0.001)
    await painted(sidebar.app)


def interrupt(path: Path, times: int) -> tuple[list[float], list[float]]:
    """Start a slow search and interrupt it with another one, many times.

    Returns the seconds that the loop was blocked, and those until the old search ended.
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
