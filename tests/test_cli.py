"""The program on the command line: its output, its history and its exit codes.

Every run has a key that must never appear in its output or in its files.
"""

from __future__ import annotations

import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import tui
from tests.scripted import (
    Close,
    Hold,
    Reply,
    Scripted,
    end,
    refuses,
    says,
    scripted,
    start,
    text,
    thinking,
)
from tui.chat import turn
from tui.domain.conversation import Block, Conversation, Message
from tui.domain.parameters import Parameters
from tui.domain.request import Request
from tui.store import Store

CANARY = "sk-ant-canary-0123456789abcdef"
ESC = "\x1b]52;c;aGk=\x07\x1b[31m\u202ered\x9b0m"
"""Sequences that must not reach a terminal: they write the clipboard, colour, reverse."""


@dataclass(frozen=True)
class Done:
    """A run that has ended."""

    code: int
    out: str
    err: str


class Program:
    """Runs the program in its own home folder, and collects its output."""

    def __init__(self, folder: Path, history: Path) -> None:
        self.folder = folder
        self.history = history
        self.said: list[str] = []
        # Only these variables of the machine, and the code under test.
        self.environ = {name: os.environ[name] for name in ("HOME", "PATH", "NO_PROXY")} | {
            "PYTHONPATH": str(Path(tui.__file__).parent.parent),
            "LANG": "C.UTF-8",
            "STREAMCHAT_DB": str(history),
        }

    def start(
        self, *arguments: str, stdout: int = subprocess.PIPE, **environ: str
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "tui", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self.environ | environ,
        )

    def run(self, *arguments: str, stdin: bytes = b"", **environ: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "tui", *arguments],
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env=self.environ | environ,
            check=False,
            timeout=60,
        )
        return self.heard(done.returncode, done.stdout, done.stderr)

    def end(self, process: subprocess.Popen[bytes], already: bytes = b"") -> Done:
        """Wait for a run to end; `already` is output that was read before."""
        out, err = process.communicate(timeout=60)
        return self.heard(process.returncode, already + (out or b""), err)

    def run_on_terminal(self, *arguments: str) -> Done:
        """Run the program with a terminal as stdout."""
        controller, terminal = pty.openpty()
        process = self.start(*arguments, stdout=terminal)
        os.close(terminal)
        shown = b""
        # Linux reports EIO, others the end, when the last user of the terminal is gone.
        try:
            while piece := os.read(controller, 65536):
                shown += piece
        except OSError:
            pass
        finally:
            os.close(controller)
        return self.end(process, shown.replace(b"\r\n", b"\n"))

    def heard(self, code: int, out: bytes, err: bytes) -> Done:
        done = Done(code, out.decode(), err.decode())
        self.said += [done.out, done.err]
        assert "Traceback" not in done.out + done.err
        return done

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.history)) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def program(tmp_path: Path, history: Path) -> Iterator[Program]:
    # A shell that runs the tests in the background makes them and their children ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    program = Program(tmp_path, history)
    yield program
    assert all(CANARY not in said for said in program.said)
    written = (path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".env")
    assert [path for path in written if CANARY.encode() in path.read_bytes()] == []


@pytest.fixture
def online(program: Program, server: Scripted) -> Program:
    """The program with a key for the scripted server."""
    program.environ |= {"ANTHROPIC_API_KEY": CANARY, "ANTHROPIC_BASE_URL": server.url}
    return program


def failed(done: Done, code: int = 1) -> str:
    """Return the one line that a failed run prints."""
    assert (done.code, done.out) == (code, "")
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("streamchat-tui: ")
    return done.err.removeprefix("streamchat-tui: ").strip()


async def keep(
    store: Store,
    question: str,
    reply: str = "Yes.",
    *,
    endpoint: str = "elsewhere",
    title: str | None = None,
) -> Conversation:
    """Save a conversation of one question and one reply."""
    now = store.clock.now_ms()
    found = Conversation(
        store.new_id(),
        Parameters("claude-sonnet-5-5"),
        now,
        now,
        title=question if title is None else title,
    )
    _, asked = await turn.ask(store, found, question)
    message = Message(
        id=store.new_id(),
        conversation_id=found.id,
        role="assistant",
        blocks=(),
        created_ms=store.clock.now_ms(),
        parent_id=asked.id,
        state="streaming",
        model="claude-sonnet-5-5",
        endpoint=endpoint,
    )
    request = Request(
        store.new_id(), found.id, message.id, endpoint, found.parameters.model, now
    )
    await store.begin_reply(message, request, tip_id=asked.id)
    blocks = (Block({"type": "text", "text": reply}),)
    await store.finish_reply(replace(message, blocks=blocks, state="complete"), request, None)
    return found


