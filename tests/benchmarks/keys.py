"""The delay of keys while a long reply arrives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic

from tests.benchmarks.corpora import corpus
from tests.benchmarks.probe import worst_stall
from tests.benchmarks.recording import (
    CTRL_U,
    ENTER,
    Recording,
    new_home,
    percentile,
    recording,
    told,
)
from tests.benchmarks.report import Effort, Row
from tests.scripted import Hold, Reply, Scripted, Step, Wait, block, delta, end, scripted, start

TITLE = "Typing while a reply arrives"
FRAMES_PER_SECOND = 30
RATE = 100
"""Chunks a second, of 12 characters."""

EVERY = 0.193
"""Seconds between two keys: not a whole number of frames, so that the phase varies."""

THERE, LAST = "ALREADYTHERE", "LASTWORD"


class Passed(Hold):
    """A step that notes when the server reaches it, and does not stop there."""

    at: float

    async def wait(self) -> None:
        self.at = monotonic()


@dataclass
class Long:
    """A reply: `there` characters arrive at once, the rest in small chunks."""

    kind: str
    there: int
    seconds: float
    waiting: Hold = field(default_factory=Hold)
    """The hold before the rest."""
    sent: Passed = field(default_factory=Passed)
    """The step after the last byte."""

    @property
    def reply(self) -> Reply:
        count = int(RATE * self.seconds)
        text = corpus(self.kind, self.there + 12 * count)
        steps = [
            *self._deltas(f"{text[: self.there]}\n{THERE}\n", 1000),
            self.waiting,
            *self._paced(text[self.there :]),
            *self._deltas(f"\n\n{LAST}", 20),
            self.sent,
        ]
        opening, closing = block(0, {"type": "text", "text": ""})
        return Reply([start(), opening, *steps, closing, *end()])

    def _paced(self, text: str) -> Iterator[Step]:
        for step in self._deltas(text, 12):
            yield Wait(1 / RATE)
            yield step

    def _deltas(self, text: str, size: int) -> Iterator[Step]:
        for at in range(0, len(text), size):
            yield delta(0, "text_delta", text=text[at : at + size])


def run(effort: Effort) -> Iterator[Row]:
    """Type into the idle app, and then while a reply of over 50,000 characters arrives."""
    count, there = (10, 5_000) if effort == "quick" else (60, 50_000)
    for kind in ("fence",) if effort == "quick" else ("mixed", "fence"):
        with scripted() as server:
            yield from _typed(server, Long(kind, there, (count + 3) * EVERY), count)


def _typed(server: Scripted, long: Long, count: int) -> Iterator[Row]:
    what = f"{long.kind}, {long.there // 1000}k there"
    environ = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": server.url}
    config = f"frames_per_second = {FRAMES_PER_SECOND}"
    with new_home(config) as home:
        path = home / "stalls.json"
        with recording("tests.benchmarks.probe", str(path), home=home, **environ) as screen:
            idle, busy, since, late = _type(screen, server, long, count)
            screen.until_idle()
            quiet = monotonic()
            screen.until_left()
        stall = worst_stall(path, since=since, until=quiet)
    note = f"p50/p95/max {told(busy)} ms, idle {told(idle)}"
    ratio = percentile(busy, 95) / percentile(idle, 95)
    yield Row(f"{what}: key to paint, p95 / idle p95", ratio, 7, note=note)
    yield Row(f"{what}: worst stall of the loop", 1000 * stall, 100, unit="ms")
    frames = late * FRAMES_PER_SECOND
    note = f"{1000 * late:.0f} ms"
    yield Row(f"{what}: last word painted after it was sent", frames, 2, "frames", note)


def _type(
    screen: Recording, server: Scripted, long: Long, count: int
) -> tuple[list[float], list[float], float, float]:
    """Type while the app is idle, and while a reply arrives.

    Returns the seconds from key to paint for both, the start of the second part, and the
    seconds from sending the last word to painting it.
    """
    screen.until("Ask Claude something")
    screen.until_idle()
    idle = screen.type("".join(chr(0x100 + n) for n in range(count)), EVERY)
    server.will(long.reply)
    screen.press(f"{CTRL_U}go{ENTER}")
    screen.until(THERE)
    screen.until_idle()
    since = monotonic()
    long.waiting.release()
    busy = screen.type("".join(chr(0x180 + n) for n in range(count)), EVERY)
    return idle, busy, since, screen.until(LAST) - long.sent.at
