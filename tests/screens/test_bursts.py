"""Keys that arrive together: each does the same as if it had come alone."""

from __future__ import annotations

import asyncio
import random
from functools import partial

import pytest
from textual.command import CommandPalette, Hit, Hits, Provider

from tests.conftest import wait_until
from tests.screens.conftest import Journey, Open
from tests.scripted import Scripted, says
from tests.sent import messages
from tests.turns import ask, converse
from tui.claude import Claude
from tui.domain.conversation import ComposerDraft
from tui.store import Store
from tui.ui.app import StreamChat
from tui.ui.screens.line import LineScreen
from tui.ui.widgets.sidebar import Sidebar

ENTER, ALT_DOWN, ALT_UP, CTRL_N = b"\r", b"\x1b[1;3B", b"\x1b[1;3A", b"\x0e"


async def draft(store: Store, title: str, text: str) -> str:
    """Save an answered conversation with a draft; return its id."""
    question = await ask(store, title)
    await store.drafts.save(question.conversation_id, ComposerDraft(text))
    return question.conversation_id


async def go_to(journey: Journey, title: str) -> None:
    """Go down the list to a conversation."""
    await journey.until(lambda: title in " ".join(journey.sidebar))
    while journey.title != title:
        before = journey.title
        await journey.press("alt+down")
        await journey.until(lambda: journey.title != before)  # noqa: B023 - awaited here


def first_and_last(server: Scripted) -> list[tuple[str, str]]:
    """Return the first and the last question of each request."""
    found = []
    for seen in server.asked:
        said = seen.json["messages"]
        texts = [each["content"][-1]["text"] for each in said if each["role"] == "user"]
        found.append((texts[0], texts[-1]))
    return found


@pytest.mark.parametrize("leave", [ALT_DOWN, ALT_UP, CTRL_N], ids=["next", "previous", "new"])
async def test_a_question_is_asked_where_enter_was_pressed(
    opened: Open, server: Scripted, store: Store, claude: Claude, leave: bytes
) -> None:
    server.will(says("a1"), says("b1"), says("c1"))
    for title in ("below", "here", "above"):
        await converse(store, claude, title)
    server.will(says("answer"))
    async with opened() as journey:
        await go_to(journey, "here")
        await journey.write("asked here")
        await journey.send(ENTER + leave)
        await journey.until(lambda: len(server.asked) == 4)
        if leave != ALT_UP:
            # The question moved its conversation to the top of the list.
            await journey.until(lambda: journey.title != "here")
        assert first_and_last(server)[-1] == ("here", "asked here")
        assert journey.composer == ""
        await journey.until_done()


async def test_the_very_first_question_is_asked_though_ctrl_n_comes_with_enter(
    opened: Open, server: Scripted
) -> None:
    server.will(says("answer"))
    async with opened() as journey:
        await journey.write("the first")
        await journey.send(ENTER + CTRL_N)
        await journey.until(lambda: len(server.asked) == 1)
        assert first_and_last(server) == [("the first", "the first")]
        await journey.until(lambda: "the first" in " ".join(journey.sidebar))


async def test_text_typed_right_after_a_conversation_was_chosen_goes_there(
    opened: Open, store: Store
) -> None:
    """`x` deletes in the list, which no longer has the focus."""
    for title in ("One", "Two"):
        await draft(store, title, "")
    async with opened() as journey:
        await journey.until(lambda: "One" in " ".join(journey.sidebar))
        await journey.press("ctrl+s", "tab", "end")
        assert isinstance(journey.app.focused, Sidebar)
        await journey.send(ENTER + b"xapu")
        await journey.until(lambda: "One" in journey.title)
        await journey.until(lambda: journey.composer == "xapu")
        assert [each.title for each in await store.conversations()] == ["Two", "One"]


