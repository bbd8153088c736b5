"""Settings are written into a file, whose other lines do not change."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config.config_file import (
    CannotSet,
    Names,
    NotUnderstood,
    Value,
    set_values,
    with_values,
)

THEME: Names = ("theme",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'theme = "x"\n'),
        ('theme = "a"\n', 'theme = "x"\n'),
        (
            "# mine\ntitles = true # yes\ntheme='a' # dim\n[keys]\n",
            '# mine\ntitles = true # yes\ntheme="x" # dim\n[keys]\n',
        ),
        ("[keys]\ntheme = 'f5'\n", "theme = \"x\"\n[keys]\ntheme = 'f5'\n"),
        ('titles = true\r\n"theme" = "a"\r\n', 'titles = true\r\n"theme" = "x"\r\n'),
        ("titles = true\r\n", 'theme = "x"\r\ntitles = true\r\n'),
        ("\ufefftitles = true\n", '\ufefftheme = "x"\ntitles = true\n'),
        ('theme = """a\nb"""\n', 'theme = "x"\n'),
        ("theme = [1]\n", 'theme = "x"\n'),
    ],
)
def test_only_its_own_value_changes(before: str, after: str) -> None:
    assert with_values(before, {THEME: "x"}) == after


ADDED: dict[Names, Value | None] = {
    ("profiles", "new one", "base_url"): "u",
    ("profiles", "new one", "keyring"): True,
}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[profiles."new one"]\nbase_url = "u"\nkeyring = true\n'),
        (
            "[keys]\n# none",
            '[keys]\n# none\n\n[profiles."new one"]\nbase_url = "u"\nkeyring = true\n',
        ),
        (
            '[profiles."new one"]\nx = 1 # one\n\n# about keys\n[keys]\n',
            (
                '[profiles."new one"]\nx = 1 # one\nbase_url = "u"\nkeyring = true\n\n'
                "# about keys\n[keys]\n"
            ),
        ),
        (
            '[profiles]\n"new one" = {x = 1}\n',
            '[profiles]\n"new one" = {x = 1,base_url = "u", keyring = true}\n',
        ),
    ],
)
def test_a_table_is_added_at_the_end_and_a_name_below_the_others(
    before: str, after: str
) -> None:
    assert with_values(before, ADDED) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "[profiles.a]\n# of a\nx = 1\n\n# about keys\n[keys]\n",
            "\n# about keys\n[keys]\n",
        ),
        (
            "[profiles.b]\ny = 2\n# about a\n[profiles.a] # a\nx = 1\n[profiles.c]\n",
            "[profiles.b]\ny = 2\n# about a\n[profiles.c]\n",
        ),
        ("[profiles]\na.x = 1\nb.y = 2\n", "[profiles]\nb.y = 2\n"),
        ("titles = true\n", "titles = true\n"),
    ],
)
def test_a_table_is_removed_and_what_is_around_it_stays(before: str, after: str) -> None:
    assert with_values(before, {("profiles", "a"): None}) == after


def test_what_would_change_more_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("profiles = {a = {x = 1}}\n", encoding="utf-8")
    with pytest.raises(CannotSet, match="cannot change"):
        set_values(path, ADDED)
    assert path.read_text(encoding="utf-8") == "profiles = {a = {x = 1}}\n"


def test_a_file_that_became_invalid_is_named_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("titles = true\ntheme =\n", encoding="utf-8")
    with pytest.raises(CannotSet, match=r"line 2.*Correct it") as caught:
        set_values(path, {THEME: "x"})
    assert len(str(caught.value).splitlines()) == 1
    assert path.read_text(encoding="utf-8") == "titles = true\ntheme =\n"
    assert list(tmp_path.glob("*config*")) == [path]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_value_can_be_read_again(value: str) -> None:
    text = with_values('a = 1 # one\ntheme = "b"\n', {THEME: value})
    assert tomllib.loads(text) == {"a": 1, "theme": value}


# Files as people write them


NAMES = ["x", "y-1", '"of blanks"', "'quoted'", "z_2"]
LINES = st.lists(
    st.sampled_from(
        [
            "",
            "# a comment = 1",
            "   # [not.a.table]",
            "  ",
            *(f"{name} = {value}" for name in NAMES for value in ("1", '"#"', "[1, # one\n2]")),
            *(f"  {name}='''\n[a]\n''' # why" for name in NAMES),
            *(f"{name}.inner = true" for name in NAMES),
            *(f"{name} = {{a = 1, b = 2}}" for name in NAMES),
        ]
    ),
    max_size=6,
)
HEADINGS = st.lists(
    st.sampled_from(
        [
            "[keys]",
            "[profiles.b] # b",
            "[unknown]",
            "[unknown.deep.er]",
            "[profiles.a]",
            "[[many]]",
            "[profiles]",
            '[profiles."c d"]',
        ]
    ),
    max_size=5,
    unique_by=lambda heading: heading if heading != "[[many]]" else object(),
)
CHANGES: list[dict[Names, Value | None]] = [
    {THEME: "new"},
    {("profiles", "a", "model"): "new"},
    {("profiles", "a", "x"): 7},
    {("profiles", "new", "base_url"): "u", ("profiles", "new", "model"): "m"},
    {("profile",): "new", ("profiles", "b", "keyring"): True},
    {("profiles", "a"): None},
    {("profiles", "b", "x"): None},
]


@st.composite
def files(draw: st.DrawFn) -> str:
    """A valid file in an odd order, with comments, tables nobody knows, and either line end."""
    lines = draw(LINES)
    for heading in draw(HEADINGS):
        lines += [heading, *draw(LINES)]
    text = "\n".join(lines) + draw(st.sampled_from(["", "\n"]))
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # A name that is set twice: each line that breaks it goes.
        text = _valid(lines)
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return draw(st.sampled_from(["", "\ufeff"])) + text.replace("\n", end)


def _valid(lines: list[str]) -> str:
    kept: list[str] = []
    for line in lines:
        try:
            tomllib.loads("\n".join([*kept, line]))
        except tomllib.TOMLDecodeError:
            continue
        kept.append(line)
    return "\n".join([*kept, ""])


@given(files(), st.sampled_from(CHANGES))
def test_a_file_changes_only_in_what_was_set(
    text: str, changes: dict[Names, Value | None]
) -> None:
    try:
        changed = with_values(text, changes)
    except NotUnderstood:
        # What cannot be done without harm is refused.
        return
    wanted: dict[str, Any] = tomllib.loads(text.removeprefix("\ufeff"))
    for names, value in changes.items():
        table = wanted
        for name in names[:-1]:
            # What is removed from a table that is not there makes none.
            table = table.get(name, {}) if value is None else table.setdefault(name, {})
        if value is None:
            table.pop(names[-1], None)
        else:
            table[names[-1]] = value
    found = tomllib.loads(changed.removeprefix("\ufeff"))
    if wanted.get("profiles") == found.get("profiles", {}):
        # Its only table may take the outer one with it.
        found["profiles"] = wanted.setdefault("profiles", {})
    assert found == wanted
    assert changed.startswith("\ufeff") == text.startswith("\ufeff")
    if "\r\n" in text:
        assert changed.count("\n") == changed.count("\r\n")
    _check_lines_stay(text, changed, changes)


def _check_lines_stay(text: str, changed: str, changes: dict[Names, Value | None]) -> None:
    """Every line that was there is there still, in its order, but for what was set."""
    if None in changes.values():
        # A table goes with what is in it.
        return
    # Of a value of several lines, each goes.
    own = {names[-1] for names in changes}
    left = iter(changed.removeprefix("\ufeff").splitlines())
    gone = [
        line
        for line in text.removeprefix("\ufeff").splitlines()
        if not any(name in line for name in own) and line not in left
    ]
    assert set(gone) <= {"2]", "[a]", "''' # why"}


# On disk


def test_a_file_and_its_folder_are_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    set_values(path, {THEME: "x"})
    assert path.read_text(encoding="utf-8") == 'theme = "x"\n'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_stays_one_and_its_file_keeps_its_mode(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles.toml", tmp_path / "config.toml"
    real.write_text("titles = true\n", encoding="utf-8")
    real.chmod(0o644)
    link.symlink_to(real)
    set_values(link, {THEME: "x"})
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == 'theme = "x"\ntitles = true\n'
    assert stat.S_IMODE(real.stat().st_mode) == 0o644
    assert sorted(tmp_path.glob("*.*")) == [link, real]


def test_a_read_only_file_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("titles = true\n", encoding="utf-8")
    path.chmod(0o444)
    with pytest.raises(CannotSet, match="cannot be written: it is read-only"):
        set_values(path, {THEME: "x"})
    assert path.read_text(encoding="utf-8") == "titles = true\n"
    assert list(tmp_path.glob("*config*")) == [path]


def test_what_is_no_file_cannot_be_set(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(CannotSet):
            set_values(path, {THEME: "x"})
