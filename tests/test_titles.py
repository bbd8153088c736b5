"""A better title than the first words: asked for after a reply, never over a person's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.scripted import Reply, Scripted, end, refuses, says, text
from tests.terminal import terminal
from tests.turns import ask, converse, on_disk
from tui import titles
from tui.claude import Claude
from tui.settings import SMALL_MODEL
from tui.store import Store

ANYTHING = st.text(st.characters(codec=None, exclude_categories=()))


async def titled(store: Store, conversation_id: str) -> tuple[str, str]:
    found = await store.conversation(conversation_id)
    assert found is not None
    return found.title, found.title_by


async def test_a_title_takes_the_place_of_the_first_words(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    server.will(says("Some words"), says('"Kyoto in March."'))
    reply = await converse(store, claude, "I would like to go to Kyoto, and when is best?")
    assert await titles.improve(store, claude, reply.conversation_id, SMALL_MODEL)
    assert await titled(store, reply.conversation_id) == ("Kyoto in March", "model")
    asked = server.asked[1].json
    assert (asked["model"], asked.get("stream", False)) == (SMALL_MODEL, False)
    assert "when is best?" in asked["messages"][0]["content"]
    assert "Some words" in asked["messages"][0]["content"]
    ledger = on_disk(history, "SELECT purpose, state, model_requested FROM requests")
    assert [tuple(row) for row in ledger] == [
        ("reply", "complete", "claude-sonnet-5-5"),
        ("title", "complete", SMALL_MODEL),
    ]
    # What the title took is no part of what the reply took.
    (_, kept) = await store.line(reply.id)
    assert kept.figures == reply.figures
    assert (await store.select("SELECT attempts FROM replies"))[0]["attempts"] == 1


async def test_a_persons_title_is_not_even_asked_about(
    server: Scripted, claude: Claude, store: Store
) -> None:
    reply = await converse(store, claude)
    await store.labels.rename(reply.conversation_id, "Mine", by="person")
    assert not await titles.improve(store, claude, reply.conversation_id, SMALL_MODEL)
    assert await titled(store, reply.conversation_id) == ("Mine", "person")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        says(""),
        says(" \n\t"),
        says('""'),
        says("word " * 40),
        says("half a ti", stop_reason="max_tokens"),
        says("I will not", stop_reason="refusal"),
        refuses(529, "overloaded_error"),
        refuses(404, "not_found_error"),
        Reply([*text(0, "no beginning"), *end()]),
    ],
    ids=["empty", "blank", "quotes", "long", "limit", "refusal", "529", "404", "broken"],
)
async def test_what_is_no_title_leaves_the_first_words(
    server: Scripted, claude: Claude, store: Store, history: Path, answer: Reply
) -> None:
    server.will(says("Some words"), answer)
    reply = await converse(store, claude, "First words")
    assert not await titles.improve(store, claude, reply.conversation_id, SMALL_MODEL)
    assert await titled(store, reply.conversation_id) == ("First words", "question")
    # It is not tried again, and it is in the ledger.
    assert len(server.asked) == 2
    (row,) = on_disk(history, "SELECT count(*) FROM requests WHERE purpose = 'title'")
    assert row[0] == 1


async def test_a_question_without_a_reply_has_no_title_made(
    server: Scripted, claude: Claude, store: Store
) -> None:
    question = await ask(store)
    assert not await titles.improve(store, claude, question.conversation_id, SMALL_MODEL)
    assert server.asked == []


@given(ANYTHING)
@example('# "A title."')
@example("\x1b]0;owned\x07")
@example("**Bold**\n\nand more")
def test_whatever_is_answered_becomes_one_clean_line_or_nothing(answer: str) -> None:
    title = titles.tidy(answer)
    assert len(title) <= titles.LONGEST
    assert title.isprintable() or not any(ord(letter) < 32 for letter in title)
    assert "\n" not in title
    assert title == title.strip()


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ('"A title."', "A title"),
        ("# A title", "A title"),
        ("\n\n**A title**\nand why", "A title"),
        ("Why C#?", "Why C#?"),
        ("«Un titre»", "Un titre"),
        ("東京の天気", "東京の天気"),
    ],
)
def test_an_answer_is_tidied(answer: str, title: str) -> None:
    assert titles.tidy(answer) == title


def test_the_demo_makes_no_titles(empty_home: Path, server: Scripted) -> None:
    environ = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": server.url}
    config = empty_home / "config.toml"
    config.write_text(f'[profiles.claude]\ntitle_model = "{SMALL_MODEL}"\n', encoding="utf-8")
    arguments = ("--demo", "--config", str(config))
    with terminal(*arguments, home=empty_home, environ=environ, size=(100, 30)) as screen:
        screen.until_seen("Ask anything")
        screen.press("hello\r")
        screen.until_seen("s to first text")
        # By the time this is answered too, a title of the first would have been asked for.
        screen.press("hello\r")
        screen.until(lambda: screen.text.count("s to first text") == 2)
        screen.press("\x11")
        assert screen.until_left() == 0
    (history,) = empty_home.rglob("history.db")
    purposes = on_disk(history, "SELECT DISTINCT purpose FROM requests")
    assert [row["purpose"] for row in purposes] == ["reply"]
    assert server.seen == []
