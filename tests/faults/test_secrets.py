"""A key goes only to its own endpoint, and a prompt is stored only in the history.

Every run has a key and asks a unique question. Afterwards every file in the home folder,
every row and every byte of output is searched for both. The rows are searched too because
recordings are compressed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from platformdirs import PlatformDirs

import tui
from tests.scripted import (
    Event,
    Raw,
    Reply,
    Scripted,
    refuses,
    says,
    scripted,
    start,
    text,
)
from tests.terminal import Terminal, terminal
from tests.test_cli import Done, Program
from tui.domain.recording import Recording, unpack

KEY = "sk-canary-4Hq8canary7Zk2Wx9-Lm5Rt"
CTRL_PGDN = "\x1b[6;5~"
PROMPT = "zanzibar quokka umbrella"
SIZE = (110, 34)
ENTER, CTRL_N, CTRL_O, CTRL_Q, ESC, F1 = "\r", "\x0e", "\x0f", "\x11", "\x1b", "\x1bOP"

_FORMS = (KEY, KEY[-12:], base64.b64encode(KEY.encode()).decode(), KEY.encode().hex())


def tells(content: bytes) -> bool:
    """Tell whether the key is in it: complete, its end, or in another encoding."""
    return any(form.encode() in content for form in _FORMS)


def cells(history: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every value of a history; recordings are decompressed."""
    with closing(sqlite3.connect(f"{history.as_uri()}?mode=ro", uri=True)) as connection:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRT%'"
        for (table,) in connection.execute(tables).fetchall():
            rows = connection.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in rows.description]
            for row in rows:
                for name, value in zip(names, row, strict=True):
                    content = value if isinstance(value, bytes) else str(value).encode()
                    if isinstance(value, bytes) and table == "recordings":
                        content = b"".join(chunk for _, chunk in unpack(value))
                    yield f"{table}.{name}", content


@dataclass
class Traces:
    """What the program has left: files, rows and output."""

    folder: Path
    history: Path
    said: list[bytes] = field(default_factory=list)

    def of_key(self) -> list[str]:
        """The places of the key, besides the `.env` of the test."""
        found = [path.name for path, content in self._files() if tells(content)]
        if self.history.exists():
            found += [place for place, content in cells(self.history) if tells(content)]
        return found + [said.decode() for said in self.said if tells(said)]

    def of_prompt(self) -> set[str]:
        """The files that have words of the question; the history's files count as one."""
        words = [word.encode() for word in PROMPT.split()]
        return {
            _HISTORY.sub("history", path.name)
            for path, content in self._files()
            if any(word in content for word in words)
        }

    def _files(self) -> Iterator[tuple[Path, bytes]]:
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name != ".env":
                yield path, path.read_bytes()


_HISTORY = re.compile(r"^history\.db(-wal|-\d{4}-\d\d-\d\d)?$")
"""The history, its backups and SQLite's files beside it."""


@pytest.fixture
def traces(tmp_path: Path, history: Path) -> Traces:
    return Traces(tmp_path, history)


@pytest.fixture
def program(traces: Traces, server: Scripted, empty_home: Path) -> Program:
    """The program with the key in its environment; all its files are in `traces.folder`."""
    program = Program(traces.folder, traces.history)
    program.environ |= {
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": server.url,
        "HOME": str(empty_home),
        "TMPDIR": str(traces.folder),
    }
    return program


def run(program: Program, traces: Traces, *arguments: str, **environ: str) -> Done:
    done = program.run(*arguments, stdin=b"", **environ)
    traces.said += [done.out.encode(), done.err.encode()]
    return done


def broken_off(*steps: Raw) -> Reply:
    return Reply([start(), *steps])