def read(process: subprocess.Popen[bytes], length: int) -> bytes:
    """Read exactly `length` bytes of a running program's output."""
    assert process.stdout is not None
    return process.stdout.read(length)


def held(*words: str) -> tuple[Hold, Reply]:
    """Return a reply that waits after its first word until the test releases it."""
    hold, steps = Hold(), text(0, *words)
    return hold, Reply([start(), *steps[:2], hold, *steps[2:], *end()])


# Asking


def test_a_reply_is_printed_while_it_arrives_and_saved(
    online: Program, server: Scripted
) -> None:
    hold, reply = held("Hello", " there", ".")
    server.will(reply)
    process = online.start("ask", "Say", "hello")
    first = read(process, len("Hello"))
    assert hold.reached.wait(20)
    hold.release()
    assert online.end(process, first) == Done(0, "Hello there.\n", "")
    (asked,) = server.asked
    assert asked.headers["authorization"] == f"Bearer {CANARY}"
    assert asked.json["stream"] is True
    assert "system" not in asked.json
    question = {"type": "text", "text": "Say hello"}
    assert asked.json["messages"] == [{"role": "user", "content": [question]}]
    assert online.rows("SELECT title, role, state, text FROM transcript") == [
        ("Say hello", "user", "complete", "Say hello"),
        ("Say hello", "assistant", "complete", "Hello there."),
    ]