async def test_text_typed_right_after_e_goes_into_the_edit(
    opened: Open, server: Scripted
) -> None:
    server.will(says("a1"))
    async with opened() as journey:
        await journey.ask("q1")
        await journey.until(lambda: journey.replies == ["a1"])
        await journey.go_to_messages()
        await journey.press("k")
        await journey.send(b"ex r")
        await journey.until(lambda: journey.composer == "q1x r")
        assert journey.questions == ["q1"]
        assert len(server.asked) == 1


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_keys_come_together_a_request_has_the_history_of_its_conversation(
    opened: Open, server: Scripted, store: Store, claude: Claude, seed: int
) -> None:
    """The text of a draft shows in which conversation it was when Enter was pressed."""
    keys = random.Random(seed)
    titles = ["alpha", "beta", "gamma"]
    server.will(*(says("a") for _ in titles))
    for title in titles:
        kept = await converse(store, claude, title)
        await store.drafts.save(kept.conversation_id, ComposerDraft(f"{title} draft"))
    async with opened() as journey:
        await go_to(journey, "beta")
        for _ in range(8):
            server.will(*(says("more") for _ in range(4)))
            burst = b"".join(
                keys.choice([ENTER, ENTER, ALT_DOWN, ALT_UP, CTRL_N, b"z"]) for _ in range(6)
            )
            await journey.send(burst)
            await until_quiet(journey)
            await write_drafts(journey)
    asked = [each for each in first_and_last(server)[3:] if "draft" in each[1]]
    assert asked
    for first, last in asked:
        assert last.strip("z").startswith(first)


async def until_quiet(journey: Journey) -> None:
    app = journey.app
    await wait_until(
        lambda: not app.session.scheduler.streaming and not app.session.scheduler._claimed
    )
    await journey.pilot.pause()


async def write_drafts(journey: Journey) -> None:
    """Type each conversation's title as its draft."""
    title = journey.title
    if title in ("alpha", "beta", "gamma") and not journey.composer:
        await journey.write(f"{title} draft")


@pytest.mark.parametrize("turns", range(8))
async def test_typed_text_stays_in_order_however_slowly_it_comes(
    opened: Open, turns: int
) -> None:
    """A letter that arrives while the one before it is released must not overtake it."""
    typed = "".join(f"<line {number}>\n" for number in range(12))
    async with opened() as journey:
        for key in messages(typed.encode()):
            journey.app.post_message(key)
            for _ in range(turns):
                await asyncio.sleep(0)
        await journey.until(lambda: journey.app.is_settled)
        assert journey.composer == typed


@pytest.mark.parametrize("turns", range(0, 12, 3))
async def test_what_is_recalled_is_sent_once_however_slowly_the_keys_come(
    opened: Open, server: Scripted, store: Store, turns: int
) -> None:
    """Enter sends what Up has put there, not the draft, which comes back after it."""
    for text in ("oldest", "older", "newest"):
        await ask(store, text)
    server.will(says("a1"))
    async with opened() as journey:
        await journey.write("half a draft")
        for key in messages(b"\x1b[A\x1b[A\x1b[A\x1b[B" + ENTER + ENTER + b"/he"):
            journey.app.post_message(key)
            for _ in range(turns):
                await asyncio.sleep(0)
        await journey.until(lambda: journey.app.is_settled and server.asked)
        await until_quiet(journey)
        assert first_and_last(server) == [("older", "older")]
        assert journey.composer == "half a draft/he"


class Slow(Provider):
    """A palette provider whose search lasts until the test ends it."""

    enough = asyncio.Event()

    async def search(self, query: str) -> Hits:
        await self.enough.wait()
        yield Hit(0.0, query, partial(self.app.bell))


async def test_enter_in_the_palette_waits_for_what_was_searched_for(
    opened: Open, server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Slow, "enough", asyncio.Event())
    monkeypatch.setattr(StreamChat, "COMMANDS", StreamChat.COMMANDS | {Slow})
    server.will(says("a1"))
    async with opened() as journey:
        await journey.ask("q1")
        await journey.until_done()
        await journey.press("ctrl+p")
        for key in messages(b"rename" + ENTER):
            journey.app.post_message(key)
        for _ in range(500):
            # Turns of the loop, enough for everything that Enter does without waiting.
            await asyncio.sleep(0)
        assert isinstance(journey.app.screen, CommandPalette)
        Slow.enough.set()
        await journey.until(lambda: isinstance(journey.app.screen, LineScreen))
        assert "─ Title ─" in journey.seen
