"""`config.toml` and `.env` with any contents, and the messages about errors."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.terminal import terminal
from tests.test_cli import CANARY, Program, failed, online, program
from tests.test_loading import chosen, complaint, config, folder, write_env
from tui.config.loading import Flags
from tui.config.toml_lines import line_of

__all__ = ["config", "folder", "online", "program"]

SIZE = (120, 40)
CTRL_Q = "\x11"
KNOWN = (
    "frames_per_second, keep_recordings_mb, keys, parallel_replies, prices, profile,"
    " profiles, silence_limit, text_width, theme, titles, waiting_limit"
)


# Unknown names


def test_an_unknown_setting_is_reported_with_its_line_and_the_others_are_read(
    config: Path,
) -> None:
    config.write_text(
        '# thme is what I mistyped\nthme = "dark"\nsilence_limit = 20\n'
        '[profiles.claude]\nmodel = "m"\n\nurl = "x" # url\n',
        encoding="utf-8",
    )
    found = chosen()
    of_top, of_profile = found.warnings
    meant = "unknown setting 'thme', did you mean 'theme'?"
    assert of_top == f"{config}, line 2: {meant} Known settings: {KNOWN}."
    assert of_profile.startswith(
        f"{config}, line 7, [profiles.claude]: unknown setting 'url'."
        " Known settings: allow_http,"
    )
    assert (found.silence_limit, found.model) == (20, "m")


def test_only_some_of_many_unknown_settings_are_reported(config: Path) -> None:
    config.write_text("".join(f"x{n} = 1\n" for n in range(1000)), encoding="utf-8")
    *some, last = chosen().warnings
    assert len(some) == 5
    assert last == f"{config}: 995 more settings are unknown."


def test_an_unknown_setting_never_tells_its_value(config: Path) -> None:
    config.write_text(
        f'api_key = "{CANARY}"\n[profiles.claude]\napi_key = "{CANARY}"\n', encoding="utf-8"
    )
    found = chosen()
    assert len(found.warnings) == 2
    assert CANARY not in f"{found!r}{found.warnings}"


def test_every_command_starts_with_an_unknown_setting(online: Program) -> None:
    path = online.folder / "settings.toml"
    path.write_text('theme = "streamchat-dark"\ncolour = "red"\n', encoding="utf-8")
    online.environ["STREAMCHAT_CONFIG"] = str(path)
    told = f"{path}, line 2: unknown setting 'colour'. Known settings: {KNOWN}."
    asked = online.run("ask", "x")
    assert (asked.code, asked.out) == (0, "Hello there\n")
    assert asked.err == f"streamchat-tui: {told}\n"
    listed = online.run("log")
    assert (listed.code, listed.err) == (0, f"streamchat-tui: {told}\n")
    examined = online.run("doctor", "--offline")
    assert examined.code == 0
    assert f"! unknown            {told}" in examined.out


def test_the_app_starts_with_unknown_settings_and_keys_and_tells_of_them(
    empty_home: Path,
) -> None:
    (empty_home / "x.toml").write_text(
        'thme = "dark"\n[keys]\nchat.nwe = "f5"\n"[b]x" = "f6"\n', encoding="utf-8"
    )
    with terminal("--config", "x.toml", home=empty_home, size=SIZE) as screen:
        screen.until_seen("line 1: unknown setting")
        screen.until_seen("line 3: unknown key name")
        screen.until_seen("line 4: unknown key name '[b]x'")
        screen.until_seen("run: streamchat-tui doctor")
        screen.press(CTRL_Q)
        assert screen.until_left() == 0


def test_an_unknown_theme_is_reported_with_its_line_and_the_known_ones(
    empty_home: Path,
) -> None:
    (empty_home / "x.toml").write_text('titles = true\ntheme = "drak"\n', encoding="utf-8")
    with terminal("--config", "x.toml", home=empty_home, size=SIZE) as screen:
        assert screen.until_left() == 2
        text = screen.text.replace("\n", "")
        assert "x.toml, line 2: unknown theme 'drak'. Known themes: " in text
        assert "streamchat-dark, streamchat-light" in text


# Line numbers


@pytest.mark.parametrize(
    ("text", "names", "line"),
    [
        ("a = 1\nb = 2", ["b"], 2),
        ("# b\nx = 'b'\nb = 2\n# b", ["b"], 3),
        ("x = '''\nb = 1\n'''\nb = 2", ["b"], 4),
        ("b = '''\nb = 1\n'''\nc = 2", ["b"], 1),
        ("b = [\n 1, # b\n 2,\n]\n", ["b"], 1),
        ("[t]\nb = 1\n[u]\nb = 2", ["u", "b"], 4),
        ("[t]\nx = 1\n[t.b]\ny = 1", ["t", "b"], 3),
        ("[[t]]\nb = 1", ["t"], 1),
        ('[keys]\nchat.new = "x"\n"chat.old" = "y"', ["keys", "chat", "new"], 2),
        ('[keys]\nchat.new = "x"\n"chat.old" = "y"', ["keys", "chat.old"], 3),
        ("a = 1\r\nb = 2\r\n", ["b"], 2),
        ("\ufeff" + "b = 1", ["b"], None),
        ('"\\u0062" = 1', ["b"], None),
        ("a = 1", ["b"], None),
        ("b = [", ["b"], None),
    ],
)
def test_the_line_of_a_name_is_where_it_is_set(
    text: str, names: list[str], line: int | None
) -> None:
    assert line_of(text, names) == line


NAME = st.text("abct", min_size=1, max_size=2)
VALUE = st.sampled_from(
    ["1", "'a = 1'", "'''\na = 1\n[t]\n'''", "[\n# b = 1\n2,\n]", '"""\n"""']
)
FILLING = st.lists(st.sampled_from(["", "# a = 1", "# [t]"]), max_size=2)


@settings(
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=60,
)
@given(
    entries=st.lists(
        st.tuples(FILLING, NAME, VALUE), unique_by=lambda each: each[1], max_size=6
    )
)
def test_the_reported_line_is_right_in_any_file(
    entries: list[tuple[list[str], str, str]],
) -> None:
    assume(entries)
    lines: list[str] = []
    expected = {}
    for filling, name, value in entries:
        lines += filling
        expected[name] = len(lines) + 1
        lines += f"{name} = {value}".split("\n")
    text = "\n".join(lines)
    assert {name: line_of(text, [name]) for name in expected} == expected


# Something else in the place of a file


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _written(content: str) -> Callable[[Path], None]:
    def arrange(path: Path) -> None:
        path.write_text(content, encoding="utf-8")

    return arrange


@pytest.mark.parametrize(
    ("arrange", "said"),
    [
        (_pipe, " is not a regular file."),
        (Path.mkdir, " is not a regular file."),
        (_huge, " is larger than 256 KB."),
        (_loop, " cannot be read: Too many levels of symbolic links."),
        (
            _written(f"x = {'[' * 5000}{']' * 5000}"),
            " has tables or lists that are nested too deeply.",
        ),
        (
            _written(f"x = {'{a=' * 5000}1{'}' * 5000}"),
            " has tables or lists that are nested too deeply.",
        ),
        (
            _written(f"[keys]\n{'.'.join('a' * 5000)} = 'x'"),
            " has tables or lists that are nested too deeply.",
        ),
        (_written(f"silence_limit = {'9' * 5000}"), ": it has a number with too many digits."),
        (_written("theme = 'x'\n\0"), ": Invalid statement (at line 2, column 1)."),
    ],
)
def test_anything_in_the_place_of_the_config_file_is_reported_in_one_line(
    program: Program, arrange: Callable[[Path], None], said: str
) -> None:
    path = program.folder / "x.toml"
    arrange(path)
    assert failed(program.run("log", "--config", str(path)), code=2) == f"{path}{said}"
    assert program.run("doctor", "--offline", "--config", str(path)).code == 1


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full", "/dev/stdin"])
def test_a_device_is_not_read_as_settings(program: Program, device: str) -> None:
    if not Path(device).exists():
        pytest.skip(f"needs {device}")
    said = failed(program.run("log", "--config", device), code=2)
    assert said == f"{device} is not a regular file."
    said = failed(program.run("log", "--env-file", device), code=2)
    assert said.startswith(f"{device} is not a regular file, so no key is read")


def test_the_empty_device_is_a_config_file_with_nothing_in_it() -> None:
    assert chosen(Flags(config=Path(os.devnull))).warnings == ()


def test_a_config_file_may_be_a_link(config: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "dotfiles.toml"
    elsewhere.write_text("silence_limit = 20\n", encoding="utf-8-sig")
    config.symlink_to(elsewhere)
    assert chosen().silence_limit == 20


@pytest.mark.parametrize("name", ["nothing.toml", "no/folder.toml"])
def test_a_config_file_that_is_named_must_exist(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert complaint(Flags(config=path)) == f"{path} does not exist."
    assert complaint(STREAMCHAT_CONFIG=str(path)) == f"{path} does not exist."


def test_an_env_file_that_is_too_large_or_no_text_is_refused(
    program: Program, tmp_path: Path
) -> None:
    path = write_env(tmp_path / "keys.env", "A=b\n" * 100_000)
    said = failed(program.run("log", "--env-file", str(path)), code=2)
    assert said == f"{path} is larger than 256 KB, so no key is read from it."
    _huge(path)
    said = failed(program.run("log", "--env-file", str(path)), code=2)
    assert said == f"{path} is larger than 256 KB, so no key is read from it."
    path.write_bytes("ANTHROPIC_API_KEY=k".encode("utf-16"))
    said = failed(program.run("log", "--env-file", str(path)), code=2)
    assert said == f"{path} is not a text file in UTF-8."


# Messages about the paths of files


@pytest.mark.parametrize("option", ["--db", "--config", "--env-file"])
@pytest.mark.parametrize(
    "text", ["", "-", ":memory:", "file:x.db", "file::memory:?cache=shared"]
)
def test_a_flag_that_is_not_the_path_of_a_file_is_reported(
    program: Program, option: str, text: str
) -> None:
    for command in ("log", "doctor"):
        said = failed(program.run(command, option, text), code=2)
        assert said.startswith(f"argument {option}: {text!r} ")
        assert "the path of a file" in said
    assert [each for each in program.folder.iterdir() if each.is_file()] == []


@pytest.mark.parametrize("name", ["DB", "CONFIG"])
@pytest.mark.parametrize("text", ["-", ":memory:", "file:x.db"])
def test_a_variable_that_is_not_the_path_of_a_file_is_reported(name: str, text: str) -> None:
    said = complaint(**{f"STREAMCHAT_{name}": text})
    assert said.startswith(f"STREAMCHAT_{name}: {text!r} ")


@pytest.mark.parametrize(
    "name", ["./:memory:", "./file:x.db", "a?b#c%41.db", "\udcff.db", "./-"]
)
def test_a_history_may_have_any_name_of_a_file(program: Program, name: str) -> None:
    assert program.run("ask", "--demo", "help", "--db", name).code == 0
    assert (program.folder / name).stat().st_size > 10_000
    assert "help" in program.run("log", "--db", name).out


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero", "/dev/full", "pipe"])
def test_a_device_or_a_pipe_is_no_history(program: Program, device: str) -> None:
    os.mkfifo(program.folder / "pipe")
    if not (program.folder / device).exists():
        pytest.skip(f"needs {device}")
    for arguments in (["log"], ["ask", "--demo", "x"]):
        said = failed(program.run(*arguments, "--db", device))
        assert said == f"{device} is a device or a pipe, not a history file."


@pytest.mark.parametrize("option", ["--db", "--config", "--env-file"])
def test_a_path_that_is_too_long_is_shortened_in_the_error(
    program: Program, option: str
) -> None:
    code = 1 if option == "--db" else 2
    said = failed(program.run("log", option, "a" * 5000), code=code)
    assert said.startswith("aaaa")
    assert said.endswith("File name too long.")
    assert len(said) < 1100