def test_piped_text_is_appended_under_the_system_prompt_and_nothing_is_saved(
    online: Program, server: Scripted, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = online.run(
        "ask", "Translate", "this:", "-s", "Be brief.", "--no-save",
        stdin=b"\nGr\xc3\xbc\xc3\x9fe \xff\n\n",
        PYTHONIOENCODING="utf-8",
        TMPDIR=str(scratch),
    )  # fmt: skip
    assert done == Done(0, "Hello there\n", "")
    (asked,) = server.asked
    assert asked.json["system"] == "Be brief."
    # The byte that is not UTF-8 is replaced.
    words = "Translate this:\n\nGrüße \ufffd"
    assert asked.json["messages"][0]["content"] == [{"type": "text", "text": words}]
    assert not online.history.exists()
    assert list(scratch.iterdir()) == []


def test_a_question_of_ask_keeps_the_indentation_of_its_first_line(
    online: Program, server: Scripted
) -> None:
    code = "    if x:\n        return 1"
    assert online.run("ask", stdin=f"\n \n{code}\n\n".encode()).code == 0
    assert online.run("ask", "Why?  ", stdin=code.encode()).code == 0
    assert online.run("ask", "  indented").code == 0
    asked = [each.json["messages"][0]["content"][0]["text"] for each in server.asked]
    assert asked == [code, f"Why?\n\n{code}", "  indented"]
    said = online.rows("SELECT text FROM transcript WHERE role = 'user' ORDER BY message_id")
    assert said == [(each,) for each in asked]
    assert "needs a question" in failed(online.run("ask", " ", stdin=b" \n\t"), code=2)


def test_without_streaming_the_whole_reply_is_printed_once(
    online: Program, server: Scripted
) -> None:
    server.will(Reply([start(), *thinking(0, "Hm."), *text(1, "All", " at once\n"), *end()]))
    assert online.run("ask", "--no-stream", "x") == Done(0, "All at once\n", "")
    assert "stream" not in server.asked[0].json
    assert online.rows("SELECT text, thinking FROM transcript WHERE role = 'assistant'") == [
        ("All at once\n", "Hm.")
    ]


def test_a_retry_is_reported_and_counted_in_the_json(online: Program, server: Scripted) -> None:
    server.will(
        refuses(529, "overloaded_error", retry_after="0"),
        Reply([start(), *thinking(0, "Hm."), *text(1, "At", " last"), *end()]),
    )
    done = online.run("ask", "--json", "x")
    assert done.code == 0
    assert done.err == ("streamchat-tui: Claude is overloaded. Retrying in 0 s (attempt 2).\n")
    reply = json.loads(done.out)
    ((message_id, conversation_id),) = online.rows(
        "SELECT message_id, conversation_id FROM transcript WHERE role = 'assistant'"
    )
    expected = {
        "text": "At last",
        "thinking": "Hm.",
        "state": "complete",
        "stop_reason": "end_turn",
        "model": "claude-sonnet-5-5",
        "message_id": message_id,
        "conversation_id": conversation_id,
        "input_tokens": 25,
        "output_tokens": 42,
        "cache_read_input_tokens": 68,
        "cache_creation_input_tokens": 7,
        "thinking_tokens": 11,
        "attempts": 2,
        "request_id": "req_scripted",
        "error_type": None,
        "error_message": None,
    }
    assert expected.items() <= reply.items()
    assert 0 <= reply["first_text_ms"] <= reply["duration_ms"]


async def test_ask_continues_the_newest_conversation(
    online: Program, server: Scripted, store: Store
) -> None:
    await keep(store, "Older?")
    newest = await keep(store, "Newest?", "Certainly.")
    await keep(store, "Demo?", endpoint="demo")
    assert online.run("ask", "-c", "Why?").code == 0
    messages = server.asked[0].json["messages"]
    assert [message["content"][0]["text"] for message in messages] == [
        "Newest?",
        "Certainly.",
        "Why?",
    ]
    continued = await store.conversation(newest.id)
    assert continued is not None
    assert [message.text for message in await store.read_path(continued.tip_id)] == [
        "Newest?",
        "Certainly.",
        "Why?",
        "Hello there",
    ]


async def test_ask_continues_a_conversation_by_the_end_of_its_id(
    online: Program, server: Scripted, store: Store
) -> None:
    chosen = await keep(store, "Older?")
    await keep(store, "Newest?")
    done = online.run(
        "ask", "--conversation", chosen.id[-6:].upper(), "--model", "claude-other", "Why?"
    )
    assert done == Done(0, "Hello there\n", "")
    assert server.asked[0].json["messages"][0]["content"][0]["text"] == "Older?"
    assert server.asked[0].json["model"] == "claude-other"


def test_the_demo_is_asked_whatever_keys_there_are(online: Program, server: Scripted) -> None:
    done = online.run("ask", "--demo", "limit")
    assert (done.code, done.err) == (0, "streamchat-tui: reached its token limit.\n")
    assert done.out.strip()
    assert server.seen == []
    assert online.rows("SELECT DISTINCT model FROM replies") == [("demo",)]


def test_a_refused_key_fails_in_one_line_and_keeps_the_question(
    online: Program, server: Scripted
) -> None:
    server.will(refuses(401, "authentication_error", f"bad key {CANARY}"))
    said = failed(online.run("ask", "x"))
    assert said == "failed: The API key was refused. Check it, then retry."
    assert online.rows("SELECT role, state FROM transcript") == [
        ("user", "complete"),
        ("assistant", "failed"),
    ]


def test_a_cut_reply_is_printed_as_far_as_it_came_and_fails(
    online: Program, server: Scripted
) -> None:
    server.will(Reply([start(), *text(0, "Half of")[:2], Close()]))
    done = online.run("ask", "x")
    assert (done.code, done.out) == (1, "Half of\n")
    assert done.err.startswith("streamchat-tui: cut off: ")
    assert len(done.err.splitlines()) == 1
    assert online.rows("SELECT state, text FROM transcript WHERE role = 'assistant'") == [
        ("cut_off", "Half of")
    ]


def test_an_interrupted_reply_is_saved_as_stopped(online: Program, server: Scripted) -> None:
    hold, reply = held("Half of", " it")
    server.will(reply)
    process = online.start("ask", "x")
    first = read(process, len("Half of"))
    process.send_signal(signal.SIGINT)
    done = online.end(process, first)
    assert (done.code, done.out.strip(), done.err) == (130, "Half of", "")
    assert not hold.released.is_set()
    assert server.asked[0].closed_by_client.wait(20)
    assert online.rows("SELECT state, text FROM transcript WHERE role = 'assistant'") == [
        ("stopped", "Half of")
    ]


def test_a_reader_that_has_enough_ends_it_quietly(online: Program, server: Scripted) -> None:
    hold, reply = held("one\n", "two\n", "three\n")
    server.will(reply)
    process = online.start("ask", "x")
    first = read(process, len("one\n"))
    assert process.stdout is not None
    process.stdout.close()
    hold.release()
    assert process.stderr is not None
    err = process.stderr.read()
    assert online.heard(process.wait(60), first, err) == Done(0, "one\n", "")
    process.stderr.close()
    ((state, kept),) = online.rows(
        "SELECT state, text FROM transcript WHERE role = 'assistant'"
    )
    assert state == "stopped"
    assert kept.startswith("one\n")


def test_a_list_of_models_that_never_comes_is_not_waited_for(
    online: Program, server: Scripted
) -> None:
    server.models_reply = Reply([Hold()], headers={"content-type": "application/json"})
    assert online.run("ask", "x") == Done(0, "Hello there\n", "")


# Foreign text


FOREIGN = ("a" + ESC, "\ud83d", "\ude00 b\r", "\nc")
"""Control sequences, and a surrogate pair and a line end that are each cut in two."""


def test_a_reply_comes_into_a_pipe_as_it_was_said_when_that_is_asked_for(
    online: Program, server: Scripted
) -> None:
    server.will(says(*FOREIGN))
    assert online.run("ask", "--raw", "x") == Done(0, f"a{ESC}😀 b\r\nc\n", "")


def test_a_reply_comes_clean_onto_a_terminal_and_into_a_pipe(
    online: Program, server: Scripted
) -> None:
    server.will(says(*FOREIGN), says(*FOREIGN))
    clean = Done(0, "a␛]52;c;aGk=␇␛[31m�red�0m😀 b\nc\n", "")
    assert online.run_on_terminal("ask", "x") == clean
    assert online.run("ask", "x") == clean


def test_log_is_clean_wherever_it_goes_and_exact_where_that_is_asked_for(
    online: Program, server: Scripted
) -> None:
    server.will(says(*FOREIGN))
    online.run("ask", "x")
    ((conversation_id,),) = online.rows("SELECT DISTINCT conversation_id FROM transcript")
    for done in (
        online.run("log", conversation_id),
        online.run_on_terminal("log", conversation_id),
    ):
        assert "a␛]52;c;aGk=␇␛[31m�red�0m😀 b\nc\n" in done.out
    assert f"a{ESC}😀 b\r\nc\n" in online.run("log", "--raw", conversation_id).out


def test_log_searches_everything_that_was_said(online: Program, server: Scripted) -> None:
    server.will(says("It is a ", "needle\x1b[31m, in hay."), says("No."))
    online.run("ask", "Where is it?")
    online.run("ask", "Is there a needle?")
    done = online.run("log", "--search", "needle")
    assert done.code == 0
    lines = done.out.splitlines()
    assert [line.strip() for line in lines[1::2]] == [
        "You: Is there a needle?",
        "Claude Sonnet 5.5: It is a needle␛[31m, in hay.",
    ]
    assert lines[2].endswith("Where is it?")
    assert "␛[31m" in online.run_on_terminal("log", "--search", "needle").out
    hits = json.loads(online.run("log", "--json", "--search", 'role:you "a needle"').out)
    assert [(hit["title"], hit["state"]) for hit in hits] == [
        ("Is there a needle?", "complete")
    ]
    (mark,) = hits[0]["marks"]
    assert hits[0]["snippet"][slice(*mark)] == "a needle"
    # The last word matches as a prefix, unless a space or a quote follows it.
    assert online.run("log", "--search", "need").out == done.out
    for whole in ("need ", '"need"'):
        assert online.run("log", "--search", whole).out == ""
    nothing = online.run("log", "--search", "zebra")
    assert (nothing.code, nothing.out) == (0, "")
    assert "No results" in nothing.err
    assert "needs a query" in failed(online.run("log", "--search", " "), code=2)
    assert "not both" in failed(online.run("log", "abc", "--search", "x"), code=2)


async def test_json_on_a_terminal_drives_nothing_and_means_the_same(
    program: Program, store: Store
) -> None:
    kept = await keep(store, f"question {ESC}", f"reply {ESC}", title=f"title {ESC}")
    for arguments in (("log", "--json"), ("log", "--json", kept.id)):
        piped, shown = program.run(*arguments), program.run_on_terminal(*arguments)
        assert shown.out.isascii()
        assert shown.out.replace("\n", "").isprintable()
        assert json.loads(shown.out) == json.loads(piped.out)


async def test_an_encoding_that_lacks_a_character_replaces_it(
    program: Program, store: Store
) -> None:
    kept = await keep(store, "x", "Grüße 😀")
    process = program.start("log", kept.id, PYTHONIOENCODING="latin-1")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert b"Gr\xfc\xdfe ?" in out


def hostile_env(folder: Path, address: str) -> None:
    (folder / ".env").write_text(
        "ANTHROPIC_API_KEY=sk-hostile\n"
        f"ANTHROPIC_BASE_URL={address}\n"
        f"HTTP_PROXY={address}\nHTTPS_PROXY={address}\nALL_PROXY={address}\n"
        "ANTHROPIC_CUSTOM_HEADERS=x-hostile: 1\n"
        f"STREAMCHAT_DB={folder}/hostile.db\nSTREAMCHAT_CONFIG={folder}/hostile.toml\n"
        "STREAMCHAT_MODEL=hostile\n",
        encoding="utf-8",
    )
    (folder / "config.toml").write_text("hostile = true\n", encoding="utf-8")


def test_an_env_file_in_the_current_folder_has_no_effect(
    online: Program, server: Scripted
) -> None:
    with scripted() as hostile:
        hostile_env(online.folder, hostile.url)
        assert online.run("ask", "x") == Done(0, "Hello there\n", "")
        assert hostile.seen == []
    (asked,) = server.asked
    assert asked.headers["authorization"] == f"Bearer {CANARY}"
    assert "x-hostile" not in asked.headers
    assert asked.json["model"] == "claude-sonnet-5-5"
    assert not (online.folder / "hostile.db").exists()


def test_a_key_in_the_current_folder_is_reported_and_not_used(program: Program) -> None:
    with scripted() as hostile:
        hostile_env(program.folder, hostile.url)
        said = failed(program.run("ask", "x"))
        assert hostile.seen == []
    assert said == (
        "There is no API key. Paste one in streamchat-tui (Ctrl+O), set ANTHROPIC_API_KEY, "
        "or try the offline demo with --demo."
        f" {program.folder / '.env'} holds a key. Use --env-file to read it."
    )
    assert not program.history.exists()


# Errors before anything is sent


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask"], "ask needs a question"),
        (["ask", " "], "ask needs a question"),
        (["ask", "--frob", "x"], "unrecognized arguments: --frob. See: streamchat-tui"),
        (["ask", "--js", "x"], "unrecognized arguments: --js"),
        (["ask", "-c", "--conversation", "1", "x"], "not allowed with argument"),
        (["frob"], "invalid choice: 'frob'"),
        (["log", "-n", "-1"], "'-1' is not a whole number, 0 or more"),
        (["log", "-n", "many"], "'many' is not a whole number, 0 or more"),
        (["--profile", "frob", "log"], "Unknown profile 'frob'"),
        (["log", "--env-file", "frob"], "frob does not exist"),
        (["log", "--frob\x1b[31m"], "unrecognized arguments: --frob␛[31m"),
    ],
)
def test_wrong_usage_is_reported_in_one_line(
    program: Program, arguments: list[str], said: str
) -> None:
    assert said in failed(program.run(*arguments), code=2)
    assert not program.history.exists()


