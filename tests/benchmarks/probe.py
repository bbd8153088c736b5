"""`python -m tests.benchmarks.probe FILE …`: the program, its loop timed.

A tick every 5 ms shows how long the loop was held up. At exit FILE is a JSON list
of pairs: when, on the monotonic clock that all processes share, and for how long,
in seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import tui.app
from tui.__main__ import main

TICK = 0.005

stalls: list[tuple[float, float]] = []


class Probed(tui.app.StreamChat):
    _BASE_PATH = tui.app.__file__
    """Where its style sheets are."""

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
    """The longest stall that a probe has written down, between two moments."""
    noted: list[tuple[float, float]] = json.loads(path.read_text())
    return max(seconds for moment, seconds in noted if since < moment < until)


if __name__ == "__main__":
    path = Path(sys.argv.pop(1))
    try:
        with patch.object(tui.app, "StreamChat", Probed):
            main()
    finally:
        path.write_text(json.dumps(stalls))
