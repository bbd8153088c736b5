"""`python -m tests.benchmarks.probe FILE …`: the program with a timed event loop.

A tick every 5 ms shows how long the loop was blocked. At exit FILE is a JSON list of pairs:
when, on the monotonic clock that all processes share, and for how long, in seconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import tui.ui.app
from tui.cli import run

TICK = 0.005

stalls: list[tuple[float, float]] = []


class Probed(tui.ui.app.StreamChat):
    _BASE_PATH = tui.ui.app.__file__
    """The path that the style sheets are relative to."""

    async def run_async(self, **options: Any) -> None:
        ticking = asyncio.create_task(_tick())
        try:
            await super().run_async(**options)
        finally:
            ticking.cancel()


async def _tick() -> None:
    while True:
        began = time.monotonic()
        await asyncio.sleep(TICK)
        now = time.monotonic()
        stalls.append((now, now - began - TICK))


def worst_stall(path: Path, *, since: float, until: float) -> float:
    """Return the longest stall in a probe's file, between two moments."""
    noted: list[tuple[float, float]] = json.loads(path.read_text())
    return max(seconds for moment, seconds in noted if since < moment < until)


if __name__ == "__main__":
    path = Path(sys.argv.pop(1))
    try:
        with patch.object(tui.ui.app, "StreamChat", Probed):
            code = run([*sys.argv[1:]])
    finally:
        path.write_text(json.dumps(stalls))
    # Like the program itself, which does not wait for threads.
    os._exit(code)