def test_without_a_key_nothing_is_sent_and_nothing_is_saved(program: Program) -> None:
    assert failed(program.run("ask", "x")) == (
        "There is no API key. Paste one in streamchat-tui (Ctrl+O), set ANTHROPIC_API_KEY, "
        "or try the offline demo with --demo."
    )
    assert not program.history.exists()


def test_the_app_needs_a_terminal(program: Program) -> None:
    assert failed(program.run()).startswith("The app needs a terminal")


def _missing_folder(folder: Path) -> tuple[Path, str]:
    return folder / "no" / "x.db", f"The folder {folder / 'no'} does not exist."


def _a_folder(folder: Path) -> tuple[Path, str]:
    return folder, f"{folder} is a folder, not a history file."


def _read_only_folder(_: Path) -> tuple[Path, str]:
    return Path("/proc/x.db"), "/proc/x.db cannot be opened: "


def _not_a_database(folder: Path) -> tuple[Path, str]:
    path = folder / "letter.txt"
    path.write_text("Dear history, " * 100, encoding="utf-8")
    return path, f"{path} is not a database, or is damaged; it was not changed."


def _another_program(folder: Path) -> tuple[Path, str]:
    path = folder / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE cookies (x)")
    return path, f"{path} is a database of another program; it was not changed."


