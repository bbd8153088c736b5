"""Runs apps in this process that paint frame by frame, as if into a terminal."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver

from tui.domain.garbage import collect_seldom

P = ParamSpec("P")
T = TypeVar("T")

SIZE = (100, 40)
"""Columns and rows."""


class Nowhere(HeadlessDriver):
    """A driver that discards all output. Textual would not send any to a headless one."""

    @property
    def is_headless(self) -> bool:
        return False


@asynccontextmanager
async def painting(app: App[Any]) -> AsyncIterator[None]:
    """Run an app and paint its first frame."""
    app.driver_class = Nowhere
    async with app.run_test(headless=False, size=SIZE, notifications=True):
        await painted(app)
        # Collecting the existing heap would blur the figures. The app itself also freezes
        # its heap when the SDK is imported.
        gc.collect()
        gc.freeze()
        collect_seldom()
        yield


async def painted(app: App[Any]) -> None:
    """Wait until everything requested so far is painted."""
    frame = asyncio.Event()
    app.screen.call_after_refresh(frame.set)
    await frame.wait()


def cpu() -> float:
    """Return the CPU seconds of this process so far."""
    return time.process_time()


def resident() -> float:
    """Return the resident memory of this process, in megabytes."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        # Not Linux: only the peak is available.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return pages * resource.getpagesize() / 1e6


def apart(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do `work` in a new process, with its own heap and no limit on frames."""
    return _in_new_process(1000, work, *args, **kwargs)


def apart_paced(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do `work` in a new process, with frames at the rate that users see."""
    return _in_new_process(60, work, *args, **kwargs)


def _in_new_process(
    frames_per_second: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    # Textual reads this when it is imported.
    os.environ["TEXTUAL_FPS"] = str(frames_per_second)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, *args, **kwargs).result()
