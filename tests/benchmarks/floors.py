"""The floors: the least cost that a program of this kind on Textual can have.

`f_paint` and `f_sink` measure in the process that calls them; `painting.apart` starts one
for them. `f_app` and `f_key` start a program.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tests.benchmarks import minimal
from tests.benchmarks.painting import cpu, painted, painting
from tests.benchmarks.recording import new_home, recording

ROWS = 10_000
STEP = 5
"""How many rows one frame scrolls."""

_WORDS = ("plain ", "words, ", "bold ", "code() ", "a longer stretch ", "of text ")
_STYLES = [
    Style.parse(style)
    for style in ("#dcd7d0", "#dcd7d0", "bold #dcd7d0", "#7aa2c8", "#dcd7d0", "italic #d98a66")
]


class ReadyMade(ScrollView):
    """A view whose rows exist already, so that making them costs nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._strips = [_strip(number) for number in range(100)]

    def on_mount(self) -> None:
        self.virtual_size = Size(80, ROWS)

    def render_line(self, y: int) -> Strip:
        return self._strips[(y + self.scroll_offset.y) % len(self._strips)]


class Scrolling(App[None]):
    CSS = "ReadyMade { height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield ReadyMade()


def f_paint(frames: int = 200) -> float:
    """CPU seconds to scroll 100 × 40 cells of ready-made rows and paint them again."""
    return asyncio.run(_f_paint(frames))


async def _f_paint(frames: int) -> float:
    app = Scrolling()
    async with painting(app):
        view = app.query_one(ReadyMade)
        for frame in range(frames + 10):
            if frame == 10:
                began = cpu()
            view.scroll_to(y=frame * STEP, animate=False)
            await painted(app)
        return (cpu() - began) / frames


def _strip(number: int) -> Strip:
    segments: list[Segment] = []
    width = 0
    while width < 98:
        at = (number + len(segments)) % len(_WORDS)
        text = _WORDS[at][: 98 - width]
        segments.append(Segment(text, _STYLES[at]))
        width += len(text)
    return Strip(segments, width)


def f_app(home: Path) -> float:
    """CPU seconds from fork to first paint of a minimal app."""
    with recording(minimal.__name__, home=home) as screen:
        screen.until(minimal.SHOWN)
        return screen.cpu


def f_key(count: int = 60) -> list[float]:
    """Seconds from each key to its paint, in a minimal app that does nothing else."""
    with new_home() as home, recording(minimal.__name__, "input", home=home) as screen:
        screen.until(minimal.SHOWN)
        screen.until_idle()
        return screen.type("".join(chr(0x100 + n) for n in range(count)), 0.1)


def f_sink(streams: int, rate: float, count: int) -> float:
    """CPU seconds to append chunks to lists, `rate` a second to each, in an idle app."""
    return asyncio.run(_f_sink(streams, rate, count))


async def _f_sink(streams: int, rate: float, count: int) -> float:
    async def sink() -> list[str]:
        return [str(number) async for number in paced(count, rate)]

    async with painting(minimal.Minimal()):
        began = cpu()
        await asyncio.gather(*(sink() for _ in range(streams)))
        return cpu() - began


async def paced(count: int, rate: float) -> AsyncGenerator[int]:
    """Count, `rate` times a second."""
    began = time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        yield number
