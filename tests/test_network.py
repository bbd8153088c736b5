"""The environment variables about the network, valid and invalid ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scripted import Scripted, refuses
from tests.test_claude import ask, events_of, failure_of
from tui.claude import Claude
from tui.claude.network import BadVariable, invalid_no_proxy, proxy_for
from tui.domain.endpoint import Endpoint
from tui.domain.reply_events import Finished

HERE = "http://127.0.0.1:8080"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The folder of the file names below."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "words.pem").write_text("no certificate", encoding="utf-8")
    (tmp_path / "bytes.pem").write_bytes(b"\x00\xff\xfe")
    (tmp_path / "empty.pem").touch()
    damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    (tmp_path / "damaged.pem").write_text(damaged, encoding="utf-8")
    return tmp_path


NO_ADDRESS = "is not the address of a proxy"
WRONG = [
    ("ALL_PROXY", "socks://127.0.0.1:9/", "of the kind socks"),
    ("all_proxy", "socks4://127.0.0.1:9/", "of the kind socks4"),
    ("ALL_PROXY", "socks5://127.0.0.1:9/", "needs the package socksio"),
    ("HTTP_PROXY", "ftp://127.0.0.1", "of the kind ftp"),
    ("HTTP_PROXY", "127.0.0.1:port", NO_ADDRESS),
    ("HTTP_PROXY", "http://127.0.0.1:99999", NO_ADDRESS),
    ("HTTP_PROXY", "http://127.0.0.1:0", NO_ADDRESS),
    ("http_proxy", "http://", NO_ADDRESS),
    ("http_proxy", "http://[::1", NO_ADDRESS),
    ("http_proxy", "http://one two:1", NO_ADDRESS),
    ("Http_Proxy", "http://127.0.0.1:1\n2", NO_ADDRESS),
    ("SSL_CERT_FILE", "missing.pem", "cannot be read (No such file"),
    ("SSL_CERT_FILE", "folder", "is a folder. For a folder, set SSL_CERT_DIR"),
    ("SSL_CERT_FILE", "words.pem", "has no certificates in PEM format"),
    ("SSL_CERT_FILE", "bytes.pem", "has no certificates in PEM format"),
    ("SSL_CERT_FILE", "empty.pem", "has no certificates in PEM format"),
    ("SSL_CERT_FILE", "damaged.pem", "has no certificates in PEM format"),
    ("SSL_CERT_DIR", "missing", "is not a folder"),
    ("SSL_CERT_DIR", "words.pem", "is not a folder"),
    ("ANTHROPIC_CUSTOM_HEADERS", "two words: x", "an invalid header name"),
    ("ANTHROPIC_CUSTOM_HEADERS", ": x", "an invalid header name"),
    ("ANTHROPIC_CUSTOM_HEADERS", "\u0444: x", "an invalid header name"),
    ("ANTHROPIC_CUSTOM_HEADERS", "x: a\rb", "a character that is not allowed in a header"),
    ("ANTHROPIC_CUSTOM_HEADERS", "x: y\ncontent-length: 1", "content-length"),
]


@pytest.mark.parametrize(("name", "value", "words"), WRONG)
async def test_a_variable_that_cannot_be_used_is_named_and_nothing_is_sent(
    server: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    files: Path,
    *,
    name: str,
    value: str,
    words: str,
) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setenv(name, value)
    claude = Claude(Endpoint(server.url, "sk-test"))
    error = await failure_of(ask(claude))
    assert str(error).startswith(name)
    assert words in str(error)
    assert (error.is_retryable, error.failure.type) == (False, "environment")
    assert server.seen == []
    # When the variable is correct, the same program can ask.
    monkeypatch.delenv(name)
    assert isinstance((await events_of(claude))[-1], Finished)
    await claude.close()


@pytest.mark.parametrize("place", ["missing/keys.log", "folder"])
async def test_a_file_for_the_secrets_of_tls_that_cannot_be_written_is_named(
    server: Scripted, monkeypatch: pytest.MonkeyPatch, files: Path, place: str
) -> None:
    monkeypatch.chdir(files)
    certificates = next(
        path
        for path in map(Path, ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"))
        if path.exists()
    )
    # It is checked together with these.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))
    monkeypatch.setenv("SSLKEYLOGFILE", place)
    error = await failure_of(ask(Claude(Endpoint(server.url, "sk-test"))))
    assert str(error).startswith(f"SSLKEYLOGFILE: {place} cannot be written")
    assert not error.is_retryable
    assert server.seen == []


@pytest.mark.parametrize(
    "variables",
    [
        {"NO_PROXY": "fd00::/8"},
        {"NO_PROXY": "[::1]"},
        {"NO_PROXY": "http://[::1"},
        {"NO_PROXY": "*x*, ::1/999,10.0.0.0/99\n["},
        {"HTTPS_PROXY": "http://[::1"},
        {"HTTPS_PROXY": "socks://127.0.0.1:9"},
        {"ALL_PROXY": "socks://127.0.0.1:9", "NO_PROXY": "127.0.0.1"},
        {"ALL_PROXY": "socks5://127.0.0.1:9", "NO_PROXY": "localhost,127.0.0.0/8"},
        {"ALL_PROXY": "socks://127.0.0.1:9", "NO_PROXY": "*"},
        {"ALL_PROXY": "socks://127.0.0.1:9", "no_proxy": "all://127.0.0.1"},
        {"ALL_PROXY": " "},
        {"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""},
        {"ANTHROPIC_CUSTOM_HEADERS": "nothing of the kind\nx-team: caf\u00e9"},
    ],
    ids=str,
)
async def test_variables_that_this_address_does_not_need_may_be_wrong(
    server: Scripted, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    claude = Claude(Endpoint(server.url, "sk-test"))
    assert isinstance((await events_of(claude))[-1], Finished)
    assert len(server.seen) == 1
    await claude.close()


async def test_a_proxy_for_every_scheme_yields_to_the_one_for_this(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", server.url.removeprefix("http://") + "\n")
    claude = Claude(Endpoint("http://claude.test", "sk-test"))
    assert isinstance((await events_of(claude))[-1], Finished)
    assert server.seen[0].path == "http://claude.test/v1/messages"
    await claude.close()


async def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://me:secret@127.0.0.1:9")
    error = await failure_of(ask(Claude(Endpoint("https://claude.test", "sk-test"))))
    assert "claude.test through the proxy in https_proxy: " in str(error)
    assert "secret" not in str(error)
    assert error.is_retryable


async def test_a_proxy_that_wants_a_password_is_asked_once(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    for scheme, words in (("https", "proxy in HTTPS_PROXY: 407"), ("http", "user name")):
        server.will(refuses(407, "none"))
        server.replies[-1].steps = []
        error = await failure_of(ask(Claude(Endpoint(f"{scheme}://claude.test", "sk-test"))))
        assert words in str(error)
        assert not error.is_retryable


@pytest.mark.parametrize(
    ("address", "entry", "is_named"),
    [
        (HERE, "127.0.0.1", True),
        (HERE, "127.0.0.1:8080", True),
        (HERE, "127.0.0.1:81", False),
        (HERE, "127.0.0.0/8", True),
        (HERE, "128.0.0.0/8", False),
        (HERE, "http://127.0.0.1", True),
        (HERE, "https://127.0.0.1", False),
        (HERE, "localhost", False),
        ("http://localhost:1", "localhost", True),
        ("http://LOCALHOST:1", "Localhost", True),
        ("http://[::1]:80", "::1", True),
        ("http://[::1]:80", "[::1]", True),
        ("http://[::1]", "[::1]:80", True),
        ("http://[::1]:81", "[::1]:80", False),
        ("https://[fd00::5]", "fd00::/8", True),
        ("https://[fd00::5]", "[fd00::]/8", True),
        ("https://[fe00::5]", "fd00::/8", False),
        ("https://api.example.com", "example.com", True),
        ("https://api.example.com", ".example.com", True),
        ("https://api.example.com", "*.example.com", True),
        ("https://api.example.com.", "example.com", True),
        ("https://api.example.com", "example.com:443", True),
        ("https://api.example.com", "ample.com", False),
        ("https://example.com", "*.example.com", False),
        ("https://example.com", "*", True),
        ("https://example.com", "", False),
    ],
)
def test_a_host_in_no_proxy_is_reached_directly(
    address: str, entry: str, *, is_named: bool
) -> None:
    proxies = {"all": "http://127.0.0.1:9", "no": f"other.example, {entry}"}
    assert (proxy_for(address, proxies) is None) is is_named
    assert invalid_no_proxy(proxies) == []


def test_invalid_parts_of_no_proxy_are_reported() -> None:
    proxies = {"no": "good.example,http://[::1, *x*,10.0.0.0/99, fd00::/8"}
    assert invalid_no_proxy(proxies) == ["http://[::1", "*x*", "10.0.0.0/99"]


@settings(max_examples=300)
@given(
    st.sampled_from([HERE, "http://[::1]", "https://example.com", "https://a.b.example:1"]),
    st.text(max_size=30) | st.from_regex(r"[\[\]:./*0-9a-f, ]{0,30}", fullmatch=True),
    st.text(max_size=30) | st.from_regex(r"(https?|socks5)://[\[\]:@.0-9a-z ]{0,20}"),
)
def test_no_words_of_the_environment_are_an_accident(
    address: str, exempt: str, proxy: str
) -> None:
    proxies = {"no": exempt, "all": proxy}
    invalid_no_proxy(proxies)
    try:
        found = proxy_for(address, proxies)
    except BadVariable as error:
        assert str(error).isprintable()  # noqa: PT017 - either is right
    else:
        assert found is None or "://" in found.url
