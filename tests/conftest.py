from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scripted import Scripted, scripted
from tui.claude import Claude
from tui.endpoint import Endpoint
from tui.store import Store, open_store

WaitUntil = Callable[..., object]


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it, and an environment that names no key."""
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "STREAMCHAT_", "XDG_")) or name.endswith("_PROXY"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.chdir(tmp_path)
    return home


@pytest.fixture
def history(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def store(history: Path) -> Iterator[Store]:
    with open_store(history) as store:
        yield store


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def claude(server: Scripted) -> Claude:
    return Claude(Endpoint(server.url, api_key="sk-test"))


async def wait_until(condition: Callable[[], object], *, seconds: float = 20.0) -> None:
    """Wait for something to become true; fail when it does not."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
