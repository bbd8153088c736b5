from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from tests.scripted import Scripted, scripted
from tui.claude import Claude
from tui.domain.endpoint import Endpoint
from tui.store import Store, open_store

WaitUntil = Callable[..., object]

IS_FULL = os.environ.get("FAULTS") == "full"
"""Whether the long loops run: more of everything, with other examples each time."""

# The usual run has the same examples every time: a change is not turned down by luck.
settings.register_profile("streamchat", deadline=None, derandomize=not IS_FULL)
settings.load_profile("streamchat")


OF_PROGRAM = (
    *("ANTHROPIC_", "STREAMCHAT_", "XDG_"),
    *("AWS_", "GOOGLE_", "CLOUDSDK_", "CLOUD_ML_"),
)
"""The beginnings of the variables that change what the program does."""


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, and an environment without keys."""
    for name in list(os.environ):
        if name.startswith(OF_PROGRAM) or name.endswith("_PROXY"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.chdir(tmp_path)
    return home


MOST_FROZEN = 1_500_000
"""Objects that may be frozen between two collections; each takes a second and more."""

_left = 0
"""The objects that the last collection left: the modules, for the most part."""

_tests = count(1)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Free the apps that tests have run: they hide their objects from the collector."""
    global _left  # noqa: PLW0603 - there is only one collector
    yield
    # Counting the objects takes as long as a short test.
    if next(_tests) % 20 == 0 and gc.get_freeze_count() > _left + MOST_FROZEN:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        _left = gc.get_freeze_count()


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
    """Wait until a condition is true; fail if the time is up."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
