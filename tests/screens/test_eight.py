"""Eight conversations stream at once, and the reader goes from one to the other."""

from __future__ import annotations

from itertools import cycle, islice

from tests.screens.conftest import Journey, Open
from tests.scripted import Hold, Reply, Scripted, Seen, Step, Wait, end, start, text, thinking
from tui.store import Store

CONVERSATIONS = 8
SWITCHES = 100
WORDS = 240
PACE = 0.02
KEYS = ("alt+down", "ctrl+pagedown", "alt+down", "alt+up", "ctrl+pageup", "alt+down")


def words(number: int) -> list[str]:
    """What a conversation's reply says, in words that are in no other one's."""
    opening = ("", "```python\n", "| a | b |\n|---|---|\n| ", "- ")[number % 4]
    return [opening, *(f"w{number}n{at:03} " for at in range(WORDS))]


class Eight:
    """Answers each conversation word by word, and none to its end before it may."""

    def __init__(self) -> None:
        self.begin = [Hold() for _ in range(CONVERSATIONS)]
        self.go_on = [Hold() for _ in range(CONVERSATIONS)]

    def __call__(self, seen: Seen) -> Reply:
        number = int(seen.json["messages"][0]["content"][0]["text"].split()[-1])
        is_thinking = number % 2
        steps: list[Step] = [start(), self.begin[number]]
        if is_thinking:
            steps += thinking(0, f"thought {number}")
        for step in text(is_thinking, *words(number)):
            steps += [step, Wait(PACE)]
        steps.insert(len(steps) - WORDS // 2, self.go_on[number])
        return Reply([*steps, *end()])


def number_of(journey: Journey) -> int:
    return int(journey.questions[0].split()[-1])


async def test_every_transcript_is_exact(opened: Open, server: Scripted, store: Store) -> None:
    server.answer = eight = Eight()
    async with opened() as journey:
        for number, hold in enumerate(eight.begin):
            await journey.press("ctrl+n")
            await journey.ask(f"conversation {number}")
            await journey.until(hold.reached.is_set)
        for hold in eight.begin:
            hold.release()
        for at, key in enumerate(islice(cycle(KEYS), SWITCHES)):
            await journey.press(key)
            # Whatever is shown is of this conversation, from its beginning.
            said = "".join(words(number_of(journey)))
            assert all(said.startswith(shown) for shown in journey.replies)
            if at == SWITCHES // 2:
                assert len(journey.app.replies.drafts) == CONVERSATIONS
                for hold in eight.go_on:
                    hold.release()
        await journey.until_done()
        for _ in range(CONVERSATIONS):
            await journey.press("alt+up")
        seen: set[int] = set()
        for _ in range(CONVERSATIONS):
            number = number_of(journey)
            seen.add(number)
            await journey.until(lambda n=number: journey.replies == ["".join(words(n))])
            await journey.press("alt+down")
        assert seen == set(range(CONVERSATIONS))
    for conversation in await store.conversations():
        question, kept = await store.line(conversation.tip_id)
        number = int(question.text.split()[-1])
        assert (kept.text, kept.state) == ("".join(words(number)), "complete")
        assert kept.thinking == (f"thought {number}" if number % 2 else "")
