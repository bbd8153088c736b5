"""Decides which key goes to which address.

A key from the environment goes to the address in the environment, or to Anthropic. A key
from `.env` or a login goes only to Anthropic, unless a profile names it. A key from the
keyring, or typed for this run, belongs to its profile at its host. A profile with an address
gets its own key or none. For clouds, see `clouds`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tui.config import clouds
from tui.config.credentials import KeyringFailed, read_key
from tui.config.settings import KEY_NAMES, Profile
from tui.domain.cloud import CloudKind
from tui.domain.endpoint import (
    ANTHROPIC,
    BadEndpoint,
    Endpoint,
    checked_base_url,
    checked_key,
    checked_version,
)

THIS_RUN, ENV, KEYRING, LOGIN = "this run", ".env", "keyring", "login"
"""The sources of keys. A variable of the environment is called by its own name."""


@dataclass(frozen=True, slots=True)
class KeySources:
    """The sources of keys."""

    environ: Mapping[str, str]
    env_file: Mapping[str, str] = field(default_factory=dict, repr=False)
    of_run: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)
    """Keys that were typed for this run, by profile and host."""
    read_keyring: Callable[[str, str], str | None] = read_key
    """Called last, and only for a profile whose key is in the keyring."""


@dataclass(frozen=True, slots=True)
class Bound:
    """An endpoint with its key."""

    endpoint: Endpoint | None
    """None if a credential is needed and there is none."""
    key_from: str = ""
    """Where its key comes from; empty if it has none."""
    problem: str = ""
    """Why the keyring did not give the key, as one line for the user."""


def bound(name: str, profile: Profile, sources: KeySources) -> Bound:
    """Return a profile's endpoint with the key that is meant for it. Raises `BadEndpoint`."""
    clouds.check_settings(name, profile)
    if profile.kind is not None:
        found = _of_cloud(name, profile.kind, profile, sources)
    elif profile.base_url is not None:
        found = _own(name, profile, sources)
    else:
        found = _anthropic(name, profile, sources)
    if found.endpoint is None:
        return found
    version = None if profile.version is None else checked_version(profile.version)
    endpoint = replace(
        found.endpoint,
        cache=profile.cache,
        is_key_in_own_header=profile.auth == "x-api-key",
        version=version,
    )
    return replace(found, endpoint=endpoint)


def _of_cloud(name: str, kind: CloudKind, profile: Profile, sources: KeySources) -> Bound:
    """Return the endpoint of a cloud, with its key if it has one in a variable."""
    place = clouds.located(name, kind, profile, sources.environ)
    address = _address(place.variable or "base_url", place.base_url, profile)
    endpoint = Endpoint(address, cloud=place.cloud)
    if variable := clouds.key_variable(profile):
        # A key from a file goes only to an address that the user wrote into a file.
        env_file = {} if place.variable else sources.env_file
        for where, keys in ((variable, sources.environ), (ENV, env_file)):
            if value := keys.get(variable, "").strip():
                return Bound(replace(endpoint, api_key=checked_key(variable, value)), where)
    if kind not in clouds.CREDENTIALS:
        raise BadEndpoint(f"[profiles.{name}] needs a key: set the variable {variable}")
    return Bound(endpoint, clouds.CREDENTIALS[kind])


def _own(name: str, profile: Profile, sources: KeySources) -> Bound:
    """Return the endpoint of a profile with an address, even without a key."""
    endpoint = Endpoint(_address("base_url", profile.base_url or "", profile))
    if found := _of_run(name, endpoint, sources):
        return found
    if variable := profile.api_key_env:
        for place, keys in ((variable, sources.environ), (ENV, sources.env_file)):
            if value := keys.get(variable, "").strip():
                return Bound(replace(endpoint, api_key=checked_key(variable, value)), place)
    return _of_keyring(name, profile, endpoint, sources) or Bound(endpoint)


def _anthropic(name: str, profile: Profile, sources: KeySources) -> Bound:
    """Return Anthropic's API, or the address in the environment if the key is there too."""
    endpoint = Endpoint(ANTHROPIC)
    if found := _of_run(name, endpoint, sources):
        return found
    environ = sources.environ
    names = {"api_key": profile.api_key_env or KEY_NAMES[0], "auth_token": KEY_NAMES[1]}
    for kind, variable in names.items():
        if value := environ.get(variable, "").strip():
            given = environ.get("ANTHROPIC_BASE_URL", "").strip() or ANTHROPIC
            base_url = _address("ANTHROPIC_BASE_URL", given, profile)
            return _with_credential(base_url, kind, checked_key(variable, value), variable)
    # A key from a file, or a login, goes to Anthropic's API and nowhere else.
    for kind, variable in names.items():
        if value := sources.env_file.get(variable, "").strip():
            return _with_credential(ANTHROPIC, kind, checked_key(variable, value), ENV)
    of_keyring = _of_keyring(name, profile, endpoint, sources)
    if of_keyring is not None and not of_keyring.problem:
        return of_keyring
    login = login_profile(environ)
    if login is not None:
        return Bound(Endpoint(ANTHROPIC, login=login), LOGIN)
    return Bound(None, problem=of_keyring.problem if of_keyring else "")


def _of_run(name: str, endpoint: Endpoint, sources: KeySources) -> Bound | None:
    key = sources.of_run.get((name, endpoint.host))
    return None if key is None else Bound(replace(endpoint, api_key=key), THIS_RUN)


def _of_keyring(
    name: str, profile: Profile, endpoint: Endpoint, sources: KeySources
) -> Bound | None:
    if not profile.keyring:
        return None
    try:
        key = sources.read_keyring(name, endpoint.host)
    except KeyringFailed as error:
        return Bound(endpoint, problem=str(error))
    if key is None:
        return Bound(
            endpoint,
            problem=f"The keyring has no key for {name} at {endpoint.host}."
            f" Run: streamchat-tui credentials set {name}",
        )
    return Bound(replace(endpoint, api_key=checked_key("The key in the keyring", key)), KEYRING)


def _address(name: str, base_url: str, profile: Profile) -> str:
    try:
        return checked_base_url(base_url, allow_http=profile.allow_http)
    except BadEndpoint as error:
        raise BadEndpoint(f"{name}: {error}") from None


def _with_credential(base_url: str, kind: str, value: str, place: str) -> Bound:
    if kind == "api_key":
        return Bound(Endpoint(base_url, api_key=value), place)
    return Bound(Endpoint(base_url, auth_token=value), place)


def login_profile(environ: Mapping[str, str]) -> str | None:
    """Return the login profile that Anthropic's SDK would use; None if its file is missing."""
    try:
        if given := environ.get("ANTHROPIC_CONFIG_DIR"):
            folder = Path(given).expanduser()
        elif os.name == "nt":
            folder = Path(environ.get("APPDATA", "~")).expanduser() / "Anthropic"
        else:
            folder = Path("~/.config/anthropic").expanduser()
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
