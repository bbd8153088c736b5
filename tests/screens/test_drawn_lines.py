"""Cached lines are the same as lines that are drawn again."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine

import pytest
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from tui.domain.conversation import Block, Message
from tui.domain.reply import StreamingReply
from tui.domain.reply_events import BlockDelta, BlockStarted
from tui.ui.widgets.drawn_lines import DrawnLines
from tui.ui.widgets.transcript import Transcript

WORDS = (
    "Words, **bold** ones, `code` too, and a [link](https://example.com).\n\n- one\n- two\n\n"
)


class PaintedTranscript(Transcript):
    """A transcript that records which region was painted last."""

    painted = Region()

    def render_lines(self, crop: Region) -> list[Strip]:
        self.painted = crop
        return super().render_lines(crop)


class TranscriptApp(App[None]):
    CSS = """
    Watched { height: 1fr; border-left: vkey $background; }
    Watched:focus { border-left: vkey $accent; }
    """

    def compose(self) -> ComposeResult:
        yield PaintedTranscript()
        yield Input()


def anew(transcript: Transcript, crop: Region) -> list[Strip]:
    """Draw a whole region without the cache."""
    transcript._styles_cache.clear()
    return Widget.render_lines(transcript, crop)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_they_are_those_that_would_be_drawn(seed: int) -> None:
    dice = random.Random(seed)
    app = TranscriptApp()
    async with app.run_test(size=(60, 16)) as pilot:
        transcript = app.query_one(PaintedTranscript)
        said = [
            Message(
                id=str(number),
                conversation_id="c",
                parent_id=None,
                role="user" if number % 2 else "assistant",
                state="complete",
                blocks=(Block({"type": "text", "text": WORDS * (number + 1)}),),
                created_ms=0,
            )
            for number in range(4)
        ]
        draft = StreamingReply(id="draft", conversation_id="c", model="claude-sonnet-5-5")
        transcript.show(said, draft, now_ms=0)
        draft.take(BlockStarted(0, {"type": "text", "text": ""}))

        def stream() -> None:
            draft.take(BlockDelta(0, "text_delta", WORDS[: dice.randrange(1, 60)]))
            transcript.draw(draft, 1e6 * dice.random())

        def change_theme() -> None:
            app.theme = dice.choice(["nord", "textual-light", "textual-dark"])

        async def resize() -> None:
            await pilot.resize_terminal(dice.choice([48, 60]), dice.choice([12, 16]))

        for _ in range(60):
            steps: list[Callable[[], object]] = [
                *(4 * [stream]),
                *(2 * [lambda: transcript.scroll_relative(y=dice.randrange(-9, 9))]),
                transcript.focus,
                app.query_one(Input).focus,
                transcript.toggle_thinking,
                lambda: transcript.action_move(dice.choice([-1, 1])),
                change_theme,
                resize,
            ]
            done = dice.choice(steps)()
            if isinstance(done, Coroutine):
                await done
            await pilot.pause()
            crop = transcript.painted
            assert transcript.render_lines(crop) == anew(transcript, crop)


async def test_changes_around_unchanged_rows_are_drawn() -> None:
    app = TranscriptApp()
    async with app.run_test(size=(60, 16)) as pilot:
        transcript = app.query_one(PaintedTranscript)
        for focused in (app.query_one(Input), transcript):
            focused.focus()
            await pilot.pause()
            crop = transcript.painted
            assert transcript.render_lines(crop) == anew(transcript, crop)


def test_rows_that_have_only_moved_are_not_drawn_again() -> None:
    rows = [Strip([Segment(str(number))]) for number in range(8)]
    drawn: list[Region] = []

    def draw(part: Region) -> list[Strip]:
        drawn.append(part)
        return [Strip([Segment(f"line {y}")]) for y in part.line_range]

    lines = DrawnLines()
    first = lines.drawn(Region(0, 0, 7, 6), rows[:6], draw, look="dark")
    second = lines.drawn(Region(0, 0, 7, 6), rows[2:], draw, look="dark")
    assert drawn == [Region(0, 0, 7, 6), Region(0, 4, 7, 2)]
    assert all(one is other for one, other in zip(first[2:], second, strict=False))
    lines.drawn(Region(0, 0, 7, 6), rows[2:], draw, look="light")
    assert drawn[2:] == [Region(0, 0, 7, 6)]
