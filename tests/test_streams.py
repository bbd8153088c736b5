"""stdin, stdout and stderr of every command, redirected in any way."""

from __future__ import annotations

import itertools
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripted import Scripted, refuses, says
from tests.terminal import terminal
from tests.test_cli import ESC, Done, Program, failed, keep, online, program
from tui.store import Store

__all__ = ["online", "program"]

COMMANDS = {
    "log --json": 0,
    "ask --demo --json hi": 0,
    "doctor --offline --json": 0,
    "keys --json": 0,
    "chat --plain --demo": 0,
    "--help": 0,
    "--version": 0,
    "": 1,
    "log --frob": 2,
}
"""Command lines, and their exit codes if nothing fails; an empty one opens the app."""

CLOSED = [
    "".join(chosen)
    for count in (1, 2, 3)
    for chosen in itertools.combinations(("<&- ", ">&- ", "2>&- "), count)
]
FEW = [(command, each) for command in COMMANDS for each in ("<&- ", ">&- ", "2>&- ")]
ALL = [(command, each) for command in COMMANDS for each in CLOSED]
SEVERAL = [("log --json", each) for each in CLOSED[3:]]

SIZE = (100, 30)
CTRL_Q = "\x11"

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


def redirected(program: Program, command: str, redirection: str) -> Done:
    """Run a command from a shell with a redirection."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m tui {command} {redirection}', sys.executable],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=program.folder,
        env=program.environ,
        check=False,
        timeout=60,
    )
    return program.heard(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("command", "closed"), ALL if os.environ.get("FAULTS") == "full" else FEW + SEVERAL
)
def test_closed_streams_are_reported_and_no_file_gets_their_descriptors(
    program: Program, command: str, closed: str
) -> None:
    done = redirected(program, command, closed)
    has_nowhere = ">&- " in closed.replace("2>&- ", "")
    expected = COMMANDS[command] or int(has_nowhere)
    assert done.code == expected
    if expected or has_nowhere or "--plain" in command:
        assert done.out == ""
    elif "--json" in command:
        json.loads(done.out)
    else:
        assert done.out.startswith(("usage: ", "streamchat-tui 0"))
    lines = done.err.splitlines()
    assert len(lines) == (1 if expected and "2>&- " not in closed else 0)
    if has_nowhere and not COMMANDS[command]:
        assert lines in (
            [],
            ["streamchat-tui: The output cannot be printed: stdout is closed."],
        )


def test_notices_do_not_reach_stdout_if_stderr_is_closed(
    online: Program, server: Scripted
) -> None:
    server.will(refuses(529, "overloaded_error", retry_after="0"), says("At last"))
    done = redirected(online, "ask --json x", "2>&-")
    assert (done.code, json.loads(done.out)["text"]) == (0, "At last")
    assert json.loads(done.out)["attempts"] == 2


def test_a_question_is_not_sent_where_its_reply_cannot_be_written(
    online: Program, server: Scripted
) -> None:
    assert redirected(online, "ask x", ">&-").code == 1
    assert server.seen == []
    assert not online.history.exists()


@needs_full
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["--help", "ask --help", "--version", "doctor --offline"])
def test_a_full_stdout_is_reported_in_one_line_before_there_is_a_log(
    program: Program, command: str, unbuffered: str
) -> None:
    program.environ["PYTHONUNBUFFERED"] = unbuffered
    said = failed(redirected(program, command, ">/dev/full"))
    assert said == "No space left on device."


@needs_full
@pytest.mark.parametrize(
    ("command", "code"),
    [("log", 0), ("log --frob", 2), ("", 1), ("log 0", 1), ("ask --demo limit", 0)],
)
def test_a_full_stderr_changes_nothing_but_the_notices(
    program: Program, command: str, code: int
) -> None:
    done = redirected(program, command, "2>/dev/full")
    assert (done.code, done.err) == (code, "")
    assert bool(done.out) == command.startswith("ask")


@needs_full
def test_with_stdout_and_stderr_full_the_exit_code_still_tells(program: Program) -> None:
    assert redirected(program, "log --frob", ">/dev/full 2>&1") == Done(2, "", "")
    assert redirected(program, "--version", ">/dev/full 2>&1") == Done(1, "", "")


def test_an_unreadable_stdin_is_reported_and_nothing_is_sent(
    online: Program, server: Scripted
) -> None:
    said = failed(redirected(online, "ask x", "0>written"))
    assert said == "stdin cannot be read: Bad file descriptor."
    assert server.seen == []


def test_a_stdin_that_does_not_wait_is_waited_for(online: Program, server: Scripted) -> None:
    current, writing = os.pipe()
    os.set_blocking(current, False)
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "ask", "Review:"],
        stdin=current,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=online.folder,
        env=online.environ,
    )
    os.close(current)
    # More than a pipe holds, so it is written while it is read.
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(b"x" * 200_000)
        pipe.flush()
        pipe.write(b"y")
    assert online.end(process) == Done(0, "Hello there\n", "")
    (block,) = server.asked[0].json["messages"][0]["content"]
    assert block["text"] == f"Review:\n\n{'x' * 200_000}y"


def test_the_app_is_drawn_where_stderr_is_no_terminal(empty_home: Path) -> None:
    for redirection in ("2>&-", "2>said"):
        with terminal(home=empty_home, size=SIZE, shell=redirection) as screen:
            screen.until_seen("Offline demo")
            screen.press(CTRL_Q)
            assert screen.until_left() == 0
    assert (empty_home / "said").read_text() == ""


def test_on_a_terminal_that_cannot_draw_plain_mode_begins(empty_home: Path) -> None:
    with terminal(home=empty_home, size=SIZE, environ={"TERM": "dumb"}) as screen:
        screen.until_seen("You:")
        screen.press("\x04")
        assert screen.until_left() == 0
        assert b"\x1b" not in screen.raw


# Pipes


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8"])
def test_piped_text_is_decoded_by_its_byte_order_mark(
    online: Program, server: Scripted, encoding: str
) -> None:
    words = "Grüße,\r\n世界 😀"
    marked = words if encoding in ("utf-16", "utf-32") else f"\ufeff{words}"
    done = online.run("ask", "Translate:", stdin=marked.encode(encoding))
    assert done == Done(0, "Hello there\n", "")
    (block,) = server.asked[0].json["messages"][0]["content"]
    assert block["text"] == "Translate:\n\nGrüße,\n世界 😀"


@pytest.mark.parametrize(
    "content",
    [
        "No mark before it".encode("utf-16-le"),
        "No mark before it".encode("utf-32-be"),
        "Кириллица в КОИ-8".encode("koi8-r"),
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4,
        b"\0" * 100,
    ],
    ids=["utf-16", "utf-32", "koi8-r", "png", "nul"],
)
def test_piped_input_that_is_not_text_is_refused_with_its_encoding(
    online: Program, server: Scripted, content: bytes
) -> None:
    done = online.run("ask", "Read this", stdin=content, PYTHONIOENCODING="utf-8")
    assert failed(done, code=2) == (
        "The piped input is not text in UTF-8. Convert it first: iconv -f ITS-ENCODING -t UTF-8"
    )
    assert server.seen == []


def test_a_few_nul_bytes_are_still_text(online: Program, server: Scripted) -> None:
    assert online.run("ask", "Which?", stdin=b"one.txt\0two.txt\0").code == 0
    (block,) = server.asked[0].json["messages"][0]["content"]
    assert block["text"] == "Which?\n\none.txt\0two.txt\0"


CLEAN = "␛]52;c;aGk=␇␛[31m�red�0m"


async def test_text_is_clean_wherever_it_goes_and_exact_when_it_is_asked_for(
    program: Program, store: Store
) -> None:
    kept = await keep(store, f"question {ESC}", f"reply {ESC}", title=f"title {ESC}")
    for arguments, marks in (
        ((), ["title"]),
        ((kept.id,), ["title", "question", "reply"]),
        (("--search", "reply"), ["title", "reply"]),
    ):
        for done in (
            program.run("log", *arguments),
            program.run_on_terminal("log", *arguments),
        ):
            assert not set(done.out).intersection("\x1b\x07\x9b\u202e")
            assert all(f"{mark} {CLEAN}" in done.out for mark in marks)
        raw = program.run("log", "--raw", *arguments)
        assert all(f"{mark} {ESC}" in raw.out for mark in marks)


async def test_json_is_exact_and_drives_nothing_in_a_pipe_either(
    program: Program, store: Store
) -> None:
    kept = await keep(store, f"question {ESC} 世界", f"reply {ESC}\x7f\u2028", title=f"t {ESC}")
    for arguments in (("log", "--json"), ("log", "--json", kept.id)):
        piped = program.run(*arguments)
        assert all(sign.isprintable() or sign == "\n" for sign in piped.out)
        assert f"t {ESC}" in [row["title"] for row in json.loads(piped.out)]
    assert "世界" in piped.out
    texts = [row["text"] for row in json.loads(piped.out)]
    assert texts == [f"question {ESC} 世界", f"reply {ESC}\x7f\u2028"]
    elsewhere = program.run("log", "--json", kept.id, PYTHONIOENCODING="latin-1")
    assert json.loads(elsewhere.out) == json.loads(piped.out)


def test_a_terminal_behind_a_pipe_is_not_driven(online: Program, server: Scripted) -> None:
    server.will(says(f"a{ESC}"))
    assert online.run("ask", "x").code == 0
    controller, end = pty.openpty()
    shell = '"$0" -m tui log "$(  "$0" -m tui log | cut -c 1-6 )" | head'
    subprocess.run(
        ["sh", "-c", shell, sys.executable],
        stdin=subprocess.DEVNULL,
        stdout=end,
        cwd=online.folder,
        env=online.environ,
        check=True,
        timeout=60,
    )
    os.close(end)
    shown = os.read(controller, 65536).decode()
    os.close(controller)
    assert f"a{CLEAN}" in shown
    assert "\x1b" not in shown
