"""Where each setting comes from, and which key may go to which address."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from platformdirs import PlatformDirs

from tui.config.config import BadSetting
from tui.config.loading import Flags, load
from tui.config.settings import BY_NAME, Settings
from tui.domain.endpoint import ANTHROPIC, BadEndpoint, Endpoint, checked_base_url, is_loopback

DEFAULT_MODEL = BY_NAME["model"].default
CANARY = "sk-ant-canary-0123456789"
LOCAL = "http://127.0.0.1:11434"
PROFILES = f"""
[profiles.claude]
model = "claude-of-the-profile"
[profiles.local]
base_url = "{LOCAL}"
api_key_env = "LOCAL_KEY"
model = "qwen3"
[profiles.open]
base_url = "{LOCAL}"
"""


@pytest.fixture
def folder(empty_home: Path) -> Path:
    """The program's own config folder."""
    made = PlatformDirs("streamchat", appauthor=False).user_config_path
    assert made.is_relative_to(empty_home)
    made.mkdir(parents=True)
    return made


@pytest.fixture
def config(folder: Path) -> Path:
    return folder / "config.toml"


def write_env(path: Path, *lines: str, mode: int = 0o600) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(mode)
    return path


def chosen(flags: Flags | None = None, /, **environ: str) -> Settings:
    return load(flags or Flags(), environ)


def endpoint(flags: Flags | None = None, /, **environ: str) -> Endpoint:
    found = chosen(flags, **environ).endpoint
    assert found is not None
    return found


def complaint(flags: Flags | None = None, /, **environ: str) -> str:
    with pytest.raises(BadSetting) as caught:
        chosen(flags, **environ)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    return text


def test_with_nothing_chosen_there_are_defaults_and_no_endpoint(empty_home: Path) -> None:
    found = chosen()
    assert found.endpoint is None
    assert (found.model, found.profile) == (DEFAULT_MODEL, "claude")
    assert (found.theme, found.frames_per_second, found.unused_env) == (None, 15, None)
    assert found.is_default_db
    assert found.db.name == "history.db"
    assert found.db.is_relative_to(empty_home)
    assert found.log.is_relative_to(empty_home)


def test_reading_the_settings_makes_no_file(empty_home: Path) -> None:
    chosen()
    assert list(empty_home.iterdir()) == []


@pytest.mark.parametrize(
    ("flag", "variable", "profile", "model"),
    [
        ("of-flag", "of-variable", "of-profile", "of-flag"),
        (None, "of-variable", "of-profile", "of-variable"),
        (None, None, "of-profile", "of-profile"),
        (None, None, None, DEFAULT_MODEL),
    ],
)
def test_a_flag_beats_a_variable_beats_the_file_beats_the_default(
    config: Path, flag: str | None, variable: str | None, profile: str | None, model: str
) -> None:
    if profile:
        config.write_text(f'[profiles.claude]\nmodel = "{profile}"\n', encoding="utf-8")
    environ = {"STREAMCHAT_MODEL": variable} if variable else {}
    assert chosen(Flags(model=flag), **environ).model == model


def test_the_database_is_chosen_by_flag_then_variable(tmp_path: Path) -> None:
    flag, variable = tmp_path / "flag.db", tmp_path / "variable.db"
    both = chosen(Flags(db=flag), STREAMCHAT_DB=str(variable))
    assert (both.db, both.is_default_db) == (flag, False)
    one = chosen(STREAMCHAT_DB=str(variable))
    assert (one.db, one.is_default_db) == (variable, False)


def test_a_variable_may_begin_with_the_home_folder(empty_home: Path) -> None:
    assert chosen(STREAMCHAT_DB="~/chats.db").db == empty_home / "chats.db"
    text = complaint(STREAMCHAT_DB="~nobody-of-this-name/chats.db")
    assert text.startswith("STREAMCHAT_DB: ~nobody-of-this-name/chats.db")


