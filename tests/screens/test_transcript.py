"""The transcript alone, in its own small app."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import Selection

from tui.domain.conversation import Block, Message, Role
from tui.domain.reply import StreamingReply
from tui.domain.reply_events import BlockDelta, BlockStarted
from tui.domain.wire import Json
from tui.ui.widgets.transcript import Transcript

CODE = "Here:\n\n```python\nprint(1)\n```\n\nand\n\n```sh\nls -l\n```\n"


class TranscriptApp(App[None]):
    CSS = "Transcript { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.animation_level = "none"
        self.transcript = Transcript()
        self.copied: list[str] = []
        self.links: list[str] = []
        self.at_end: list[bool] = []

    def compose(self) -> ComposeResult:
        yield self.transcript

    @on(Transcript.Copied)
    def _copied(self, event: Transcript.Copied) -> None:
        self.copied.append(event.text)

    @on(Transcript.LinkChosen)
    def _linked(self, event: Transcript.LinkChosen) -> None:
        self.links.append(event.target)

    @on(Transcript.AtEndChanged)
    def _followed(self, event: Transcript.AtEndChanged) -> None:
        self.at_end.append(event.is_at_end)


def message(number: int, text: str, role: Role = "assistant", thinking: str = "") -> Message:
    wires: list[Json] = [{"type": "thinking", "thinking": thinking}] if thinking else []
    wires.append({"type": "text", "text": text})
    blocks = tuple(Block(wire) for wire in wires)
    return Message(f"m{number}", "c", role, blocks, created_ms=0, model="claude-sonnet-5-5")


def draft(text: str = "") -> StreamingReply:
    reply = StreamingReply("draft", "c", "claude-sonnet-5-5")
    reply.take(BlockStarted(0, {"type": "text", "text": ""}))
    say(reply, text)
    return reply


def say(reply: StreamingReply, text: str) -> None:
    reply.take(BlockDelta(0, "text_delta", text))


def conversation(length: int) -> list[Message]:
    """Return messages of every kind, the same ones each time."""
    chance = random.Random(7)
    shapes = (
        lambda: " ".join(["word"] * chance.randint(1, 200)),
        lambda: "\n".join(f"- item {n}" for n in range(chance.randint(1, 20))),
        lambda: "```\n" + "code\n" * chance.randint(1, 30) + "```",
        lambda: "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * chance.randint(1, 9),
        lambda: "検索 " * chance.randint(1, 90),
    )
    return [
        message(n, f"**{n}** {chance.choice(shapes)()}", "assistant" if n % 2 else "user")
        for n in range(length)
    ]


@asynccontextmanager
async def current(
    *messages: Message, reply: StreamingReply | None = None, size: tuple[int, int] = (60, 20)
) -> AsyncIterator[tuple[TranscriptApp, Pilot[None]]]:
    app = TranscriptApp()
    async with app.run_test(size=size) as pilot:
        app.transcript.show(messages, reply, now_ms=0)
        await pilot.pause()
        yield app, pilot


def rows(app: TranscriptApp) -> list[str]:
    """Return the text of each row of the view."""
    height = app.transcript.size.height
    return [app.transcript.render_line(y).text.rstrip() for y in range(height)]


async def test_the_length_of_a_turn_does_not_depend_on_when_it_was_laid_out() -> None:
    question, answer = message(0, "one two three", "user"), message(1, "word\n\n" * 60)
    async with current(question, answer) as (app, _):
        at_once = app.transcript.virtual_size.height
    async with current(question) as (app, pilot):
        app.transcript.add(answer, now_ms=0)
        await pilot.pause()
        assert app.transcript.virtual_size.height == at_once


async def test_scrolling_up_shows_every_row_once_and_in_order() -> None:
    messages = conversation(120)
    async with current(*messages) as (app, pilot):
        transcript = app.transcript
        seen = rows(app)
        while transcript.scroll_y > 0:
            before = transcript.scroll_y
            transcript.scroll_relative(y=-7, animate=False)
            await pilot.pause()
            shown = rows(app)
            # However wrong the estimates were, all rows but seven stay visible.
            step = 7 if shown[7:] == seen[: len(shown) - 7] else int(before)
            assert shown[step:] == seen[: len(shown) - step]
            seen[:0] = shown[:step]
        width = transcript.text_width
        whole = [
            entry.row(row, width)[1].content.plain.rstrip()
            for entry in transcript.entries
            for row in range(entry.height(width))
        ]
    assert [row.lstrip("▌ ") for row in seen] == [row.strip() for row in whole]


async def test_the_end_is_followed_until_the_reader_leaves_it() -> None:
    reply = draft("\n".join(f"- {n}" for n in range(40)))
    async with current(message(0, "hi", "user"), reply=reply) as (app, pilot):
        transcript = app.transcript
        transcript.draw(reply, 0)
        await pilot.pause()
        say(reply, "\n- more\n- last")
        transcript.draw(reply, 1)
        await pilot.pause()
        assert any("last" in row for row in rows(app))
        transcript.scroll_relative(y=-5, animate=False)
        await pilot.pause()
        place = rows(app)
        say(reply, "\n- unseen")
        transcript.draw(reply, 9)
        await pilot.pause()
        assert rows(app) == place
        assert app.at_end == [False]
        transcript.show_end()
        await pilot.pause()
        assert any("unseen" in row for row in rows(app))
        assert app.at_end == [False, True]


@pytest.mark.parametrize("width", [30, 44, 90])
async def test_another_width_keeps_the_very_text_that_was_on_top(width: int) -> None:
    text = " ".join(f"w{number}" for number in range(2000))
    async with current(message(0, text), message(1, "end"), size=(60, 20)) as (app, pilot):
        app.transcript.scroll_to(y=50, animate=False)
        await pilot.pause()
        first = rows(app)[0].split()[0]
        await pilot.resize_terminal(width, 20)
        await pilot.pause()
        assert first in rows(app)[0].split()


async def test_a_selection_over_messages_gives_what_was_said_as_it_was_written() -> None:
    long = " ".join(f"word{number}" for number in range(60))
    messages = message(0, long, "user"), message(1, "**bold** end")
    async with current(*messages) as (app, pilot):
        transcript = app.transcript
        app.screen.selections = {transcript: Selection(Offset(0, 0), Offset(4, 2 << 40))}
        await pilot.pause()
        selected = app.screen.get_selected_text()
    assert selected == f"{long}\n\n**bold** end"


async def test_twice_selects_a_word_and_three_times_a_message() -> None:
    async with current(message(0, "one two-three four"), message(1, "other")) as (app, pilot):
        at = next(y for y, row in enumerate(rows(app)) if "one two" in row)
        await pilot.double_click(Transcript, offset=(7, at))
        assert app.screen.get_selected_text() == "two"
        await pilot.triple_click(Transcript, offset=(7, at))
        assert app.screen.get_selected_text() == "one two-three four"


async def test_a_selection_survives_what_is_written_below() -> None:
    reply = draft("below")
    async with current(message(0, "above", "user"), reply=reply) as (app, pilot):
        app.screen.selections = {app.transcript: Selection(Offset(0, 0), Offset(0, 1 << 40))}
        say(reply, " and more")
        app.transcript.draw(reply, 0)
        await pilot.pause()
        assert app.screen.get_selected_text() == "above"


async def test_c_copies_one_code_block_after_the_other() -> None:
    async with current(message(0, CODE)) as (app, pilot):
        app.transcript.focus()
        await pilot.press("c", "c", "c", "y")
        await pilot.pause()
    assert [copied.strip() for copied in app.copied] == [
        "print(1)",
        "ls -l",
        "print(1)",
        CODE.strip(),
    ]


async def test_thinking_is_folded_until_enter_and_by_all_at_once() -> None:
    async with current(message(0, "yes", thinking="let me see")) as (app, pilot):
        assert not any("let me see" in row for row in rows(app))
        app.transcript.focus()
        await pilot.press("enter")
        assert any("let me see" in row for row in rows(app))
        app.transcript.toggle_thinking()
        app.transcript.toggle_thinking()
        await pilot.pause()
        assert not any("let me see" in row for row in rows(app))


async def test_a_click_below_the_last_message_does_nothing() -> None:
    async with current(message(0, "short")) as (app, pilot):
        for click in (pilot.click, pilot.double_click, pilot.triple_click):
            await click(Transcript, offset=(9, app.transcript.size.height - 1))
        await pilot.pause()
        assert app.screen.get_selected_text() is None


async def test_a_click_on_a_link_says_its_target_and_opens_nothing() -> None:
    async with current(message(0, "see [this](https://example.com/a)")) as (app, pilot):
        at = next(y for y, row in enumerate(rows(app)) if "see this" in row)
        await pilot.click(Transcript, offset=(7, at))
        await pilot.pause()
    assert app.links == ["https://example.com/a"]


async def test_j_and_k_move_by_messages_and_the_bar_shows_where() -> None:
    messages = [message(n, f"message {n}") for n in range(30)]
    async with current(*messages) as (app, pilot):
        app.transcript.focus()
        await pilot.press("k", "k")
        barred = [row for row in rows(app) if row.startswith("▌")]
        assert any("message 27" in row for row in barred)
        await pilot.press("g")
        assert any(row.startswith("▌") and "message 0" in row for row in rows(app))
        await pilot.press("G")
        assert any(row.startswith("▌") and "message 29" in row for row in rows(app))


async def test_a_finished_reply_is_drawn_as_it_was_saved() -> None:
    reply = draft("see [later]")
    async with current(reply=reply) as (app, pilot):
        app.transcript.draw(reply, 0)
        kept = Message(
            "draft", "c", "assistant",
            (Block({"type": "text", "text": "see [later]\n\n[later]: https://example.com"}),),
            created_ms=0, model="claude-sonnet-5-5",
        )  # fmt: skip
        app.transcript.finish(kept)
        await pilot.pause()
        assert any(row.strip("▌ ") == "see later" for row in rows(app))


async def test_layouts_out_of_view_are_freed_and_made_again() -> None:
    messages = conversation(300)
    async with current(*messages) as (app, pilot):
        transcript = app.transcript
        end = rows(app)
        transcript.scroll_home(animate=False)
        await pilot.pause()
        for _ in range(200):
            transcript.scroll_page_down(animate=False)
        await pilot.pause()
        parsed = [entry for entry in transcript.entries if entry.is_parsed]
        assert len(parsed) <= 36
        transcript.show_end()
        await pilot.pause()
        assert rows(app) == end
