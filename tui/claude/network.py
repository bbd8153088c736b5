"""Proxies, certificates and headers from environment variables.

An error in a variable is found before the first request, and its text names the variable.
It never quotes the value of a proxy variable, which may contain a password.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import re
import socket
import ssl
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    import httpx2

_SOCKS = ("socks5", "socks5h")
_KINDS = ("http", "https", *_SOCKS)
_NAME = re.compile(r"(\*?\.)?[\w-]+(\.[\w-]+)*\.?")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = ("content-length", "transfer-encoding")
"""Headers that give the length of a request. Only the HTTP client may set them."""
_KEEPALIVE = (
    ("TCP_KEEPIDLE", 60),
    ("TCP_KEEPALIVE", 60),
    ("TCP_KEEPINTVL", 60),
    ("TCP_KEEPCNT", 5),
)
"""Makes the system notice a dead connection; macOS has its own name for the first option."""


class BadVariable(Exception):
    """An environment variable cannot be used. The text names it, for the user."""


@dataclass(frozen=True, slots=True)
class ProxyChoice:
    """A proxy, and the environment variable that names it."""

    variable: str
    url: str = field(repr=False)


def transport(base_url: str) -> httpx2.AsyncBaseTransport:
    """Return the HTTP transport for one endpoint. Raises `BadVariable`.

    Checks only the proxy for this address. The other proxy variables may have any value.
    """
    import anthropic
    import httpx2

    check_headers(os.environ)
    proxy = proxy_for(base_url, _proxies())
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    options += [
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in _KEEPALIVE
        if hasattr(socket, name)
    ]
    return httpx2.AsyncHTTPTransport(
        verify=_certificates(os.environ),
        limits=anthropic.DEFAULT_CONNECTION_LIMITS,
        proxy=None if proxy is None else _proxy(proxy),
        socket_options=options,
    )


def check(base_url: str) -> None:
    """Raise `BadVariable` if the variables make a request to an address impossible.

    Does not import the SDK or the HTTP client. `transport` also finds what they refuse, and
    certificates that cannot be used.
    """
    check_headers(os.environ)
    proxy_for(base_url, _proxies())


def _proxies() -> Mapping[str, str]:
    """Return the result of `getproxies`; do not import it if no variable names a proxy."""
    has_system_settings = sys.platform in {"darwin", "win32"}
    if not has_system_settings and not any(
        name.lower().endswith("_proxy") for name in os.environ
    ):
        return {}
    from urllib.request import getproxies

    return getproxies()


def proxy_for(base_url: str, proxies: Mapping[str, str]) -> ProxyChoice | None:
    """Return the proxy for an address; None for a direct connection.

    `proxies` is the result of `getproxies`. Raises `BadVariable`.
    """
    parts = urlsplit(base_url)
    kind = parts.scheme if proxies.get(parts.scheme) else "all"
    value = proxies.get(kind, "").strip()
    if not value or any(_matches(entry, parts) for entry in _no_proxy(proxies)):
        return None
    return _proxy_choice(_variable(kind), value if "://" in value else f"http://{value}")


def invalid_no_proxy(proxies: Mapping[str, str]) -> list[str]:
    """Return the entries of NO_PROXY that are not valid. They have no effect."""
    return [entry for entry in _no_proxy(proxies) if not _is_valid(entry)]


def check_headers(environ: Mapping[str, str]) -> None:
    """Raise `BadVariable` if ANTHROPIC_CUSTOM_HEADERS has a header that cannot be sent."""
    for line in environ.get("ANTHROPIC_CUSTOM_HEADERS", "").split("\n"):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if colon and (problem := _header_problem(name, value)):
            raise BadVariable(f"ANTHROPIC_CUSTOM_HEADERS contains {problem}.")


def _header_problem(name: str, value: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        return "an invalid header name"
    if name.lower() in _FRAMING:
        return f"{name.lower()}, which it must not set"
    if any(char != "\t" and not char.isprintable() for char in value):
        return "a character that is not allowed in a header"
    return ""


def _no_proxy(proxies: Mapping[str, str]) -> list[str]:
    """Return the entries of NO_PROXY."""
    return re.split(r"[,\s]+", proxies.get("no", "").strip().lower())


def _matches(entry: str, parts: SplitResult) -> bool:
    """Return whether an entry of NO_PROXY matches an address."""
    scheme, separator, address = entry.rpartition("://")
    if separator and scheme not in ("all", parts.scheme):
        return False
    name, port = _host_and_port(address)
    host = (parts.hostname or "").rstrip(".")
    if port is not None and port != (parts.port or {"http": 80, "https": 443}[parts.scheme]):
        return False
    return name == "*" or _is_in_network(host, name) or _is_name_of(host, name)


def _is_valid(entry: str) -> bool:
    name, _ = _host_and_port(entry.rpartition("://")[2])
    return name in ("", "*") or _network(name) is not None or bool(_NAME.fullmatch(name))


def _host_and_port(address: str) -> tuple[str, int | None]:
    """Split a host or a network from its port; an IPv6 address may have brackets."""
    found = re.fullmatch(r"\[(.*)\](?::(\d{1,5}))?(/\d+)?", address) or re.fullmatch(
        r"([^:]*):(\d{1,5})()", address
    )
    if found is None:
        return address, None
    return found[1] + (found[3] or ""), int(found[2]) if found[2] else None


def _network(name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError:
        return None


def _is_in_network(host: str, name: str) -> bool:
    network = _network(name)
    try:
        return network is not None and ipaddress.ip_address(host) in network
    except ValueError:
        return False


def _is_name_of(host: str, name: str) -> bool:
    if not _NAME.fullmatch(name):
        return False
    bare = name.removeprefix("*").rstrip(".")
    return host.endswith(bare if bare.startswith(".") else f".{bare}") or host == bare


def _variable(kind: str) -> str:
    """Return the name of the variable that sets a kind of proxy, in its actual case."""
    name = f"{kind}_proxy"
    present = [each for each in os.environ if each.lower() == name and os.environ[each]]
    return name if name in present or not present else present[0]


def _proxy_choice(variable: str, url: str) -> ProxyChoice:
    kind = url.partition("://")[0].lower()
    if kind not in _KINDS:
        of_kind = f" of the kind {kind}" if re.fullmatch(r"[a-z][a-z0-9+.-]{0,9}", kind) else ""
        raise BadVariable(
            f"{variable} names a proxy{of_kind}, but only {_joined(_KINDS)} are supported."
        )
    if not _is_address(url):
        raise _no_address(variable)
    if kind in _SOCKS and importlib.util.find_spec("socksio") is None:
        raise BadVariable(
            f"{variable} names a SOCKS proxy, which needs the package socksio. Install"
            " it in this program's environment, or name an http proxy."
        )
    return ProxyChoice(variable, url)


def _joined(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}"


def _is_address(url: str) -> bool:
    if not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _no_address(variable: str) -> BadVariable:
    return BadVariable(
        f"{variable} is not the address of a proxy, such as http://proxy.example:8080."
    )


def _proxy(choice: ProxyChoice) -> httpx2.Proxy:
    import httpx2

    try:
        return httpx2.Proxy(choice.url)
    except (ValueError, httpx2.InvalidURL):
        raise _no_address(choice.variable) from None


def _certificates(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return the TLS context with the trusted certificates. Raises `BadVariable`."""
    import httpx2

    folders = environ.get("SSL_CERT_DIR", "")
    if folders and not environ.get("SSL_CERT_FILE") and not any(_are_folders(folders)):
        raise BadVariable(f"SSL_CERT_DIR: {folders} is not a folder.")
    try:
        return httpx2.create_ssl_context()
    except (OSError, ValueError) as error:
        raise BadVariable(_certificate_problem(error, environ)) from error


def _are_folders(paths: str) -> Iterator[bool]:
    return (Path(each).is_dir() for each in paths.split(os.pathsep))


def _certificate_problem(error: Exception, environ: Mapping[str, str]) -> str:
    reason = getattr(error, "strerror", None) or type(error).__name__
    keys, file = environ.get("SSLKEYLOGFILE"), environ.get("SSL_CERT_FILE")
    # An error about a certificate file has no file name.
    if keys and getattr(error, "filename", None) == keys:
        return f"SSLKEYLOGFILE: {keys} cannot be written ({reason})."
    if not file:
        return f"The certificates of this machine cannot be read ({reason}); set SSL_CERT_FILE."
    if isinstance(error, ssl.SSLError):
        return f"SSL_CERT_FILE: {file} has no certificates in PEM format."
    if Path(file).is_dir():
        return f"SSL_CERT_FILE: {file} is a folder. For a folder, set SSL_CERT_DIR."
    return f"SSL_CERT_FILE: {file} cannot be read ({reason})."
