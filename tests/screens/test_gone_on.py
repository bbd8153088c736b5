"""An action on a conversation that is no longer open happens there, or not at all."""

from __future__ import annotations

from functools import partial

import pytest

from tests.screens.conftest import Journey, Open
from tests.scripted import Scripted, says
from tests.turns import ask, converse
from tui.claude import Claude
from tui.claude.demo import connect
from tui.store import Store
from tui.ui.screens.choice import ChoiceScreen
from tui.ui.screens.line import LineScreen
from tui.ui.widgets.composer import Composer


def seen_in(journey: Journey, words: str) -> bool:
    return words in journey.seen


async def test_a_yes_to_an_old_question_does_not_send_a_draft_elsewhere(
    opened: Open, store: Store, server: Scripted
) -> None:
    other = await ask(store, "Other")
    demo = await converse(store, connect(), "to the demo")
    async with opened() as journey:
        session = journey.app.session
        await session.open(demo.conversation_id)
        await journey.until(lambda: journey.replies)
        await journey.ask("to Claude")
        await journey.until(lambda: "Ask in a new one" in journey.seen)
        await session.open(other.conversation_id)
        await journey.until(lambda: journey.title == "Other")
        await journey.write("for later")
        await journey.press("f8")
        assert (journey.title, journey.composer) == ("Other", "for later")
        await session.open(demo.conversation_id)
        await journey.until(lambda: journey.composer == "to Claude")
    assert server.asked == []


async def test_a_question_is_asked_where_it_was_written_though_another_is_open(
    opened: Open, store: Store, server: Scripted, claude: Claude
) -> None:
    server.will(says("to one"), says("to two"), says("here"))
    answerer = Claude(claude.endpoint)
    one, two = [await converse(store, answerer, title) for title in ("One", "Two")]
    async with opened() as journey:
        session = journey.app.session
        await session.open(one.conversation_id)
        await journey.until(lambda: journey.title == "One")
        await journey.write("for one")
        await session.open(two.conversation_id)
        # It is open, but the composer still belongs to the first one.
        journey.app.screen.query_one(Composer).action_send()
        await journey.until(lambda: len(server.asked) == 3)
        await journey.until(lambda: not session.scheduler.streaming)
        await journey.until(lambda: journey.title == "Two")
        assert (journey.questions, journey.replies) == (["Two"], ["to two"])
        await session.open(one.conversation_id)
        await journey.until(lambda: journey.replies == ["to one", "here"])
        assert journey.questions == ["One", "for one"]


async def test_a_title_is_given_to_what_was_read_when_it_was_asked_for(
    opened: Open, store: Store
) -> None:
    one, two = [await ask(store, title) for title in ("One", "Two")]
    async with opened() as journey:
        session = journey.app.session
        await session.open(one.conversation_id)
        await journey.until(lambda: journey.title == "One")
        await journey.press("f2")
        await journey.until(lambda: isinstance(journey.app.screen, LineScreen))
        await session.open(two.conversation_id)
        await journey.press("end", "ctrl+u", *"Of my own", "enter")
        await journey.until(lambda: "Of my own" in " ".join(journey.sidebar))
        assert journey.title == "Two"
    titles = {each.id: each.title for each in await store.conversations()}
    assert titles == {one.conversation_id: "Of my own", two.conversation_id: "Two"}


async def test_another_model_answers_what_was_read_when_it_was_chosen(
    opened: Open, store: Store, server: Scripted
) -> None:
    other = await ask(store, "Other")
    async with opened() as journey:
        session = journey.app.session
        server.will(says("first"), says("second"))
        await journey.ask("Hi")
        await journey.go_to_messages()
        asked_in = session.open_id
        await journey.press("R")
        await journey.until(lambda: isinstance(journey.app.screen, ChoiceScreen))
        await session.open(other.conversation_id)
        await journey.press("enter")
        await journey.until(lambda: len(server.asked) == 2)
        await journey.until(lambda: not session.scheduler.streaming)
        assert journey.title == "Other"
        await session.open(asked_in)
        await journey.until(lambda: journey.replies == ["second"])
        assert journey.versions == ["", "‹2/2›"]


@pytest.mark.parametrize("leaving", ["ctrl+n", "alt+down"])
async def test_one_reads_on_where_one_was_however_soon_one_has_left(
    opened: Open, store: Store, server: Scripted, claude: Claude, leaving: str
) -> None:
    await ask(store, "Below")
    server.will(says("\n\n".join(f"Line {number}" for number in range(200))))
    long = await converse(store, Claude(claude.endpoint), "Long")
    async with opened() as journey:
        session = journey.app.session
        # Several times: each second it would be saved in any case.
        for key, in_view in [("g", "Line 1 "), ("ctrl+end", "Line 199")] * 2:
            await session.open(long.conversation_id)
            await journey.until(lambda: journey.title == "Long")
            await journey.press("escape", "shift+tab", key)
            await journey.until(partial(seen_in, journey, in_view))
            place = journey.transcript.place
            await journey.press(leaving)
            await journey.until(lambda: journey.title != "Long")
            await session.open(long.conversation_id)
            await journey.until(lambda: journey.title == "Long")
            await journey.until(partial(seen_in, journey, in_view))
            assert journey.transcript.place == place
