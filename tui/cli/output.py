"""stdin, stdout and stderr, whatever they are: closed, full, or read by nobody.

What cannot be written to stderr is lost, and changes nothing: the exit code tells
what became of what was asked for.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from pathlib import Path
from typing import IO

from tui.sanitise import clean, clean_line, whole


def prepare_streams() -> bool:
    """Make the three streams safe to use; tell whether stdout was closed.

    A closed one is read as empty, and what is written there goes nowhere.
    """
    _occupy_descriptors()
    is_stdout_closed = sys.stdout is None
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - until the end
    if sys.stdout is None:
        sys.stdout = _nowhere()
    if sys.stderr is None:
        # Where there is none, print and argparse would take stdout.
        sys.stderr = _nowhere()
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What an encoding cannot hold would end the program otherwise.
            stream.reconfigure(errors="replace")
    return is_stdout_closed


def _occupy_descriptors() -> None:
    """Let no file that is opened later be taken for stdin, stdout or stderr."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def _nowhere() -> io.TextIOWrapper:
    return Path(os.devnull).open("w", encoding="utf-8")


def is_on_terminal() -> bool:
    """Tell whether a person reads stdout, and not a file or a program."""
    return sys.stdout.isatty()


def say(line: str) -> None:
    """Write a line to stderr."""
    try:
        print(clean_line(line), file=sys.stderr, flush=True)
    except OSError:
        give_up(sys.stderr)


def give_up(stream: IO[str]) -> None:
    """Write nothing more to a stream that cannot be written.

    Python would complain of it when it flushes at exit.
    """
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def print_json(value: object) -> None:
    """Print a value as JSON, exact, with its own escapes for what drives a terminal."""
    # An encoding that lacks a character would replace it.
    is_ascii = is_on_terminal() or "utf" not in sys.stdout.encoding.lower()
    text = json.dumps(value, ensure_ascii=is_ascii, indent=2)
    print(_DRIVES.sub(lambda match: f"\\u{ord(match[0]):04x}", text))


_DRIVES = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What JSON leaves as it is, and terminals do not."""


def shown(text: str, *, is_raw: bool) -> str:
    """Return a text for stdout: clean wherever it goes, unless the exact one was asked for."""
    return whole(text) if is_raw else clean(text)
