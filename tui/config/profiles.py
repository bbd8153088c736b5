"""Lists and changes the profiles: those in the files, in the keyring and of this run.

Everything here blocks: call it in a thread. It raises `BadSetting`, whose text is one line
for the user, and has changed nothing then.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from tui.config import loading
from tui.config.clouds import key_variable
from tui.config.config import BadSetting, Config, read_config
from tui.config.config_file import CannotSet, Names, Value, set_values
from tui.config.credentials import KeyringFailed, check_keyring, delete_key, save_key
from tui.config.endpoints import KeySources, bound, login_profile
from tui.config.env_file import keys_in, set_key
from tui.config.loading import DEFAULT_PROFILE, Flags, OfRun
from tui.config.settings import BY_NAME, KEY_NAMES, Profile, Settings
from tui.domain.endpoint import ANTHROPIC, BadEndpoint, Endpoint, checked_base_url, checked_key
from tui.domain.model import Model

KeyPlace = Literal["keyring", ".env", "this run"]
"""Where a key can be saved."""

_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class ListedProfile:
    """A profile as a list shows it. Its key was not read from the keyring."""

    name: str
    host: str
    """Empty for a cloud whose address is not known."""
    label: str
    """The host, or the cloud with its region."""
    model: str
    key_from: str
    """Where its key comes from; empty if it has none."""
    is_usable: bool
    """Whether it has its key, or needs none."""
    is_default: bool
    problem: str = ""

    @property
    def key_status(self) -> str:
        """Where its key comes from, or whether it needs one."""
        return self.key_from or ("no key" if self.is_usable else "key missing")


@dataclass(frozen=True, slots=True)
class NewProfile:
    """A profile to add."""

    name: str
    base_url: str
    """Empty for Anthropic's API."""
    key: str = field(repr=False)
    """Empty if it needs none."""
    model: str | None = None
    """None for the default model."""

    def with_model_of(self, models: Sequence[Model]) -> NewProfile:
        """Return it with the first of `models`, unless they include the default model."""
        ids = [model.id for model in models]
        return (
            self if not ids or BY_NAME["model"].default in ids else replace(self, model=ids[0])
        )

    @property
    def endpoint(self) -> Endpoint:
        """Its endpoint. Raises `BadSetting` for an address or a key that cannot be used."""
        try:
            base_url = checked_base_url(self.base_url) if self.base_url.strip() else ANTHROPIC
            key = checked_key("The key", self.key)
        except BadEndpoint as error:
            text = str(error)
            raise BadSetting(f"{text[:1].upper()}{text[1:]}.") from None
        return Endpoint(base_url, api_key=key or None)


