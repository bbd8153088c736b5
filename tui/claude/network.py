"""The way to an endpoint, as the variables of the environment describe it.

Everything that they can get wrong is found before a request is made, and named by
its variable. A value is never quoted whole: the address of a proxy may hold a password.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies

import anthropic
import httpx2

_SOCKS = ("socks5", "socks5h")
_KINDS = ("http", "https", *_SOCKS)
_NAME = re.compile(r"(\*?\.)?[\w-]+(\.[\w-]+)*\.?")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = ("content-length", "transfer-encoding")
"""Headers that say how long a request is, and so belong to who sends it."""
_KEEPALIVE = (
    ("TCP_KEEPIDLE", 60),
    ("TCP_KEEPALIVE", 60),
    ("TCP_KEEPINTVL", 60),
    ("TCP_KEEPCNT", 5),
)
"""How soon a connection that is gone is noticed; macOS has another name for the first."""


class BadVariable(Exception):
    """A variable cannot be used. The text names it, and is one sentence for the reader."""


@dataclass(frozen=True, slots=True)
class ProxyChoice:
    """The proxy that requests go through."""

    variable: str
    url: str = field(repr=False)


def transport(base_url: str) -> httpx2.AsyncBaseTransport:
    """Return the connections to one endpoint. Raises `BadVariable`.

    Only the proxy for this address is looked at: one for another scheme, or of an
    address that needs none, may be whatever it is.
    """
    check_headers(os.environ)
    proxy = proxy_for(base_url, getproxies())
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    options += [
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in _KEEPALIVE
        if hasattr(socket, name)
    ]
    return httpx2.AsyncHTTPTransport(
        verify=_certificates(os.environ),
        limits=anthropic.DEFAULT_CONNECTION_LIMITS,
        proxy=None if proxy is None else httpx2.Proxy(proxy.url),
        socket_options=options,
    )


def proxy_for(base_url: str, proxies: Mapping[str, str]) -> ProxyChoice | None:
    """Return the proxy for an address; None if it is reached directly.

    `proxies` is what `getproxies` returns. Raises `BadVariable`.
    """
    parts = urlsplit(base_url)
    kind = parts.scheme if proxies.get(parts.scheme) else "all"
    value = proxies.get(kind, "").strip()
    if not value or any(_covers(entry, parts) for entry in _entries(proxies)):
        return None
    return _checked(_variable(kind), value if "://" in value else f"http://{value}")


def not_understood(proxies: Mapping[str, str]) -> list[str]:
    """Return the entries of NO_PROXY that name nothing, and so count for nothing."""
    return [entry for entry in _entries(proxies) if not _is_understood(entry)]


def check_headers(environ: Mapping[str, str]) -> None:
    """Raise `BadVariable` if the SDK would add a header that cannot be sent."""
    for line in environ.get("ANTHROPIC_CUSTOM_HEADERS", "").split("\n"):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if colon and (problem := _header_problem(name, value)):
            raise BadVariable(f"ANTHROPIC_CUSTOM_HEADERS holds {problem}.")


def _header_problem(name: str, value: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        return "a name that no header can have"
    if name.lower() in _FRAMING:
        return f"{name.lower()}, which is not its to set"
    if any(char != "\t" and not char.isprintable() for char in value):
        return "a character that no header can hold"
    return ""


def _entries(proxies: Mapping[str, str]) -> list[str]:
    return re.split(r"[,\s]+", proxies.get("no", "").strip().lower())


def _covers(entry: str, parts: SplitResult) -> bool:
    """Tell whether an entry of NO_PROXY names the host that `parts` has."""
    scheme, separator, named = entry.rpartition("://")
    if separator and scheme not in ("all", parts.scheme):
        return False
    name, port = _host_and_port(named)
    host = (parts.hostname or "").rstrip(".")
    if port is not None and port != (parts.port or {"http": 80, "https": 443}[parts.scheme]):
        return False
    return name == "*" or _is_in_network(host, name) or _is_name_of(host, name)


def _is_understood(entry: str) -> bool:
    name, _ = _host_and_port(entry.rpartition("://")[2])
    return name in ("", "*") or _network(name) is not None or bool(_NAME.fullmatch(name))


def _host_and_port(named: str) -> tuple[str, int | None]:
    """Split what may be an address of IPv6, in brackets or not, or a network."""
    found = re.fullmatch(r"\[(.*)\](?::(\d{1,5}))?(/\d+)?", named) or re.fullmatch(
        r"([^:]*):(\d{1,5})()", named
    )
    if found is None:
        return named, None
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
    """Return the name under which a proxy was given, whatever its case."""
    name = f"{kind}_proxy"
    held = [each for each in os.environ if each.lower() == name and os.environ[each]]
    return name if name in held or not held else held[0]


def _checked(variable: str, url: str) -> ProxyChoice:
    kind = url.partition("://")[0].lower()
    if kind not in _KINDS:
        named = f" of the kind {kind}" if re.fullmatch(r"[a-z][a-z0-9+.-]{0,9}", kind) else ""
        raise BadVariable(
            f"{variable} asks for a proxy{named}, but only {_listed(_KINDS)} can be used."
        )
    if not _is_address(url):
        raise BadVariable(
            f"{variable} is not the address of a proxy, such as http://proxy.example:8080."
        )
    if kind in _SOCKS and importlib.util.find_spec("socksio") is None:
        raise BadVariable(
            f"{variable} asks for a SOCKS proxy, which needs the package socksio: install"
            " it beside this program, or name an http proxy."
        )
    return ProxyChoice(variable, url)


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}"


def _is_address(url: str) -> bool:
    if not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
        httpx2.Proxy(url)
    except (ValueError, httpx2.InvalidURL):
        return False
    return has_host


def _certificates(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return whom to trust. Raises `BadVariable`."""
    folders = environ.get("SSL_CERT_DIR", "")
    if folders and not environ.get("SSL_CERT_FILE") and not any(_folders(folders)):
        raise BadVariable(f"SSL_CERT_DIR: {folders} is not a folder.")
    try:
        return httpx2.create_ssl_context()
    except (OSError, ValueError) as error:
        raise BadVariable(_certificate_problem(error, environ)) from error


def _folders(listed: str) -> Iterator[bool]:
    return (Path(each).is_dir() for each in listed.split(os.pathsep))


def _certificate_problem(error: Exception, environ: Mapping[str, str]) -> str:
    said = getattr(error, "strerror", None) or type(error).__name__
    keys, file = environ.get("SSLKEYLOGFILE"), environ.get("SSL_CERT_FILE")
    # Of a file of certificates the error has no name.
    if keys and getattr(error, "filename", None) == keys:
        return f"SSLKEYLOGFILE: {keys} cannot be written ({said})."
    if not file:
        return f"The certificates of this machine cannot be read ({said}); set SSL_CERT_FILE."
    if isinstance(error, ssl.SSLError):
        return f"SSL_CERT_FILE: {file} holds no certificates in PEM form."
    if Path(file).is_dir():
        return f"SSL_CERT_FILE: {file} is a folder; for a folder there is SSL_CERT_DIR."
    return f"SSL_CERT_FILE: {file} cannot be read ({said})."
