"""Safe use of stdin, stdout and stderr, even if they are closed, full or broken pipes.

A line that cannot be written to stderr is lost and changes nothing: the exit code still
says whether the command succeeded.
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

from tui.text.sanitise import clean, clean_line, fix_surrogates


def prepare_streams() -> bool:
    """Make the three streams safe to use; return whether stdout was closed.

    A closed stdin reads as empty. Writes to a closed stream are discarded.
    """
    _occupy_descriptors()
    is_stdout_closed = sys.stdout is None
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - until the end
    if sys.stdout is None:
        sys.stdout = _nowhere()
    if sys.stderr is None:
        # Without a stderr, print and argparse would use stdout.
        sys.stderr = _nowhere()
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Otherwise a character that the encoding lacks would raise an error.
            stream.reconfigure(errors="replace")
    return is_stdout_closed


def _occupy_descriptors() -> None:
    """Open closed descriptors 0 to 2, so that no later file gets one of these numbers."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def _nowhere() -> io.TextIOWrapper:
    return Path(os.devnull).open("w", encoding="utf-8")


def is_on_terminal() -> bool:
    """Tell whether stdout is a terminal, and not a file or a program."""
    return sys.stdout.isatty()


def say(line: str) -> None:
    """Write a line to stderr."""
    try:
        print(clean_line(line), file=sys.stderr, flush=True)
    except OSError:
        give_up(sys.stderr)


def give_up(stream: IO[str]) -> None:
    """Discard everything else that is written to a broken stream.

    Without this, Python would report an error when it flushes the stream at exit.
    """
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def print_json(value: object) -> None:
    """Print a value as exact JSON, with control characters as JSON escapes."""
    # An encoding that lacks a character would print a replacement for it.
    is_ascii = is_on_terminal() or "utf" not in sys.stdout.encoding.lower()
    text = json.dumps(value, ensure_ascii=is_ascii, indent=2)
    print(_DRIVES.sub(lambda match: f"\\u{ord(match[0]):04x}", text))


_DRIVES = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Characters that JSON does not escape, but that can control a terminal."""


def shown(text: str, *, is_raw: bool) -> str:
    """Return a text for stdout: clean, or exact with `is_raw`."""
    return fix_surrogates(text) if is_raw else clean(text)


def tell(notice: str) -> None:
    """Write a notice to stderr, unless it is empty."""
    if notice:
        say(f"streamchat-tui: {notice}")
