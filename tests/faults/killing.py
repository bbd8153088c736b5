"""Kills a child process at a chosen step of its work with files."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import IS_FULL

INSTRUCTIONS = 20_000
"""Within a statement there is a step after this many instructions of SQLite's VM."""

_EVENTS = {
    *("open", "os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir"),
    *("os.truncate", "shutil.copyfile"),
}


def is_killed_at(step: int, folder: Path, work: Callable[[], object]) -> bool:
    """Work in a child and kill it at a step; return False if it had fewer steps.

    A step is the beginning of every operation of Python on a file in `folder`, and of
    every SQL statement.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _kill_at(step, folder)
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - told to the test
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


def _kill_at(step: int, folder: Path) -> None:
    steps = count()

    def take_step(*_: object) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if event in _EVENTS and str(arguments[0]).startswith(str(folder)):
            take_step()

    connect = sqlite3.connect

    def connect_and_count(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(take_step)
        connection.set_progress_handler(take_step, INSTRUCTIONS)
        return connection

    sys.addaudithook(hear)
    sqlite3.connect = connect_and_count  # type: ignore[assignment]


def steps_to_kill_at(sample: int) -> Iterator[int]:
    """Yield the steps: all of them with FAULTS=full, else one in `sample`."""
    yield from count(0, 1 if IS_FULL else sample)


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs to fork")
