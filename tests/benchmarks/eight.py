"""Eight replies at once, one of them on the screen, in the app without the network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.corpora import corpus
from tests.benchmarks.floors import f_sink, paced
from tests.benchmarks.painting import apart_paced, cpu, painting
from tests.benchmarks.report import Effort, Row
from tests.chosen import app_settings, connected
from tui.chat import turn
from tui.claude import Claude
from tui.domain.conversation import Conversation
from tui.domain.endpoint import Endpoint
from tui.domain.model import Model
from tui.domain.parameters import Parameters
from tui.domain.reply import StreamingReply
from tui.domain.reply_events import (
    BlockDelta,
    BlockStarted,
    BlockStopped,
    Finished,
    MessageDelta,
    ReplyEvent,
    Started,
)
from tui.domain.usage import Usage
from tui.store import Store, open_store
from tui.ui.app import StreamChat
from tui.ui.widgets.composer import Composer

TITLE = "Eight replies at once"
STREAMS, RATE, CHUNK = 8, 200, 12
MODEL = "claude-sonnet-5-5"


@dataclass(frozen=True)
class Kept:
    cpu: float
    """CPU seconds from the first question until every reply is saved."""
    lost: int
    """How many replies differ from what was sent."""


class Sending(Claude):
    """Answers every question with the same text, 200 chunks a second."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(Endpoint("http://127.0.0.1", api_key="none"))
        self._words = words

    async def warm_up(self) -> None:
        pass

    async def models(self) -> list[Model]:
        return []

    async def stream(
        self,
        messages: object,  # noqa: ARG002 - Claude takes it
        parameters: Parameters,
        **_: object,
    ) -> AsyncGenerator[ReplyEvent, None]:
        yield Started("msg", parameters.model, Usage(), None)
        yield BlockStarted(0, {"type": "text", "text": ""})
        async with aclosing(paced(len(self._words), RATE)) as numbers:
            async for number in numbers:
                yield BlockDelta(0, "text_delta", self._words[number])
        whole = {"type": "text", "text": "".join(self._words)}
        yield BlockStopped(0, whole)
        yield MessageDelta("end_turn", None, Usage())
        yield Finished((whole,), "end_turn", None, Usage())


def run(effort: Effort) -> Iterator[Row]:
    """Receive eight replies; then only append their chunks to lists."""
    count = RATE * (2 if effort == "quick" else 10)
    kept, alone = apart_paced(measure, STREAMS, count), apart_paced(measure, 1, count)
    sunk = apart_paced(f_sink, STREAMS, RATE, count)
    share = 100 * RATE / count
    note = f"{share * kept.cpu:.0f} % of a core, {share * sunk:.1f} %"
    yield Row("eight replies / F-sink", kept.cpu / sunk, 6, note=note)
    yield Row("eight replies / the visible one alone", kept.cpu / alone.cpu)
    yield Row("replies in which a chunk is lost or out of order", kept.lost, 0, unit="of 8")


def measure(streams: int, count: int) -> Kept:
    """Request `streams` replies of `count` chunks; the last one is on the screen."""
    text = corpus("mixed", count * CHUNK)
    words = [text[at : at + CHUNK] for at in range(0, len(text), CHUNK)]
    with TemporaryDirectory() as folder, open_store(Path(folder) / "history.db") as store:
        return asyncio.run(_measure(store, words, streams))


async def _measure(store: Store, words: Sequence[str], streams: int) -> Kept:
    app = StreamChat(
        store,
        connected(Sending(words)),
        app_settings(Path.cwd(), frames_per_second=30),
    )
    async with painting(app):
        began = cpu()
        drafts = await _ask(app, store, streams)
        async with asyncio.timeout(60 + 5 * len(words) / RATE):
            await _until(lambda: not app.session.scheduler.streaming)
        spent = cpu() - began
        whole = "".join(words)
        lost = 0
        for draft in drafts:
            line = await store.read_path(draft.id)
            drawn = "".join(draft.parts[0].words)
            lost += not drawn == line[-1].text == whole
        return Kept(spent, lost)


async def _ask(app: StreamChat, store: Store, streams: int) -> list[StreamingReply]:
    """Ask in `streams` conversations; the last one stays open."""
    for number in range(streams - 1):
        now, title = store.clock.now_ms(), f"Question {number}"
        conversation = Conversation(store.new_id(), Parameters(MODEL), now, now, title=title)
        conversation, question = await turn.ask(store, conversation, title)
        claude = app.session.connections.current
        app.session.scheduler.begin(claude, conversation, question)
    composer = app.screen.query_one(Composer)
    composer.insert("The visible question")
    composer.action_send()
    await _until(lambda: len(app.session.scheduler.streaming) == streams)
    return list(app.session.scheduler.streaming.values())


async def _until(is_reached: Callable[[], bool]) -> None:
    while not is_reached():
        await asyncio.sleep(0.05)
