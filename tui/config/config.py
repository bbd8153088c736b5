"""Reads `config.toml`.

An unknown name is most likely misspelt: it is reported, and the program starts. A value
that cannot be used is an error.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tui.config.declaration import Setting, declared
from tui.config.keymap import BadKey, spelled
from tui.config.own_prices import BadPrice, rates_of
from tui.config.settings import Profile, Settings
from tui.config.textfile import NotPlain, open_text
from tui.config.toml_lines import Source
from tui.domain.money import Rates

_KINDS = {str: "a string", int: "a whole number", bool: "true or false"}

_MOST_REPORTED = 5
"""How many unknown settings are reported."""


class BadSetting(Exception):
    """A setting cannot be used. The text is one line for the user and holds no secret."""


@dataclass(frozen=True, slots=True)
class Config:
    """The contents of `config.toml`."""

    values: Mapping[str, Any] = field(default_factory=dict)
    """The chosen fields of `Settings`, by name."""
    keys: dict[str, str] = field(default_factory=dict)
    """By id: keys with commas between them, as `tui.config.keymap.spelled` returns them."""
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    prices: Mapping[str, Rates] = field(default_factory=dict)
    """The user's own prices, by model."""
    warnings: tuple[str, ...] = ()
    """A line for the user about each unknown name."""
    source: Source | None = None
    key_places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By id: the tables and the name that set the keys in `source`."""


def read_config(path: Path, *, is_named: bool = False) -> Config:
    """Read `config.toml`. A missing file gives an empty `Config`. Raises `BadSetting`.

    If the user named the file (`is_named`), it must exist.
    """
    source = _read(path, is_named=is_named)
    if source is None:
        return Config()
    try:
        return _config(source, _parsed(source))
    except RecursionError:
        raise BadSetting(f"{path} has tables or lists that are nested too deeply.") from None


def _read(path: Path, *, is_named: bool) -> Source | None:
    try:
        with open_text(path, follows_links=True) as file:
            return Source(path, file.read())
    except FileNotFoundError:
        if is_named:
            raise BadSetting(f"{path} does not exist.") from None
        return None
    except UnicodeDecodeError:
        raise BadSetting(f"{path} is not a text file in UTF-8.") from None
    except NotPlain as error:
        # People name the null device to have no file at all.
        if path.samefile(os.devnull):
            return None
        raise BadSetting(f"{path} {error}.") from None
    except OSError as error:
        raise BadSetting(f"{path} cannot be read: {error.strerror}.") from error


def _parsed(source: Source) -> dict[str, Any]:
    try:
        return tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"{source.path}: {error}.") from None
    except ValueError:
        raise BadSetting(f"{source.path}: it has a number with too many digits.") from None


def _config(source: Source, table: dict[str, Any]) -> Config:
    reader = _TableReader(source, (), table)
    inner = {
        name: _TableReader(source, ("profiles", name), each)
        for name, each in reader.table("profiles").items()
    }
    profiles = {name: Profile(**each.values(Profile)) for name, each in inner.items()}
    keys = dict(_keys(source, ("keys",), reader.table("keys")))
    config = Config(
        values=reader.values(Settings),
        keys={name: each.keys for name, each in keys.items()},
        profiles=profiles,
        prices={
            model: _rates(source, model, each) for model, each in reader.table("prices").items()
        },
        source=source,
        key_places={name: each.names for name, each in keys.items()},
    )
    unknown = [line for each in (reader, *inner.values()) for line in each.unknown()]
    if len(unknown) > _MOST_REPORTED:
        more = f"{source.path}: {len(unknown) - _MOST_REPORTED} more settings are unknown."
        unknown[_MOST_REPORTED:] = [more]
    return replace(config, warnings=tuple(unknown))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Keys that the user has chosen for a command."""

    keys: str
    names: tuple[str, ...]
    """The tables and the name that set them, the outermost first."""


def _keys(source: Source, names: tuple[str, ...], table: Any) -> Iterator[tuple[str, _Chosen]]:
    """Yield the chosen keys by id. In TOML, the dot of an unquoted id makes a table."""
    if isinstance(table, dict):
        for inner, value in table.items():
            yield from _keys(source, (*names, inner), value)
    else:
        yield ".".join(names[1:]), _Chosen(_spelled(source, names, table), names)


def _spelled(source: Source, names: tuple[str, ...], keys: Any) -> str:
    where = f"{source.at(names)}: {'.'.join(names)}"
    if not isinstance(keys, str):
        raise BadSetting(f"{where} must be a string.")
    try:
        return spelled(keys)
    except BadKey as error:
        raise BadSetting(f"{where}: {error}.") from None


def _rates(source: Source, model: str, table: Any) -> Rates:
    try:
        return rates_of(table)
    except BadPrice as error:
        names = ("prices", model, error.kind) if error.kind else ("prices", model)
        raise BadSetting(f"{source.at(names)}: the prices of {model}: {error}.") from None


class _TableReader:
    """Reads a table of TOML, and reports the names that do not belong in it."""

    def __init__(self, source: Source, names: tuple[str, ...], table: Any) -> None:
        self._source = source
        self._names = names
        self._known: list[str] = []
        if not isinstance(table, dict):
            raise BadSetting(f"{source.at(names)}: {self._title} must be a table.")
        self._left = dict(table)

    @property
    def _title(self) -> str:
        return f"[{'.'.join(self._names)}]"

    def _take(self, name: str) -> Any:
        self._known.append(name)
        return self._left.pop(name, None)

    def _where(self, name: str) -> str:
        at = self._source.at((*self._names, name))
        return f"{at}, {self._title}" if self._names else at

    def values(self, group: type) -> dict[str, Any]:
        """Return the values of the settings that `group` declares, by name."""
        settings = [each for each in declared(group) if each.is_in_file]
        found = {each.name: self._take(each.name) for each in settings}
        return {
            each.name: self._checked(each, found[each.name])
            for each in settings
            if found[each.name] is not None
        }

    def _checked(self, setting: Setting, value: Any) -> Any:
        must = ""
        # Not `isinstance`: to Python a bool is an int, but not to a person.
        is_of_kind = type(value) is setting.kind
        if not is_of_kind:
            must = f"be {_KINDS[setting.kind]}"
        elif setting.between and not setting.between[0] <= value <= setting.between[1]:
            must = "be from {} to {}".format(*setting.between)
        elif setting.one_of and value not in setting.one_of:
            must = f"be {', '.join(setting.one_of[:-1])} or {setting.one_of[-1]}"
        elif not (setting.may_be_empty or value.strip()):
            must = "not be empty"
        if must:
            raise BadSetting(f"{self._where(setting.name)}: {setting.name} must {must}.")
        return value

    def table(self, name: str) -> dict[str, Any]:
        """Return an inner table; an empty one if it is missing."""
        value = self._take(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise BadSetting(f"{self._where(name)}: {name} must be a table.")
        return value

    def unknown(self) -> Iterator[str]:
        """Yield a line for each name that nothing has read; most likely it is misspelt."""
        known = ", ".join(sorted(self._known))
        for name in self._left:
            where = self._where(name)
            near = get_close_matches(name, self._known, n=1)
            meant = f", did you mean {near[0]!r}?" if near else "."
            yield f"{where}: unknown setting {name!r}{meant} Known settings: {known}."
