"""The fixtures of the app's journeys, and a shell."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import tui
from tests.faults.shell import Shell
from tests.screens.conftest import opened
from tests.scripted import Scripted

__all__ = ["opened"]


@pytest.fixture
def shell(tmp_path: Path, empty_home: Path, history: Path, server: Scripted) -> Shell:
    """A shell whose key belongs to the scripted server."""
    environ = {
        "HOME": str(empty_home),
        "PATH": os.environ["PATH"],
        "NO_PROXY": "*",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(Path(tui.__file__).parent.parent),
        "STREAMCHAT_DB": str(history),
        "ANTHROPIC_API_KEY": "sk-test",
        "ANTHROPIC_BASE_URL": server.url,
    }
    return Shell(tmp_path, history, environ)
