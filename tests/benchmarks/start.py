"""How long the start takes until the user can see and type."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from tests.benchmarks.floors import f_app, f_key
from tests.benchmarks.probe import worst_stall
from tests.benchmarks.recording import new_home, percentile, recording, told
from tests.benchmarks.report import Effort, Row

TITLE = "Starting"
GREETING = "Type help to see"


def run(effort: Effort) -> Iterator[Row]:
    """Start the demo on an empty history, and the smallest app to compare."""
    times = 2 if effort == "quick" else 7
    with new_home() as home:
        # One run without measuring, so that everything is compiled.
        _first_paint(home), f_app(home)
        pairs = [(_first_paint(home), f_app(home)) for _ in range(times)]
    starts, keys, floors = (
        [p[0][0] for p in pairs],
        [p[0][1] for p in pairs],
        [p[1] for p in pairs],
    )
    start, floor = statistics.median(starts), statistics.median(floors)
    note = f"{1000 * start:.0f} ms of CPU, {1000 * floor:.0f} ms"
    yield Row("fork to first paint / F-app", start / floor, 1.6, note=note)
    yield Row("first key to paint", 1000 * statistics.median(keys), unit="ms")
    idle = f_key(20 if effort == "quick" else 60)
    importing = [_import() for _ in range(1 if effort == "quick" else 3)]
    stall = max(stall for stall, _ in importing)
    yield Row("worst stall while the SDK is imported", 1000 * stall, 50, unit="ms")
    latencies = [latency for _, some in importing for latency in some]
    note = f"p50/p95/max {told(latencies)} ms, F-key {told(idle)}"
    worst = max(latencies) / percentile(idle, 95)
    yield Row("slowest key while the SDK is imported / F-key p95", worst, 10, note=note)


def _first_paint(home: Path) -> tuple[float, float]:
    """Return CPU seconds from fork to first paint, and from the first key to its paint."""
    (home / ".local/share/streamchat/history.db").unlink(missing_ok=True)
    with recording("tui", "--demo", home=home) as screen:
        screen.until(GREETING)
        return screen.cpu, screen.type("ø", 0)[0]


def _import() -> tuple[float, list[float]]:
    """Return the worst stall after the first paint, and the seconds from keys to paint."""
    with new_home() as home:
        stalls = home / "stalls.json"
        with recording("tests.benchmarks.probe", str(stalls), "--demo", home=home) as screen:
            seen = screen.until(GREETING)
            latencies = screen.type("".join(chr(0x100 + n) for n in range(40)), 0.05)
            screen.until_idle()
            quiet = monotonic()
            screen.until_left()
        return worst_stall(stalls, since=seen, until=quiet), latencies
