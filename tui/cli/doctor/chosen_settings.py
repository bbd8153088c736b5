"""Findings about the settings, their files, and the key in use."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tui.cli.app_settings import unknown_keys, unknown_theme
from tui.cli.doctor.finding import Finding
from tui.config import loading
from tui.config.declaration import declared
from tui.config.endpoints import ENV, KEYRING
from tui.config.loading import Flags
from tui.config.settings import KEY_NAMES, PASTE_A_KEY, Profile, Settings


def places(flags: Flags) -> Iterator[Finding]:
    """Yield where the settings are, and who else can change them."""
    config, env = loading.config_path(flags), loading.env_path(flags)
    yield Finding("settings", "config.toml", str(config) if config.exists() else "none")
    if config.exists():
        yield from _changeable("config.toml", config)
    for folder in dict.fromkeys((config.parent, env.parent)):
        yield from _changeable("folder", folder)
    if os.path.lexists(env):
        mode = f", mode {stat.S_IMODE(env.lstat().st_mode):03o}" if os.name == "posix" else ""
        yield Finding("settings", ".env", f"{env}{mode}")


def _changeable(name: str, path: Path) -> Iterator[Finding]:
    """Yield an error if other users can write to `path`: they could steal a key."""
    if os.name != "posix" or not path.exists():
        return
    mode = path.stat().st_mode
    # In a sticky folder, such as /tmp, users cannot change each other's files.
    if mode & 0o022 and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
        line = f"other users can write to {path}"
        yield Finding("settings", f"{name} mode", line, "error", f"chmod go-w {path}")


def values(chosen: Settings) -> Iterator[Finding]:
    """Yield every setting with its value."""
    for setting in (*declared(Settings), *declared(Profile)):
        # The rest of a profile is reported with the endpoint, without possible secrets.
        if setting.is_in_file and hasattr(chosen, setting.name):
            value = getattr(chosen, setting.name)
            yield Finding("settings", setting.name, setting.shown(value))


def looks(chosen: Settings) -> Iterator[Finding]:
    """Yield what the app cannot use: an unknown theme or an unknown key name."""
    if chosen.source is None or not (chosen.theme or chosen.keys):
        return
    from tui.ui.bindings import keymap_of
    from tui.ui.themes import known_themes

    if unknown := unknown_theme(chosen, known_themes()):
        yield Finding("settings", "theme", unknown, "error", "Choose one of them.")
    known = keymap_of(chosen.keys)
    for line, fix in unknown_keys(chosen, known):
        yield Finding("settings", "keys", line, "warning", fix)
    for line in known.conflicts:
        yield Finding("settings", "keys", line, "warning", "Choose another key.")


def variables() -> Iterator[Finding]:
    """Yield which variables hold a key, for when the settings cannot be read."""
    held = [name for name in KEY_NAMES if os.environ.get(name, "").strip()]
    if held:
        yield Finding("key", "variables", ", ".join(held))


def key(chosen: Settings) -> Iterator[Finding]:
    """Yield where the key comes from."""
    endpoint = chosen.endpoint
    if chosen.keyring_problem:
        fix = f"Or keep the key in {chosen.env_file}."
        yield Finding("key", "keyring", chosen.keyring_problem, "error", fix)
    elif endpoint is None:
        fix = f"{PASTE_A_KEY}, set ANTHROPIC_API_KEY, or put it into {chosen.env_file}."
        yield Finding("key", "source", "none: the offline demo is used", "warning", fix)
    else:
        yield Finding("key", "source", _source(chosen))
    if chosen.unused_env is not None:
        fix = f"To use it: --env-file {chosen.unused_env}"
        yield Finding("key", "not read", str(chosen.unused_env), "warning", fix)


def _source(chosen: Settings) -> str:
    endpoint = chosen.endpoint
    if endpoint is not None and endpoint.cloud is not None:
        if chosen.key_from == ENV:
            return str(chosen.env_file)
        return f"the variable {chosen.key_from}" if endpoint.api_key else chosen.key_from
    if endpoint is None or not (endpoint.api_key or endpoint.auth_token or endpoint.login):
        return "none: this endpoint gets no key"
    if endpoint.login is not None:
        return f"the login {endpoint.login!r} of Anthropic's own tools"
    if chosen.key_from == KEYRING:
        return "the system's keyring"
    secret = endpoint.api_key or endpoint.auth_token
    for name in KEY_NAMES:
        if os.environ.get(name, "").strip() == secret:
            return f"the variable {name}"
    if any(value.strip() == secret for value in os.environ.values()):
        return "the variable that the profile names"
    return str(chosen.env_file)