def test_the_config_file_is_chosen_by_flag_then_variable(tmp_path: Path, config: Path) -> None:
    for path in (config, tmp_path / "flag.toml", tmp_path / "variable.toml"):
        path.write_text(f'theme = "{path.stem}"\n', encoding="utf-8")
    variable = str(tmp_path / "variable.toml")
    assert chosen().theme == "config"
    assert chosen(STREAMCHAT_CONFIG=variable).theme == "variable"
    flags = Flags(config=tmp_path / "flag.toml")
    assert chosen(flags, STREAMCHAT_CONFIG=variable).theme == "flag"


@pytest.mark.parametrize(
    ("flag", "variable", "file", "profile"),
    [
        ("open", "local", "claude", "open"),
        (None, "local", "claude", "local"),
        (None, None, "open", "open"),
        (None, None, None, "claude"),
    ],
)
def test_the_profile_is_chosen_by_flag_then_variable_then_file(
    config: Path, flag: str | None, variable: str | None, file: str | None, profile: str
) -> None:
    line = f'profile = "{file}"\n' if file else ""
    config.write_text(line + PROFILES, encoding="utf-8")
    environ = {"STREAMCHAT_PROFILE": variable} if variable else {}
    assert chosen(Flags(profile=flag), **environ).profile == profile


def test_an_unknown_profile_is_named_with_those_there_are(config: Path) -> None:
    config.write_text(PROFILES, encoding="utf-8")
    assert complaint(Flags(profile="lokal")) == (
        "Unknown profile 'lokal'. Known profiles: claude, local, open."
    )


def test_the_default_profile_needs_no_table(config: Path) -> None:
    config.write_text('profile = "claude"\n', encoding="utf-8")
    assert chosen(ANTHROPIC_API_KEY="k").endpoint == Endpoint(ANTHROPIC, api_key="k")


# Keys and their endpoints


def test_a_key_of_the_environment_goes_to_anthropic() -> None:
    assert endpoint(ANTHROPIC_API_KEY="k") == Endpoint(ANTHROPIC, api_key="k")
    assert endpoint(ANTHROPIC_AUTH_TOKEN="t") == Endpoint(ANTHROPIC, auth_token="t")


def test_a_key_of_the_environment_goes_to_the_address_beside_it() -> None:
    gateway = {"ANTHROPIC_BASE_URL": "https://gateway.example"}
    assert endpoint(ANTHROPIC_API_KEY="k", **gateway) == Endpoint(
        "https://gateway.example", api_key="k"
    )
    assert endpoint(ANTHROPIC_AUTH_TOKEN="t", **gateway) == Endpoint(
        "https://gateway.example", auth_token="t"
    )


def test_a_key_beats_a_token_and_spaces_are_no_key() -> None:
    assert endpoint(ANTHROPIC_API_KEY="k", ANTHROPIC_AUTH_TOKEN="t").api_key == "k"
    assert endpoint(ANTHROPIC_API_KEY="  ", ANTHROPIC_AUTH_TOKEN="t").auth_token == "t"
    assert chosen(ANTHROPIC_API_KEY="", ANTHROPIC_AUTH_TOKEN=" ").endpoint is None


def test_a_key_loses_the_white_space_around_it() -> None:
    assert endpoint(ANTHROPIC_API_KEY=" k\r\n").api_key == "k"


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_a_key_of_the_env_file_goes_to_anthropic_only(folder: Path, name: str) -> None:
    write_env(folder / ".env", f"{name}=k")
    found = endpoint(ANTHROPIC_BASE_URL="https://gateway.example")
    assert found.base_url == ANTHROPIC
    assert (found.api_key or found.auth_token) == "k"


def test_a_key_of_the_environment_beats_the_env_file(folder: Path) -> None:
    write_env(folder / ".env", "ANTHROPIC_API_KEY=of-file")
    assert endpoint(ANTHROPIC_API_KEY="of-environment").api_key == "of-environment"
    assert endpoint(ANTHROPIC_AUTH_TOKEN="t") == Endpoint(ANTHROPIC, auth_token="t")


