"""Loads the settings, and finds the files that hold them.

A flag beats a variable, a variable beats `.env`, `.env` beats the keyring, the keyring beats
`config.toml`, and that beats the defaults. They are read once, at the start, and passed on as
values. Nothing is read from the current folder unless the user names it: a cloned repository
must never be able to choose where a key or a prompt goes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from platformdirs import PlatformDirs

from tui.config.clouds import key_variable
from tui.config.config import BadSetting, Config, read_config
from tui.config.endpoints import Bound, KeySources, bound
from tui.config.env_file import holds_any, keys_in
from tui.config.settings import BY_NAME, KEY_NAMES, SMALL_MODEL, Profile, Settings
from tui.domain.endpoint import ANTHROPIC, BadEndpoint, Endpoint

DEFAULT_PROFILE: str = BY_NAME["profile"].default
"""The profile that exists even without a table."""


@dataclass(frozen=True, slots=True)
class Flags:
    """The options of the command line; None for each that was not given."""

    db: Path | None = None
    config: Path | None = None
    env_file: Path | None = None
    profile: str | None = None
    model: str | None = None
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class OfRun:
    """The profiles and keys that the user added for this run only: no file has them."""

    profiles: Mapping[str, Profile] = field(default_factory=dict)
    keys: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)
    """The keys by profile and host."""


def load(
    flags: Flags, environ: Mapping[str, str] = os.environ, of_run: OfRun | None = None
) -> Settings:
    """Read the settings. Raises `BadSetting`.

    A file that the user named must exist at the start; later calls pass `of_run`.
    """
    config = _config(flags, environ, of_run)
    name = _chosen("profile", flags, environ) or config.values.get("profile")
    profile = _chosen_profile(config, name)
    sources = _key_sources(flags, environ, config, of_run)
    found = _bound(name or DEFAULT_PROFILE, profile, sources)
    env = env_path(flags)
    chosen = Settings(
        **config.values,
        db=db_path(flags, environ),
        is_default_db=_chosen("db", flags, environ) is None,
        config=config_path(flags, environ),
        env_file=env,
        is_demo=flags.is_demo,
        log=log_path(),
        model=_chosen("model", flags, environ) or profile.model,
        is_model_named=flags.model is not None,
        effort=profile.effort,
        max_tokens=profile.max_tokens,
        thinking=profile.thinking,
        endpoint=found.endpoint,
        key_from=found.key_from,
        keyring_problem=found.problem,
        keys=config.keys,
        prices=config.prices,
        key_names=frozenset(key_names(config)),
        key_places=config.key_places,
        source=config.source,
        warnings=config.warnings,
        unused_env=_unused_env(env) if found.endpoint is None else None,
    )
    title_model = _title_model(profile, found.endpoint) if chosen.titles else None
    return replace(chosen, profile=name or chosen.profile, title_model=title_model)


def _config(flags: Flags, environ: Mapping[str, str], of_run: OfRun | None) -> Config:
    is_named = _chosen("config", flags, environ) is not None
    config = read_config(config_path(flags, environ), is_named=is_named and of_run is None)
    if of_run is None:
        return config
    return replace(config, profiles={**config.profiles, **of_run.profiles})


def _key_sources(
    flags: Flags, environ: Mapping[str, str], config: Config, of_run: OfRun | None
) -> KeySources:
    is_named = flags.env_file is not None and of_run is None
    keys = keys_in(env_path(flags), key_names(config), is_named=is_named)
    return KeySources(environ, keys, of_run.keys if of_run is not None else {})


def key_names(config: Config) -> set[str]:
    """Return the names of the variables that may hold a key in `.env`."""
    profiles = config.profiles.values()
    found = (name for p in profiles for name in (p.api_key_env, key_variable(p)) if name)
    return {*KEY_NAMES, *found}


def _bound(name: str, profile: Profile, sources: KeySources) -> Bound:
    try:
        return bound(name, profile, sources)
    except BadEndpoint as error:
        raise BadSetting(f"{error}.") from None


def _chosen(name: str, flags: Flags, environ: Mapping[str, str]) -> str | None:
    """Return the value of a flag or else of a variable; None if neither is set."""
    value = getattr(flags, name) or environ.get(BY_NAME[name].variable)
    return str(value) if value else None


def _title_model(profile: Profile, endpoint: Endpoint | None) -> str | None:
    if endpoint is None:
        return None
    # Another endpoint may not have the model, and its price is unknown.
    return profile.title_model or (SMALL_MODEL if endpoint.root == ANTHROPIC else None)


def db_path(flags: Flags, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the path of the history. Raises `BadSetting`."""
    chosen = flags.db or _path(environ, BY_NAME["db"].variable)
    return chosen or _folders().user_data_path / "history.db"


def config_path(flags: Flags, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the path of `config.toml`. Raises `BadSetting`."""
    chosen = flags.config or _path(environ, BY_NAME["config"].variable)
    return chosen or _folders().user_config_path / "config.toml"


def env_path(flags: Flags) -> Path:
    """Return the path of the `.env` that keys are read from. Raises `BadSetting`."""
    return flags.env_file or _folders().user_config_path / ".env"


def log_path() -> Path:
    """Return the path of the log file. Raises `BadSetting`."""
    return _folders().user_log_path / "streamchat.log"


def _folders() -> PlatformDirs:
    """Return the user's folders. Raises `BadSetting` if there is no home folder."""
    folders = PlatformDirs("streamchat", appauthor=False)
    try:
        known = (folders.user_config_path, folders.user_data_path, folders.user_log_path)
        # Without a home, older releases of platformdirs return relative paths.
        has_home = all(path.is_absolute() for path in known)
    except RuntimeError:
        has_home = False
    if not has_home:
        raise BadSetting("There is no home folder. Set HOME to the full path of yours.")
    return folders


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    value = environ.get(name)
    if not value:
        return None
    try:
        return checked_path(value).expanduser()
    except ValueError as error:
        raise BadSetting(f"{name}: {error}.") from None
    except RuntimeError:
        raise BadSetting(f"{name}: {value} begins with an unknown home folder.") from None


def checked_path(text: str) -> Path:
    """Return a text as the path of a file.

    Raises `ValueError` for texts with another meaning, such as `-` and SQLite's own names.
    The error's text continues a line that begins with the name of the setting.
    """
    if text in ("", "-"):
        raise ValueError(f"{text!r} is not the path of a file")
    if text == ":memory:" or text.startswith("file:"):
        raise ValueError(f"{text!r} is a special name of SQLite; give the path of a file")
    path = Path(text)
    # `Path` drops the `./` of `./:memory:`, and SQLite would take that for its own name.
    return path.absolute() if str(path).startswith((":", "file:")) else path


def _chosen_profile(config: Config, name: str | None) -> Profile:
    if name is None or (name == DEFAULT_PROFILE and name not in config.profiles):
        return config.profiles.get(DEFAULT_PROFILE, Profile())
    try:
        return config.profiles[name]
    except KeyError:
        known = ", ".join(sorted({DEFAULT_PROFILE, *config.profiles}))
        raise BadSetting(f"Unknown profile {name!r}. Known profiles: {known}.") from None


def _unused_env(read: Path) -> Path | None:
    """Return the current folder's `.env` if it holds a key that was not read."""
    try:
        path = Path.cwd() / ".env"
    except OSError:
        return None
    return path if path != read.absolute() and holds_any(path, KEY_NAMES) else None