@pytest.mark.parametrize(
    "arrange",
    [
        _missing_folder,
        _a_folder,
        pytest.param(
            _read_only_folder,
            marks=pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc"),
        ),
        _not_a_database,
        _another_program,
    ],
)
def test_a_history_that_cannot_be_used_is_named_and_left_alone(
    online: Program, server: Scripted, arrange: Callable[[Path], tuple[Path, str]]
) -> None:
    path, said = arrange(online.folder)
    before = path.read_bytes() if path.is_file() else None
    for arguments in (["log"], ["ask", "x"]):
        assert failed(online.run(*arguments, "--db", str(path))).startswith(said)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert server.seen == []


def test_a_history_of_a_newer_version_is_read_and_not_written(
    online: Program, server: Scripted
) -> None:
    online.run("ask", "A question")
    path = online.folder / "newer.db"
    with closing(sqlite3.connect(online.environ["STREAMCHAT_DB"])) as connection:
        connection.execute("VACUUM INTO ?", [str(path)])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    done = online.run("log", "--db", str(path))
    assert done.code == 0
    assert "A question" in done.out
    assert "newer streamchat-tui (history version 99;" in done.err
    asked = failed(online.run("ask", "x", "--db", str(path)))
    assert "newer streamchat-tui (history version 99;" in asked
    assert path.read_bytes() == before
    assert len(server.asked) == 1


