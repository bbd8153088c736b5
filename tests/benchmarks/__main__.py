"""`python -m tests.benchmarks`: run the benchmarks and write the results."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.floors import f_paint
from tests.benchmarks.painting import apart
from tests.benchmarks.report import Effort, Row, table

BENCHMARKS = (
    *("streaming", "keys", "bombs", "long", "sidebar", "search", "start", "eight", "idle"),
)
RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> None:
    """Run the named benchmarks; write RESULTS.md if these are all of them."""
    options = _options()
    lines = [_head(options.effort)]
    for name in options.names or BENCHMARKS:
        began = time.monotonic()
        benchmark = import_module(f"tests.benchmarks.{name}")
        rows = list(_told(benchmark.run(options.effort)))
        lines += [*table(benchmark.TITLE, rows), f"Took {time.monotonic() - began:.0f} s.\n"]
    text = "\n".join(lines)
    if options.names or options.effort == "quick":
        sys.stdout.write(f"\n{text}")
    else:
        RESULTS.write_text(text, encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    effort = parser.add_mutually_exclusive_group()
    for each in ("quick", "full"):
        effort.add_argument(f"--{each}", action="store_const", const=each, dest="effort")
    parser.set_defaults(effort="usual")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    return options


def _told(rows: Iterator[Row]) -> Iterator[Row]:
    """Print each row when it is done, because a run takes minutes."""
    for row in rows:
        sys.stderr.write(f"{'  '.join(filter(None, row.cells))}\n")
        yield row


def _head(effort: Effort) -> str:
    machine = ", ".join(
        (
            f"Python {platform.python_version()}",
            f"Textual {version('textual')}",
            f"{platform.system()}, {os.cpu_count()} cores",
            f"F-paint {1000 * apart(f_paint):.1f} ms",
            f"{datetime.now(UTC):%Y-%m-%d}",
        )
    )
    return f"# What it costs\n\n{machine}; `python -m tests.benchmarks`, {effort}.\n"


if __name__ == "__main__":
    main()
