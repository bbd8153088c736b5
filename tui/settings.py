"""What the user may choose, and where files live.

A flag beats a variable, a variable beats `.env`, `.env` beats `config.toml`, and
that beats the defaults. Read once, at start; everything else is handed values.
Nothing is read from the current folder by itself: a cloned repository must never
be able to choose where a key or a prompt goes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

from platformdirs import PlatformDirs

from tui.config import BadSetting, Config, Profile, read_config
from tui.endpoint import ANTHROPIC, BadEndpoint, Endpoint, checked_base_url, checked_key
from tui.textfile import NotPlain, open_text
from tui.toml_lines import Source

DEFAULT_MODEL = "claude-sonnet-5-5"
SMALL_MODEL = "claude-haiku-5-5"
"""What makes titles on Anthropic's API."""
DEFAULT_PROFILE = "claude"
KEY_NAMES = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


@dataclass(frozen=True, slots=True)
class Flags:
    """What was said on the command line. None: nothing."""

    db: Path | None = None
    config: Path | None = None
    env_file: Path | None = None
    profile: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the user may choose."""

    db: Path
    is_default_db: bool
    """Whether the program chose the place itself, and so may make its folder."""
    log: Path
    env: Path
    """The `.env` that keys are read from."""
    model: str
    endpoint: Endpoint | None
    """Where questions go; None while there is no key, token or login."""
    profile: str = DEFAULT_PROFILE
    theme: str | None = None
    frames_per_second: int = 15
    """How often a streaming reply is redrawn."""
    silence_limit: int = 90
    """How long an endpoint may send nothing, in seconds."""
    waiting_limit: int = 600
    """How long it may give signs of life but no words, in seconds."""
    keep_recordings_mb: int = 200
    """How much is kept of what came over the wire, in megabytes."""
    parallel_replies: int = 8
    """How many replies are written at once."""
    title_model: str | None = None
    """The model that makes titles; None: they stay the first question's words."""
    substring_index: bool = False
    """Whether to keep an index of what stands inside words."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys of a person's own, by the id of what they do; see `tui.keymap.spelled`."""
    key_places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Where `keys` stand in `source`."""
    source: Source | None = None
    """`config.toml`, as it was read."""
    warnings: tuple[str, ...] = ()
    """A line for the user for each name in it that is not known."""
    unused_env: Path | None = None
    """A `.env` in the current folder that holds a key, which was not read."""


def load(flags: Flags, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. Raises `BadSetting`."""
    is_named = bool(flags.config or environ.get("STREAMCHAT_CONFIG"))
    config = read_config(config_path(flags, environ), is_named=is_named)
    name = flags.profile or environ.get("STREAMCHAT_PROFILE") or config.profile
    profile = _chosen_profile(config, name)
    key_names = {*KEY_NAMES, *(p.api_key_env for p in config.profiles.values())} - {None}
    env = env_path(flags)
    keys = _keys_in(env, key_names, is_named=flags.env_file is not None)
    endpoint = _endpoint(profile, keys, environ)
    return Settings(
        db=db_path(flags, environ),
        is_default_db=not (flags.db or environ.get("STREAMCHAT_DB")),
        log=log_path(),
        env=env,
        model=(
            flags.model or environ.get("STREAMCHAT_MODEL") or profile.model or DEFAULT_MODEL
        ),
        endpoint=endpoint,
        profile=name or DEFAULT_PROFILE,
        theme=config.theme,
        frames_per_second=config.frames_per_second,
        silence_limit=config.silence_limit,
        waiting_limit=config.waiting_limit,
        keep_recordings_mb=config.keep_recordings_mb,
        parallel_replies=config.parallel_replies,
        title_model=_title_model(config, profile, endpoint),
        substring_index=config.substring_index,
        keys=config.keys,
        key_places=config.key_places,
        source=config.source,
        warnings=config.warnings,
        unused_env=_unused_env(env) if endpoint is None else None,
    )