ECHOES: dict[str, Reply] = {
    "401": refuses(401, "authentication_error", f"invalid: Authorization: Bearer {KEY}"),
    "400": refuses(400, "invalid_request_error", f"unknown key {KEY} for {PROMPT}"),
    "403": refuses(403, "permission_error", f"{KEY} may not"),
    "type": refuses(400, f"error of {KEY}"),
    "request id": refuses(400, "invalid_request_error", request_id=KEY),
    "content type": Reply([Raw(b"<p>")], headers={"content-type": f"text/{KEY}"}),
    "page": Reply(
        [Raw(f"<html>{KEY} {PROMPT}</html>".encode())], headers={"content-type": "text/html"}
    ),
    "no json": broken_off(
        Raw(f"event: content_block_delta\ndata: {KEY} {PROMPT}\n\n".encode())
    ),
    "no message": Reply([Event({"type": "message_start", "message": f"{KEY} {PROMPT}"})]),
    "no block": Reply(
        [start(), Event({"type": "content_block_delta", "index": f"{KEY}", "delta": PROMPT})]
    ),
    "in mid-stream": Reply(
        [
            start(),
            *text(0, "So far"),
            Event(
                {
                    "type": "error",
                    "error": {"type": "invalid_request_error", "message": f"{KEY} {PROMPT}"},
                }
            ),
        ]
    ),
    "redirect": Reply(status=307, headers={"location": f"http://127.0.0.1:9/{KEY}"}),
}
"""Answers that repeat the key and the question, as a debugging proxy might."""


@pytest.mark.parametrize("name", ECHOES)
def test_an_answer_that_repeats_the_key_does_not_spread_it(
    program: Program, traces: Traces, server: Scripted, name: str
) -> None:
    server.will(ECHOES[name])
    assert run(program, traces, "ask", "--json", PROMPT).code == 1
    assert [seen.headers["authorization"] for seen in server.asked] == [f"Bearer {KEY}"]
    assert traces.of_key() == []
    assert traces.of_prompt() == {"history"}


def test_the_search_of_this_test_finds_what_is_there(traces: Traces, empty_home: Path) -> None:
    assert traces.of_key() == []
    (empty_home / "streamchat.log").write_text(f"asked with {KEY[-12:]}: {PROMPT}")
    traces.said.append(base64.b64encode(KEY.encode()))
    recording = Recording()
    recording.note(f"data: {KEY}".encode(), 1)
    with closing(sqlite3.connect(traces.history)) as connection:
        connection.execute("CREATE TABLE recordings (content BLOB)")
        connection.execute("INSERT INTO recordings VALUES (?)", [recording.packed()])
        connection.commit()
    assert KEY.encode() not in traces.history.read_bytes()
    assert traces.of_key()[:2] == ["streamchat.log", "recordings.content"]
    assert len(traces.of_key()) == 3
    assert traces.of_prompt() == {"streamchat.log"}


# In the shell


def test_no_command_shows_or_keeps_the_key(
    program: Program, traces: Traces, server: Scripted
) -> None:
    # By itself, the SDK would log everything that it sends to stderr.
    done = run(program, traces, "ask", PROMPT, ANTHROPIC_LOG="debug")
    assert done == Done(0, "Hello there\n", "")
    with scripted() as gone:
        pass
    done = run(program, traces, "ask", "--json", PROMPT, ANTHROPIC_BASE_URL=gone.url)
    assert (done.code, "Could not reach" in done.out) == (1, True)
    ((whole_id,),) = program.rows(
        "SELECT conversation_id FROM transcript WHERE text = 'Hello there'"
    )
    for arguments in (
        ("log",),
        ("log", whole_id),
        ("log", whole_id, "--json"),
        ("log", "--search", PROMPT.split(maxsplit=1)[0]),
        ("doctor",),
        ("doctor", "--json"),
        ("keys", "--list"),
        ("keys", "--json"),
    ):
        assert run(program, traces, *arguments).code == 0
    server.models_reply = refuses(400, "invalid_request_error", f"what is {KEY}?")
    assert run(program, traces, "doctor").code == 1
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert traces.of_key() == []
    assert traces.of_prompt() == {"history"}


