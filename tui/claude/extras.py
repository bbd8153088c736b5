"""Finds out whether the packages are installed that a cloud needs. Imports none of them."""

from __future__ import annotations

from importlib.util import find_spec

from tui.domain.cloud import CloudKind
from tui.domain.endpoint import Endpoint

_MODULES: dict[CloudKind, tuple[str, ...]] = {
    "bedrock": ("boto3", "botocore"),
    "vertex": ("google.auth", "requests"),
}
"""The modules that read a cloud's own credentials. A key needs none of them."""


class MissingExtra(Exception):
    """A package is not installed. The text is one line that says what to install."""


def check_installed(endpoint: Endpoint) -> None:
    """Raise `MissingExtra` if the credentials for `endpoint` cannot be read."""
    cloud = endpoint.cloud
    if cloud is None or endpoint.api_key:
        return
    missing = [name for name in _MODULES.get(cloud.kind, ()) if not _is_installed(name)]
    if missing:
        raise MissingExtra(
            f"{cloud.name} needs the package {missing[0].replace('.', '-')}."
            f" Run: pip install 'streamchat-tui[{cloud.kind}]'"
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        # The package that it is in is missing.
        return False