def test_malformed_settings_are_reported_with_their_line_and_without_the_key(
    program: Program,
) -> None:
    config, env = program.folder / "config.toml", program.folder / "keys.env"
    config.write_text('theme = "dark"\napi_key = oops\n', encoding="utf-8")
    said = failed(program.run("log", "--config", str(config)), code=2)
    assert said.startswith(f"{config}: ")
    assert "line 2, column 11" in said
    env.write_text("# mine\nANTHROPIC_API_KEY sk-secret\n", encoding="utf-8")
    env.chmod(0o600)
    said = failed(program.run("log", "--env-file", str(env)), code=2)
    assert said == f"{env}, line 2: not a NAME=value line."
    env.chmod(0o644)
    said = failed(program.run("log", "--env-file", str(env)), code=2)
    assert said.endswith(f"Run: chmod 600 {env}")


async def test_an_id_that_matches_no_conversation_is_reported(
    online: Program, server: Scripted, store: Store
) -> None:
    assert failed(online.run("ask", "-c", "x")) == ("There is no conversation to continue yet.")
    ids = [(await keep(store, "x", endpoint="demo")).id for _ in range(2)]
    # Both ids were made within a few milliseconds.
    both = next(ids[0][:n] for n in range(13, 0, -1) if ids[1].startswith(ids[0][:n]))
    for command in (["log"], ["ask", "x", "--conversation"]):
        assert failed(online.run(*command, "ffff")) == (
            "There is no conversation 'ffff'. List them with: log"
        )
        assert failed(online.run(*command, both)) == (
            f"{both!r} matches several conversations. Type more of the id."
        )
    assert "'\\udcff'" in failed(online.run("log", "\udcff"))
    assert failed(online.run("ask", "x", "--conversation", ids[0])) == (
        "That conversation is with the offline demo. Start a new one."
    )
    claudes = await keep(store, "x")
    assert failed(online.run("ask", "--demo", "x", "--conversation", claudes.id)) == (
        "That conversation is with Claude. Start a new one."
    )
    assert server.seen == []


# The log


def test_an_empty_history_is_reported_on_stderr(program: Program) -> None:
    assert program.run("log") == Done(0, "", "There are no conversations yet.\n")
    assert program.run("log", "--json") == Done(0, "[]\n", "")


async def test_conversations_are_listed_newest_first_each_on_one_line(
    program: Program, store: Store
) -> None:
    kept = [await keep(store, f"Question {n}?") for n in range(3)]
    lines = program.run("log").out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [c.id[-6:] for c in reversed(kept)]
    assert [line.split("  ")[2] for line in lines] == [c.title for c in reversed(kept)]
    assert program.run("log", "-n", "2").out.splitlines() == lines[:2]
    assert program.run("log", "-n", "0").out.splitlines() == lines
    assert program.run("log", "-n", "9" * 30).out.splitlines() == lines
    listed = json.loads(program.run("log", "--json", "-n", "2").out)
    assert [row["conversation_id"] for row in listed] == [c.id for c in reversed(kept[1:])]
    assert listed[0].keys() == {
        "conversation_id", "title", "created_at", "updated_at", "messages",
        "model", "system", "effort", "max_tokens", "thinking_display",
    }  # fmt: skip
    assert listed[0]["messages"] == 2