def test_the_env_file_sets_keys_and_nothing_else(folder: Path) -> None:
    write_env(
        folder / ".env",
        "ANTHROPIC_API_KEY=k",
        "ANTHROPIC_BASE_URL=http://127.0.0.1:1",
        "STREAMCHAT_DB=elsewhere.db",
        "STREAMCHAT_MODEL=another",
        "STREAMCHAT_PROFILE=another",
        "HTTPS_PROXY=http://127.0.0.1:1",
    )
    before = dict(os.environ)
    found = chosen()
    assert found.endpoint == Endpoint(ANTHROPIC, api_key="k")
    assert (found.is_default_db, found.model, found.profile) == (True, DEFAULT_MODEL, "claude")
    assert dict(os.environ) == before


def test_the_env_file_is_read_as_people_write_it(folder: Path) -> None:
    write_env(folder / ".env", "# mine", "", "export ANTHROPIC_API_KEY='a$b${HOME}'  # new")
    assert endpoint().api_key == "a$b${HOME}"


def test_a_profile_with_an_address_gets_its_own_key(config: Path) -> None:
    config.write_text(PROFILES, encoding="utf-8")
    found = endpoint(Flags(profile="local"), LOCAL_KEY="own", ANTHROPIC_API_KEY="k")
    assert found == Endpoint(LOCAL, api_key="own")


def test_a_profile_with_an_address_gets_its_own_key_from_the_env_file(config: Path) -> None:
    config.write_text(PROFILES, encoding="utf-8")
    write_env(config.with_name(".env"), "LOCAL_KEY=of-file", "ANTHROPIC_API_KEY=k")
    assert endpoint(Flags(profile="local")) == Endpoint(LOCAL, api_key="of-file")
    assert endpoint(Flags(profile="local"), LOCAL_KEY="nearer").api_key == "nearer"


@pytest.mark.parametrize("profile", ["local", "open"])
def test_a_profile_with_an_address_never_gets_another_key(config: Path, profile: str) -> None:
    config.write_text(PROFILES, encoding="utf-8")
    write_env(config.with_name(".env"), "ANTHROPIC_API_KEY=k", "ANTHROPIC_AUTH_TOKEN=t")
    found = endpoint(
        Flags(profile=profile),
        ANTHROPIC_API_KEY="k",
        ANTHROPIC_AUTH_TOKEN="t",
        ANTHROPIC_BASE_URL="https://gateway.example",
    )
    assert found == Endpoint(LOCAL)


def test_a_profile_may_name_anthropics_key_as_its_own(config: Path) -> None:
    config.write_text(
        f'[profiles.x]\nbase_url = "{LOCAL}"\napi_key_env = "ANTHROPIC_API_KEY"\n',
        encoding="utf-8",
    )
    assert endpoint(Flags(profile="x"), ANTHROPIC_API_KEY="k") == Endpoint(LOCAL, api_key="k")


def test_a_profile_of_anthropics_may_name_another_key(config: Path) -> None:
    config.write_text('[profiles.work]\napi_key_env = "WORK_KEY"\n', encoding="utf-8")
    flags = Flags(profile="work")
    assert endpoint(flags, WORK_KEY="w", ANTHROPIC_API_KEY="k").api_key == "w"
    assert chosen(flags, ANTHROPIC_API_KEY="k").endpoint is None


def test_a_profile_with_an_address_gets_no_login(config: Path, empty_home: Path) -> None:
    config.write_text(PROFILES, encoding="utf-8")
    log_in(empty_home / ".config" / "anthropic", "default")
    assert endpoint(Flags(profile="open")).login is None


# Logins of Anthropic's SDK


def log_in(folder: Path, name: str, kind: str = "credentials") -> None:
    (folder / kind).mkdir(parents=True, exist_ok=True)
    (folder / kind / f"{name}.json").write_text(json.dumps({}), encoding="utf-8")


