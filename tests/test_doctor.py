"""`doctor` names what is broken and the way to mend it, changes nothing, shows no key."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.scripted import Scripted, refuses, scripted
from tests.test_cli import CANARY, Done, Program, online, program
from tests.turns import ask
from tui.store import open_store

__all__ = ["online", "program"]


def findings(done: Done) -> dict[tuple[str, str], dict[str, Any]]:
    told = json.loads(done.out)
    assert told["is_broken"] == (done.code == 1)
    return {(each["section"], each["name"]): each for each in told["findings"]}


def broken(done: Done) -> list[tuple[str, str]]:
    found = findings(done)
    for each in found.values():
        assert (each["level"] == "broken") <= bool(each["mend"])
    return [place for place, each in found.items() if each["level"] == "broken"]


def test_a_healthy_machine_is_told_as_such(online: Program) -> None:
    online.run("ask", "Hi")
    done = online.run("doctor")
    assert (done.code, done.err) == (0, "")
    for words in (
        "the variable ANTHROPIC_API_KEY",
        "with 1 models",
        "1 conversations, 2 messa",
    ):
        assert words in done.out
    assert CANARY[-4:] not in done.out
    assert broken(online.run("doctor", "--json")) == []


def test_a_refused_key_and_an_endpoint_that_is_gone_are_broken(
    online: Program, server: Scripted
) -> None:
    server.models_reply = refuses(401, "authentication_error", f"bad key {CANARY}")
    done = online.run("doctor", "--json")
    assert broken(done) == [("endpoint", "answers")]
    assert "refused" in done.out
    with scripted() as gone:
        online.environ["ANTHROPIC_BASE_URL"] = gone.url
    assert broken(online.run("doctor", "--json")) == [("endpoint", "answers")]
    assert online.run("doctor", "--offline").code == 0
    assert online.run("doctor", "--demo").code == 0


def test_without_a_key_it_says_how_to_give_one(program: Program) -> None:
    env = program.folder / ".env"
    env.write_text("ANTHROPIC_API_KEY=abc\n", encoding="utf-8")
    found = findings(program.run("doctor", "--json"))
    assert found["key", "source"]["level"] == "note"
    assert "ANTHROPIC_API_KEY" in found["key", "source"]["mend"]
    assert found["key", "not read"]["value"] == str(env)
    assert found["history", "file"]["value"].startswith("there is none yet")
    assert not program.history.exists()


def test_settings_that_cannot_be_used_are_findings(program: Program, empty_home: Path) -> None:
    config = program.folder / "config.toml"
    config.write_text("theme = ", encoding="utf-8")
    done = program.run("doctor", "--json", "--config", str(config))
    assert broken(done) == [("settings", "read")]
    env = empty_home / ".config" / "streamchat" / ".env"
    env.parent.mkdir(parents=True)
    env.write_text(f"ANTHROPIC_API_KEY={CANARY}\n", encoding="utf-8")
    env.chmod(0o644)
    done = program.run("doctor", "--json")
    assert broken(done) == [("settings", "read")]
    assert f"chmod 600 {env}" in done.out
    env.chmod(0o600)
    env.parent.chmod(0o777)
    found = program.run("doctor", "--json", "--offline")
    assert broken(found) == [("settings", "folder")]
    assert findings(found)["key", "source"]["value"] == str(env)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_a_history_that_is_not_well_is_examined_and_left_alone(program: Program) -> None:
    with open_store(program.history) as store:
        for number in range(30):
            await ask(store, f"{number} " + "words " * 300)
    program.history.chmod(0o644)
    assert broken(program.run("doctor", "--json")) == [("history", "modes")]
    program.history.chmod(0o600)
    (program.history.parent / "run").mkdir(exist_ok=True)
    (program.history.parent / "run" / "dead.lock").touch()
    found = findings(program.run("doctor", "--json"))
    assert "1 that were killed" in found["history", "in use"]["value"]
    with closing(sqlite3.connect(program.history)) as connection:
        connection.execute("PRAGMA user_version = 99")
    found = findings(program.run("doctor", "--json"))
    assert "Upgrade" in found["history", "shape"]["mend"]
    content = bytearray(program.history.read_bytes())
    for page in range(5, len(content) // 4096):
        content[page * 4096 : page * 4096 + 500] = b"\xff" * 500
    program.history.write_bytes(content)
    before = digest(program.history)
    assert broken(program.run("doctor", "--json")) == [("history", "integrity")]
    program.history.write_text("Dear diary")
    assert broken(program.run("doctor", "--json")) == [("history", "integrity")]
    assert digest(program.history) != before
    assert sorted(path.name for path in program.history.parent.glob("history.db*")) == [
        "history.db"
    ]


async def test_a_program_that_runs_is_seen_by_its_lock(program: Program) -> None:
    with open_store(program.history) as store:
        await ask(store)
        store._own()
        found = findings(program.run("doctor", "--json"))
        assert found["history", "in use"]["value"].startswith("1 running programs")


def test_on_a_terminal_it_is_coloured_and_clean(program: Program) -> None:
    done = program.run_on_terminal("doctor", "--offline", "--db", "a\x1b[31mb")
    assert "\x1b[32m✓\x1b[0m" in done.out
    assert "a␛[31mb" in done.out
