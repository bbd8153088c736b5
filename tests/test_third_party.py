"""Real servers of other makers, started here where they are installed, and asked.

`LITELLM` names LiteLLM's program, if it is not on the path. It is too large to be installed
for every run of the tests. Its upstream is the scripted server.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.scripted import Scripted, says
from tests.test_cli import Program, failed, program

__all__ = ["program"]

LITELLM = os.environ.get("LITELLM") or shutil.which("litellm")
KEY = "sk-lite-1234"

pytestmark = [
    pytest.mark.skipif(LITELLM is None, reason="LiteLLM is not installed"),
    pytest.mark.timeout(300),
]


@pytest.fixture
def litellm(server: Scripted, program: Program, tmp_path: Path) -> Iterator[Program]:
    """The program, with a profile for a LiteLLM proxy that asks the scripted server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "litellm.json"
    params = {"model": "anthropic/claude-sonnet-5-5", "api_base": server.url, "api_key": "up"}
    models = [{"model_name": "sonnet", "litellm_params": params}]
    config.write_text(
        json.dumps({"model_list": models, "general_settings": {"master_key": KEY}})
    )
    log = (tmp_path / "litellm.log").open("wb")
    proxy = subprocess.Popen(
        [str(LITELLM), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)],
        env={**program.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        cwd=tmp_path,
        stdout=log,
        stderr=log,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/health/liveliness", proxy)
        (tmp_path / "config.toml").write_text(
            f'profile = "lite"\n[profiles.lite]\nbase_url = "{url}"\n'
            'api_key_env = "LITELLM_KEY"\nmodel = "sonnet"\n'
        )
        program.environ |= {
            "STREAMCHAT_CONFIG": str(tmp_path / "config.toml"),
            "LITELLM_KEY": KEY,
        }
        yield program
    finally:
        proxy.terminate()
        proxy.wait(30)
        log.close()


def _wait_for(url: str, proxy: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 200
    while time.monotonic() < until:
        assert proxy.poll() is None, "LiteLLM ended"
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.5)
    pytest.fail("LiteLLM does not answer")


def test_a_reply_streams_through_litellm(litellm: Program, server: Scripted) -> None:
    server.will(says("Hello ", "through ", "a proxy."))
    done = litellm.run("ask", "--json", "Hi")
    assert done.code == 0, done.err
    row = json.loads(done.out)
    assert (row["text"], row["state"]) == ("Hello through a proxy.", "complete")
    # What the proxy does not describe is not sent.
    sent = json.loads(server.asked[0].body)
    assert not {"thinking", "output_config", "cache_control"} & sent.keys()


def test_a_wrong_key_at_litellm_is_one_line(litellm: Program, server: Scripted) -> None:
    said = failed(litellm.run("ask", "Hi", LITELLM_KEY="sk-wrong"))
    # Without a database of its own, LiteLLM cannot say that the key is wrong.
    assert said == "failed: No connected db."
    assert not server.asked