def test_plain_mode_shows_and_keeps_the_key_nowhere(
    program: Program, traces: Traces, server: Scripted
) -> None:
    server.will(says("Hello."), refuses(400, "invalid_request_error", f"what is {KEY}?"))
    lines = (
        f"{PROMPT}\nmore {PROMPT}\n/list\n/show\n/search {PROMPT.split(maxsplit=1)[0]}\n/help\n"
    )
    done = program.run("chat", "--plain", stdin=lines.encode(), ANTHROPIC_LOG="debug")
    traces.said += [done.out.encode(), done.err.encode()]
    assert (done.code, done.err) == (0, "")
    assert "[key]" in done.out
    assert [seen.headers["authorization"] for seen in server.asked] == [f"Bearer {KEY}"] * 2
    assert traces.of_key() == []
    assert traces.of_prompt() == {"history"}


def test_a_question_that_must_not_be_saved_is_nowhere(
    program: Program, traces: Traces, server: Scripted
) -> None:
    server.will(says(f"You said {PROMPT}"), refuses(400, "invalid_request_error", PROMPT))
    for code in (0, 1):
        assert run(program, traces, "ask", "--no-save", PROMPT).code == code
    assert traces.of_key() == []
    assert traces.of_prompt() == set()
    assert not list(traces.folder.glob("streamchat-*"))


# In the app


@pytest.fixture
def configured(empty_home: Path, server: Scripted) -> Path:
    """A home whose `.env` has the key of a profile for the scripted server."""
    folder = PlatformDirs("streamchat", appauthor=False).user_config_path
    assert folder.is_relative_to(empty_home)
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(
        f'profile = "near"\n[profiles.near]\nbase_url = "{server.url}"\n'
        'api_key_env = "NEAR_KEY"\n',
        encoding="utf-8",
    )
    (folder / ".env").write_text(f"NEAR_KEY={KEY}\n", encoding="utf-8")
    (folder / ".env").chmod(0o600)
    return empty_home


