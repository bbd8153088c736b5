"""Who is asked, and with whose key.

A key is bound to the address it was meant for: the two travel together, in one
value, from the settings to the client.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

ANTHROPIC = "https://api.anthropic.com"


class BadEndpoint(ValueError):
    """An address or a key that cannot be used. The text is for the reader."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that speaks the Messages API, and what it is shown at the door."""

    base_url: str = ANTHROPIC
    api_key: str | None = field(default=None, repr=False)
    auth_token: str | None = field(default=None, repr=False)
    login: str | None = None
    """The name of a login profile of Anthropic's SDK, used when there is no key."""
    is_demo: bool = False
    cache: bool | None = None
    """Whether it is asked to cache prompts; None: for models that it describes."""

    @property
    def root(self) -> str:
        """The address that `/v1/messages` is put behind.

        Many write that path, or a part of it, with the address.
        """
        return re.sub(r"(/v1(/messages)?)?/*$", "", self.base_url.strip())

    @property
    def host(self) -> str:
        """The host, with its port when one is named; `demo` for the offline demo."""
        return "demo" if self.is_demo else urlsplit(self.base_url).netloc

    @property
    def identity(self) -> str:
        """The host and a short digest of the account.

        Thinking may be sent back only to the account it came from.
        """
        if self.is_demo:
            return "demo"
        credential = self.api_key or self.auth_token or f"login {self.login}"
        digest = hashlib.blake2b(credential.encode(), digest_size=4, salt=b"streamchat-tui")
        return f"{self.host}#{digest.hexdigest()}"

    def without_secrets(self, text: str) -> str:
        """Return `text` without the credential, which an endpoint may repeat."""
        return text.replace(self.secret, "[key]") if self.secret else text

    @property
    def secret(self) -> str | None:
        """The credential that is sent; the demo's is none."""
        return None if self.is_demo else self.api_key or self.auth_token


def checked_base_url(base_url: str, *, allow_http: bool = False) -> str:
    """Return `base_url` without blanks around it if a key and a prompt may go there.

    Raises `BadEndpoint` if not.
    """
    base_url = base_url.strip()
    # What stands before an @ may be a password, however the rest is written.
    shown = "the address" if "@" in base_url else repr(base_url)
    # `urlsplit` passes over line feeds and tabs, wherever they stand.
    if not base_url.isprintable() or " " in base_url:
        raise BadEndpoint("the address holds a blank, a line feed or another control character")
    try:
        parts = urlsplit(base_url)
        _ = parts.port
    except ValueError:
        raise BadEndpoint(f"{shown} is not an address") from None
    if parts.username is not None or parts.password is not None:
        raise BadEndpoint("the address holds a user name or a password; remove it")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadEndpoint(f"{shown} is not an http or https address")
    if parts.scheme == "http" and not (allow_http or is_loopback(parts.hostname)):
        raise BadEndpoint(
            f"{shown} is not encrypted: use https, or set allow_http = true in its profile"
        )
    return base_url


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_key(name: str, key: str) -> str:
    """Return `key` without surrounding white space, or raise `BadEndpoint`.

    A key that cannot stand in an HTTP header would fail as "Connection error".
    """
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise BadEndpoint(f"{name} holds characters that no key has")
    return key
