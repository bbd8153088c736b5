"""Keys are saved in the keyring, each for its profile and its host, and never shown."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from platformdirs import PlatformDirs

from tests import file_keyring
from tests.scripted import SONNET, Scripted
from tests.terminal import Terminal
from tests.test_cli import Done, Program
from tui.config import credentials
from tui.config.config import BadSetting
from tui.config.credentials import KeyringFailed, delete_key, read_key, save_key
from tui.config.loading import Flags, load
from tui.config.profiles import KeyPlace, NewProfile, Profiles

KEY = "sk-canary-4Hq8canary7Zk2Wx9"
FAULTS = {
    "locked": "The keyring is locked. Unlock it, then try again.",
    "absent": "This machine has no usable keyring. Save the key in .env instead.",
    "broken": "The keyring failed (RuntimeError). Save the key in .env instead.",
    "silent": "The keyring did not answer within 0 seconds. Unlock it, then try again.",
}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of an empty keyring."""
    import keyring

    path = tmp_path / "keyring.json"
    monkeypatch.setenv("KEYRING_FILE", str(path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", file_keyring.NAME)
    keyring.set_keyring(file_keyring.FileKeyring())
    return path


@pytest.fixture
def config(empty_home: Path) -> Path:
    folder = PlatformDirs("streamchat", appauthor=False).user_config_path
    assert folder.is_relative_to(empty_home)
    folder.mkdir(parents=True)
    return folder / "config.toml"


@pytest.fixture
def program(tmp_path: Path, history: Path, kept: Path, empty_home: Path) -> Program:
    program = Program(tmp_path, history)
    program.environ |= {
        "HOME": str(empty_home),
        "KEYRING_FILE": str(kept),
        "PYTHON_KEYRING_BACKEND": file_keyring.NAME,
    }
    return program


@pytest.mark.usefixtures("kept")
def test_a_key_belongs_to_its_profile_at_its_host() -> None:
    save_key("work", "one.example", KEY)
    assert read_key("work", "one.example") == KEY
    assert read_key("work", "two.example") is None
    assert read_key("home", "one.example") is None
    assert delete_key("work", "one.example")
    assert not delete_key("work", "one.example")
    assert read_key("work", "one.example") is None


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_keyring_that_cannot_be_used_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv("KEYRING_FAULT", fault)
    monkeypatch.setattr(credentials, "SECONDS", 0.2)
    works: list[Callable[[], object]] = [
        lambda: read_key("a", "b"),
        lambda: save_key("a", "b", KEY),
    ]
    for work in works:
        with pytest.raises(KeyringFailed) as caught:
            work()
        assert str(caught.value) == FAULTS[fault]


@pytest.mark.usefixtures("kept")
def test_the_keyring_is_asked_after_the_env_file_and_only_where_a_profile_says_so(
    config: Path,
) -> None:
    config.write_text("[profiles.claude]\nkeyring = true\n[profiles.other]\n", "utf-8")
    save_key("claude", "api.anthropic.com", KEY)
    save_key("other", "api.anthropic.com", "sk-other")
    found = load(Flags(), {})
    assert found.endpoint is not None
    assert (found.endpoint.api_key, found.key_from) == (KEY, "keyring")
    assert load(Flags(profile="other"), {}).endpoint is None
    env = config.with_name(".env")
    env.write_text("ANTHROPIC_API_KEY=sk-env\n", "utf-8")
    env.chmod(0o600)
    assert load(Flags(), {}).key_from == ".env"
    found = load(Flags(), {"ANTHROPIC_API_KEY": "sk-variable"})
    assert found.key_from == "ANTHROPIC_API_KEY"


@pytest.mark.usefixtures("kept")
def test_a_key_is_not_sent_to_a_host_that_the_profile_names_later(
    config: Path,
) -> None:
    config.write_text(
        '[profiles.claude]\nkeyring = true\nbase_url = "https://gateway.example"\n', "utf-8"
    )
    save_key("claude", "api.anthropic.com", KEY)
    found = load(Flags(), {})
    assert found.endpoint is not None
    assert found.endpoint.api_key is None
    assert "no key for claude at gateway.example" in found.keyring_problem


def test_a_start_with_a_key_does_not_load_keyring(program: Program, config: Path) -> None:
    config.write_text("[profiles.claude]\nkeyring = true\n", "utf-8")
    code = (
        "import sys; from tui.config.loading import Flags, load; found = load(Flags());"
        "print(found.key_from, 'keyring' in sys.modules)"
    )
    for key, said in (("sk-1", "ANTHROPIC_API_KEY False"), ("", " True")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=program.environ | {"ANTHROPIC_API_KEY": key},
        )
        assert done.stdout.rstrip("\n") == said


# In the shell


def test_a_key_is_piped_in_listed_without_it_and_deleted(
    program: Program, config: Path, kept: Path, server: Scripted
) -> None:
    config.write_text(
        f'# mine\n[profiles.near]\nbase_url = "{server.url}" # here\n', encoding="utf-8"
    )
    host = server.url.removeprefix("http://")
    assert program.run("credentials", "list").out.splitlines()[1].split() == [
        *("near", host),
        *("no", "key"),
    ]
    done = program.run("credentials", "set", "near", stdin=f"{KEY}\n".encode())
    assert (done.code, done.out) == (0, "")
    assert KEY in kept.read_text("utf-8")
    assert config.read_text("utf-8") == (
        f'# mine\n[profiles.near]\nbase_url = "{server.url}" # here\nkeyring = true\n'
    )
    done = program.run("credentials", "list")
    assert done.out.splitlines()[1].split() == ["near", host, "keyring"]
    asked = program.run("ask", "--profile", "near", "--no-save", "Hi")
    assert asked == Done(0, "Hello there\n", "")
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert program.run("credentials", "delete", "near").code == 0
    assert KEY not in kept.read_text("utf-8")
    assert "keyring" not in config.read_text("utf-8")
    assert program.run("credentials", "delete", "near").code == 1
    assert all(KEY not in said for said in program.said)


def test_a_locked_keyring_fails_a_question_in_one_line(program: Program, config: Path) -> None:
    config.write_text("[profiles.claude]\nkeyring = true\n", "utf-8")
    for arguments in (("ask", "Hi"), ("models",)):
        done = program.run(*arguments, KEYRING_FAULT="locked")
        assert (done.code, done.out) == (1, "")
        assert done.err == f"streamchat-tui: {FAULTS['locked']}\n"
    done = program.run("credentials", "set", "claude", stdin=b"sk-1", KEYRING_FAULT="locked")
    assert (done.code, done.err) == (1, f"streamchat-tui: {FAULTS['locked']}\n")
    doctor = program.run("doctor", "--offline", KEYRING_FAULT="locked")
    assert FAULTS["locked"] in doctor.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("set",), 2, "needs the name of a profile"),
        (("list", "claude"), 2, "takes no profile"),
        (("set", "nobody"), 1, "Unknown profile 'nobody'"),
        (("set", "claude"), 1, "No key was given"),
    ],
)
def test_what_cannot_be_meant_is_said(
    program: Program, arguments: tuple[str, ...], code: int, said: str
) -> None:
    stdin = b"sk-1" if "nobody" in arguments else b""
    done = program.run("credentials", *arguments, stdin=stdin)
    assert (done.code, said in done.err) == (code, True)