@pytest.mark.parametrize("kind", ["configs", "credentials"])
def test_a_login_is_found_by_its_files(empty_home: Path, kind: str) -> None:
    log_in(empty_home / ".config" / "anthropic", "default", kind)
    assert endpoint() == Endpoint(ANTHROPIC, login="default")


def test_a_login_goes_to_anthropic_only(empty_home: Path) -> None:
    log_in(empty_home / ".config" / "anthropic", "default")
    assert endpoint(ANTHROPIC_BASE_URL="https://gateway.example").base_url == ANTHROPIC


def test_the_login_is_the_active_one_or_the_one_named(tmp_path: Path) -> None:
    folder = tmp_path / "logins"
    for name in ("default", "active", "named"):
        log_in(folder, name)
    where = {"ANTHROPIC_CONFIG_DIR": str(folder)}
    assert endpoint(**where).login == "default"
    (folder / "active_config").write_text("active\n", encoding="utf-8")
    assert endpoint(**where).login == "active"
    assert endpoint(ANTHROPIC_PROFILE="named", **where).login == "named"
    assert chosen(ANTHROPIC_PROFILE="gone", **where).endpoint is None


@pytest.mark.parametrize("folder", ["..", "sub", "/"])
def test_the_name_of_a_login_is_no_path(tmp_path: Path, folder: str) -> None:
    logins = tmp_path / "logins"
    name = f"{tmp_path}/elsewhere" if folder == "/" else f"{folder}/elsewhere"
    file = logins / "credentials" / f"{name}.json"
    (logins / "credentials").mkdir(parents=True)
    file.parent.mkdir(exist_ok=True)
    file.write_text("{}", encoding="utf-8")
    where = {"ANTHROPIC_CONFIG_DIR": str(logins)}
    assert chosen(ANTHROPIC_PROFILE=name, **where).endpoint is None


def test_a_key_beats_a_login(empty_home: Path, folder: Path) -> None:
    log_in(empty_home / ".config" / "anthropic", "default")
    write_env(folder / ".env", "ANTHROPIC_API_KEY=k")
    assert endpoint() == Endpoint(ANTHROPIC, api_key="k")


# The .env file


def test_no_env_file_of_the_current_folder_is_read(tmp_path: Path) -> None:
    path = write_env(tmp_path / ".env", "ANTHROPIC_API_KEY=k", "STREAMCHAT_DB=mine.db")
    found = chosen()
    assert found.endpoint is None
    assert found.is_default_db
    assert found.unused_env == path


def test_an_unread_env_file_is_reported_only_if_it_would_help(
    tmp_path: Path, config: Path
) -> None:
    config.write_text(PROFILES, encoding="utf-8")
    path = write_env(tmp_path / ".env", "ANTHROPIC_API_KEY=k")
    assert chosen(ANTHROPIC_API_KEY="k").unused_env is None
    assert chosen(Flags(profile="open")).unused_env is None
    write_env(path, "DATABASE_URL=x", "ANTHROPIC_API_KEY=")
    assert chosen().unused_env is None
    write_env(path, "this is no such file")
    assert chosen().unused_env is None


def test_an_env_file_in_the_current_folder_that_is_no_file_is_not_opened(
    tmp_path: Path,
) -> None:
    # Opening it would wait for a writer for ever.
    os.mkfifo(tmp_path / ".env")
    assert chosen().unused_env is None
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").symlink_to(write_env(tmp_path / "keys", "ANTHROPIC_API_KEY=k"))
    assert chosen().unused_env is None


def test_the_current_folder_may_be_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    try:
        assert chosen().unused_env is None
    finally:
        os.chdir(tmp_path)


def test_a_config_folder_below_the_current_one_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "streamchat").mkdir()
    write_env(tmp_path / "streamchat" / ".env", "ANTHROPIC_API_KEY=theirs")
    monkeypatch.setenv("XDG_CONFIG_HOME", ".")
    assert chosen().endpoint is None


