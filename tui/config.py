"""What stands in `config.toml`.

Every table is read to its end: a name that nothing reads is most likely misspelt,
and is complained of.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tui.keymap import BadKey, spelled

_V = TypeVar("_V", str, int, bool)


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


def read_config(path: Path) -> Config:
    """Read `config.toml`. No file: nothing is chosen. Raises `BadSetting`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return Config()
    except UnicodeDecodeError:
        raise BadSetting(f"{path} is not a text file in UTF-8.") from None
    except OSError as error:
        raise BadSetting(f"{path} cannot be read: {error.strerror}.") from error
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"{path}: {error}.") from None
    reader = _TableReader(path, "", table)
    profiles = {
        name: _profile(_TableReader(path, f"profiles.{name}", inner))
        for name, inner in reader.table("profiles").items()
    }
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
        keys=_keys(path, "keys", reader.table("keys")),
        profiles=profiles,
    )
    reader.check_all_known()
    return config


def _profile(reader: _TableReader) -> Profile:
    profile = Profile(
        base_url=reader.value("base_url", str),
        api_key_env=reader.value("api_key_env", str),
        model=reader.value("model", str),
        title_model=reader.value("title_model", str),
        allow_http=reader.flag("allow_http", otherwise=False),
        cache=reader.value("cache", bool),
    )
    reader.check_all_known()
    return profile


def _keys(path: Path, name: str, table: Any) -> dict[str, str]:
    """Return the chosen keys by id. A dot in an id means a table to TOML, unless quoted."""
    if not isinstance(table, dict):
        return {name.removeprefix("keys."): _spelled(path, name, table)}
    found: dict[str, str] = {}
    for inner, value in table.items():
        found |= _keys(path, f"{name}.{inner}", value)
    return found


def _spelled(path: Path, name: str, keys: Any) -> str:
    if not isinstance(keys, str):
        raise BadSetting(f"{path}: {name} must be a string.")
    try:
        return spelled(keys)
    except BadKey as error:
        raise BadSetting(f"{path}: {name}: {error}.") from None


class _TableReader:
    """Reads a table of TOML, and complains by name of what does not belong in it."""

    def __init__(self, path: Path, name: str, table: Any) -> None:
        self._where = f"{path}, [{name}]" if name else f"{path}"
        if not isinstance(table, dict):
            raise BadSetting(f"{self._where} must be a table.")
        self._left = dict(table)

    def value(self, name: str, kind: type[_V]) -> _V | None:
        """Return a value of the kind asked for; None if it is not given."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        # A bool is an int to Python, but not to a reader.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            words = {str: "a string", int: "a whole number", bool: "true or false"}
            raise BadSetting(f"{self._where}: {name} must be {words[kind]}.")
        return value

    def number(self, name: str, otherwise: int, *, least: int, most: int) -> int:
        """Return a number in its bounds; `otherwise` if it is not given."""
        value = self.value(name, int)
        if value is None:
            return otherwise
        if not least <= value <= most:
            raise BadSetting(f"{self._where}: {name} must be from {least} to {most}.")
        return value

    def flag(self, name: str, *, otherwise: bool) -> bool:
        """Return whether something is so; `otherwise` if it is not given."""
        value = self.value(name, bool)
        return otherwise if value is None else value

    def table(self, name: str) -> dict[str, Any]:
        """Return an inner table; an empty one if it is not given."""
        value = self._left.pop(name, {})
        if not isinstance(value, dict):
            raise BadSetting(f"{self._where}: {name} must be a table.")
        return value

    def check_all_known(self) -> None:
        """Raise for a name that nothing reads: it is most likely misspelt."""
        if self._left:
            raise BadSetting(f"{self._where}: there is no setting {next(iter(self._left))!r}.")
