"""How much more a long conversation costs than a short one."""

from __future__ import annotations

import asyncio
import gc
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.benchmarks.corpora import conversation, corpus
from tests.benchmarks.floors import f_paint
from tests.benchmarks.painting import apart, cpu, painted, painting, resident
from tests.benchmarks.report import Effort, Row
from tests.benchmarks.streaming import STEP, TranscriptApp, draw
from tui.domain.conversation import Message
from tui.ui.widgets.transcript import Transcript

TITLE = "Long conversations"


@dataclass(frozen=True)
class Read:
    """CPU seconds to open a conversation, scroll it and add to it."""

    opened: float
    page_up: float
    wheel: float
    streamed: float
    """For one frame of a reply that arrives below it."""
    grown_opened: float
    """Megabytes by which opening it grew the process, without its messages."""
    grown: float
    """The same after scrolling and adding."""
    floor: float = 1.0


def run(effort: Effort) -> Iterator[Row]:
    """Measure a short conversation and a long one."""
    many, frames = (200, 10) if effort == "quick" else (5_000, 60)
    short, long = apart(measure, 100, frames), apart(measure, many, frames)
    name = f"{many:,} messages"
    note = f"{1000 * long.opened:.0f} ms of CPU, {1000 * short.opened:.0f} ms"
    yield Row(f"{name}: opened / 100 messages", long.opened / short.opened, 2, note=note)
    note = f"{long.grown_opened:.1f} MB once opened"
    yield Row(f"{name}: memory over the text", long.grown, 10, "MB", note)
    yield Row(f"{name}: page up / F-paint", long.page_up / long.floor, 2.5)
    yield Row(f"{name}: wheel / F-paint", long.wheel / long.floor, 2.5)
    yield Row(f"{name}: a streamed frame / 100 messages", long.streamed / short.streamed, 1.2)


def measure(count: int, frames: int) -> Read:
    """Open a conversation of `count` messages, scroll it, and add to it."""
    before = f_paint(100)
    read = asyncio.run(_read(count, frames))
    floor = (before + f_paint(100)) / 2
    return Read(**{**vars(read), "floor": floor})


async def _read(count: int, frames: int) -> Read:
    app, messages = TranscriptApp(), conversation(count, "first")
    async with painting(app):
        # Imports at first use must not count for the conversation.
        text = corpus("mixed", STEP * frames)
        await draw(app, conversation(20), text, limit=30)
        before = resident()
        opened = [await _open(app, messages)]
        grown_opened = resident() - before
        drawn, _ = await draw(app, messages, text, limit=30)
        transcript = app.query_one(Transcript)
        page_up = await _scroll(app, frames, -transcript.size.height)
        transcript.scroll_end(animate=False)
        await painted(app)
        wheel = await _scroll(app, frames, -app.scroll_sensitivity_y)
        gc.collect()
        grown = resident() - before
        opened += [await _open(app, conversation(count, name)) for name in ("second", "third")]
    streamed = statistics.fmean(drawn)
    return Read(statistics.median(opened), page_up, wheel, streamed, grown_opened, grown)


async def _open(app: TranscriptApp, messages: Sequence[Message]) -> float:
    """Return the CPU seconds to show a conversation."""
    began = cpu()
    app.query_one(Transcript).show(messages, None, now_ms=0)
    await painted(app)
    return cpu() - began


async def _scroll(app: TranscriptApp, frames: int, rows: float) -> float:
    """Return the mean CPU seconds to scroll by `rows` rows and paint."""
    transcript = app.query_one(Transcript)
    began = cpu()
    for _ in range(frames):
        transcript.scroll_relative(y=rows, animate=False)
        await painted(app)
    return (cpu() - began) / frames