def test_without_a_home_it_says_so_and_finds_no_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "There is no home folder. Set HOME to the full path of yours."
    with monkeypatch.context() as older:
        older.setattr(PlatformDirs, "user_config_path", Path("~/.config/streamchat"))
        assert complaint() == said
    # As for a user who has no entry on the machine.
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert complaint() == said
    for kind in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path))
    log_in(tmp_path / "~" / ".config" / "anthropic", "default")
    assert chosen().endpoint is None


def test_the_env_file_that_is_named_is_read_instead_of_the_programs_own(
    tmp_path: Path, folder: Path
) -> None:
    write_env(folder / ".env", "ANTHROPIC_API_KEY=own", "ANTHROPIC_AUTH_TOKEN=own")
    named = write_env(tmp_path / "keys", "ANTHROPIC_API_KEY=named")
    assert endpoint(Flags(env_file=named)) == Endpoint(ANTHROPIC, api_key="named")


def test_the_env_file_of_the_current_folder_is_read_when_it_is_named(tmp_path: Path) -> None:
    write_env(tmp_path / ".env", "ANTHROPIC_API_KEY=k")
    found = chosen(Flags(env_file=Path(".env")))
    assert (found.endpoint, found.unused_env) == (Endpoint(ANTHROPIC, api_key="k"), None)


def test_an_env_file_that_is_named_must_exist(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    assert complaint(Flags(env_file=path)) == f"{path} does not exist."


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_an_env_file_that_others_may_read_is_refused(folder: Path, mode: int) -> None:
    path = write_env(folder / ".env", "ANTHROPIC_API_KEY=k", mode=mode)
    assert complaint().endswith(f"Run: chmod 600 {path}")
    path.chmod(0o600)
    assert endpoint().api_key == "k"


def test_an_env_file_that_is_a_link_or_a_folder_is_refused(folder: Path) -> None:
    path = folder / ".env"
    path.symlink_to(write_env(folder / "keys", "ANTHROPIC_API_KEY=k"))
    assert "is not a regular file" in complaint()
    path.unlink()
    path.mkdir()
    assert "is not a regular file" in complaint()


def test_an_env_file_that_is_a_pipe_is_refused_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / ".env", 0o600)
    assert "is not a regular file" in complaint()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_an_env_file_of_another_user_is_refused(folder: Path) -> None:
    path = write_env(folder / ".env", "ANTHROPIC_API_KEY=k")
    os.chown(path, 65534, -1)
    assert complaint() == f"{path} belongs to another user, so no key is read from it."


def test_a_link_put_in_the_place_of_the_env_file_at_the_last_moment_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_env(folder / ".env", "ANTHROPIC_API_KEY=mine")
    theirs = write_env(folder / "theirs", "ANTHROPIC_API_KEY=theirs")
    opening = os.open

    def put_and_open(name: Path, flags: int) -> int:
        path.unlink()
        path.symlink_to(theirs)
        return opening(name, flags)

    monkeypatch.setattr(os, "open", put_and_open)
    assert "is not a regular file" in complaint()


def test_a_file_put_in_the_place_of_the_env_file_once_it_is_open_is_not_judged_for_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_env(folder / ".env", "ANTHROPIC_API_KEY=open-to-all", mode=0o644)
    opening = os.open

    def open_and_put(name: Path, flags: int) -> int:
        descriptor = opening(name, flags)
        path.unlink()
        write_env(path, "ANTHROPIC_API_KEY=private")
        return descriptor

    monkeypatch.setattr(os, "open", open_and_put)
    assert "can be read by other users" in complaint()


@pytest.mark.parametrize(
    "line", ["sk-secret words", "ANTHROPIC_API_KEY 'x", "ANTHROPIC_API_KEY='sk-open"]
)
def test_a_malformed_env_file_is_reported_with_its_line(folder: Path, line: str) -> None:
    path = write_env(folder / ".env", "# keys", "A=1", line)
    assert complaint() == f"{path}, line 3: not a NAME=value line."


def test_an_env_file_that_is_no_text_is_refused(folder: Path) -> None:
    path = write_env(folder / ".env")
    path.write_bytes(b"ANTHROPIC_API_KEY=\xff\xfe\n")
    assert complaint() == f"{path} is not a text file in UTF-8."


