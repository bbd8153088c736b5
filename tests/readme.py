"""Writes the tables in README from the tables in the code: `make readme`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tui.config.commands import COMMANDS
from tui.config.declaration import Setting, declared
from tui.config.keymap import default_keymap, format_keys
from tui.config.settings import Profile, Settings
from tui.domain.query import OPERATORS, TERMS
from tui.store.views import VIEWS

README = Path(__file__).parent.parent / "README.md"


def setting_rows() -> Iterator[tuple[str, ...]]:
    """Yield a row for each setting."""
    yield "In `config.toml`", "Flag, variable", "Default", ""
    yield ("---",) * 4
    yield from _settings_of(Settings, "{}")
    yield from _settings_of(Profile, "profiles.NAME.{}")


def _settings_of(group: type, place: str) -> Iterator[tuple[str, ...]]:
    for setting in declared(group):
        names = [f"`{name}`" for name in (setting.flag, setting.variable) if name]
        in_file = f"`{place.format(setting.name)}`" if setting.is_in_file else ""
        yield in_file, ", ".join(names), _default(setting), setting.help


def _default(setting: Setting) -> str:
    shown = setting.shown(setting.default)
    if setting.one_of:
        return f"{shown} ({', '.join(setting.one_of)})"
    if setting.between is None:
        return shown
    least, most = setting.between
    return f"{shown} (from {least} to {most})"


def key_rows() -> Iterator[tuple[str, ...]]:
    """Yield a row for each command that has keys."""
    keymap = default_keymap()
    yield "Name", "Keys", ""
    yield ("---",) * 3
    for command in COMMANDS:
        if command.keys:
            keys = format_keys(command.every_key)
            yield f"`{command.id}`", keys, keymap.fill(command.description)


def term_rows() -> Iterator[tuple[str, ...]]:
    """Yield a row for each way to write a search term."""
    yield "Words", "Finds"
    yield ("---",) * 2
    for typed, finds in TERMS:
        yield f"`{typed}`", finds


def operator_rows() -> Iterator[tuple[str, ...]]:
    """Yield a row for each search operator."""
    yield "Operator", "Finds", "Takes"
    yield ("---",) * 3
    for operator in OPERATORS:
        yield f"`{operator.example}`", operator.finds, operator.takes


def view_rows() -> Iterator[tuple[str, ...]]:
    """Yield a row for each column of each view."""
    yield "View", "Column", "Holds"
    yield ("---",) * 3
    for view in VIEWS:
        yield f"`{view.name}`", "", view.rows
        for column, holds in view.columns:
            yield "", f"`{column}`", holds


TABLES: dict[str, Callable[[], Iterator[tuple[str, ...]]]] = {
    "settings": setting_rows,
    "keys": key_rows,
    "words": term_rows,
    "operators": operator_rows,
    "views": view_rows,
}
"""The function that yields a table's rows, by the name in the marks around the table."""


def renewed(readme: str) -> str:
    """Return the text of README with new tables."""
    for name, rows in TABLES.items():
        begin, end = f"<!-- {name}: made by `make readme` -->", f"<!-- end of {name} -->"
        before, found, rest = readme.partition(begin)
        assert found, f"README.md has no {begin}"
        _, found, after = rest.partition(end)
        assert found, f"README.md has no {end}"
        table = "\n".join(_line(row) for row in rows())
        readme = f"{before}{begin}\n\n{table}\n\n{end}{after}"
    return readme


def _line(row: tuple[str, ...]) -> str:
    return f"| {' | '.join(row)} |".replace("|  |", "| |").replace("|  |", "| |")


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
