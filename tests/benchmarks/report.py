"""The table of results, with the goals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Effort = Literal["quick", "usual", "full"]
"""How much to measure. `quick` gives rough figures, to try something out."""


@dataclass(frozen=True)
class Row:
    what: str
    measured: float
    goal: float | None = None
    """The greatest value allowed; None for a figure without a goal."""
    unit: str = "×"
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        if self.measured <= self.goal:
            return "ok"
        over = self.measured - self.goal
        if self.goal == 0:
            return f"misses by {_figure(over, self.unit)}"
        return f"misses by {over / self.goal:.0%}"

    @property
    def cells(self) -> tuple[str, str, str, str]:
        goal = "" if self.goal is None else f"≤ {_figure(self.goal, self.unit)}"
        note = f" ({self.note})" if self.note else ""
        return self.what, goal, f"{_figure(self.measured, self.unit)}{note}", self.verdict


def table(title: str, rows: Iterable[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield f"## {title}\n"
    yield "| what | goal | measured | |"
    yield "|---|---|---|---|"
    for row in rows:
        yield f"| {' | '.join(row.cells)} |"
    yield ""


def _figure(value: float, unit: str) -> str:
    digits = 0 if value == int(value) or abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}"
