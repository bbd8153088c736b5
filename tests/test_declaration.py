"""What is derived from the declared settings: flags, README and limits."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest

from tests.readme import README, renewed
from tests.test_cli import Program, program
from tests.test_doctor import findings
from tui.config.declaration import declared
from tui.config.loading import Flags
from tui.config.settings import BY_NAME, Profile, Settings
from tui.domain.query import OPERATORS, TERMS, Term, parse
from tui.store import open_store
from tui.store.views import VIEWS

__all__ = ["program"]


def test_the_table_in_the_readme_is_fresh() -> None:
    readme = README.read_text(encoding="utf-8")
    assert renewed(readme) == readme, "run: make readme"


def test_every_flag_that_is_declared_is_read_and_no_other() -> None:
    flags = {name for name, setting in BY_NAME.items() if setting.flag}
    assert {each.name for each in fields(Flags)} == flags


def test_no_two_settings_have_one_name() -> None:
    assert len(BY_NAME) == len(declared(Settings)) + len(declared(Profile))


def test_a_setting_has_the_type_and_the_default_of_its_field() -> None:
    assert (BY_NAME["frames_per_second"].kind, BY_NAME["frames_per_second"].default) == (
        int,
        15,
    )
    assert (BY_NAME["cache"].kind, BY_NAME["cache"].default) == (bool, None)
    assert "endpoint" not in BY_NAME


@pytest.mark.parametrize(
    "command", [[], ["ask"], ["log"], ["doctor"], ["keys"], ["chat"]], ids=str
)
def test_help_tells_every_flag_in_the_words_of_its_declaration(
    program: Program, command: list[str]
) -> None:
    said = " ".join(program.run(*command, "--help").out.split())
    for setting in BY_NAME.values():
        if setting.flag:
            shown = f"{setting.flag} {setting.metavar}".strip()
            assert f"{shown} {setting.help}" in said


def test_the_doctor_lists_every_setting_of_the_file(program: Program) -> None:
    path = program.folder / "x.toml"
    path.write_text('silence_limit = 20\ntitles = false\ntheme = "nord"\n', encoding="utf-8")
    found = findings(program.run("doctor", "--offline", "--json", "--config", str(path)))
    told = {name: each["value"] for (part, name), each in found.items() if part == "settings"}
    assert told.keys() >= {each.name for each in declared(Settings) if each.is_in_file}
    chosen = (told["silence_limit"], told["titles"], told["theme"], told["waiting_limit"])
    assert chosen == ("20", "false", "nord", "600")


@pytest.mark.parametrize("typed", [each.example for each in OPERATORS])
def test_every_operator_of_the_readme_is_understood(typed: str) -> None:
    query = parse(f"{typed} ", 0)
    assert (query.problem, query.hint, query.terms) == ("", "", ())
    assert query.has_filters


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("stream parser", (Term("stream"), Term("parser"))),
        ('"stream parser"', (Term("stream parser"),)),
        ("pars*", (Term("pars", is_prefix=True),)),
        ("*arse", (Term("arse", is_inside=True),)),
        ('"stream par"*', (Term("stream par", is_prefix=True),)),
    ],
)
def test_every_form_of_words_in_the_readme_is_read_so(
    typed: str, terms: tuple[Term, ...]
) -> None:
    assert typed in dict(TERMS)
    assert parse(f"{typed} ", 0).terms == terms


def test_the_views_of_the_readme_are_those_of_the_history(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with open_store(path), closing(sqlite3.connect(path)) as history:
        for view in VIEWS:
            found = history.execute(f"PRAGMA table_info({view.name})").fetchall()
            assert [row[1] for row in found] == [name for name, _ in view.columns]