async def test_text_and_json_list_the_same_conversations_the_last_used_first(
    program: Program, store: Store
) -> None:
    pinned, archived, newest = [await keep(store, f"Question {n}?") for n in range(3)]
    await store.labels.pin([pinned.id], is_pinned=True)
    await store.labels.archive([archived.id], is_archived=True)
    for options, expected in (
        ([], [newest, pinned]),
        (["-n", "1"], [newest]),
        (["--archived"], [newest, archived, pinned]),
        (["--archived", "-n", "2"], [newest, archived]),
    ):
        lines = program.run("log", *options).out.splitlines()
        assert [line.split("  ")[0] for line in lines] == [c.id[-6:] for c in expected]
        rows = json.loads(program.run("log", "--json", *options).out)
        assert [row["conversation_id"] for row in rows] == [c.id for c in expected]
        assert [row["title"] for row in rows] == [c.title for c in expected]


async def test_when_all_conversations_are_archived_the_list_says_how_to_see_them(
    program: Program, store: Store
) -> None:
    ran = program.run("log")
    assert ran.out + ran.err == "There are no conversations yet.\n"
    archived = await keep(store, "Question?")
    await store.labels.archive([archived.id], is_archived=True)
    ran = program.run("log")
    assert ran.out + ran.err == "Every conversation is archived; --archived lists them.\n"
    assert json.loads(program.run("log", "--json").out) == []


async def test_one_conversation_is_shown_by_any_part_of_its_id_that_is_enough(
    program: Program, store: Store
) -> None:
    kept = await keep(store, "Where is it?", "There.")
    shown = program.run("log", kept.id[:8])
    assert (shown.code, shown.err) == (0, "")
    assert program.run("log", kept.id[-6:]) == program.run("log", kept.id.upper()) == shown
    head, question, reply = shown.out.split("\n── ")
    assert head.splitlines()[0] == "Where is it?"
    assert kept.id in head
    assert question.startswith("You · ")
    assert "Where is it?" in question
    assert reply.startswith("claude-sonnet-5-5 · ")
    assert "There." in reply
    rows = json.loads(program.run("log", "--json", kept.id).out)
    assert [(row["role"], row["text"]) for row in rows] == [
        ("user", "Where is it?"),
        ("assistant", "There."),
    ]


async def test_options_may_stand_before_or_after_the_command(
    program: Program, store: Store, tmp_path: Path
) -> None:
    await keep(store, "x")
    empty = str(tmp_path / "empty.db")
    assert program.run("log").out != ""
    assert program.run("--db", empty, "log").out == ""
    assert program.run("log", "--db", empty).out == ""


async def test_a_list_that_nobody_reads_ends_quietly(program: Program, store: Store) -> None:
    await keep(store, "x")
    current, writing = os.pipe()
    os.close(current)
    process = program.start("log", stdout=writing)
    os.close(writing)
    assert program.end(process) == Done(0, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_fails_in_one_line_and_is_logged(
    program: Program, empty_home: Path
) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    process = program.start("log", "--json", stdout=full)
    os.close(full)
    said = failed(program.end(process))
    (log,) = empty_home.rglob("streamchat.log")
    assert said == f"No space left on device; {log} has the details."
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o777 == 0o600


def test_only_the_owner_can_read_the_files_it_makes(program: Program, empty_home: Path) -> None:
    del program.environ["STREAMCHAT_DB"]
    assert program.run("log").code == 0
    (history,) = empty_home.rglob("history.db")
    assert history.stat().st_mode & 0o777 == 0o600
    assert history.parent.stat().st_mode & 0o777 == 0o700


def test_the_version_and_the_help_go_to_stdout(program: Program) -> None:
    assert program.run("--version") == Done(0, f"streamchat-tui {tui.__version__}\n", "")
    done = program.run("ask", "--help")
    assert (done.code, done.err) == (0, "")
    assert "--no-stream" in done.out
