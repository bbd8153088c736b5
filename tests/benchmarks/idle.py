"""What the program costs while it is idle."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.recording import ENTER, new_home, recording
from tests.benchmarks.report import Effort, Row

TITLE = "Idle"


def run(effort: Effort) -> Iterator[Row]:
    """Measure the program while it is idle after a reply."""
    seconds = 15 if effort == "quick" else 60
    with new_home() as home, recording("tui", "--demo", home=home) as screen:
        screen.until("Type help to see")
        screen.press("help" + ENTER)
        screen.until("to first text")
        screen.until_idle()
        cpu, written = screen.cpu, len(screen.written)
        screen.watch(seconds)
        share = 100 * (screen.cpu - cpu) / seconds
        yield Row(f"CPU during {seconds} s, of a core", share, 0.5, unit="%")
        sent = len(screen.written) - written
        yield Row(f"sent to the terminal in {seconds} s", sent, 0, unit="bytes")
        screen.until_left()
