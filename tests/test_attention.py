"""Imports in a thread wait for the last key to be handled, and for nothing else."""

from __future__ import annotations

import importlib
import sys
import threading
import time
from pathlib import Path

import pytest

from tui.domain import attention


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[float]:
    """The lengths of the waits; and a module `new` that can be imported."""
    waits: list[float] = []
    (tmp_path / "new.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "new", raising=False)
    monkeypatch.setattr(attention, "_pressed", time.monotonic() - 3600)
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


def test_an_import_waits_for_a_key_that_was_pressed_just_now(slept: list[float]) -> None:
    attention.note_key()
    with attention.yielding_to_keys():
        importlib.import_module("new")
    assert [0 < wait <= attention.PAINTED_AFTER for wait in slept] == [True]


def test_an_import_without_an_unpainted_key_does_not_wait(slept: list[float]) -> None:
    with attention.yielding_to_keys():
        importlib.import_module("new")
    assert slept == []


def test_an_import_in_another_thread_does_not_wait(slept: list[float]) -> None:
    attention.note_key()
    with attention.yielding_to_keys():
        thread = threading.Thread(target=importlib.import_module, args=("new",))
        thread.start()
        thread.join()
    assert "new" in sys.modules
    assert slept == []


def test_nothing_is_left_behind(slept: list[float]) -> None:
    before = list(sys.meta_path)
    with attention.yielding_to_keys():
        pass
    assert sys.meta_path == before
    attention.note_key()
    importlib.import_module("new")
    assert slept == []
