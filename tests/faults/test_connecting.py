"""Connecting from an empty home, in a real terminal, and what of it holds at the next start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import file_keyring
from tests.faults.test_secrets import KEY, PROMPT, Traces, tells, written
from tests.scripted import Scripted, refuses
from tests.terminal import Terminal, terminal

ENTER, TAB, ESC, CTRL_O, CTRL_Q, F6 = "\r", "\t", "\x1b", "\x0f", "\x11", "\x1b[17~"
DOWN = "\x1b[B"
SIZE = (110, 34)
PLACES = {".env": 0, "keyring": 1, "this run": 2}
"""How far down in the form each place stands."""


@contextmanager
def opened(home: Path) -> Iterator[Terminal]:
    environ = {
        "LANG": "C.UTF-8",
        "KEYRING_FILE": str(home / "keyring.json"),
        "PYTHON_KEYRING_BACKEND": file_keyring.NAME,
    }
    with terminal(home=home, size=SIZE, environ=environ) as screen:
        screen.until_seen("Ask anything")
        yield screen
        screen.press(CTRL_Q)
        assert screen.until_left() == 0


def paste(words: str) -> str:
    return f"\x1b[200~{words}\x1b[201~"


@pytest.mark.parametrize("place", PLACES)
def test_a_pasted_key_connects_at_once_and_lies_where_it_was_wanted(
    empty_home: Path, history: Path, server: Scripted, place: str
) -> None:
    traces = Traces(empty_home, history)
    with opened(empty_home) as screen:
        screen.until_seen("Paste a key")
        screen.press(F6)
        screen.until_seen("Add a connection")
        screen.press(f"{paste(KEY)}{TAB}")
        screen.press(f"{paste(server.url)}{TAB}{paste('near')}{TAB}")
        screen.until(lambda: "near" in screen.text and "looking for it" not in screen.text)
        assert "•" * 20 in screen.text
        screen.press(DOWN * PLACES[place])
        screen.press(ENTER)
        screen.until_seen("near works: 1 model")
        screen.press(PROMPT + ENTER)
        screen.until_seen("s to first text")
        traces.said.append(screen.raw)
    assert {seen.headers["authorization"] for seen in server.seen} == {f"Bearer {KEY}"}
    names = {".env": ".env", "keyring": "keyring.json", "this run": None}
    holding = {path.name for path in empty_home.rglob("*") if path.is_file() and _holds(path)}
    assert holding == {names[place]} - {None}
    kept = [found for found in traces.of_key() if found != "keyring.json"]
    assert kept == []
    with opened(empty_home) as screen:
        if place == "this run":
            screen.until_seen("Offline demo")
            screen.until(lambda: "127.0.0.1" not in screen.text)
        else:
            screen.until_seen("127.0.0.1")
            # What was open is open again.
            screen.until_seen("Hello there")
            asked = len(server.asked)
            screen.press("more" + ENTER)
            screen.until(lambda: screen.text.count("s to first text") == 2)
            assert len(server.asked) == asked + 1
            assert server.asked[-1].headers["authorization"] == f"Bearer {KEY}"


def _holds(path: Path) -> bool:
    return tells(path.read_bytes())


def test_a_key_is_shown_and_logged_nowhere_when_the_endpoint_repeats_it(
    empty_home: Path, history: Path, server: Scripted
) -> None:
    traces = Traces(empty_home, history)
    server.models_reply = refuses(401, "authentication_error", f"invalid: Bearer {KEY}")
    with opened(empty_home) as screen:
        screen.press(F6)
        screen.until_seen("Add a connection")
        screen.press(f"{paste(KEY)}{TAB}{paste(server.url)}{ENTER}")
        screen.until(lambda: "Checking" not in screen.text and "key" in screen.text)
        screen.until(lambda: server.seen)
        screen.press(ESC)
        screen.until(lambda: "Add a connection" not in screen.text)
        screen.press(ESC)
        screen.until_seen("Ask anything")
        traces.said.append(screen.raw)
    assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert traces.of_key() == []
    assert written(empty_home / ".local/state/streamchat/log/streamchat.log") == ""
