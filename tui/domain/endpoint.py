"""An endpoint: an address together with its credential.

A key must go only to the address that it was meant for. So one value carries both from the
settings to the client.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tui.domain.cloud import Cloud

ANTHROPIC = "https://api.anthropic.com"

_HOSTS_OF_CLOUDS = (".amazonaws.com", ".googleapis.com")
"""The ends of the hosts of clouds with regions."""


class BadEndpoint(ValueError):
    """An address or a key cannot be used. The text is for the user."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of a Messages API, and the credential for it."""

    base_url: str = ANTHROPIC
    api_key: str | None = field(default=None, repr=False)
    auth_token: str | None = field(default=None, repr=False)
    login: str | None = None
    """The name of a login profile of Anthropic's SDK, used when there is no key."""
    is_demo: bool = False
    is_key_in_own_header: bool = False
    """Whether the key goes into `x-api-key`, not into `Authorization`."""
    version: str | None = None
    """The `anthropic-version` to send; None: the SDK's own."""
    cache: bool | None = None
    """Whether requests ask it to cache prompts; None: only for models that it describes."""
    cloud: Cloud | None = None
    """The cloud that serves the models; None for a server with the Messages API itself."""

    @property
    def root(self) -> str:
        """The address without the path `/v1/messages`.

        Users often write that path, or a part of it, into the address. The addresses of
        clouds have paths of their own.
        """
        if self.cloud is not None:
            return self.base_url.strip().rstrip("/")
        return re.sub(r"(/v1(/messages)?)?/*$", "", self.base_url.strip())

    @property
    def host(self) -> str:
        """The host, with the port if the address has one; `demo` for the offline demo."""
        return "demo" if self.is_demo else urlsplit(self.base_url).netloc

    @property
    def label(self) -> str:
        """The host, or the cloud with its region if it is the cloud's own host, for a list."""
        if self.cloud is None:
            return self.host
        is_own = self.host.endswith(_HOSTS_OF_CLOUDS)
        return f"{self.cloud.name} {self.cloud.region if is_own else self.host}"

    @property
    def identity(self) -> str:
        """The host and a short digest of the credential.

        Thinking may be sent back only to the account that it came from.
        """
        if self.is_demo:
            return "demo"
        cloud = self.cloud
        if cloud is not None and not self.api_key:
            # The credential may be renewed at any time: the account stays the same.
            credential = f"{cloud.kind} {cloud.project} {cloud.aws_profile}"
        else:
            credential = self.api_key or self.auth_token or f"login {self.login}"
        digest = hashlib.blake2b(credential.encode(), digest_size=4, salt=b"streamchat-tui")
        return f"{self.host}#{digest.hexdigest()}"

    def without_secrets(self, text: str) -> str:
        """Return `text` with `[key]` in place of the credential."""
        return text.replace(self.secret, "[key]") if self.secret else text

    @property
    def secret(self) -> str | None:
        """The credential that is sent, if it is known before; None for the demo."""
        return None if self.is_demo else self.api_key or self.auth_token


def checked_base_url(base_url: str, *, allow_http: bool = False) -> str:
    """Return `base_url` without white space around it.

    Raises `BadEndpoint` if a key and a prompt must not be sent there.
    """
    base_url = base_url.strip()
    # The part before an @ may be a password, so do not show the address.
    shown = "the address" if "@" in base_url else repr(base_url)
    # `urlsplit` removes line feeds and tabs silently, so check for them first.
    if not base_url.isprintable() or " " in base_url:
        raise BadEndpoint(
            "the address contains a blank, a line feed or another control character"
        )
    try:
        parts = urlsplit(base_url)
        _ = parts.port
    except ValueError:
        raise BadEndpoint(f"{shown} is not an address") from None
    if parts.username is not None or parts.password is not None:
        raise BadEndpoint("the address contains a user name or a password; remove it")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadEndpoint(f"{shown} is not an http or https address")
    if parts.scheme == "http" and not (allow_http or is_loopback(parts.hostname)):
        raise BadEndpoint(
            f"{shown} is not encrypted: use https, or set allow_http = true in its profile"
        )
    return base_url


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_version(version: str) -> str:
    """Return a valid value of the header `anthropic-version`. Raises `BadEndpoint`."""
    version = version.strip()
    if not version.isascii() or not version.isprintable() or " " in version:
        raise BadEndpoint("version contains characters that no version has")
    return version


def checked_key(name: str, key: str) -> str:
    """Return `key` without white space around it.

    Raises `BadEndpoint` if it cannot be in an HTTP header. Without this check, the request
    would fail with "Connection error".
    """
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise BadEndpoint(f"{name} contains characters that no key has")
    return key
