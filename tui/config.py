"""What stands in `config.toml`.

A name that nothing reads is most likely misspelt: it is told of, and the program
starts. A value that cannot be used is an error.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from tui.keymap import BadKey, spelled
from tui.textfile import NotPlain, open_text
from tui.toml_lines import Source

_V = TypeVar("_V", str, int, bool)

_MOST_TOLD = 5
"""Of how many unknown settings it is told."""


class BadSetting(Exception):
    """A setting cannot be used. The text is one line for the user, and tells no secret."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One endpoint, as `config.toml` describes it."""

    base_url: str | None = None
    """None: Anthropic's API."""
    api_key_env: str | None = None
    """The variable that holds the key for `base_url`."""
    model: str | None = None
    title_model: str | None = None
    """The model that makes titles. None: on Anthropic's API a small one, elsewhere none."""
    allow_http: bool = False
    """Whether plain http may be used to another machine."""
    cache: bool | None = None
    """Whether prompts are cached. None: for models that the endpoint describes."""


@dataclass(frozen=True, slots=True)
class Config:
    """What stands in `config.toml`."""

    profile: str | None = None
    theme: str | None = None
    frames_per_second: int = 15
    silence_limit: int = 90
    waiting_limit: int = 600
    keep_recordings_mb: int = 200
    parallel_replies: int = 8
    titles: bool = True
    substring_index: bool = False
    keys: dict[str, str] = field(default_factory=dict)
    """Ids, and keys with commas between them as `tui.keymap.spelled` returns them."""
    profiles: dict[str, Profile] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    """A line for the user for each name that is not known."""
    source: Source | None = None
    key_places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By id, where `keys` stand in `source`."""


def read_config(path: Path, *, is_named: bool = False) -> Config:
    """Read `config.toml`. No file: nothing is chosen. Raises `BadSetting`.

    One that a person named must exist.
    """
    source = _read(path, is_named=is_named)
    if source is None:
        return Config()
    try:
        return _config(source, _parsed(source))
    except RecursionError:
        raise BadSetting(f"{path} has tables or lists too deep in each other.") from None


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
        # What people write for none at all.
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
        raise BadSetting(f"{source.path}: a number in it has too many digits.") from None


def _config(source: Source, table: dict[str, Any]) -> Config:
    reader = _TableReader(source, (), table)
    inner = {
        name: _TableReader(source, ("profiles", name), each)
        for name, each in reader.table("profiles").items()
    }
    profiles = {name: _profile(each) for name, each in inner.items()}
    keys = dict(_keys(source, ("keys",), reader.table("keys")))
    config = Config(
        profile=reader.value("profile", str),
        theme=reader.value("theme", str),
        frames_per_second=reader.number("frames_per_second", 15, least=1, most=60),
        silence_limit=reader.number("silence_limit", 90, least=5, most=3600),
        waiting_limit=reader.number("waiting_limit", 600, least=10, most=7200),
        keep_recordings_mb=reader.number("keep_recordings_mb", 200, least=0, most=100_000),
        parallel_replies=reader.number("parallel_replies", 8, least=1, most=64),
        titles=reader.flag("titles", otherwise=True),
        substring_index=reader.flag("substring_index", otherwise=False),
        keys={name: each.keys for name, each in keys.items()},
        profiles=profiles,
        source=source,
        key_places={name: each.names for name, each in keys.items()},
    )
    unknown = [line for each in (reader, *inner.values()) for line in each.unknown()]
    if len(unknown) > _MOST_TOLD:
        more = f"{source.path}: {len(unknown) - _MOST_TOLD} more settings are not known."
        unknown[_MOST_TOLD:] = [more]
    return replace(config, warnings=tuple(unknown))


def _profile(reader: _TableReader) -> Profile:
    return Profile(
        base_url=reader.value("base_url", str),
        api_key_env=reader.value("api_key_env", str),
        model=reader.value("model", str),
        title_model=reader.value("title_model", str),
        allow_http=reader.flag("allow_http", otherwise=False),
        cache=reader.value("cache", bool),
    )


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Keys that a person has chosen for something."""

    keys: str
    names: tuple[str, ...]
    """Where they stand: tables, the outer first."""


def _keys(source: Source, names: tuple[str, ...], table: Any) -> Iterator[tuple[str, _Chosen]]:
    """Yield the chosen keys by id. A dot in an id means a table to TOML, unless quoted."""
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


class _TableReader:
    """Reads a table of TOML, and tells by name of what does not belong in it."""

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

    def value(self, name: str, kind: type[_V]) -> _V | None:
        """Return a value of the kind asked for; None if it is not given."""
        value = self._take(name)
        if value is None:
            return None
        # A bool is an int to Python, but not to a reader.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            words = {str: "a string", int: "a whole number", bool: "true or false"}
            raise BadSetting(f"{self._where(name)}: {name} must be {words[kind]}.")
        return value

    def number(self, name: str, otherwise: int, *, least: int, most: int) -> int:
        """Return a number in its bounds; `otherwise` if it is not given."""
        value = self.value(name, int)
        if value is None:
            return otherwise
        if not least <= value <= most:
            raise BadSetting(f"{self._where(name)}: {name} must be from {least} to {most}.")
        return value

    def flag(self, name: str, *, otherwise: bool) -> bool:
        """Return whether something is so; `otherwise` if it is not given."""
        value = self.value(name, bool)
        return otherwise if value is None else value

    def table(self, name: str) -> dict[str, Any]:
        """Return an inner table; an empty one if it is not given."""
        value = self._take(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise BadSetting(f"{self._where(name)}: {name} must be a table.")
        return value

    def unknown(self) -> Iterator[str]:
        """Yield a line for each name that nothing has read: it is most likely misspelt."""
        known = ", ".join(sorted(self._known))
        for name in self._left:
            where = self._where(name)
            yield f"{where}: unknown setting {name!r}. Known settings: {known}."