# config.toml


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ('theme = "dark"\nmodel claude\n', "line 2, column 7"),
        ("[profiles.claude\n", "line 1, column 17"),
        ('theme = "dark"\ntheme = "light"\n', "line 2, column 16"),
        ("theme = \n", "line 1, column 9"),
    ],
)
def test_a_malformed_config_file_is_complained_of_by_position(
    config: Path, text: str, position: str
) -> None:
    config.write_text(text, encoding="utf-8")
    said = complaint()
    assert said.startswith(f"{config}: ")
    assert position in said


def test_a_config_file_that_cannot_be_read_is_named(config: Path) -> None:
    config.write_bytes(b'theme = "\xff"\n')
    assert complaint() == f"{config} is not a text file in UTF-8."
    config.unlink()
    config.mkdir()
    assert complaint() == f"{config} is not a regular file."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[profile.x]\nmodel = "y"', ", line 1: profile must be a string."),
        ("theme = 3", ", line 1: theme must be a string."),
        ('frames_per_second = "fast"', ", line 1: frames_per_second must be a whole number."),
        ("frames_per_second = true", ", line 1: frames_per_second must be a whole number."),
        ("frames_per_second = 2.5", ", line 1: frames_per_second must be a whole number."),
        ("frames_per_second = 0", ", line 1: frames_per_second must be from 1 to 60."),
        ("frames_per_second = 61", ", line 1: frames_per_second must be from 1 to 60."),
        ("silence_limit = 4", ", line 1: silence_limit must be from 5 to 3600."),
        ("waiting_limit = 9999", ", line 1: waiting_limit must be from 10 to 7200."),
        ("keep_recordings_mb = -1", ", line 1: keep_recordings_mb must be from 0 to 100000."),
        ('profiles = "x"', ", line 1: profiles must be a table."),
        ("profiles.x = 1", ", line 1: [profiles.x] must be a table."),
        ('[profiles.x]\nmodel = ""', ", line 2, [profiles.x]: model must not be empty."),
        ('[profiles.x]\nmodel = " "', ", line 2, [profiles.x]: model must not be empty."),
        ("[profiles.x]\nmodel = []", ", line 2, [profiles.x]: model must be a string."),
        (
            '[profiles.x]\nallow_http = "yes"',
            ", line 2, [profiles.x]: allow_http must be true or false.",
        ),
        (
            "[profiles.x]\nallow_http = 1",
            ", line 2, [profiles.x]: allow_http must be true or false.",
        ),
    ],
)
def test_unknown_names_in_the_config_file_are_reported(
    config: Path, text: str, said: str
) -> None:
    config.write_text(text + "\n", encoding="utf-8")
    assert complaint() == f"{config}{said}"


def test_a_profile_that_is_not_chosen_is_read_for_mistakes_too(config: Path) -> None:
    config.write_text("[profiles.other]\nmodel = 1\n", encoding="utf-8")
    assert "[profiles.other]" in complaint(ANTHROPIC_API_KEY="k")


def test_the_frame_rate_is_read(config: Path) -> None:
    config.write_text("frames_per_second = 30\nsilence_limit = 20\n", encoding="utf-8")
    assert (chosen().frames_per_second, chosen().silence_limit) == (30, 20)
    assert (chosen().waiting_limit, chosen().keep_recordings_mb) == (600, 200)
    config.write_text("waiting_limit = 10\nkeep_recordings_mb = 0\n", encoding="utf-8")
    assert (chosen().waiting_limit, chosen().keep_recordings_mb) == (10, 0)
    assert chosen().silence_limit == 90


