"""What it costs to draw a reply of any kind and length while it arrives."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Markdown

from tests.benchmarks.corpora import KINDS, conversation, corpus
from tests.benchmarks.floors import f_paint
from tests.benchmarks.painting import apart, cpu, painted, painting
from tests.benchmarks.report import Effort, Row
from tui.domain.conversation import Message
from tui.domain.reply import StreamingReply
from tui.domain.reply_events import BlockDelta, BlockStarted
from tui.ui.widgets.transcript import Transcript

TITLE = "Streaming into one reply"
STEP = 240
"""Characters that arrive between two frames."""

LIMIT = 150.0
"""Seconds after which a stream is ended, and measured by what was drawn."""


@dataclass(frozen=True)
class Drawn:
    """The measurements of a stream, complete or not."""

    frames: list[float]
    """The CPU seconds of each frame."""
    share: float = 1.0
    """The share that was drawn before the limit."""
    floor: float = 1.0
    """`f_paint` in the same process, just before and just after."""

    @property
    def per_floor(self) -> float:
        return statistics.fmean(self.frames) / self.floor

    @property
    def growth(self) -> float:
        """The cost of the last quarter, in multiples of the first quarter's cost."""
        quarter = max(1, len(self.frames) // 4)
        return sum(self.frames[-quarter:]) / sum(self.frames[:quarter])

    @property
    def note(self) -> str:
        return "" if self.share == 1 else f"cut at {self.share:.0%}"


class TranscriptApp(App[None]):
    """An app with nothing but a transcript."""

    CSS = "Transcript { height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield Transcript()


class Appending(App[None]):
    """The same with Textual's own widget."""

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Markdown()


def run(effort: Effort) -> Iterator[Row]:
    """Stream every kind of reply, and one of them with Textual's own widget too."""
    limit = 3.0 if effort == "quick" else LIMIT
    for kind, length in _streams(effort):
        drawn = apart(measure, kind, length, limit)
        goal = 4.0 if (kind, length) == ("paragraph", 500_000) else 2.5
        what = f"{kind}, {length // 1000}k"
        yield Row(f"{what}: a frame / F-paint", drawn.per_floor, goal, note=drawn.note)
        yield Row(f"{what}: last quarter / first", drawn.growth, 1.3, note=drawn.note)
    length = 2_400 if effort == "quick" else 20_000
    ours, theirs = apart(measure, "mixed", length, limit), apart(append, "mixed", length, limit)
    share = min(ours.share, theirs.share)
    ratio = sum(ours.frames) / ours.share / (sum(theirs.frames) / theirs.share)
    note = "" if share == 1 else f"cut at {share:.0%}, and taken as if linear"
    yield Row(f"mixed, {length // 1000}k: all of it / Markdown.append", ratio, 0.25, note=note)


def _streams(effort: Effort) -> Iterator[tuple[str, int]]:
    if effort == "quick":
        yield "mixed", 10_000
        return
    yield from ((kind, length) for kind in KINDS for length in (20_000, 100_000))
    largest = KINDS if effort == "full" else ("mixed", "paragraph")
    yield from ((kind, 500_000) for kind in largest)


def measure(kind: str, length: int, limit: float) -> Drawn:
    """Stream a reply into the transcript, below messages that fill the screen."""
    before = f_paint(100)
    frames, share = asyncio.run(_draw(corpus(kind, length), limit))
    return Drawn(frames, share, (before + f_paint(100)) / 2)


async def _draw(text: str, limit: float) -> tuple[list[float], float]:
    app = TranscriptApp()
    async with painting(app):
        await draw(app, conversation(8), text[: 10 * STEP], limit)
        return await draw(app, conversation(8), text, limit)


async def draw(
    app: TranscriptApp, above: Sequence[Message], text: str, limit: float
) -> tuple[list[float], float]:
    """Stream a reply below messages; return what `stream` returns.

    The first call also counts the imports at first use.
    """
    transcript = app.query_one(Transcript)
    draft = StreamingReply(
        id="draft", conversation_id="conversation", model="claude-sonnet-5-5"
    )
    transcript.show(above, draft, now_ms=0)
    await painted(app)
    return await stream(app, transcript, draft, text, limit)


async def stream(
    app: App[None], transcript: Transcript, reply: StreamingReply, text: str, limit: float
) -> tuple[list[float], float]:
    """Return the CPU seconds of each painted frame, and the share that was drawn in time."""
    frames = []
    reply.take(BlockStarted(0, {"type": "text", "text": ""}))
    deadline = time.monotonic() + limit
    for begin in range(0, len(text), STEP):
        began = cpu()
        reply.take(BlockDelta(0, "text_delta", text[begin : begin + STEP]))
        while not transcript.draw(reply, time.monotonic()):
            # The transcript rests, to leave time for keys.
            await asyncio.sleep(1 / 30)
        await painted(app)
        frames.append(cpu() - began)
        if time.monotonic() > deadline:
            return frames, min(1.0, (begin + STEP) / len(text))
    return frames, 1.0


def append(kind: str, length: int, limit: float) -> Drawn:
    """Stream the same reply into Textual's own widget."""
    return asyncio.run(_append(corpus(kind, length), limit))


async def _append(text: str, limit: float) -> Drawn:
    app = Appending()
    async with painting(app):
        app.query_one(VerticalScroll).anchor()
        markdown = app.query_one(Markdown)
        await markdown.update(text[: 10 * STEP])
        await markdown.update("")
        await painted(app)
        frames = []
        deadline = time.monotonic() + limit
        for begin in range(0, len(text), STEP):
            began = cpu()
            await markdown.append(text[begin : begin + STEP])
            await painted(app)
            frames.append(cpu() - began)
            if time.monotonic() > deadline:
                return Drawn(frames, min(1.0, (begin + STEP) / len(text)))
        return Drawn(frames)
