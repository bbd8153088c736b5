"""Odd machines and arguments: each command works, or fails with one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripted import Scripted
from tests.test_cli import Done, Program, failed, online, program

__all__ = ["online", "program"]


# Arguments


def test_words_that_are_no_utf_8_are_sent_with_a_sign_for_each_bad_byte(
    online: Program, server: Scripted
) -> None:
    done = online.run("ask", "a\udcff", "-s", "s\udcfe", "--model", "m\udcfd")
    assert done == Done(0, "Hello there\n", "")
    asked = server.asked[0].json
    assert asked["system"] == "s\ufffd"
    assert asked["model"] == "m\ufffd"
    assert asked["messages"][0]["content"][0]["text"] == "a\ufffd"


def test_a_model_of_the_environment_that_is_no_utf_8_is_sent_likewise(
    online: Program, server: Scripted
) -> None:
    assert online.run("ask", "x", STREAMCHAT_MODEL="m\udcfd").code == 0
    assert server.asked[0].json["model"] == "m\ufffd"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["\udcff"], 2),
        (["log", "--\udcff"], 2),
        (["log", "-n", "\udcff"], 2),
        (["log", "\udcff"], 1),
        (["log", "\n"], 1),
        (["log", "%"], 1),
        (["log", "x" * 100_000], 1),
        (["log", "--profile", "\udcff\x1b[31m"], 2),
        (["log", "--profile", "x" * 100_000], 2),
        (["log", "--db", "\udcff/x.db"], 1),
        (["log", "--config", "\udcff.toml"], 2),
        (["log", "--env-file", "\udcff.env"], 2),
        (["log", "-n", "1_0"], 2),
        (["log", "-n", "+1"], 2),
        (["log", "-n", " "], 2),
        (["log", "-n", "x" * 100_000], 2),
        (["log", "-n", "-1"], 2),
        (["log", "-n", "0x10"], 2),
        (["log", "--search", "role:" + "x" * 100_000], 2),
        (["ask", "--demo", "--conversation", "\udcff", "x"], 1),
        (["ask", "--demo", "--conversation", "", "x"], 1),
        (["frob" * 20_000], 2),
    ],
    ids=lambda each: str(each)[:30],
)
def test_whatever_is_wrong_with_an_argument_is_one_line_of_text(
    program: Program, arguments: list[str], code: int
) -> None:
    said = failed(program.run(*arguments), code=code)
    assert said.isprintable()
    assert len(said) < 1200


@pytest.mark.parametrize("number", ["9" * 20, "9" * 5000, "0", "007"], ids=len)
def test_any_number_of_conversations_may_be_asked_for(program: Program, number: str) -> None:
    assert program.run("log", "--json", "-n", number) == Done(0, "[]\n", "")


def test_a_long_question_is_asked_and_a_long_search_searches(online: Program) -> None:
    assert online.run("ask", "x" * 130_000).code == 0
    assert online.run("log", "--json", "--search", "y" * 100_000) == Done(0, "[]\n", "")


# The machine


def _gone(program: Program) -> str:
    folder = program.folder / "gone"
    folder.mkdir()
    return f'cd "{folder}" && rmdir "{folder}" && '


COMMANDS = {
    "log --json": (0, "[]\n"),
    "ask --demo --no-save help": (0, None),
    "doctor --offline": (0, None),
    "keys --list": (0, None),
    "chat --plain --demo": (0, ""),
    "--help": (0, None),
}
ENVIRONMENTS = [
    {"TERM": ""},
    {"TERM": "dumb"},
    {"LANG": "C"},
    {"LC_ALL": "nowhere"},
    {"COLUMNS": "0"},
    {"COLUMNS": "-7"},
    {"COLUMNS": "many"},
    {"COLUMNS": "9" * 9},
    {"TMPDIR": "/nowhere"},
    {"TZ": "nowhere/at/all"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"HOME": "/proc/nowhere"},
]


def _run(program: Program, before: str, command: str, **environ: str) -> Done:
    done = subprocess.run(
        ["sh", "-c", f'{before}exec "$0" -m tui {command}', sys.executable],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=program.folder,
        env=program.environ | environ,
        check=False,
        timeout=60,
    )
    return program.heard(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("environ", ENVIRONMENTS, ids=str)
def test_whatever_the_environment_says_a_command_does_its_work(
    program: Program, environ: dict[str, str]
) -> None:
    is_full = os.environ.get("FAULTS") == "full"
    for command, (code, out) in list(COMMANDS.items())[: None if is_full else 1]:
        done = _run(program, "", command, **environ)
        assert (done.code, done.err) == (code, ""), command
        assert done.out == out if out is not None else done.out, command


@pytest.mark.parametrize("command", COMMANDS)
def test_in_a_folder_that_is_gone_a_command_does_its_work(
    program: Program, command: str
) -> None:
    code, _ = COMMANDS[command]
    done = _run(program, _gone(program), command)
    assert (done.code, done.err) == (code, "")


def test_a_relative_history_in_a_deleted_folder_is_reported(program: Program) -> None:
    for name in ("x.db", "./:memory:"):
        done = _run(program, _gone(program), f"log --db {name}")
        assert len(done.err.splitlines()) == 1
        assert (done.code, done.out) in ((1, ""), (2, ""))


@pytest.mark.parametrize(
    ("home", "code", "said"),
    [("/proc/nowhere", 1, "cannot be created"), ("letter.txt", 2, "Not a directory")],
)
def test_an_unwritable_home_is_reported(
    program: Program, home: str, code: int, said: str
) -> None:
    del program.environ["STREAMCHAT_DB"]
    (program.folder / "letter.txt").write_text("Dear home", encoding="utf-8")
    if not Path(home).is_absolute():
        home = str(program.folder / home)
    for arguments in (["log"], ["ask", "--demo", "x"], []):
        assert said in failed(program.run(*arguments, HOME=home), code=code)