# Addresses and keys that cannot be used


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8080",
        "http://127.1.2.3",
        "http://[::1]:8080/v1",
        "http://localhost",
        "http://ollama.localhost:11434",
        "https://example.com",
        "HTTPS://example.com/path",
    ],
)
def test_https_and_this_machine_may_be_used(address: str) -> None:
    assert checked_base_url(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "http://example.com",
        "http://192.168.0.7:11434",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0",
    ],
)
def test_plain_http_to_another_machine_must_be_allowed(config: Path, address: str) -> None:
    with pytest.raises(BadEndpoint, match="not encrypted"):
        checked_base_url(address)
    assert checked_base_url(address, allow_http=True) == address
    text = f'profile = "x"\n[profiles.x]\nbase_url = "{address}"\n'
    config.write_text(text, encoding="utf-8")
    assert "allow_http = true" in complaint()
    config.write_text(text + "allow_http = true\n", encoding="utf-8")
    assert endpoint() == Endpoint(address)


def test_plain_http_of_the_environment_must_be_allowed_too() -> None:
    said = complaint(ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL="http://example.com")
    assert "not encrypted" in said


@pytest.mark.parametrize(
    "address",
    [
        "",
        "example.com",
        "//example.com",
        "ftp://example.com",
        "file:///etc/hosts",
        "https://",
        "https://:443",
        "https://example.com:99999",
        "https://example.com:port",
        "https://[::1",
        "https://user@example.com",
        "https://user:word@example.com",
        "https://127.0.0.1@example.com",
        "http://localhost\\@example.com",
    ],
)
def test_an_address_that_is_not_plain_is_refused(address: str) -> None:
    with pytest.raises(BadEndpoint):
        checked_base_url(address, allow_http=True)


def test_only_this_machine_is_loopback() -> None:
    assert is_loopback("127.0.0.1")
    assert not is_loopback("128.0.0.1")
    assert not is_loopback("notlocalhost")


@pytest.mark.parametrize("key", ["two words", "two\nlines", "nul\x00", "tab\t.", "ключ", "“k”"])
def test_a_key_that_no_header_can_hold_is_named(key: str) -> None:
    said = complaint(ANTHROPIC_API_KEY=key)
    assert said == "ANTHROPIC_API_KEY contains characters that no key has."


def test_an_endpoint_is_known_by_its_host_and_account() -> None:
    one, other = Endpoint(api_key="one"), Endpoint(api_key="other")
    assert one.host == other.host == "api.anthropic.com"
    assert one.identity != other.identity
    assert one.identity == Endpoint(api_key="one").identity
    assert one.identity.startswith("api.anthropic.com#")
    assert Endpoint(LOCAL).host == "127.0.0.1:11434"
    assert Endpoint(LOCAL, api_key="one").identity != one.identity
    demo = Endpoint(is_demo=True, api_key="demo")
    assert (demo.host, demo.identity) == ("demo", "demo")


# Secrets


def _in_environment(value: str, **more: str) -> Callable[[Path], dict[str, str]]:
    return lambda _: {"ANTHROPIC_API_KEY": value, **more}


def _in_env_file(*lines: str, mode: int = 0o600) -> Callable[[Path], dict[str, str]]:
    def arrange(folder: Path) -> dict[str, str]:
        write_env(folder / ".env", *lines, mode=mode)
        return {}

    return arrange


def _in_config(*lines: str) -> Callable[[Path], dict[str, str]]:
    def arrange(folder: Path) -> dict[str, str]:
        (folder / "config.toml").write_text("\n".join(lines), encoding="utf-8")
        return {}

    return arrange