@pytest.mark.usefixtures("config")
def test_a_typed_key_is_not_shown(program: Program, kept: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "credentials", "set", "claude"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env=program.environ,
    )
    os.close(theirs)
    screen = Terminal(process, ours, (100, 20))
    screen.until_seen("it is not shown")
    screen.press(f"{KEY}\r")
    assert screen.until_left() == 0
    assert KEY in kept.read_text("utf-8")
    assert KEY.encode() not in screen.raw
    os.close(ours)


def test_the_models_of_a_connection_are_listed(
    program: Program, config: Path, server: Scripted
) -> None:
    config.write_text(f'[profiles.claude]\nbase_url = "{server.url}"\n', "utf-8")
    done = program.run("models")
    assert done.code == 0
    heading, row = done.out.splitlines()
    assert heading.split() == ["ID", "NAME", "CONTEXT", "LONGEST", "REPLY", "TAKES"]
    assert row.split() == [
        *("claude-sonnet-5-5", "Claude", "Sonnet", "5.5", "1,000,000", "128,000", "thinking")
    ]
    assert program.run("models", "--json").out.count(SONNET["id"]) == 1
    server.models = None
    done = program.run("models")
    assert (done.code, done.out) == (0, "")
    assert "has no list of models" in done.err
    assert program.run("models", STREAMCHAT_CONFIG=os.devnull).code == 1


