"""Two windows on one conversation, each a process in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.alternating import Alternating
from tests.scripted import Scripted
from tests.terminal import Terminal, terminal
from tests.turns import on_disk

SIZE = (100, 30)
WAITING = "Waiting · in the empty field: Enter send the first"
NEXT = "Sent when the reply is complete"


@dataclass
class Windows:
    first: Terminal
    second: Terminal
    server: Alternating
    home: Path

    def ask_and_hold(self, question: str) -> None:
        """Ask in the first window; wait until the second one shows half of the reply."""
        self.server.is_held = True
        self.first.press(f"{question}\r")
        self.first.until(lambda: question in self.server.holds)
        self.first.until(self.server.holds[question].reached.is_set)
        self.server.is_held = False
        self.second.until(
            lambda: "  to\n" in self.second.text and "writing ·" in self.second.text
        )

    def states(self) -> list[tuple[str, ...]]:
        (history,) = self.home.rglob("history.db")
        sql = "SELECT state, text FROM transcript WHERE role = 'assistant' ORDER BY message_id"
        return [tuple(row) for row in on_disk(history, sql)]


@pytest.fixture
def windows(empty_home: Path, server: Scripted) -> Iterator[Windows]:
    alternating = Alternating(server)
    environ = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": server.url}
    with ExitStack() as stack:
        first = stack.enter_context(terminal(home=empty_home, environ=environ, size=SIZE))
        first.until_seen("Ask anything")
        first.press("one\r")
        first.until_seen("to one")
        # It opens the last conversation.
        second = stack.enter_context(terminal(home=empty_home, environ=environ, size=SIZE))
        second.until_seen("to one")
        yield Windows(first, second, alternating, empty_home)
    assert alternating.problems == []


def test_a_window_shows_anothers_reply_and_asks_after_it(windows: Windows) -> None:
    windows.ask_and_hold("two")
    windows.second.press("three\r")
    windows.second.until_seen(NEXT)
    assert list(windows.server.requests) == ["one", "two"]
    windows.server.holds["two"].release()
    for screen in (windows.first, windows.second):
        screen.until_seen("to three")
        assert "to two" in screen.text
        screen.until(lambda s=screen: NEXT not in s.text)  # type: ignore[misc]
    assert windows.server.requests["three"] == ["one", "to one", "two", "to two", "three"]


def test_a_window_that_is_killed_holds_up_no_other(windows: Windows) -> None:
    windows.ask_and_hold("two")
    windows.second.press("three\r")
    windows.second.until_seen(NEXT)
    windows.first.process.kill()
    windows.first.process.wait()
    windows.second.until_seen(WAITING)
    windows.second.until_seen("interrupted")
    assert list(windows.server.requests) == ["one", "two"]
    windows.second.press("\r")
    windows.second.until_seen("to three")
    assert windows.server.requests["three"] == ["one", "to one", "two", "to ", "three"]
    windows.second.until(lambda: windows.states()[-1] == ("complete", "to three"))
    assert windows.states()[1] == ("interrupted", "to ")


def test_a_reply_whose_window_was_killed_is_seen_as_interrupted(windows: Windows) -> None:
    windows.ask_and_hold("two")
    windows.first.process.kill()
    windows.first.process.wait()
    windows.second.until_seen("interrupted")
    windows.second.press("three\r")
    windows.second.until_seen("to three")
    assert windows.server.requests["three"] == ["one", "to one", "two", "to ", "three"]
