"""Decides where a profile of a cloud sends its requests.

A cloud's own tools keep its credentials: AWS's files, variables and logins, or Google's
Application Default Credentials. Only a key in a variable is read here. The variables are
those of Anthropic's SDK. An address from a variable is used only if the profile names no
place itself: what `config.toml` says about the place of a prompt must hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tui.config.settings import Profile
from tui.domain.cloud import Cloud, CloudKind
from tui.domain.endpoint import BadEndpoint

FOUNDRY_KEY, BEDROCK_KEY = "ANTHROPIC_FOUNDRY_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"
"""The variables that hold a key of a cloud."""

CREDENTIALS: dict[CloudKind, str] = {
    "bedrock": "AWS credentials",
    "vertex": "Google credentials",
}
"""What a cloud uses that has no key."""

_TAKES: dict[CloudKind | None, tuple[str, ...]] = {
    None: ("api_key_env", "keyring", "auth", "version"),
    "bedrock": ("region", "aws_profile"),
    "vertex": ("region", "project"),
    "foundry": ("resource", "api_key_env"),
}
"""By kind: the settings that other kinds do not have. Every kind has the rest."""

_ADDRESS_VARIABLES: dict[CloudKind, str] = {
    "bedrock": "ANTHROPIC_BEDROCK_BASE_URL",
    "vertex": "ANTHROPIC_VERTEX_BASE_URL",
    "foundry": "ANTHROPIC_FOUNDRY_BASE_URL",
}
_PLACE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", re.ASCII)
"""A region or a resource: it becomes a part of the host."""

_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9:.-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Located:
    """A cloud with its address."""

    cloud: Cloud
    base_url: str
    variable: str = ""
    """The variable that gave the address; empty if a variable did not."""


def check_settings(name: str, profile: Profile) -> None:
    """Raise `BadEndpoint` if a profile has a setting that is for another kind."""
    for setting in sorted({each for takes in _TAKES.values() for each in takes}):
        if not getattr(profile, setting) or setting in _TAKES[profile.kind]:
            continue
        kinds = [kind for kind, takes in _TAKES.items() if setting in takes and kind]
        if profile.kind is None:
            hint = f"it needs kind = {' or '.join(map(_quoted, kinds))}"
        else:
            hint = f"the kind {profile.kind} takes {', '.join(_TAKES[profile.kind])}"
        raise BadEndpoint(f"[profiles.{name}]: {setting} has no meaning here; {hint}")
    if profile.resource and profile.base_url:
        raise BadEndpoint(f"[profiles.{name}]: set resource or base_url, not both")


def key_variable(profile: Profile) -> str | None:
    """Return the variable that may hold the key of a profile with a kind; None without one."""
    match profile.kind:
        case "foundry":
            return profile.api_key_env or FOUNDRY_KEY
        case "bedrock" if profile.aws_profile is None:
            return BEDROCK_KEY
        case _:
            return None


def located(
    name: str, kind: CloudKind, profile: Profile, environ: Mapping[str, str]
) -> Located:
    """Return where a profile sends requests. Raises `BadEndpoint`."""
    match kind:
        case "bedrock":
            region = _region(name, profile, environ, "AWS_REGION", "AWS_DEFAULT_REGION")
            cloud = Cloud(kind, region, aws_profile=profile.aws_profile)
            own = f"https://bedrock-runtime.{region}.amazonaws.com"
        case "vertex":
            region = _region(name, profile, environ, "CLOUD_ML_REGION")
            chosen = _chosen(profile.project, environ, "ANTHROPIC_VERTEX_PROJECT_ID")
            project = _needed(name, "project", chosen, _PROJECT, "ANTHROPIC_VERTEX_PROJECT_ID")
            cloud, own = Cloud(kind, region, project), _vertex_address(region)
        case "foundry":
            cloud, own = Cloud(kind), ""
    if profile.base_url is not None:
        return Located(cloud, profile.base_url)
    variable = _ADDRESS_VARIABLES[kind]
    address = environ.get(variable, "").strip()
    if address and not (profile.region or profile.resource):
        return Located(cloud, address, variable)
    if own:
        return Located(cloud, own)
    return _foundry(name, cloud, profile, environ)


def _foundry(name: str, cloud: Cloud, profile: Profile, environ: Mapping[str, str]) -> Located:
    variable = "ANTHROPIC_FOUNDRY_RESOURCE"
    chosen = _chosen(profile.resource, environ, variable)
    resource = _needed(name, "resource or base_url", chosen, _PLACE, variable)
    address = f"https://{resource}.services.ai.azure.com/anthropic"
    return Located(cloud, address, "" if profile.resource else variable)


def _vertex_address(region: str) -> str:
    match region:
        case "global":
            host = "aiplatform.googleapis.com"
        case "us" | "eu":
            host = f"aiplatform.{region}.rep.googleapis.com"
        case _:
            host = f"{region}-aiplatform.googleapis.com"
    return f"https://{host}/v1"


def _region(name: str, profile: Profile, environ: Mapping[str, str], *variables: str) -> str:
    chosen = _chosen(profile.region, environ, *variables)
    return _needed(name, "region", chosen, _PLACE, variables[0])


def _needed(
    name: str, setting: str, value: str, allowed: re.Pattern[str], variable: str
) -> str:
    if not value:
        raise BadEndpoint(f"[profiles.{name}] needs {setting}, or the variable {variable}")
    if not allowed.fullmatch(value):
        what = setting.partition(" ")[0]
        raise BadEndpoint(f"[profiles.{name}]: {value!r} cannot be the {what}")
    return value


def _chosen(value: str | None, environ: Mapping[str, str], *variables: str) -> str:
    return next(_values(value, environ, variables), "")


def _values(
    value: str | None, environ: Mapping[str, str], variables: tuple[str, ...]
) -> Iterator[str]:
    for each in (value, *(environ.get(variable) for variable in variables)):
        if each and each.strip():
            yield each.strip()


def _quoted(kind: str) -> str:
    return f'"{kind}"'
