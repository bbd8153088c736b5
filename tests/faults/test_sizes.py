"""A window of any size, with any dialog open and any reply running.

Sixty steps by default, five hundred with FAULTS=full.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from tests.conftest import IS_FULL
from tests.faults.test_signals import WORDS, replies, streaming
from tests.screens.conftest import Journey, Open
from tests.scripted import Hold, Reply, Scripted, Step, delta, end, says, start, text
from tests.terminal import Terminal
from tui.ui.window import LEAST, TOO_SMALL

STEPS = 500 if IS_FULL else 60
ROOMY = (120, 40)
EDGES = [1, 2, 3, 4, 9, 10, 11, 23, 24, 25, 79, 80, 81, 500]
KEYS: list[tuple[str, ...]] = [
    ("f1",),
    ("f2",),
    ("ctrl+p",),
    ("ctrl+f",),
    ("ctrl+f", "ctrl+f"),
    ("ctrl+o",),
    ("ctrl+s",),
    ("ctrl+t",),
    ("shift+tab", "v"),
    ("shift+tab", "R"),
    ("shift+tab", "k", "k", "g"),
    ("pageup",),
    ("ctrl+end",),
    ("ctrl+q",),
    ("escape",),
    ("a", "漢", "ctrl+j"),
]
"""Keys that open each dialog, move and type."""

MARKDOWN = """\
# A heading 漢字

