"""`doctor` reports problems and how to fix them, changes nothing, shows no key."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
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
        assert (each["level"] == "error") <= bool(each["fix"])
    return [place for place, each in found.items() if each["level"] == "error"]


def test_a_healthy_machine_is_reported_as_healthy(online: Program) -> None:
    online.run("ask", "Hi")
    done = online.run("doctor")
    assert (done.code, done.err) == (0, "")
    for words in (
        "the variable ANTHROPIC_API_KEY",
        "with 1 model",
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
    assert found["key", "source"]["level"] == "warning"
    assert "ANTHROPIC_API_KEY" in found["key", "source"]["fix"]
    assert found["key", "not read"]["value"] == str(env)
    assert (
        "fix: Paste one in streamchat-tui (Ctrl+O), set ANTHROPIC_API_KEY, or put it "
        in program.run("doctor").out
    )
    assert found["history", "file"]["value"].startswith("none yet")
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
    assert findings(done)["settings", ".env"]["value"] == f"{env}, mode 644"
    assert ("key", "variables") not in findings(done)
    done = program.run("doctor", "--json", ANTHROPIC_AUTH_TOKEN=CANARY)
    assert findings(done)["key", "variables"]["value"] == "ANTHROPIC_AUTH_TOKEN"
    env.chmod(0o600)
    env.parent.chmod(0o777)
    found = program.run("doctor", "--json", "--offline")
    assert broken(found) == [("settings", "folder mode")]
    assert findings(found)["key", "source"]["value"] == str(env)
    # In a folder such as /tmp, users cannot change each other's files.
    env.parent.chmod(0o1777)
    assert broken(program.run("doctor", "--json", "--offline")) == []
    config = env.with_name("config.toml")
    config.touch()
    config.chmod(0o666)
    found = program.run("doctor", "--json", "--offline")
    assert broken(found) == [("settings", "config.toml mode")]
    assert findings(found)["settings", "config.toml mode"]["fix"] == f"chmod go-w {config}"


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
    assert "killed programs: 1" in found["history", "in use"]["value"]
    with closing(sqlite3.connect(program.history)) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("ALTER TABLE messages RENAME TO utterances")
    done = program.run("doctor", "--json")
    assert broken(done) == []
    shape = findings(done)["history", "shape"]
    assert shape["value"].startswith("version 99, ")
    assert shape["value"].endswith(", journal wal")
    assert "Upgrade" in shape["fix"]
    content = bytearray(program.history.read_bytes())
    for page in range(5, len(content) // 4096):
        content[page * 4096 : page * 4096 + 500] = b"\xff" * 500
    program.history.write_bytes(content)
    before = digest(program.history)
    assert broken(program.run("doctor", "--json")) == [("history", "integrity")]
    assert digest(program.history) == before
    program.history.write_text("Dear diary")
    assert broken(program.run("doctor", "--json")) == [("history", "integrity")]
    assert program.history.read_text() == "Dear diary"
    assert sorted(path.name for path in program.history.parent.glob("history.db*")) == [
        "history.db"
    ]


async def test_a_program_that_runs_is_seen_by_its_lock(program: Program) -> None:
    with open_store(program.history) as store:
        await ask(store)
        store.claims.own()
        found = findings(program.run("doctor", "--json"))
        assert found["history", "in use"]["value"].startswith("running programs: 1")


def test_on_a_terminal_it_is_coloured_and_clean(program: Program) -> None:
    done = program.run_on_terminal("doctor", "--offline", "--db", "a\x1b[31mb")
    assert "\x1b[32m✓\x1b[0m" in done.out
    assert "a␛[31mb" in done.out
    program.environ["NO_COLOR"] = "1"
    assert "\x1b" not in program.run_on_terminal("doctor", "--offline").out


async def test_a_killed_programs_wal_is_read_and_stays(
    program: Program, tmp_path: Path
) -> None:
    (tmp_path / "killed").mkdir()
    with open_store(program.history) as store:
        await ask(store)
        for path in program.history.parent.glob("history.db*"):
            (tmp_path / "killed" / path.name).write_bytes(path.read_bytes())
    program.environ["STREAMCHAT_DB"] = str(tmp_path / "killed" / "history.db")
    files = [tmp_path / "killed" / name for name in ("history.db", "history.db-wal")]
    for path in files:
        path.chmod(0o600)
    before = [digest(path) for path in files]
    done = program.run("doctor", "--json")
    assert broken(done) == []
    assert findings(done)["history", "holds"]["value"] == "1 conversations, 1 messages"
    assert [digest(path) for path in files] == before


async def test_a_damaged_file_that_was_set_aside_is_reported(program: Program) -> None:
    with open_store(program.history) as store:
        await ask(store)
    aside = program.history.with_name("history.db.damaged-20261101T100000Z")
    aside.write_bytes(b"words")
    found = findings(program.run("doctor", "--json", "--offline"))["history", "damaged file"]
    assert str(aside) in found["value"]
    assert "next deletion" in found["fix"]


def test_a_database_of_another_program_is_left_alone(program: Program) -> None:
    with closing(sqlite3.connect(program.history)) as connection:
        connection.execute("CREATE TABLE books (title)")
        connection.commit()
    before = digest(program.history)
    done = program.run("doctor", "--json")
    assert broken(done) == [("history", "integrity")]
    found = findings(done)["history", "integrity"]
    assert (found["value"], found["fix"]) == (
        "it is a database of another program",
        "Choose another with --db.",
    )
    assert digest(program.history) == before


async def test_a_clock_behind_the_history_is_reported(program: Program) -> None:
    with open_store(program.history) as store:
        await ask(store)
    soon = time.time() + 3600
    os.utime(program.history, (soon, soon))
    found = findings(program.run("doctor", "--json"))["clock", "time"]
    assert found["value"].startswith("the newest write to the file is ")
    assert found["value"].endswith(" ahead of it")
    assert found["level"] == "warning"


async def test_a_folder_that_others_can_write_to_is_reported(program: Program) -> None:
    with open_store(program.history) as store:
        await ask(store)
    folder = program.history.parent
    folder.chmod(0o777)
    found = findings(program.run("doctor", "--json"))["history", "folder"]
    assert (found["level"], found["fix"]) == ("warning", f"chmod 700 {folder}")
    folder.chmod(0o1777)
    found = findings(program.run("doctor", "--json"))["history", "folder"]
    assert found["value"] == "other users can read it"


def test_a_file_that_cannot_be_checked_is_a_finding(program: Program, empty_home: Path) -> None:
    done = program.run("doctor", "--json", "--db", "x" * 300)
    assert broken(done) == [("history", "path")]
    assert "too long" in findings(done)["history", "path"]["value"]
    done = program.run("doctor", "--json", STREAMCHAT_DB="~nobody-of-this-name/x.db")
    assert broken(done) == [("settings", "read"), ("history", "path")]
    done = program.run("doctor", "--json", "--db", str(program.folder))
    assert broken(done) == [("history", "integrity")]
    log = empty_home / ".local" / "state" / "streamchat" / "log" / "streamchat.log"
    log.mkdir(parents=True)
    found = findings(program.run("doctor", "--json"))["log", "file"]
    assert (found["level"], "cannot be written" in found["value"]) == ("warning", True)


def test_without_a_home_it_still_tells_what_it_can(program: Program) -> None:
    site = program.folder / "site"
    site.mkdir()
    # As for a user who has no entry on the machine.
    code = "import os.path\nos.path.expanduser = lambda path: path\n"
    (site / "sitecustomize.py").write_text(code, encoding="utf-8")
    del program.environ["HOME"]
    program.environ["PYTHONPATH"] = f"{site}:{program.environ['PYTHONPATH']}"
    done = program.run("doctor", "--json")
    assert broken(done) == [("settings", "read"), ("settings", "path"), ("log", "path")]
    assert findings(done)["history", "path"]["value"] == str(program.history)
    assert program.run("log").code == 2


def test_a_variable_with_a_password_is_named_and_not_shown(online: Program) -> None:
    online.environ["ANTHROPIC_BASE_URL"] += f"/?key={CANARY}"
    online.environ |= {"https_proxy": f"http://me:{CANARY}@127.0.0.1:9"}
    found = findings(online.run("doctor", "--json"))
    assert found["endpoint", "proxies"]["value"] == "set by NO_PROXY, https_proxy"
    assert found["endpoint", "address"]["value"].endswith("/")


def test_wrong_usage_has_another_exit_code_than_an_error(program: Program) -> None:
    assert program.run("doctor", "--nothing").code == 2


def test_without_utf_8_its_signs_are_ascii(program: Program) -> None:
    done = program.run("doctor", PYTHONIOENCODING="ascii")
    assert "  + SQLite" in done.out
    assert "  ! source" in done.out
    assert done.out.isascii()


def test_a_history_folder_that_others_can_read_is_reported(online: Program) -> None:
    online.run("ask", "Hi")
    folder = online.history.parent
    for mode, said in (
        (0o755, "read it"),
        (0o777, "write to it"),
        (0o1777, "read it"),
    ):
        folder.chmod(mode)
        told = findings(online.run("doctor", "--json"))["history", "folder"]
        assert (told["level"], told["value"]) == ("warning", f"other users can {said}")
        is_shared = mode == 0o1777
        assert told["fix"] == (
            "Keep the history in a folder of its own." if is_shared else f"chmod 700 {folder}"
        )
    folder.chmod(0o700)
    assert ("history", "folder") not in findings(online.run("doctor", "--json"))


def test_unknown_themes_and_keys_are_reported(program: Program) -> None:
    config = program.folder / "config.toml"
    config.write_text(
        'theme = "drak"\n[keys]\n"chat.nwe" = "f5"\n"chat.new" = "f1"\n', encoding="utf-8"
    )
    done = program.run("doctor", "--json", "--config", str(config))
    assert broken(done) == [("settings", "theme")]
    told = [each for each in json.loads(done.out)["findings"] if each["section"] == "settings"]
    themes, unknown, clash = (each for each in told if each["level"] != "ok")
    assert f"{config}, line 1: unknown theme 'drak'. Known themes: " in themes["value"]
    assert unknown["value"] == f"{config}, line 3: unknown key name 'chat.nwe'."
    assert "chat.new" in unknown["fix"]
    assert "f1" in clash["value"].lower()
    config.write_text('theme = "streamchat-light"\nkeys.chat.new = "f5"\n', encoding="utf-8")
    assert broken(program.run("doctor", "--json", "--config", str(config))) == []
