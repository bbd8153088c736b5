"""`ask` in a conversation in which another program receives a reply."""

from __future__ import annotations

import itertools
import signal
import subprocess
import time

import pytest

from tests.alternating import Alternating
from tests.scripted import Scripted
from tests.test_cli import Done, Program, online, program

__all__ = ["online", "program"]

WAITING = (
    "streamchat-tui: Claude is still answering in another window; waiting for that reply.\n"
)


class Asked:
    """A conversation in which another program receives the second reply."""

    def __init__(self, online: Program, server: Scripted) -> None:
        self.online = online
        self.server = Alternating(server)
        assert online.run("ask", "one") == Done(0, "to one\n", "")
        self.server.is_held = True
        self.other = online.start("ask", "-c", "two")
        until(lambda: "two" in self.server.holds and self.server.holds["two"].reached.is_set())
        self.server.is_held = False

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Run `ask`, and wait until it has printed that it waits."""
        process = self.online.start("ask", *arguments)
        assert process.stderr is not None
        assert process.stderr.readline().decode() == WAITING
        return process

    def until_journalled(self) -> None:
        """Wait until the text that has arrived is in the journal."""
        until(lambda: self.online.rows("SELECT 1 FROM journal"))

    def end(self, process: subprocess.Popen[bytes]) -> Done:
        return self.online.end(process)

    @property
    def conversation_id(self) -> str:
        ((found,),) = self.online.rows("SELECT DISTINCT conversation_id FROM transcript")
        return str(found)


def until(condition: object, *, seconds: float = 30) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def asked(online: Program, server: Scripted) -> Asked:
    return Asked(online, server)


@pytest.mark.parametrize("is_named", [False, True])
def test_ask_waits_for_another_programs_reply_and_then_sends_all_of_it(
    asked: Asked, *, is_named: bool
) -> None:
    where = ("--conversation", asked.conversation_id) if is_named else ("-c",)
    process = asked.start(*where, "three")
    assert "three" not in asked.server.requests
    asked.server.holds["two"].release()
    assert asked.end(asked.other) == Done(0, "to two\n", "")
    assert asked.end(process) == Done(0, "to three\n", "")
    assert asked.server.requests["three"] == ["one", "to one", "two", "to two", "three"]
    assert asked.server.problems == []


def test_an_ask_that_waits_can_be_interrupted_and_has_sent_nothing(asked: Asked) -> None:
    process = asked.start("-c", "three")
    process.send_signal(signal.SIGINT)
    assert asked.end(process) == Done(130, "", "")
    asked.server.holds["two"].release()
    assert asked.end(asked.other).code == 0
    assert list(asked.server.requests) == ["one", "two"]
    questions = "SELECT text FROM transcript WHERE role = 'user' ORDER BY message_id"
    assert asked.online.rows(questions) == [("one",), ("two",)]


def test_ask_continues_after_a_reply_whose_program_was_killed(asked: Asked) -> None:
    process = asked.start("-c", "three")
    asked.until_journalled()
    asked.other.kill()
    asked.other.communicate()
    assert asked.end(process) == Done(0, "to three\n", "")
    # The text that had arrived is sent, as for any reply that broke off.
    assert asked.server.requests["three"] == ["one", "to one", "two", "to ", "three"]
    states = "SELECT state, text FROM transcript WHERE role = 'assistant' ORDER BY message_id"
    assert asked.online.rows(states) == [
        ("complete", "to one"),
        ("interrupted", "to "),
        ("complete", "to three"),
    ]
    assert asked.server.problems == []


def test_commands_that_ask_at_once_are_answered_one_after_the_other(
    online: Program, server: Scripted
) -> None:
    alternating = Alternating(server)
    online.run("ask", "one")
    questions = ["two", "three", "four", "five"]
    processes = [online.start("ask", "-c", question) for question in questions]
    done = [online.end(process) for process in processes]
    assert alternating.problems == []
    assert [(each.code, each.out) for each in done] == [(0, f"to {q}\n") for q in questions]
    assert all(each.err in ("", WAITING) for each in done)
    sent = sorted(alternating.requests.values(), key=len)
    assert [len(each) for each in sent] == [1, 3, 5, 7, 9]
    assert all(later[: len(before)] == before for before, later in itertools.pairwise(sent))
