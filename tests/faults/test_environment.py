"""What the machine can do wrong to a request, and what app, `ask` and `doctor` say."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.screens.conftest import Open, opened
from tests.scripted import Scripted, says, scripted
from tests.terminal import terminal
from tests.test_claude import ask, failure_of
from tests.test_cli import Program, failed, online, program
from tests.test_doctor import broken, findings
from tests.turns import converse
from tui.claude import Claude
from tui.domain.endpoint import Endpoint
from tui.store import Store
from tui.text.formatting import end_reason

__all__ = ["online", "opened", "program"]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "made.pem", folder / "key.pem"
    wanted = (
        f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30"
        f" -subj /CN=scripted -addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {made}"
    )
    subprocess.run([openssl, *wanted.split()], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text(made.read_text() + key.read_text(), encoding="ascii")
    return both


@pytest.fixture
def secure(certificate: Path) -> Iterator[Scripted]:
    """A server for https, with that certificate."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with scripted(tls) as server:
        yield server


def connected(url: str) -> Claude:
    return Claude(Endpoint(url, api_key="sk-test"))


async def test_a_certificate_that_nobody_signed_is_not_tried_again(
    store: Store, secure: Scripted
) -> None:
    retries = []
    reply = await converse(
        store, connected(secure.url), show=lambda draft: retries.append(draft.retry)
    )
    assert reply.state == "failed"
    assert set(retries) <= {None}
    said = end_reason(reply)
    assert f"The certificate of 127.0.0.1:{secure.port} cannot be trusted: self" in said
    assert "SSL_CERT_FILE" in said
    assert secure.seen == []


async def test_a_certificate_for_another_name_is_not_tried_again(
    store: Store, secure: Scripted, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    reply = await converse(store, connected(f"https://localhost:{secure.port}"))
    assert "cannot be trusted: Hostname mismatch" in end_reason(reply)
    assert secure.seen == []


async def test_the_certificate_that_ssl_cert_file_names_is_trusted(
    store: Store, secure: Scripted, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    claude = connected(secure.url)
    reply = await converse(store, claude)
    assert (reply.state, reply.text) == ("complete", "Hello there")
    await claude.close()


async def test_https_to_an_http_server_is_reported_and_not_tried_again(
    store: Store,
) -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as plain:
        port = plain.sockets[0].getsockname()[1]
        reply = await converse(store, connected(f"https://127.0.0.1:{port}"))
    assert "does not speak TLS. Should its address begin with http://?" in end_reason(reply)
    assert reply.failure is not None
    assert reply.failure.type == "certificate"


async def test_a_handshake_that_breaks_off_may_come_about_the_next_time() -> None:
    async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(leave, "127.0.0.1", 0) as plain:
        port = plain.sockets[0].getsockname()[1]
        error = await failure_of(ask(connected(f"https://127.0.0.1:{port}")))
    assert (error.failure.type, error.is_retryable) == ("connection", True)


def test_a_certificate_that_nobody_signed_is_named_in_the_shell(
    online: Program, secure: Scripted
) -> None:
    online.environ["ANTHROPIC_BASE_URL"] = secure.url
    assert "SSL_CERT_FILE" in failed(online.run("ask", "Hi"))
    done = online.run("doctor", "--json")
    assert broken(done) == [("endpoint", "answers")]
    assert "SSL_CERT_FILE" in findings(done)["endpoint", "answers"]["value"]


VARIABLES = {
    "ALL_PROXY": "socks://127.0.0.1:9/",
    "HTTP_PROXY": "http://127.0.0.1:port",
    "SSL_CERT_FILE": "/missing/certificates.pem",
    "ANTHROPIC_CUSTOM_HEADERS": "two words: x",
}


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_cannot_be_used_is_named_in_the_shell(
    online: Program, server: Scripted, name: str
) -> None:
    del online.environ["NO_PROXY"]
    online.environ[name] = VARIABLES[name]
    assert failed(online.run("ask", "Hi"), code=2).startswith(name)
    assert json.loads(online.run("log", "--json").out) == []
    done = online.run("doctor", "--json")
    assert broken(done) == [("endpoint", "variables")]
    found = findings(done)
    assert found["endpoint", "variables"]["value"].startswith(name)
    # A broken part must not also be reported as good.
    assert ("endpoint", "proxies") not in found
    assert server.seen == []


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ANTHROPIC_CUSTOM_HEADERS"])
def test_the_app_does_not_open_with_a_variable_that_cannot_be_used(
    empty_home: Path, name: str
) -> None:
    values = {"HTTPS_PROXY": "socks://127.0.0.1:9/"} | VARIABLES
    environ = {"ANTHROPIC_API_KEY": "sk-test", "NO_PROXY": "", name: values[name]}
    with terminal(home=empty_home, environ=environ, size=(110, 34)) as screen:
        assert screen.until_left() == 2
        assert f"streamchat-tui: {name} " in screen.text
    with terminal("--demo", home=empty_home, environ=environ, size=(110, 34)) as screen:
        screen.until_seen("Offline demo")
        screen.press("\x11")
        assert screen.until_left() == 0


async def test_a_variable_that_cannot_be_used_is_named_in_the_app(
    opened: Open, server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:9/")
    async with opened(connected(server.url)) as journey:
        await journey.ask("What is this?")
        await journey.until_done()
        assert "ALL_PROXY names a proxy of the kind socks" in journey.seen
        assert journey.questions == ["What is this?"]
        assert server.seen == []
        monkeypatch.delenv("ALL_PROXY")
        server.will(says("all of it"))
        await journey.press("shift+tab", "r")
        await journey.until(lambda: journey.replies == ["all of it"])


def test_invalid_parts_of_no_proxy_are_reported_by_the_doctor(online: Program) -> None:
    found = findings(online.run("doctor", "--json", NO_PROXY="127.0.0.1,*x*,fd00::/8"))
    assert found["endpoint", "no proxy"]["value"].startswith("*x* in NO_PROXY")
    assert found["endpoint", "no proxy"]["level"] == "warning"
