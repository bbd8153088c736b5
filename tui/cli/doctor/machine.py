"""Findings about the program's packages and about the terminal."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from tui import __version__
from tui.cli.doctor.finding import Finding, failed, warned
from tui.cli.output import is_on_terminal
from tui.store.inspection import SQLITE_VERSION


def program() -> Iterator[Finding]:
    """Yield the versions of the program, of Python, of SQLite and of packages."""
    yield Finding("program", "streamchat-tui", __version__)
    yield Finding("program", "Python", f"{platform.python_version()} on {platform.system()}")
    yield Finding("program", "SQLite", SQLITE_VERSION)
    for package in ("anthropic", "textual", "sqlite-utils"):
        try:
            yield Finding("program", package, version(package))
        except PackageNotFoundError:
            fix = "Install the program again."
            yield Finding("program", package, "is not installed", "error", fix)


def terminal() -> Iterator[Finding]:
    """Yield what the terminal can do."""
    if not (is_on_terminal() and sys.stdin.isatty()):
        yield Finding(
            "terminal", "kind", "none: the app needs one; ask and log do not", "warning"
        )
        return
    term, size = os.environ.get("TERM", ""), shutil.get_terminal_size()
    is_dumb = term in ("", "dumb")
    fix = "Set TERM to the type of your terminal, such as xterm-256color." if is_dumb else ""
    yield Finding("terminal", "kind", term or "TERM is not set", failed(is_dumb), fix)
    is_small = size.columns < 40 or size.lines < 12
    fix = "Make the window larger: 80 x 24 is comfortable." if is_small else ""
    yield Finding("terminal", "size", f"{size.columns} x {size.lines}", warned(is_small), fix)
    is_true = os.environ.get("COLORTERM") in ("truecolor", "24bit")
    yield Finding("terminal", "colours", "16 million" if is_true else "256 or fewer")
    is_utf8 = "utf" in sys.stdout.encoding.lower()
    fix = "" if is_utf8 else "Set LANG to a UTF-8 locale, such as C.UTF-8."
    yield Finding("terminal", "encoding", sys.stdout.encoding, warned(not is_utf8), fix)
    around = [name for name in ("TMUX", "STY", "SSH_CONNECTION") if os.environ.get(name)]
    if around:
        yield Finding("terminal", "inside", ", ".join(around))
    yield Finding("terminal", "clipboard", "copying needs OSC 52, which no terminal reports")