class Profiles:
    """Lists, loads and changes profiles."""

    def __init__(
        self, flags: Flags | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._flags = flags or Flags()
        self._environ = environ
        self._of_run = OfRun()

    def load(self, name: str) -> Settings:
        """Return the settings of a profile, with its key."""
        # A flag's model was meant for the profile at the start.
        flags = replace(self._flags, profile=name, model=None, is_demo=False)
        return loading.load(flags, self._environ, self._of_run)

    def listed(self) -> tuple[ListedProfile, ...]:
        """Return every profile; the one for Anthropic's API comes first."""
        config = self._config()
        default = config.values.get("profile") or DEFAULT_PROFILE
        found = {DEFAULT_PROFILE: Profile(), **config.profiles, **self._of_run.profiles}
        sources = self._sources(config)
        return tuple(
            _listed(name, profile, sources, is_default=name == default)
            for name, profile in found.items()
        )

    @property
    def login(self) -> str | None:
        """The login of Anthropic's command line, if there is one."""
        return login_profile(self._environ)

    def add(self, new: NewProfile, place: KeyPlace) -> None:
        """Save a new profile with its key, or a key for a profile that has none."""
        name, endpoint = checked_name(new.name), new.endpoint
        config = self._config()
        known = next((each for each in self.listed() if each.name == name), None)
        # A profile without a table, or without its key, may get one.
        table = config.profiles.get(name)
        is_other = (
            known is not None
            and table is not None
            and (known.host != endpoint.host or table.kind is not None)
        )
        if known is not None and (known.key_from or is_other):
            raise BadSetting(f"The profile {name!r} exists already. Choose another name.")
        new = replace(new, name=name, key=endpoint.api_key or "")
        if place == "this run":
            self._add_to_run(new, endpoint)
            return
        changes = dict(_changes_of(new))
        if not new.key:
            self._set(changes)
        elif place == "keyring":
            self._add_with_keyring(new, endpoint, changes)
        else:
            self._add_with_env(new, config, changes)

    def _add_to_run(self, new: NewProfile, endpoint: Endpoint) -> None:
        profiles, keys = dict(self._of_run.profiles), dict(self._of_run.keys)
        made = Profile(base_url=new.base_url.strip() or None)
        profiles[new.name] = made if new.model is None else replace(made, model=new.model)
        if new.key:
            keys[new.name, endpoint.host] = new.key
        self._of_run = OfRun(profiles, keys)

    def _add_with_keyring(
        self, new: NewProfile, endpoint: Endpoint, changes: dict[Names, Value | None]
    ) -> None:
        try:
            check_keyring()
            save_key(new.name, endpoint.host, new.key)
        except KeyringFailed as error:
            raise BadSetting(str(error)) from error
        try:
            self._set(changes | {("profiles", new.name, "keyring"): True})
        except BadSetting:
            with suppress(KeyringFailed):
                delete_key(new.name, endpoint.host)
            raise

    def _add_with_env(
        self, new: NewProfile, config: Config, changes: dict[Names, Value | None]
    ) -> None:
        profile = config.profiles.get(new.name, Profile())
        variable = profile.api_key_env
        if variable is None and new.name == DEFAULT_PROFILE and not new.base_url.strip():
            variable = KEY_NAMES[0]
        elif variable is None:
            variable = _variable(new.name, loading.key_names(config))
            changes[("profiles", new.name, "api_key_env")] = variable
        set_key(self._env_path, variable, new.key)
        try:
            self._set(changes)
        except BadSetting:
            with suppress(BadSetting):
                set_key(self._env_path, variable, None)
            raise

    def set_keyring_key(self, name: str, key: str) -> str:
        """Save the key of a profile in the keyring; return the host that it is for."""
        host = self._host(name)
        try:
            save_key(name, host, checked_key("The key", key))
        except KeyringFailed as error:
            raise BadSetting(str(error)) from error
        except BadEndpoint as error:
            raise BadSetting(f"{error}.") from None
        self._set({("profiles", name, "keyring"): True})
        return host

    def delete_keyring_key(self, name: str) -> bool:
        """Remove the key of a profile from the keyring; return False if there was none."""
        try:
            is_deleted = delete_key(name, self._host(name))
        except KeyringFailed as error:
            raise BadSetting(str(error)) from error
        config = self._config()
        if name in config.profiles and config.profiles[name].keyring:
            self._set({("profiles", name, "keyring"): None})
        return is_deleted

    def make_default(self, name: str) -> None:
        """Use a profile from the next start on."""
        config = self._config()
        if name != DEFAULT_PROFILE and name not in config.profiles:
            raise BadSetting(f"{name} is for this run only. Add it with a saved key first.")
        self._set({("profile",): name})

    def remove(self, name: str) -> None:
        """Remove a profile, and its key if no other profile uses it."""
        config, keys = self._config(), dict(self._of_run.keys)
        profiles = {k: v for k, v in self._of_run.profiles.items() if k != name}
        keys = {place: key for place, key in keys.items() if place[0] != name}
        profile = config.profiles.get(name)
        if profile is not None:
            changes: dict[Names, Value | None] = {("profiles", name): None}
            if config.values.get("profile") == name:
                changes[("profile",)] = None
            if profile.keyring and profile.kind is None:
                self.delete_keyring_key(name)
            self._set(changes)
        self._of_run = OfRun(profiles, keys)
        self._forget_env_key(name, profile or Profile(), config)

    def _forget_env_key(self, name: str, profile: Profile, config: Config) -> None:
        # Anthropic's profiles without a variable of their own share the default one's key.
        is_first = name == DEFAULT_PROFILE or profile.api_key_env is not None
        variable = _variable_of(profile) if is_first else None
        others = [each for other, each in config.profiles.items() if other != name]
        is_shared = any(_variable_of(each) == variable for each in others)
        if variable and not is_shared and self._env_keys(config).get(variable):
            set_key(self._env_path, variable, None)

    def _config(self) -> Config:
        return read_config(self._config_path)

    @property
    def _config_path(self) -> Path:
        return loading.config_path(self._flags, self._environ)

    @property
    def _env_path(self) -> Path:
        return loading.env_path(self._flags)

    def _env_keys(self, config: Config) -> dict[str, str]:
        return keys_in(self._env_path, loading.key_names(config), is_named=False)

    def _sources(self, config: Config) -> KeySources:
        # A list does not read the keyring: it might ask the user to unlock it.
        return KeySources(
            self._environ, self._env_keys(config), self._of_run.keys, lambda *_: "unread"
        )

    def _host(self, name: str) -> str:
        config = self._config()
        profile = config.profiles.get(name)
        if profile is not None and profile.kind is not None:
            raise BadSetting(
                f"{name} is a profile of {profile.kind}, which has no key in the keyring."
            )
        if profile is None and name != DEFAULT_PROFILE:
            known = ", ".join(sorted({DEFAULT_PROFILE, *config.profiles}))
            raise BadSetting(f"Unknown profile {name!r}. Known profiles: {known}.")
        base_url = ANTHROPIC if profile is None else profile.base_url or ANTHROPIC
        return urlsplit(base_url.strip()).netloc

    def _set(self, changes: Mapping[Names, Value | None]) -> None:
        if not changes:
            return
        try:
            set_values(self._config_path, changes)
        except CannotSet as error:
            raise BadSetting(str(error)) from error


def _listed(
    name: str, profile: Profile, sources: KeySources, *, is_default: bool
) -> ListedProfile:
    default = ANTHROPIC if profile.kind is None else ""
    host = urlsplit((profile.base_url or default).strip()).netloc
    try:
        found = bound(name, profile, sources)
    except BadEndpoint as error:
        return ListedProfile(
            name, host, profile.kind or host, profile.model, "", is_usable=False,
            is_default=is_default, problem=str(error),
        )  # fmt: skip
    return ListedProfile(
        name,
        host if found.endpoint is None else found.endpoint.host,
        host if found.endpoint is None else found.endpoint.label,
        profile.model,
        found.key_from,
        is_usable=found.endpoint is not None,
        is_default=is_default,
    )


def _changes_of(new: NewProfile) -> Mapping[Names, Value | None]:
    changes: dict[Names, Value | None] = {}
    if new.base_url.strip():
        changes["profiles", new.name, "base_url"] = new.base_url.strip()
    if new.model is not None:
        changes["profiles", new.name, "model"] = new.model
    return changes


def checked_name(name: str) -> str:
    """Return the name of a profile without blanks around it. Raises `BadSetting`."""
    name = name.strip()
    if not name or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise BadSetting(f"A name must have 1 to {_LONGEST_NAME} characters.")
    return name


def _variable_of(profile: Profile) -> str | None:
    """Return the variable of a profile's key in `.env`; None if it has none."""
    if profile.kind is not None:
        return key_variable(profile)
    return profile.api_key_env or (KEY_NAMES[0] if profile.base_url is None else None)


def _variable(name: str, taken: set[str]) -> str:
    """Return an unused variable for the key of a profile in `.env`."""
    letters = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") or "PROFILE"
    made, number = f"STREAMCHAT_{letters}_KEY", 2
    while made in taken:
        made, number = f"STREAMCHAT_{letters}_{number}_KEY", number + 1
    return made
