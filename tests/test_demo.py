from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.turns import SetClock, converse, kept
from tui.claude import Claude, demo
from tui.domain import continuation
from tui.domain.conversation import State
from tui.store import Store, open_store

ENDINGS: dict[str, State] = {
    "cut": "cut_off",
    "refuse": "refused",
    "limit": "max_tokens",
    "key": "failed",
}
"""The states of the scripts that do not end as complete."""

SCRIPTS = {script.name: script for script in demo._SCRIPTS}


async def at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
def store(history: Path) -> Iterator[Store]:
    with open_store(history, SetClock()) as store:
        yield store


@pytest.fixture
def claude() -> Claude:
    return demo.connect(at_once)


@pytest.mark.parametrize("name", SCRIPTS)
async def test_every_script_plays_to_its_end(store: Store, claude: Claude, name: str) -> None:
    message = await kept(store, await converse(store, claude, f"{name}, please"))
    script = SCRIPTS[name]
    assert message.state == ENDINGS.get(name, "complete")
    assert message.thinking == script.thinking
    assert message.endpoint == "demo"
    match message.state:
        case "failed":
            assert message.text == ""
        case "cut_off" | "max_tokens":
            assert message.text
            assert script.full_text.startswith(message.text)
            assert message.text != script.full_text
        case _:
            assert message.text == script.full_text
            assert message.model == demo.MODEL


@pytest.mark.parametrize("name", ["cut", "limit"])
async def test_a_reply_that_broke_off_is_continued_to_its_end(
    store: Store, claude: Claude, name: str
) -> None:
    first = await converse(store, claude, name)
    rest = await converse(store, claude, continuation.request(first), after=first)
    assert rest.state == "complete"
    assert continuation.joined(first.text, rest.text) == SCRIPTS[name].full_text


async def test_an_overloaded_script_is_taken_at_the_third_try(
    store: Store, claude: Claude
) -> None:
    for _ in range(2):
        message = await converse(store, claude, "overloaded")
        assert message.figures is not None
        assert message.figures.attempts == 3
    assert isinstance(store.clock, SetClock)
    assert store.clock.waits == [2.0] * 4


async def test_a_script_says_the_same_without_streaming(store: Store, claude: Claude) -> None:
    streamed = await converse(store, claude, "thinking")
    whole = await converse(store, claude, "thinking", is_streamed=False)
    assert whole.state == streamed.state
    assert [(block.type, block.words) for block in whole.blocks] == [
        (block.type, block.words) for block in streamed.blocks
    ]


async def test_a_conversation_may_go_from_script_to_script(
    store: Store, claude: Claude
) -> None:
    first = await converse(store, claude, "thinking")
    second = await converse(store, claude, "Table!", after=first)
    third = await converse(store, claude, "What else?", after=second)
    assert second.text == SCRIPTS["table"].text
    assert third.text == SCRIPTS["welcome"].text
    assert len(await store.read_path(third.id)) == 6


def test_help_names_every_script() -> None:
    named = {name for name in SCRIPTS if f"| `{name}` |" in SCRIPTS["help"].text}
    # One of them lists the others, the other one answers everything else.
    assert set(SCRIPTS) - named == {"help", "welcome"}
    assert "welcome" in SCRIPTS["help"].text


def test_every_text_belongs_to_a_script() -> None:
    replies = Path(demo.__file__).parent / "replies"
    assert {path.stem for path in replies.iterdir()} == set(SCRIPTS)
