"""Standard streams that are closed, full, or open the wrong way round."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.scripted import Scripted, refuses
from tests.test_cli import Done, Program, failed, online, program

__all__ = ["online", "program"]

CLOSED = "The output cannot be printed: stdout is closed."
COMMANDS = [
    ["ask", "Hi"],
    ["ask", "--json", "Hi"],
    ["log"],
    ["log", "--json"],
    ["doctor", "--offline"],
    ["keys", "--list"],
    ["chat", "--plain"],
    ["--version"],
]


def in_a_shell(program: Program, redirected: str, *arguments: str) -> Done:
    """Run the program from a shell with redirections."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m tui "$@" {redirected}', sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=program.folder,
        env=program.environ,
        check=False,
        timeout=60,
    )
    return program.heard(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_stdout_a_command_says_so_and_does_nothing(
    online: Program, server: Scripted, command: list[str]
) -> None:
    assert failed(in_a_shell(online, ">&-", *command)) == CLOSED
    assert server.seen == []
    assert not online.history.exists()


@pytest.mark.parametrize("command", [["ask", "Hi"], ["log"], ["doctor", "--offline"]])
def test_a_stdout_that_cannot_be_written_to_fails_in_one_line(
    online: Program, command: list[str]
) -> None:
    online.run("ask", "--no-stream", "Hi")
    assert "Bad file descriptor" in failed(in_a_shell(online, "1</dev/null", *command))


def test_without_stderr_nothing_but_the_reply_is_on_stdout(
    online: Program, server: Scripted
) -> None:
    done = in_a_shell(online, "2>&-", "ask", "Hi")
    assert (done.code, done.out, done.err) == (0, "Hello there\n", "")
    server.will(refuses(400, "invalid_request_error", "the words"))
    done = in_a_shell(online, "2>&-", "ask", "Hi")
    assert (done.code, done.out, done.err) == (1, "", "")
    done = in_a_shell(online, "2>&-", "ask", "--conversation", "nothing", "Hi")
    assert (done.code, done.out, done.err) == (1, "", "")
    done = in_a_shell(online, "2>&-", "ask", "--wrong")
    assert (done.code, done.out, done.err) == (2, "", "")


def test_without_any_stream_a_command_fails_without_a_word(online: Program) -> None:
    done = in_a_shell(online, "<&- >&- 2>&-", "ask", "Hi")
    assert (done.code, done.out, done.err) == (1, "", "")


def test_without_stdin_a_question_is_asked_and_the_app_says_what_it_needs(
    online: Program,
) -> None:
    done = in_a_shell(online, "<&-", "ask", "Hi")
    assert (done.code, done.out, done.err) == (0, "Hello there\n", "")
    assert "The app needs a terminal" in failed(in_a_shell(online, "<&-"))
    assert in_a_shell(online, "<&-", "doctor", "--offline").code == 0