# Profiles


def test_a_profile_is_saved_in_each_place_and_removed_from_it(kept: Path, config: Path) -> None:
    config.write_text("# mine\n", "utf-8")
    env = config.with_name(".env")
    profiles = Profiles(environ={})
    near = "http://127.0.0.1:4000"
    profiles.add(NewProfile("one", near, KEY, "m"), "keyring")
    profiles.add(NewProfile("zwei drei", near, KEY), ".env")
    profiles.add(NewProfile("four", near, KEY), "this run")
    profiles.add(NewProfile("claude", "", KEY), ".env")
    listed = {each.name: each.key_from for each in profiles.listed()}
    assert listed == {
        "claude": ".env",
        "one": "keyring",
        "zwei drei": ".env",
        "four": "this run",
    }
    for name in listed:
        endpoint = profiles.load(name).endpoint
        assert endpoint is not None
        assert endpoint.api_key == KEY
    assert profiles.load("one").model == "m"
    assert "four" not in config.read_text("utf-8")
    assert KEY not in config.read_text("utf-8")
    assert env.stat().st_mode & 0o777 == 0o600
    assert env.read_text("utf-8").count(KEY) == 2
    profiles.make_default("one")
    assert load(Flags(), {}).profile == "one"
    with pytest.raises(BadSetting, match="for this run only"):
        profiles.make_default("four")
    with pytest.raises(BadSetting, match="profile 'one' exists already"):
        profiles.add(NewProfile("one", near, "sk-2"), ".env")
    for name in listed:
        profiles.remove(name)
    assert [each.name for each in profiles.listed()] == ["claude"]
    assert config.read_text("utf-8").strip() == "# mine"
    assert KEY not in env.read_text("utf-8") + kept.read_text("utf-8")


def test_nothing_is_kept_if_config_cannot_be_written(kept: Path, config: Path) -> None:
    config.write_text("titles = true\n", "utf-8")
    config.chmod(0o400)
    profiles = Profiles(environ={})
    places: tuple[KeyPlace, ...] = ("keyring", ".env")
    for place in places:
        with pytest.raises(BadSetting, match="it is read-only"):
            profiles.add(NewProfile("one", "http://127.0.0.1:4000", KEY), place)
    assert KEY not in kept.read_text("utf-8")
    assert KEY not in config.with_name(".env").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "base_url", "key", "said"),
    [
        ("", "", KEY, "A name must have"),
        ("a", "http://gateway.example", KEY, "is not encrypted"),
        ("a", "gateway", KEY, "is not an http or https address"),
        ("a", "", "sk 1", "contains characters that no key has"),
    ],
)
@pytest.mark.usefixtures("config")
def test_what_cannot_be_saved_is_reported(
    name: str, base_url: str, key: str, said: str
) -> None:
    with pytest.raises(BadSetting, match=said):
        Profiles(environ={}).add(NewProfile(name, base_url, key), "this run")


def test_the_other_lines_of_the_env_file_stay(config: Path) -> None:
    env = config.with_name(".env")
    env.write_text("# mine\nOTHER='a b'\nANTHROPIC_API_KEY=", "utf-8")
    env.chmod(0o600)
    Profiles(environ={}).add(NewProfile("claude", "", KEY), ".env")
    assert env.read_text("utf-8") == f"# mine\nOTHER='a b'\nANTHROPIC_API_KEY={KEY}\n"
    config.write_text('[profiles.b]\napi_key_env = "B"\n', "utf-8")
    Profiles(environ={}).add(NewProfile("b", "", "sk-#'2"), ".env")
    assert env.read_text("utf-8").endswith("B=sk-#'2\n")
    assert load(Flags(profile="b"), {}).key_from == ".env"


def test_the_models_of_the_demo_are_listed_without_a_request(
    program: Program, server: Scripted
) -> None:
    program.environ |= {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": server.url}
    done = program.run("models", "--demo", "--json")
    assert (done.code, [each["id"] for each in json.loads(done.out)]) == (0, ["demo"])
    assert not server.seen
