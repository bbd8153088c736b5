"""Eight conversations stream at once, and the user switches between them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import partial

from tests.conftest import wait_until
from tests.screens.conftest import Journey, Open
from tests.scripted import Hold, Reply, Scripted, Seen, Step, Wait, end, start, text, thinking
from tui.store import Store

CONVERSATIONS = 8
SWITCHES = 100
WORDS = 240
HELD_BACK = 20
"""How many words arrive only after the last switch."""
PACE = 0.03
KEYS = {-1: ("alt+up", "ctrl+pageup"), 1: ("alt+down", "ctrl+pagedown")}


def words(number: int) -> list[str]:
    """Return the words of a conversation's reply, which no other reply has."""
    opening, begin, after, every, closing = (
        ("", "\n\n漢字 **and** `more`: ", "", 9, ""),
        ("```python", "\n    ", "", 7, "\n```\n\nas is said."),
        ("| a | b |\n|---|---|", "\n| ", "| ", 2, ""),
        ("", "\n- ", "", 5, ""),
    )[number % 4]
    said = (f"{'' if at % every else begin}w{number}n{at:03} {after}" for at in range(WORDS))
    return [opening, *said, closing]


WHOLE = ["".join(words(number)) for number in range(CONVERSATIONS)]


class Eight:
    """Answers each conversation word by word; the test releases the ends."""

    def __init__(self) -> None:
        self.begin = [Hold() for _ in range(CONVERSATIONS)]
        self.continue_reply = [Hold() for _ in range(CONVERSATIONS)]

    def __call__(self, seen: Seen) -> Reply:
        number = int(seen.json["messages"][0]["content"][0]["text"].split()[-1])
        is_thinking = number % 2
        steps: list[Step] = [start(), self.begin[number]]
        if is_thinking:
            steps += thinking(0, f"thought {number}")
        for step in text(is_thinking, *words(number)):
            steps += [step, Wait(PACE)]
        steps.insert(-2 * HELD_BACK, self.continue_reply[number])
        return Reply([*steps, *end()])


def walk() -> Iterator[int]:
    """Yield steps through the list: to its end, back, and then at random."""
    chance, at, last = random.Random(8), 0, CONVERSATIONS - 1
    for number in range(SWITCHES):
        if at in (0, last):
            step = -1 if at else 1
        elif number < 2 * last:
            step = 1 if number < last else -1
        else:
            step = chance.choice((1, -1))
        at += step
        yield step


def is_shown(journey: Journey, number: int) -> bool:
    asked = f"conversation {number}"
    return journey.questions == [asked] and journey.title == asked


def drawn(journey: Journey) -> list[tuple[int, int]]:
    """Return the words on the screen, as the numbers of their conversation and position."""
    found = re.findall(r"w(\d)n(\d{3})", journey.seen)
    return [(int(number), int(at)) for number, at in found]


def is_drawn_to_its_end(journey: Journey, number: int) -> bool:
    return drawn(journey)[-1:] == [(number, WORDS - 1)]


def has_grown(journey: Journey, first: list[tuple[int, int]], held: Hold) -> bool:
    """Tell whether a reply has grown, or has everything before its hold."""
    return drawn(journey)[-1:] > first[-1:] or held.reached.is_set()


async def test_every_transcript_is_exact(opened: Open, server: Scripted, store: Store) -> None:
    server.answer = eight = Eight()
    grown: set[int] = set()
    async with opened() as journey:
        for number, hold in enumerate(eight.begin):
            await journey.press("ctrl+n")
            await journey.ask(f"conversation {number}")
            await journey.until(hold.reached.is_set)
        for hold in eight.begin:
            hold.release()
        # The newest one is at the top.
        number = CONVERSATIONS - 1
        for at, step in enumerate(walk()):
            # Not by the Pilot, which waits until the app is idle after each key.
            journey.app.simulate_key(KEYS[step][at % 2])
            number -= step
            await wait_until(partial(is_shown, journey, number))
            first = drawn(journey)
            await wait_until(partial(has_grown, journey, first, eight.continue_reply[number]))
            # Everything shown belongs to this conversation, has no gap, and grows.
            shown = drawn(journey)
            begin = shown[0][1] if shown else 0
            assert shown == [(number, begin + at) for at in range(len(shown))]
            assert all(WHOLE[number].startswith(reply) for reply in journey.replies)
            grown.update({number} if shown[-1:] > first[-1:] else ())
        assert grown == set(range(CONVERSATIONS))
        assert len(journey.app.session.scheduler.streaming) == CONVERSATIONS
        for hold in eight.continue_reply:
            hold.release()
        await journey.until_done()
        # The notices about the replies cover their last words.
        journey.app.clear_notifications()
        for _ in range(number, CONVERSATIONS - 1):
            await journey.press("alt+up")
        for number in reversed(range(CONVERSATIONS)):
            await journey.until(partial(is_shown, journey, number))
            assert journey.replies == [WHOLE[number]]
            await journey.until(partial(is_drawn_to_its_end, journey, number))
            await journey.press("alt+down")
    found = await store.conversations()
    assert len(found) == CONVERSATIONS
    for conversation in found:
        question, kept = await store.read_path(conversation.tip_id)
        number = int(question.text.split()[-1])
        assert (kept.text, kept.state) == (WHOLE[number], "complete")
        assert kept.thinking == (f"thought {number}" if number % 2 else "")