def _title_model(config: Config, profile: Profile, endpoint: Endpoint | None) -> str | None:
    if endpoint is None or not config.titles:
        return None
    # What else an endpoint has is not known, and would be paid for.
    return profile.title_model or (SMALL_MODEL if endpoint.root == ANTHROPIC else None)


def db_path(flags: Flags, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the history is. Raises `BadSetting`."""
    chosen = flags.db or _path(environ, "STREAMCHAT_DB")
    return chosen or _folders().user_data_path / "history.db"


def config_path(flags: Flags, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where `config.toml` is. Raises `BadSetting`."""
    chosen = flags.config or _path(environ, "STREAMCHAT_CONFIG")
    return chosen or _folders().user_config_path / "config.toml"


def env_path(flags: Flags) -> Path:
    """Return where the `.env` is that keys are read from. Raises `BadSetting`."""
    return flags.env_file or _folders().user_config_path / ".env"


def log_path() -> Path:
    """Return where the log file is. Raises `BadSetting`."""
    return _folders().user_log_path / "streamchat.log"


def _folders() -> PlatformDirs:
    """Return the user's folders. Raises `BadSetting` where there are none."""
    folders = PlatformDirs("streamchat", appauthor=False)
    try:
        known = (folders.user_config_path, folders.user_data_path, folders.user_log_path)
        # Without a home, older releases of platformdirs name folders below this one.
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
        raise BadSetting(f"{name}: {value} begins with a home folder not known here.") from None


def checked_path(text: str) -> Path:
    """Return the path of a file. Raises `ValueError` for what other programs mean by it.

    Its text goes on after the name of the setting.
    """
    if text in ("", "-"):
        raise ValueError(f"{text!r} is not the path of a file")
    if text == ":memory:" or text.startswith("file:"):
        raise ValueError(f"{text!r} is a special name of SQLite; give the path of a file")
    path = Path(text)
    # Without its beginning, SQLite would take `./:memory:` for its own name too.
    return path.absolute() if str(path).startswith((":", "file:")) else path


def _chosen_profile(config: Config, name: str | None) -> Profile:
    if name is None or (name == DEFAULT_PROFILE and name not in config.profiles):
        return config.profiles.get(DEFAULT_PROFILE, Profile())
    try:
        return config.profiles[name]
    except KeyError:
        known = ", ".join(sorted({DEFAULT_PROFILE, *config.profiles}))
        raise BadSetting(f"Unknown profile {name!r}. Known profiles: {known}.") from None


def _endpoint(
    profile: Profile, keys: Mapping[str, str], environ: Mapping[str, str]
) -> Endpoint | None:
    """Bind each key to the address it was meant for; None when there is no credential."""
    try:
        if profile.base_url is not None:
            found: Endpoint | None = _own_endpoint(profile, keys, environ)
        else:
            found = _anthropic_endpoint(profile, keys, environ)
    except BadEndpoint as error:
        raise BadSetting(f"{error}.") from None
    return found and replace(found, cache=profile.cache)


def _own_endpoint(
    profile: Profile, keys: Mapping[str, str], environ: Mapping[str, str]
) -> Endpoint:
    """Return the endpoint of a profile with an address: connected even without a key."""
    base_url = _address("base_url", profile.base_url or "", profile)
    name = profile.api_key_env
    key = (environ.get(name) or keys.get(name)) if name else None
    if not (name and key and key.strip()):
        return Endpoint(base_url)
    return Endpoint(base_url, api_key=checked_key(name, key))


def _anthropic_endpoint(
    profile: Profile, keys: Mapping[str, str], environ: Mapping[str, str]
) -> Endpoint | None:
    """Return Anthropic's API, or what the environment names with the key beside it."""
    own = profile.api_key_env
    names = {"api_key": own or KEY_NAMES[0], "auth_token": KEY_NAMES[1]}
    for kind, name in names.items():
        if value := environ.get(name, "").strip():
            given = environ.get("ANTHROPIC_BASE_URL", "").strip() or ANTHROPIC
            base_url = _address("ANTHROPIC_BASE_URL", given, profile)
            return _with_credential(base_url, kind, checked_key(name, value))
    # A key from a file, or a login, goes to Anthropic's API and nowhere else.
    for kind, name in names.items():
        if value := keys.get(name, "").strip():
            return _with_credential(ANTHROPIC, kind, checked_key(name, value))
    login = _login(environ)
    return None if login is None else Endpoint(ANTHROPIC, login=login)


def _address(name: str, base_url: str, profile: Profile) -> str:
    try:
        return checked_base_url(base_url, allow_http=profile.allow_http)
    except BadEndpoint as error:
        raise BadEndpoint(f"{name}: {error}") from None


def _with_credential(base_url: str, kind: str, value: str) -> Endpoint:
    if kind == "api_key":
        return Endpoint(base_url, api_key=value)
    return Endpoint(base_url, auth_token=value)


def _login(environ: Mapping[str, str]) -> str | None:
    """Return the login profile that Anthropic's SDK would use, told by its files."""
    folder = _path(environ, "ANTHROPIC_CONFIG_DIR")
    if folder is None and os.name == "nt":
        folder = Path(environ.get("APPDATA", "~")).expanduser() / "Anthropic"
    try:
        folder = folder or Path("~/.config/anthropic").expanduser()
    except RuntimeError:
        return None
    name = environ.get("ANTHROPIC_PROFILE")
    if not name:
        try:
            name = (folder / "active_config").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            name = "default"
    if Path(name).name != name:
        return None
    exists = any(
        (folder / kind / f"{name}.json").exists() for kind in ("configs", "credentials")
    )
    return name if exists else None


def _keys_in(path: Path, names: set[str | None], *, is_named: bool) -> dict[str, str]:
    """Return the keys that a `.env` file holds; nothing else in it is looked at.

    Raises `BadSetting` for a file that others may read and for a line that is not
    understood: named by its number, never by its text.
    """
    try:
        with _opened(path) as lines:
            _check_is_private(path, os.fstat(lines.fileno()))
            found = _env_lines(path, lines)
    except FileNotFoundError:
        if is_named:
            raise BadSetting(f"{path} does not exist.") from None
        return {}
    except OSError as error:
        raise BadSetting(f"{path} cannot be read: {error.strerror}.") from error
    return {name: value for name, value in found if name in names and value}


def _opened(path: Path) -> TextIO:
    """Open a `.env`, following no link. Raises `OSError` and `BadSetting`."""
    try:
        return open_text(path, follows_links=False)
    except NotPlain as error:
        raise BadSetting(f"{path} {error}, so no key is read from it.") from None


def _check_is_private(path: Path, status: os.stat_result) -> None:
    if os.name != "posix":
        return
    if status.st_uid != os.geteuid():
        raise BadSetting(f"{path} belongs to another user, so no key is read from it.")
    if status.st_mode & 0o077:
        raise BadSetting(f"{path} may be read by others. Run: chmod 600 {path}")


def _env_lines(path: Path, lines: TextIO) -> list[tuple[str, str | None]]:
    # The parser itself: what reads whole files skips the lines it cannot read.
    from dotenv.parser import parse_stream

    try:
        bindings = list(parse_stream(lines))
    except UnicodeDecodeError:
        raise BadSetting(f"{path} is not a text file in UTF-8.") from None
    for binding in bindings:
        if binding.error:
            raise BadSetting(f"{path}, line {binding.original.line}: not a NAME=value line.")
    return [(binding.key, binding.value) for binding in bindings if binding.key]


def _unused_env(read: Path) -> Path | None:
    """Return the current folder's `.env` if it holds a key that was not read."""
    try:
        path = Path.cwd() / ".env"
        if path == read.absolute():
            return None
        with _opened(path) as lines:
            names = {name for name, value in _env_lines(path, lines) if value}
    except (BadSetting, OSError):
        return None
    return path if names.intersection(KEY_NAMES) else None
