"""Eight replies at once, one of them on the screen, in the whole app less the network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.corpora import corpus
from tests.benchmarks.floors import f_sink, paced
from tests.benchmarks.painting import apart_paced, cpu, painting
from tests.benchmarks.report import Effort, Row
from tui import turn
from tui.app import StreamChat
from tui.claude import Claude
from tui.conversation import (
    BlockDelta,
    BlockStarted,
    BlockStopped,
    Conversation,
    Finished,
    Model,
    ReplyEvent,
    Started,
    Stopping,
    Usage,
)
from tui.draft import Draft
from tui.endpoint import Endpoint
from tui.store import Store, open_store
from tui.widgets.composer import Composer

TITLE = "Eight replies at once"
STREAMS, RATE, CHUNK = 8, 200, 12
MODEL = "claude-sonnet-5-5"


@dataclass(frozen=True)
class Kept:
    cpu: float
    """CPU seconds from the first question until all is kept."""
    lost: int
    """Replies that are not what was sent, to the letter."""


class Sending(Claude):
    """Answers every question with the same words, 200 chunks a second."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(Endpoint("http://127.0.0.1", api_key="none"))
        self._words = words

    async def warm_up(self) -> None:
        pass

    async def models(self) -> list[Model]:
        return []

    async def stream(
        self, *_: object, model: str, **__: object
    ) -> AsyncGenerator[ReplyEvent, None]:
        yield Started("msg", model, Usage(), None)
        yield BlockStarted(0, {"type": "text", "text": ""})
        async with aclosing(paced(len(self._words), RATE)) as numbers:
            async for number in numbers:
                yield BlockDelta(0, "text_delta", self._words[number])
        whole = {"type": "text", "text": "".join(self._words)}
        yield BlockStopped(0, whole)
        yield Stopping("end_turn", None, Usage())
        yield Finished((whole,), "end_turn", None, Usage())


def run(effort: Effort) -> Iterator[Row]:
    """Let eight replies arrive; then their chunks alone, in lists."""
    count = RATE * (2 if effort == "quick" else 10)
    kept, alone = apart_paced(measure, STREAMS, count), apart_paced(measure, 1, count)
    sunk = apart_paced(f_sink, STREAMS, RATE, count)
    share = 100 * RATE / count
    note = f"{share * kept.cpu:.0f} % of a core, {share * sunk:.1f} %"
    yield Row("eight replies / F-sink", kept.cpu / sunk, 6, note=note)
    yield Row("eight replies / the visible one alone", kept.cpu / alone.cpu)
    yield Row("replies in which a chunk is lost or out of order", kept.lost, 0, unit="of 8")


def measure(streams: int, count: int) -> Kept:
    """Ask for so many replies of `count` chunks, the last one on the screen."""
    text = corpus("mixed", count * CHUNK)
    words = [text[at : at + CHUNK] for at in range(0, len(text), CHUNK)]
    with TemporaryDirectory() as folder, open_store(Path(folder) / "history.db") as store:
        return asyncio.run(_measure(store, words, streams))


async def _measure(store: Store, words: Sequence[str], streams: int) -> Kept:
    app = StreamChat(
        store,
        Sending(words),
        model=MODEL,
        log_path=Path("streamchat.log"),
        env_path=Path(".env"),
        frames_per_second=30,
    )
    async with painting(app):
        began = cpu()
        drafts = await _ask(app, store, streams)
        async with asyncio.timeout(60 + 5 * len(words) / RATE):
            await _until(lambda: not app.replies.drafts)
        spent = cpu() - began
        whole = "".join(words)
        lost = 0
        for draft in drafts:
            line = await store.line(draft.id)
            drawn = "".join(draft.parts[0].words)
            lost += not drawn == line[-1].text == whole
        return Kept(spent, lost)


async def _ask(app: StreamChat, store: Store, streams: int) -> list[Draft]:
    """Ask in so many conversations, of which the last is the open one."""
    for number in range(streams - 1):
        now, title = store.clock.now_ms(), f"Question {number}"
        conversation = Conversation(store.new_id(), MODEL, now, now, title=title)
        question = await turn.ask(store, conversation, title)
        app.replies.begin(replace(conversation, tip_id=question.id), question, MODEL)
    composer = app.screen.query_one(Composer)
    composer.insert("The visible question")
    composer.action_send()
    await _until(lambda: len(app.replies.drafts) == streams)
    return list(app.replies.drafts.values())


async def _until(is_reached: Callable[[], bool]) -> None:
    while not is_reached():
        await asyncio.sleep(0.05)
