"""Titles by a model: requested after a reply, and never over the user's own title."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.conftest import wait_until
from tests.faults.conftest import shell
from tests.faults.shell import Shell
from tests.scripted import Hold, Reply, Scripted, Seen, end, refuses, says, text
from tests.terminal import terminal
from tests.turns import ask, converse, on_disk
from tui.chat import titles
from tui.claude import Claude
from tui.config.loading import Flags, load
from tui.config.settings import SMALL_MODEL
from tui.domain.endpoint import ANTHROPIC
from tui.store import Store

__all__ = ["shell"]

ANYTHING = st.text(st.characters(codec=None, exclude_categories=()))
DECORATED = st.text(st.sampled_from("\"'#*_. «»ab\n\r\t\x1b\u200b\u2028\u202e\U000e0041"))
"""Marks that models put around titles, and hidden characters in them."""


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
    request_log = on_disk(
        history,
        "SELECT purpose, state, model_requested, endpoint, input_tokens, output_tokens"
        " FROM requests",
    )
    endpoint = claude.endpoint.identity
    assert [tuple(row) for row in request_log] == [
        ("reply", "complete", "claude-sonnet-5-5", endpoint, 25, 42),
        ("title", "complete", SMALL_MODEL, endpoint, 25, 42),
    ]
    # The tokens of the title do not count for the reply.
    (_, kept) = await store.read_path(reply.id)
    assert kept.figures == reply.figures
    (told,) = on_disk(store.path, "SELECT attempts, output_tokens, request_id FROM replies")
    assert (told["attempts"], told["output_tokens"]) == (1, 42)


async def test_a_persons_title_is_not_even_asked_about(
    server: Scripted, claude: Claude, store: Store
) -> None:
    reply = await converse(store, claude)
    await store.labels.rename(reply.conversation_id, "Mine", by="person")
    assert not await titles.improve(store, claude, reply.conversation_id, SMALL_MODEL)
    assert await titled(store, reply.conversation_id) == ("Mine", "person")
    assert len(server.asked) == 1


async def being_asked(
    server: Scripted, claude: Claude, store: Store, answer: Reply
) -> tuple[str, Hold, asyncio.Task[bool]]:
    """Make a conversation whose title request the server holds."""
    hold = Hold()
    server.will(says("Some words"), replace(answer, before=[hold]))
    reply = await converse(store, claude, "First words")
    improving = asyncio.create_task(
        titles.improve(store, claude, reply.conversation_id, SMALL_MODEL)
    )
    await wait_until(hold.reached.is_set)
    return reply.conversation_id, hold, improving


async def test_a_title_that_the_user_writes_meanwhile_stays(
    server: Scripted, claude: Claude, store: Store
) -> None:
    conversation_id, hold, improving = await being_asked(server, claude, store, says("Theirs"))
    await store.labels.rename(conversation_id, "Mine", by="person")
    hold.release()
    assert not await improving
    assert await titled(store, conversation_id) == ("Mine", "person")


async def test_a_cancelled_title_request_is_in_the_request_log(
    server: Scripted, claude: Claude, store: Store, history: Path
) -> None:
    conversation_id, _, improving = await being_asked(server, claude, store, says("Theirs"))
    improving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await improving
    assert await titled(store, conversation_id) == ("First words", "question")
    rows = on_disk(history, "SELECT state FROM requests WHERE purpose = 'title'")
    assert [row["state"] for row in rows] == ["stopped"]


@pytest.mark.parametrize(
    "answer",
    [says("A xylophone"), refuses(400, "invalid_request_error", "no xylophone")],
    ids=["title", "failure"],
)
async def test_a_title_request_brings_no_word_of_a_purged_conversation_back(
    server: Scripted, claude: Claude, store: Store, history: Path, answer: Reply
) -> None:
    conversation_id, hold, improving = await being_asked(server, claude, store, answer)
    await store.delete([conversation_id])
    await store.purge(before_ms=store.clock.now_ms())
    hold.release()
    assert not await improving
    files = history.parent.glob("history.db*")
    assert not any(b"xylophone" in path.read_bytes() for path in files if path.is_file())
    rows = on_disk(history, "SELECT purpose FROM requests ORDER BY started_ms")
    assert [row["purpose"] for row in rows] == ["reply", "title"]


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
async def test_an_answer_that_is_not_a_title_leaves_the_first_words(
    server: Scripted, claude: Claude, store: Store, history: Path, answer: Reply
) -> None:
    server.will(says("Some words"), answer)
    reply = await converse(store, claude, "First words")
    assert not await titles.improve(store, claude, reply.conversation_id, SMALL_MODEL)
    assert await titled(store, reply.conversation_id) == ("First words", "question")
    # It is not tried again, and it is in the request log.
    assert len(server.asked) == 2
    (row,) = on_disk(history, "SELECT count(*) FROM requests WHERE purpose = 'title'")
    assert row[0] == 1


async def test_a_question_without_a_reply_has_no_title_made(
    server: Scripted, claude: Claude, store: Store
) -> None:
    question = await ask(store)
    assert not await titles.improve(store, claude, question.conversation_id, SMALL_MODEL)
    assert server.asked == []


@given(ANYTHING | DECORATED)
@example('# "A title."')
@example('"# A title"')
@example('**"A title".**')
@example("\x1b]0;owned\x07")
@example("**Bold**\n\nand more")
@example("a \u200b b")
@example("x" * 81)
def test_whatever_is_answered_becomes_one_clean_line_or_nothing(answer: str) -> None:
    title = titles.tidy(answer)
    assert len(title) <= titles.LONGEST
    assert len(title.splitlines()) <= 1
    assert title == " ".join(title.split())
    # No control characters, line separators, surrogates or direction marks.
    kinds = {unicodedata.category(letter) for letter in title}
    assert not kinds & {"Cc", "Zl", "Zp", "Cs"}
    assert not set(title) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
    assert titles.tidy(title) == title


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ('"A title."', "A title"),
        ("# A title", "A title"),
        ("\n\n**A title**\nand why", "A title"),
        ("“A title”.", "A title"),
        ('## **"A title"**', "A title"),
        ("***A title***", "A title"),
        ("`A title`", "A title"),
        ("```\nA title\n```", "A title"),
        ('"Yes" and "no"', '"Yes" and "no"'),
        ("What __init__ does", "What __init__ does"),
        ('Using "self"', 'Using "self"'),
        ("Wait...", "Wait"),
        ("Why C#?", "Why C#?"),
        ("What .env is for", "What .env is for"),
        ("[bold]not markup[/]", "[bold]not markup[/]"),
        ("x" * 80, "x" * 80),
        ("x" * 81, ""),
        ("...", ""),
        ("** **", ""),
        ("«Un titre»", "Un titre"),
        ("東京の天気", "東京の天気"),
    ],
)
def test_an_answer_is_tidied(answer: str, title: str) -> None:
    assert titles.tidy(answer) == title


KEY = {"ANTHROPIC_API_KEY": "sk-test"}
LOCAL = '[profiles.local]\nbase_url = "http://127.0.0.1:11434"\n'
OWN = 'title_model = "tiny"\n'


@pytest.mark.parametrize(
    ("config", "profile", "environ", "model"),
    [
        ("", None, KEY, SMALL_MODEL),
        ("", None, KEY | {"ANTHROPIC_BASE_URL": ANTHROPIC}, SMALL_MODEL),
        (f"[profiles.claude]\n{OWN}", None, KEY, "tiny"),
        ("titles = false\n", None, KEY, None),
        (f"titles = false\n[profiles.claude]\n{OWN}", None, KEY, None),
        ("", None, {}, None),
        (f"[profiles.claude]\n{OWN}", None, {}, None),
        ("", None, KEY | {"ANTHROPIC_BASE_URL": "http://127.0.0.1:1"}, None),
        (LOCAL, "local", KEY, None),
        (LOCAL + OWN, "local", KEY, "tiny"),
    ],
    ids=[
        *("anthropic", "anthropic by name", "of the profile", "off", "off before profile"),
        *("no key", "no key, of the profile", "elsewhere", "local", "local, of the profile"),
    ],
)
def test_which_model_makes_titles(
    tmp_path: Path,
    config: str,
    profile: str | None,
    environ: Mapping[str, str],
    model: str | None,
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(config, encoding="utf-8")
    assert load(Flags(config=path, profile=profile), environ).title_model == model


@pytest.fixture
def config(empty_home: Path) -> Path:
    """Settings with a model for titles, on the endpoint that the variables name."""
    path = empty_home / "config.toml"
    path.write_text(f'[profiles.claude]\ntitle_model = "{SMALL_MODEL}"\n', encoding="utf-8")
    return path


def titler(seen: Seen) -> Reply:
    """Answer for the small model with a title, for the other one with something else."""
    return says("A better title" if seen.json["model"] == SMALL_MODEL else "Some words")


def test_the_command_line_asks_for_no_title(
    shell: Shell, server: Scripted, config: Path
) -> None:
    server.answer = titler
    subprocess.run(
        [sys.executable, "-m", "tui", "ask", "--config", str(config), "First words"],
        stdin=subprocess.DEVNULL,
        check=True,
        cwd=shell.folder,
        env=shell.environ,
        timeout=60,
    )
    assert [seen.json["model"] for seen in server.asked] == ["claude-sonnet-5-5"]
    rows = on_disk(shell.history, "SELECT title, title_by FROM conversations")
    assert [tuple(row) for row in rows] == [("First words", "question")]


def test_the_program_asks_for_one(empty_home: Path, server: Scripted, config: Path) -> None:
    server.answer = titler
    environ = KEY | {"ANTHROPIC_BASE_URL": server.url}
    arguments = ("--config", str(config))
    with terminal(*arguments, home=empty_home, environ=environ, size=(100, 30)) as screen:
        screen.until_seen("Ask anything")
        screen.press("First words\r")
        # In the sidebar, and above the conversation.
        screen.until(lambda: screen.text.count("A better title") == 2)
        screen.press("\x11")
        assert screen.until_left() == 0


def test_the_demo_makes_no_titles(empty_home: Path, server: Scripted, config: Path) -> None:
    environ = KEY | {"ANTHROPIC_BASE_URL": server.url}
    arguments = ("--demo", "--config", str(config))
    with terminal(*arguments, home=empty_home, environ=environ, size=(100, 30)) as screen:
        screen.until_seen("Ask anything")
        screen.press("hello\r")
        screen.until_seen("s to first text")
        # When this is answered too, a title for the first would have been requested.
        screen.press("hello\r")
        screen.until(lambda: screen.text.count("s to first text") == 2)
        screen.press("\x11")
        assert screen.until_left() == 0
    (history,) = empty_home.rglob("history.db")
    purposes = on_disk(history, "SELECT DISTINCT purpose FROM requests")
    assert [row["purpose"] for row in purposes] == ["reply"]
    assert server.seen == []