@pytest.mark.parametrize(
    "arrange",
    [
        _in_environment(f"{CANARY} {CANARY}"),
        _in_environment(f"{CANARY}\n{CANARY}"),
        _in_environment(f"{CANARY}\x00"),
        _in_environment(CANARY, ANTHROPIC_BASE_URL="http://example.com"),
        _in_environment("k", ANTHROPIC_BASE_URL=f"https://me:{CANARY}@example.com"),
        _in_environment("k", ANTHROPIC_BASE_URL=f"https://{CANARY}@example.com"),
        _in_environment("k", ANTHROPIC_BASE_URL=f"https://me:{CANARY}@example.com:port"),
        _in_environment("k", ANTHROPIC_BASE_URL=f"me:{CANARY}@example.com"),
        _in_env_file(CANARY, "="),
        _in_env_file(f"ANTHROPIC_API_KEY {CANARY}"),
        _in_env_file(f"ANTHROPIC_API_KEY='{CANARY}"),
        _in_env_file(f"ANTHROPIC_API_KEY='{CANARY} {CANARY}'"),
        _in_env_file(f"ANTHROPIC_API_KEY={CANARY}", mode=0o644),
        _in_config(f"api_key = {CANARY}"),
        _in_config(f'theme = ["{CANARY}"]'),
        _in_config(f'[profiles.claude]\nbase_url = "https://me:{CANARY}@example.com"'),
        _in_config(f'[profiles.claude]\nbase_url = "https://me:{CANARY}@example.com:port"'),
    ],
)
def test_no_complaint_ever_tells_a_key(
    folder: Path, arrange: Callable[[Path], dict[str, str]]
) -> None:
    with pytest.raises(BadSetting) as caught:
        chosen(**arrange(folder))
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value)


def test_no_value_of_the_settings_shows_a_key(config: Path) -> None:
    config.write_text(PROFILES, encoding="utf-8")
    for found in (
        chosen(ANTHROPIC_API_KEY=CANARY),
        chosen(ANTHROPIC_AUTH_TOKEN=CANARY),
        chosen(Flags(profile="local"), LOCAL_KEY=CANARY),
    ):
        assert found.endpoint is not None
        assert CANARY in (found.endpoint.api_key, found.endpoint.auth_token)
        assert CANARY not in f"{found!r}{found}{found.endpoint}{found.endpoint.identity}"


def test_keys_are_read_quoted_or_as_tables_and_spelled_alike(config: Path) -> None:
    lines = ("[keys]", '"chat.new" = "Ctrl+K, F5"', 'message.copy_code = "/"')
    more = ("[keys.sidebar]", 'page-down = "G"')
    config.write_text("\n".join([*lines, *more]), encoding="utf-8")
    assert chosen().keys == {
        "chat.new": "ctrl+k,f5",
        "message.copy_code": "slash",
        "sidebar.page-down": "G",
    }


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("keys = 3", ", line 1: keys must be a table."),
        ("[keys]\nchat.new = 3", ", line 2: keys.chat.new must be a string."),
        ('[keys]\nchat.new = ["f5"]', ", line 2: keys.chat.new must be a string."),
        (
            '[keys]\nchat.new = ""',
            ", line 2: keys.chat.new: a key is missing; write a comma as: comma.",
        ),
        ('[keys]\n"chat.new" = "hyper"', ", line 2: keys.chat.new: there is no key 'hyper'."),
        (
            '[keys]\n"chat.new" = "f5,Ctrl+I"',
            ", line 2: keys.chat.new: Ctrl+I cannot be used: terminals send it as Tab.",
        ),
    ],
)
def test_keys_that_cannot_be_pressed_are_reported_by_id(
    config: Path, text: str, end: str
) -> None:
    config.write_text(text, encoding="utf-8")
    assert complaint() == f"{config}{end}"


def test_a_profile_says_how_its_key_and_which_version_is_sent(config: Path) -> None:
    gateway = f'[profiles.claude]\nbase_url = "{LOCAL}"\n'
    config.write_text(f'{gateway}auth = "x-api-key"\nversion = " 2023-06-01 "\n', "utf-8")
    found = endpoint()
    assert (found.is_key_in_own_header, found.version) == (True, "2023-06-01")
    config.write_text(f'{gateway}auth = "bearer"\n', "utf-8")
    assert (endpoint().is_key_in_own_header, endpoint().version) == (False, None)
    config.write_text(f'{gateway}auth = "basic"\n', "utf-8")
    assert "line 3, [profiles.claude]: auth must be bearer or x-api-key" in complaint()
    config.write_text(f'{gateway}version = "2023\\n06"\n', "utf-8")
    assert complaint() == "version contains characters that no version has."