Some **words** that wrap, with `code` and a [link](https://example.com/a/long/path).

1. one
   - a point
     > quoted, deep in a list

| a | b | c |
|---|--:|:-:|
| cells that wrap | 2 | 漢字 |

```python
def f(x: int) -> int:
    return x + 1  # a long line that does not fit into a narrow window at all
```

---
"""


def size(chance: random.Random) -> tuple[int, int]:
    """Return a random size, often at the limit of what makes sense."""
    if chance.random() < 0.5:
        return chance.choice(EDGES), min(200, chance.choice(EDGES))
    return chance.randint(1, 160), chance.randint(1, 60)


def held(holds: list[Hold]) -> Reply:
    """Return a reply that continues a little at the release of each hold."""
    steps: list[Step] = []
    for number, hold in enumerate(holds):
        words = f"w{number:04} " if number % 5 else f"\n\n{MARKDOWN}\n"
        steps += [delta(0, "text_delta", text=words), hold]
    return Reply([start(), text(0)[0], *steps, text(0)[1], *end()])


async def close_everything(journey: Journey) -> None:
    app = journey.app
    await journey.pilot.resize_terminal(*ROOMY)
    await journey.pilot.pause()
    for _ in range(10):
        if len(app.screen_stack) > 1:
            # Without a dialog, Escape would stop the reply.
            await journey.press("escape")
    assert len(app.screen_stack) == 1


def is_at_rest(screen: str) -> bool:
    return "writing ·" not in screen and "first text" in screen


@pytest.mark.timeout(900)
async def test_at_any_size_with_any_dialog_open_it_lives_and_is_right_again(
    opened: Open, server: Scripted
) -> None:
    seed = random.randrange(1 << 30) if IS_FULL else 7
    chance = random.Random(seed)
    holds = [Hold() for _ in range(STEPS)]
    server.will(says(MARKDOWN), held(holds))
    async with opened(size=ROOMY) as journey:
        app = journey.app
        await journey.ask("one")
        await journey.until_done()
        await journey.ask("two")
        await journey.until(lambda: server.asked[1:])
        try:
            for hold in holds:
                await journey.pilot.resize_terminal(*size(chance))
                hold.release()
                if chance.random() < 0.5:
                    await press(journey, chance.choice(KEYS))
                await journey.pilot.pause()
                assert app.is_running, seed
                assert app.failures == [], seed
        finally:
            for hold in holds:
                hold.release()
        await close_everything(journey)
        await journey.until_done()
        whole = "".join(
            f"w{number:04} " if number % 5 else f"\n\n{MARKDOWN}\n" for number in range(STEPS)
        )
        assert journey.replies == [MARKDOWN, whole], seed
        walked = await at_rest(journey)
    async with opened(size=ROOMY) as journey:
        await journey.until(lambda: journey.replies)
        assert await at_rest(journey) == walked, seed


async def press(journey: Journey, keys: tuple[str, ...]) -> None:
    """Press keys, except those that would stop the reply or quit the app."""
    app = journey.app
    is_alone = len(app.screen_stack) == 1
    if keys == ("escape",) and is_alone:
        return
    if keys == ("ctrl+q",) and not app.session.scheduler.streaming:
        return
    await journey.press(*keys)


async def at_rest(journey: Journey) -> str:
    """Return the screen with no dialog open and the focus in the empty composer."""
    app, chat = journey.app, journey.app._chat
    chat._finder.end()
    chat.remove_class("-hidden", "-drawer")
    if not chat.transcript.is_collapsed:
        chat.transcript.toggle_thinking()
    chat.filter.value = ""
    chat.composer.write("")
    chat.set_focus(chat.composer)
    chat.transcript.show_end()
    app.clear_notifications()
    await journey.pilot.pause()
    await journey.until(lambda: is_at_rest(journey.seen))
    # The heights of messages out of view are estimates until they have been seen, so the ends
    # of the scrollbar's thumb may differ by a part of a row.
    return re.sub("[▁▂▃▄▅▆▇]", " ", journey.seen)


async def test_after_a_too_small_window_everything_is_as_it_was(
    opened: Open,
) -> None:
    async with opened(size=ROOMY) as journey:
        await journey.ask("hi")
        await journey.until_done()
        await journey.write("unsent")
        await journey.press("f2")
        await journey.press("x")
        before, focused = journey.seen, journey.app.focused
        await journey.pilot.resize_terminal(3, 4)
        await journey.pilot.pause()
        assert journey.app.is_too_small
        assert journey.app.size == LEAST
        # The focus is where it was.
        await journey.press("backspace")
        await journey.pilot.click(offset=(1, 1))
        await journey.pilot.resize_terminal(*ROOMY)
        await journey.press("x")
        await journey.pilot.pause()
        assert journey.app.focused is focused
        assert journey.seen == before


async def test_at_every_small_size_there_is_a_line_to_write_in(opened: Open) -> None:
    async with opened(size=(1, 1)) as journey:
        await journey.ask("hi")
        await journey.until(lambda: journey.replies == ["Hello there"])
        await journey.write("unsent")
        for columns in range(1, LEAST.width + 3):
            await journey.pilot.resize_terminal(columns, 1 + columns)
            await journey.until(lambda: "unsent" in journey.seen)


async def test_a_question_can_be_answered_in_the_least_room(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    server.will(held([hold]))
    async with opened(size=LEAST) as journey:
        await journey.ask("hi")
        await journey.until(lambda: server.asked)
        await journey.press("ctrl+q")
        await journey.until(lambda: "Cancel" in journey.seen)
        await journey.press("escape")
        hold.release()
        await journey.until_done()


def test_a_real_window_shrunk_to_nothing_and_grown_shows_everything_again(
    empty_home: Path, server: Scripted
) -> None:
    with streaming(empty_home, server, pace=0.02) as screen:
        for columns, rows in [(3, 4), (500, 200), (1, 1), (2, 50), (200, 1), LEAST, (23, 9)]:
            screen.resize(columns, rows)
            if columns < LEAST.width or rows < LEAST.height:
                # As much of the text as there is room for.
                screen.until(lambda: joined(screen) and joined(screen) in "Toosmall")
            else:
                screen.until(lambda: "Ask anything" in screen.text)
        assert joined(screen) == "Toosmall"
        screen.resize(*ROOMY)
        screen.until_seen("w03")
        screen.until_seen("Ask anything")
        screen.press("typed after all")
        screen.until_seen("typed after all")
        assert TOO_SMALL not in screen.text
        screen.until_seen("s to first text")
        screen.press("\x11")
        assert screen.until_left() == 0
    assert replies(empty_home) == [("complete", "".join(WORDS))]


def joined(screen: Terminal) -> str:
    return "".join(screen.text.split())