def written(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def the_log() -> Path:
    return PlatformDirs("streamchat", appauthor=False).user_log_path / "streamchat.log"


def test_the_app_shows_and_keeps_a_key_nowhere(
    configured: Path, traces: Traces, server: Scripted
) -> None:
    traces.history = PlatformDirs("streamchat", appauthor=False).user_data_path / "history.db"
    server.will(
        says("Well asked."), refuses(400, "invalid_request_error", f"Bearer {KEY} is odd")
    )
    environ = {"ANTHROPIC_LOG": "debug", "LANG": "C.UTF-8"}
    with terminal(home=configured, size=SIZE, environ=environ) as screen:
        screen.until_seen("Ask anything")
        screen.press(PROMPT + ENTER)
        screen.until_seen("s to first text")
        screen.press(f"more {PROMPT}{ENTER}")
        screen.until_seen("Bearer [key] is odd")
        screen.press(F1)
        screen.until_seen("Everywhere")
        screen.press(ESC)
        screen.until(lambda: "Everywhere" not in screen.text)
        screen.press(CTRL_O)
        screen.until_seen("Connections")
        # From the model past the system prompt.
        screen.press(CTRL_PGDN)
        screen.press(CTRL_PGDN)
        screen.until_seen("● near")
        command = Path(f"/proc/{screen.process.pid}/cmdline")
        if command.exists():
            traces.said.append(command.read_bytes())
        screen.press(ESC)
        screen.until(lambda: "● near" not in screen.text)
        screen.press(CTRL_Q)
        assert screen.until_left() == 0
        traces.said.append(screen.raw)
    assert [seen.headers["authorization"] for seen in server.asked] == [f"Bearer {KEY}"] * 2
    assert traces.of_key() == []
    assert traces.of_prompt() == {"history"}
    assert written(the_log()) == ""


CRASH = """
import importlib.machinery, sys

class Saboteur(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "textual.app":
            return None
        spec = super().find_spec(name, path, target)
        execute = spec.loader.exec_module
        def execute_and_break(module):
            execute(module)
            whole = module.App._check_bindings
            async def check(self, key, *args, **kwargs):
                if key == "f1":
                    chat, claude = self.screen, self.connections.current
                    raise RuntimeError("broken on purpose")
                return await whole(self, key, *args, **kwargs)
            module.App._check_bindings = check
        spec.loader.exec_module = execute_and_break
        return spec

sys.meta_path.insert(0, Saboteur)
"""
"""Breaks Textual, not us: F1 raises, with the whole app in the traceback's frames."""


def test_a_crash_tells_where_and_nothing_else(
    configured: Path, traces: Traces, tmp_path: Path
) -> None:
    traces.history = PlatformDirs("streamchat", appauthor=False).user_data_path / "history.db"
    environ = beside(CRASH, tmp_path / "site") | {"LANG": "C.UTF-8"}
    with terminal(home=configured, size=SIZE, environ=environ) as screen:
        screen.until_seen("Ask anything")
        screen.press(PROMPT + ENTER)
        screen.until_seen("s to first text")
        before = len(screen.raw)
        # So often that the app crashes.
        screen.press(F1 * 5)
        assert screen.until_left() == 1
        last = screen.raw[before:].rpartition(b"\x1b[?1049l")[2]
        traces.said.append(screen.raw)
    assert b"An internal error occurred" in last
    assert not any(word.encode() in last for word in PROMPT.split())
    assert b"Traceback" not in last
    assert "broken on purpose" in written(the_log())
    assert traces.of_key() == []
    assert traces.of_prompt() == {"history"}


def beside(code: str, site: Path) -> dict[str, str]:
    """Return an environment in which a program runs `code` first."""
    site.mkdir()
    (site / "sitecustomize.py").write_text(code, encoding="utf-8")
    return {"PYTHONPATH": f"{site}:{Path(tui.__file__).parent.parent}"}


# Only the key's own endpoint


class Listener:
    """A port that accepts everything and answers nothing."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # `close` alone would not wake the waiting thread.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._socket.accept()
                with caller:
                    caller.settimeout(5)
                    with contextlib.suppress(TimeoutError):
                        self.heard.append(caller.recv(65536))


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener


TRACED = "import sys, threading\nsys.settrace(lambda *_: None)\n"
"""Under a debugger or coverage, `load_dotenv` would look in the current folder."""


@pytest.fixture
def hostile(tmp_path: Path, listener: Listener) -> Path:
    """A folder, like a cloned repository, that tries to send keys to the listener."""
    folder = tmp_path / "cloned"
    (folder / ".streamchat").mkdir(parents=True)
    (folder / ".config" / "streamchat").mkdir(parents=True)
    config = (
        'profile = "theirs"\ntheme = "theirs"\n[profiles.claude]\n'
        f'base_url = "{listener.url}"\napi_key_env = "ANTHROPIC_API_KEY"\n[profiles.theirs]\n'
        f'base_url = "{listener.url}"\napi_key_env = "ANTHROPIC_API_KEY"\n'
    )
    for place in ("", ".streamchat", ".config/streamchat"):
        (folder / place / "config.toml").write_text(config, encoding="utf-8")
    env = [
        f"ANTHROPIC_BASE_URL={listener.url}",
        "ANTHROPIC_CUSTOM_HEADERS='X-Theirs: here'",
        *(
            f"{name}={listener.url}"
            for kind in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
            for name in (kind, kind.lower())
        ),
        f"SSL_CERT_FILE={folder / 'theirs.pem'}",
        f"STREAMCHAT_CONFIG={folder / 'config.toml'}",
        f"STREAMCHAT_DB={folder / 'theirs.db'}",
        "STREAMCHAT_PROFILE=theirs",
        "STREAMCHAT_MODEL=theirs",
    ]
    for place in ("", ".streamchat", ".config/streamchat"):
        (folder / place / ".env").write_text("\n".join(env) + "\n", encoding="utf-8")
        (folder / place / ".env").chmod(0o600)
    return folder


def test_the_current_folder_chooses_nothing(
    program: Program, traces: Traces, server: Scripted, hostile: Path, listener: Listener
) -> None:
    program.folder = hostile
    del program.environ["NO_PROXY"]
    program.environ |= beside(TRACED, traces.folder / "site")
    assert run(program, traces, "ask", PROMPT) == Done(0, "Hello there\n", "")
    done = run(program, traces, "doctor")
    assert (done.code, "theirs" in done.out) == (0, False)
    for seen in server.seen:
        assert seen.headers["authorization"] == f"Bearer {KEY}"
        assert "x-theirs" not in seen.headers
    assert server.asked[0].json["model"] == "claude-sonnet-5-5"
    assert listener.heard == []
    assert not (hostile / "theirs.db").exists()
    assert traces.of_key() == []


def test_the_app_opened_in_such_a_folder_asks_whom_it_would_elsewhere(
    program: Program, server: Scripted, hostile: Path, listener: Listener
) -> None:
    environ = program.environ | beside(TRACED, hostile.parent / "site")
    del environ["NO_PROXY"]
    with app_in(hostile, environ) as screen:
        screen.until_seen("Ask anything")
        screen.press(PROMPT + ENTER)
        screen.until_seen("s to first text")
        screen.press(CTRL_Q)
        assert screen.until_left() == 0
    assert [seen.headers["authorization"] for seen in server.asked] == [f"Bearer {KEY}"]
    assert listener.heard == []


@contextlib.contextmanager
def app_in(folder: Path, environ: dict[str, str]) -> Iterator[Terminal]:
    with terminal(home=folder, size=SIZE, environ={"NO_PROXY": ""} | environ) as screen:
        yield screen


def log_in(home: Path, base_url: str) -> None:
    """Make a login of Anthropic's own tools, whose profile names an address."""
    folder = home / ".config" / "anthropic"
    for kind, content in {
        "configs": {
            "version": "1.0",
            "authentication": {"type": "user_oauth"},
            "base_url": base_url,
        },
        "credentials": {"access_token": KEY, "expires_at": 4_000_000_000},
    }.items():
        (folder / kind).mkdir(parents=True)
        path = folder / kind / "default.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        path.chmod(0o600)


@pytest.mark.parametrize("kind", ["a login", "a key of .env"])
def test_a_key_from_a_file_goes_to_anthropic_and_nowhere_else(
    program: Program, empty_home: Path, listener: Listener, kind: str
) -> None:
    with Listener() as proxy:
        for name in ("ANTHROPIC_API_KEY", "NO_PROXY"):
            del program.environ[name]
        # The user's own proxy learns only the host to connect to.
        program.environ |= {"HTTPS_PROXY": proxy.url, "ANTHROPIC_BASE_URL": listener.url}
        if kind == "a login":
            log_in(empty_home, listener.url)
        else:
            env = empty_home / "keys"
            env.write_text(f"ANTHROPIC_API_KEY={KEY}\n", encoding="utf-8")
            env.chmod(0o600)
        more = [] if kind == "a login" else ["--env-file", str(empty_home / "keys")]
        done = program.run("doctor", "--json", *more)
    found = {(each["section"], each["name"]): each for each in json.loads(done.out)["findings"]}
    assert found["endpoint", "answers"]["level"] == "error"
    assert proxy.heard
    assert all(b"CONNECT api.anthropic.com:443" in heard for heard in proxy.heard)
    assert not any(tells(heard) for heard in proxy.heard)
    assert listener.heard == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_endpoint_that_redirects_is_not_followed(
    program: Program, traces: Traces, server: Scripted, listener: Listener, status: int
) -> None:
    location = {"location": f"{listener.url}/v1/messages"}
    server.will(Reply(status=status, headers=location))
    server.models_reply = Reply(status=status, headers=location)
    done = run(program, traces, "ask", PROMPT)
    assert (done.code, done.out) == (1, "")
    assert "redirects to another" in done.err
    assert listener.heard == []
    assert traces.of_key() == []


def test_an_endpoint_that_names_no_key_gets_none(
    program: Program, traces: Traces, server: Scripted
) -> None:
    config = traces.folder / "config.toml"
    config.write_text(f'[profiles.open]\nbase_url = "{server.url}"\n', encoding="utf-8")
    program.environ["ANTHROPIC_AUTH_TOKEN"] = KEY
    options = ("--config", str(config), "--profile", "open")
    assert run(program, traces, "ask", *options, PROMPT).code == 0
    assert run(program, traces, "doctor", *options).code == 0
    assert len(server.seen) >= 2
    for seen in server.seen:
        assert seen.headers["authorization"] == "Bearer none"
        assert not any(tells(value.encode()) for value in seen.headers.values())
